"""Reads hf:org/name[@revision][#[config/]split] from the Hugging Face hub with its `datasets` library.

Only tables: columns of lists, of bytes, images and sound are left out, records become columns (`options.A`), and classes
are written by their names. Code of a repository is never run. What was fetched is kept where the library keeps it
(HF_HOME); with HF_HUB_OFFLINE=1 nothing is asked of a network. A private data set needs the library's own login (HF_TOKEN).
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import DataError, MissingExtraError

if TYPE_CHECKING:
    import pandas as pd

_NAME = re.compile(
    r"hf:(?P<name>[\w.-]+/[\w.-]+)(?:@(?P<revision>[^#]+))?(?:#(?:(?P<config>[^/]+)/)?(?P<split>[^/]*))?"
)


@dataclass(frozen=True)
class _Asked:
    source: str
    name: str
    revision: str | None
    config: str | None
    split: str | None


def read_hub(source: str) -> pd.DataFrame:
    """The table of one split; DataError where the name is none, or can't be reached and is not kept."""
    asked = _asked(source)
    datasets = _import_datasets()
    try:
        builder = datasets.load_dataset_builder(asked.name, asked.config, revision=asked.revision)
        _check_revision(builder, asked)
        builder.download_and_prepare()
        split = _split(builder, asked)
        table = _table(datasets, builder.as_dataset(split=split))
    except DataError:
        raise
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        raise DataError(_problem(datasets, asked, error)) from error
    table.attrs["source"] = f"hf:{asked.name}@{builder.hash}#{builder.config.name}/{split}"
    return table


def _asked(source: str) -> _Asked:
    found = _NAME.fullmatch(source)
    if found is None:
        raise DataError(
            f"{source} names no data set of the hub. Wanted: hf:org/name, hf:org/name#split, hf:org/name#config/split, each "
            "with @commit before the # where it shall not change: hf:org/name@commit#test."
        )
    if Path(found["name"]).exists():
        raise DataError(
            f"There is a folder {found['name']} here, which the library would read instead of {source}. Run elsewhere, or "
            "give its file as the source."
        )
    return _Asked(source, found["name"], found["revision"], found["config"], found["split"] or None)


def _import_datasets() -> Any:
    """The library, quiet and without its counting of downloads."""
    os.environ.setdefault("HF_UPDATE_DOWNLOAD_COUNTS", "0")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    try:
        import datasets
    except ImportError as error:
        raise MissingExtraError(
            "A source hf:… needs the datasets library. Install it: pip install 'vertical-harness[hub]'."
        ) from error
    datasets.disable_progress_bars()
    datasets.logging.set_verbosity_error()
    return datasets


def _check_revision(builder: Any, asked: _Asked) -> None:
    """DataError where a kept copy is not known to be the revision: without a network the library takes its latest one."""
    kept = type(builder).__module__.endswith("packaged_modules.cache.cache")
    if kept and asked.revision not in (None, builder.hash):
        raise DataError(
            f"{asked.source} can't be reached, and the copy kept here is of commit {builder.hash}. Run it once with a "
            "network, or name that commit after the @."
        )


def _split(builder: Any, asked: _Asked) -> str:
    """The split to read, which may be left out where there is one only."""
    known = list(builder.info.splits)
    if asked.split is None and len(known) == 1:
        return str(known[0])
    if asked.split is None or re.split(r"[\[+]", asked.split)[0] not in known:
        wanted = ", ".join(f"hf:{asked.name}#{builder.config.name}/{name}" for name in known)
        raise DataError(
            f"{asked.source} {'has several splits' if asked.split is None else f'has no split {asked.split}'}. Name one of: "
            f"{wanted}."
        )
    return asked.split


def _table(datasets: Any, dataset: Any) -> pd.DataFrame:
    import pyarrow as pa

    dataset = dataset.flatten()
    kinds = {field.name: field.type for field in dataset.data.schema}
    dropped = [name for name, kind in kinds.items() if pa.types.is_nested(kind) or pa.types.is_binary(kind)]
    dataset = dataset.remove_columns(dropped)
    table: pd.DataFrame = dataset.to_pandas()
    for name, feature in dataset.features.items():
        if isinstance(feature, datasets.ClassLabel):  # -1 and nothing stand for a label that is kept secret
            names = dict(enumerate(feature.names))
            table[name] = table[name].map(names).astype(object).where(table[name].isin(names), None)
    return table


def _problem(datasets: Any, asked: _Asked, error: Exception) -> str:
    """What is wrong and what to do; an error of reading may quote cells, so its words are not passed on."""
    known = datasets.exceptions
    if isinstance(error, known.DatasetNotFoundError):
        what = (
            "the hub has no such data set or revision, or it needs a login. Check the name, or log in (HF_TOKEN), and accept "
            "its terms on its page"
        )
    elif isinstance(error, RuntimeError) and "script" in str(error):
        what = "it needs code of its own, which is never run. Export it as Parquet or CSV and give that file"
    elif isinstance(
        error, known.DatasetBuildError | known.DataFilesNotFoundError | datasets.data_files.EmptyDatasetError
    ):
        what = "its files are no table. Export it as Parquet or CSV and give that file"
    elif isinstance(error, ValueError) and "config" in str(error).lower():
        said = " ".join(line.strip().rstrip(".") + "." for line in str(error).splitlines()[:2])
        what = f"{said} Name the configuration: hf:{asked.name}#config/split"
    elif isinstance(error, ValueError):
        what = "the split can't be read. A part of one is written #train[:1000] or #train[:10%]"
    else:
        what = (
            f"the hub can't be reached ({type(error).__name__}), and it is not kept from an earlier run. Run it once with a "
            "network and without HF_HUB_OFFLINE, or download it and give the file"
        )
    return f"{asked.source} can't be loaded: {what}."
