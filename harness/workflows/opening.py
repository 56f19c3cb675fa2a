"""Opens a suite's data together with a model: what each tells of the other."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from harness.core.dataset import Dataset
from harness.datasets.readers import read_table
from harness.datasets.roles import DataOptions, load_dataset
from harness.engine.evidence import Model
from harness.errors import ModelError
from harness.spec.loading import LoadedSuite

_UNSAFE = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".bin")


def open_model(
    uri: str, loaded: LoadedSuite, options: DataOptions, allow_unsafe_load: str | None = None
) -> tuple[Model, Dataset]:
    """The model behind a URI and the suite's data, with training members where the model records them."""
    path = Path(uri)
    if uri.startswith("python:"):
        from harness.models.callable import load_callable

        data = load_dataset(loaded, options)
        return load_callable(uri.removeprefix("python:"), uri, data.classes), data
    if path.suffix.lower() in _UNSAFE:
        if allow_unsafe_load and path.is_file():
            from harness.models.sklearn import load_pickle

            return load_pickle(path, uri, allow_unsafe_load), load_dataset(loaded, options)
        raise ModelError(
            f"{path.name} is a pickle, which can run any code when it is opened, so it is refused. Convert it "
            "where you trust it: skops.io.dump(joblib.load('model.joblib'), 'model.skops'); or state why you trust "
            "it here: --allow-unsafe-load REASON."
        )
    if not path.exists():
        raise ModelError(
            f"There is no model {uri}. Wanted: a .skops file, a folder made by 'harness fit', a predictions "
            "file (.csv, .parquet, .jsonl) or python:package.module:factory."
        )
    if path.is_dir():
        return _open_fitted(path, loaded, options)
    if path.suffix == ".skops":
        from harness.models.sklearn import load_sklearn

        return load_sklearn(path, uri), load_dataset(loaded, options)
    if re.search(r"\.(csv|tsv|jsonl)(\.gz)?$|\.parquet$", path.name):
        from harness.models.predictions import load_predictions

        data = load_dataset(loaded, options)
        return load_predictions(path, read_table(path), data), data
    raise ModelError(
        f"{path.name} is no known kind of model. Wanted: .skops, a fitted folder, .csv, .parquet or .jsonl."
    )


def _open_fitted(path: Path, loaded: LoadedSuite, options: DataOptions) -> tuple[Model, Dataset]:
    from harness.models.sklearn import load_fitted

    if not (path / "harness-model.json").is_file():
        raise ModelError(f"The folder {path} holds no harness-model.json. Wanted: a folder made by 'harness fit'.")
    model, trained = load_fitted(path, str(path))
    same = model.info.card.get("data_fingerprint")
    if options.train_data is None and options.data is None:
        options = replace(options, trained_ids=trained)
    data = load_dataset(loaded, options)
    if options.trained_ids is not None and same != data.fingerprint:
        raise ModelError(
            f"{path} was fitted on other data than the suite's (sha256 differs), so its training ids mean "
            "nothing here. Fit it again, or give --data and --train-data."
        )
    return model, data
