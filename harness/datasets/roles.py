"""Turns a table into a dataset: labels, features, sensitive groups, splits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from harness.core.datacard import DataCard
from harness.core.dataset import SUITE_CALIBRATION, Dataset, Labels, Split, Strings
from harness.core.names import name_of, plain_name
from harness.datasets.cells import Columns, Kind
from harness.datasets.groups import group_names
from harness.datasets.labels import labelled, labels_of
from harness.datasets.matching import rows_in_common, share_ids, trained_rows
from harness.datasets.ngrams import piece_counts
from harness.datasets.rows import Rows, kinds_of, rows_of
from harness.datasets.sources import Source, read_source
from harness.datasets.splitting import assign_roles, sample, units_of
from harness.errors import DataError
from harness.spec.data import Data, Sensitive
from harness.spec.loading import LoadedSuite, load_card
from harness.spec.suite import Suite

if TYPE_CHECKING:
    import pandas as pd


Told = TypeVar("Told")


@dataclass(frozen=True)
class DataOptions:
    """What the user changes for one run: other data (a file or a name), training rows of their own, a sample.

    `trained_ids` are rows of the data with the fingerprint `trained_on`; with other data they tell only which of the suite's
    calibration rows the model was trained on.
    """

    data: str | Path | None = None
    train_data: str | Path | None = None
    trained_ids: tuple[str, ...] | None = None
    trained_on_split: bool = False
    rows: int | None = None
    trained_on: str | None = None


def load_dataset(loaded: LoadedSuite, options: DataOptions | None = None) -> Dataset:
    """The suite's data with its splits. With `options.data` every row of it is a test row.

    Types of columns, classes, and where quantiles of groups lie are those of the suite's own data, in whatever file.
    """
    options = options or DataOptions()
    suite = loaded.suite
    own, own_types = _own(loaded, options)
    kinds = _kinds(loaded, options, own)
    source, rows = _read(loaded, options.data, kinds)
    train = _read(loaded, options.train_data, kinds or kinds_of(rows.table)) if options.train_data else None
    count = len(rows)
    rows = labelled(rows, suite.data.label)
    before = len(rows)
    if suite.data.drop_duplicates:
        table = rows.table.drop(columns=[suite.data.id] if suite.data.id else [])
        rows = rows.only(~table.duplicated().to_numpy())
    classes, labels = labels_of(rows, suite, source, own.classes if own else None)
    roles = np.array(["test"] * len(rows), dtype=object) if options.data else _roles(rows, labels, suite)
    learned = train[1].table if train else rows.table.loc[roles == "train"] if "train" in roles else None
    if learned is None:
        learned = own.splits["train"].columns if own and len(own.splits["train"]) else rows.table
    whole = _split("all", rows, labels, suite, learned, own)
    splits = {
        role: replace(whole.take(np.flatnonzero(roles == role).tolist()), role=role)
        for role in ("test", "calibration", "train")
    }
    if train is not None:
        classes, members = _train_data(splits, train, suite, classes, own)
    else:
        members = _members(splits, options, source.fingerprint)
    no_calibration, trained = _suite_calibration(splits, loaded, options, own, (members, source.fingerprint, own_types))
    _check_reference(suite.data, splits, own)
    sampled = None
    if options.rows is not None and options.rows < len(splits["test"]):
        sampled = options.rows
        splits["test"] = splits["test"].take(sample(list(splits["test"].ids), options.rows, suite.seed))
    return Dataset(
        splits,
        classes,
        suite.data.label.positive_name,
        source.fingerprint,
        count,
        before - len(rows),
        _card(loaded, None if options.data else source),
        members,
        sampled,
        source.origin,
        count - before,
        trained,
        no_calibration,
        options.data is None and options.train_data is None and sampled is None,
        _told(source.read.stripped, suite.data),
        _told(source.read.words, suite.data, besides=suite.data.id),
        _unseen(classes, own, labels),
        own_types,
    )


def _own(loaded: LoadedSuite, options: DataOptions) -> tuple[Dataset | None, str | None]:
    """The suite's own data where other data are read, or why they can't be."""
    if options.data is None:
        return None, None
    try:
        return load_dataset(loaded), None
    except DataError as error:
        return None, str(error)


def _kinds(loaded: LoadedSuite, options: DataOptions, own: Dataset | None) -> dict[str, Kind]:
    """The types of columns in the suite's own data, or where those can't be read, in the training rows; none for the suite's own."""
    import pandas as pd

    if own is not None:
        return kinds_of(pd.concat([split.columns for split in own.splits.values()], ignore_index=True))
    if options.data is None or options.train_data is None:
        return {}
    return kinds_of(_read(loaded, options.train_data, {})[1].table)


def _read(loaded: LoadedSuite, file: str | Path | None, kinds: Mapping[str, Kind]) -> tuple[Source, Rows]:
    """The rows of a file or name, whose columns have these types, or the suite's own."""
    data = loaded.suite.data
    named, folder = (data.source, loaded.folder) if file is None else (file, Path())
    source = read_source(named, data.read, folder, data.missing, Columns(data.name_columns, kinds))
    return source, rows_of(source, data, kinds, splits=file is None)


def _told(by_column: Mapping[str, Told], data: Data, besides: str | None = None) -> dict[str, Told]:
    """What is told of the columns that the suite reads, but one."""
    read = {data.label.column, *data.features, *data.name_columns} - {besides}
    return {column: told for column, told in by_column.items() if column in read}


def _unseen(classes: tuple[str, ...], own: Dataset | None, labels: Labels) -> dict[str, int]:
    """How many rows have each class that the suite's own data do not have."""
    return {name: int((labels == name).sum()) for name in classes if own is not None and name not in own.classes}


def _suite_calibration(
    splits: dict[str, Split],
    loaded: LoadedSuite,
    options: DataOptions,
    own: Dataset | None,
    known_of: tuple[str, str, str | None],
) -> tuple[str | None, int]:
    """With other data, the calibration rows that set the decision's threshold are the suite's own, with ids `suite:ID`.

    `known_of` is how the training rows are known, the fingerprint of the data, and why the suite's own can't be read. Rows that are
    test rows too are left out.

    Returns why there are none, where the suite asks for them, and how many of them the model is known to have been trained on.
    """
    members, fingerprint, unread = known_of
    if options.data is None:
        return None, trained_rows(splits["calibration"], splits["train"], members)
    if loaded.suite.decision is None:
        return None, 0
    if own is None:
        return f"the suite's own data, which hold the calibration rows, can't be read ({unread})", 0
    part = own.splits["calibration"]
    of_test = (
        np.isin(part.ids, splits["test"].ids)
        if own.fingerprint == fingerprint
        else rows_in_common(part, splits["test"])
    )
    if of_test.any():
        part = part.take([int(row) for row in np.flatnonzero(~of_test)])
    known = set(options.trained_ids or ()) if options.trained_on == own.fingerprint else set()
    trained = len(known & set(part.ids)) or trained_rows(part, splits["train"], members)
    # Rows of two files may share ids.
    ids = np.array([f"suite:{name}" for name in part.ids], dtype=object)
    splits[SUITE_CALIBRATION] = replace(part, role=SUITE_CALIBRATION, ids=ids)
    why = f"{of_test.sum():,} of the suite's {len(of_test):,} calibration rows are rows of --data, and left out"
    return why if of_test.any() and not len(part) else None, trained


def _train_data(
    splits: dict[str, Split], train: tuple[Source, Rows], suite: Suite, classes: tuple[str, ...], own: Dataset | None
) -> tuple[tuple[str, ...], str]:
    """Puts the user's training rows into the splits; returns the classes, with those that only these rows have, and how they are known."""
    source, rows = train
    rows = labelled(rows, suite.data.label)
    rows = replace(rows, ids="train:" + rows.ids)
    classes, labels = labels_of(rows, suite, source, classes)
    splits["train"] = _split("train", rows, labels, suite, rows.table, own)
    share_ids(splits)
    return classes, "train-data"


def _members(splits: dict[str, Split], options: DataOptions, fingerprint: str) -> str:
    if options.trained_ids is not None and (options.data is None or options.trained_on == fingerprint):
        known = set(options.trained_ids)
        everything = [splits[role] for role in ("test", "calibration", "train")]
        splits["train"] = _join("train", [s.take([i for i, x in enumerate(s.ids) if x in known]) for s in everything])
        return "fitted"
    return "stated" if options.trained_on_split and options.data is None else "unknown"


def _check_reference(data: Data, splits: dict[str, Split], own: Dataset | None) -> None:
    """DataError where a reference group is one that no row has, of these or of the suite's own data."""
    every = [*splits.values(), *(own.splits.values() if own else ())]
    for attribute, wanted in data.reference.items():
        found = {str(v) for split in every for v in split.groups[attribute] if v is not None}
        if found and wanted not in found:
            raise DataError(
                f"data.reference names the group {wanted!r} of {attribute}, which no row has. Groups: "
                f"{', '.join(sorted(found)[:10])}."
            )


def _roles(rows: Rows, labels: Labels, suite: Suite) -> Strings:
    plan = suite.data.split
    if plan.column is not None:
        roles = np.array([str(value) for value in rows.names(plan.column)], dtype=object)
        if unknown := sorted(set(roles) - {"test", "train", "calibration"}):
            raise DataError(
                f"The split column {plan.column!r} holds {', '.join(unknown[:8])}. Wanted test, train or calibration only."
            )
        if not (roles == "test").any():
            raise DataError(f"The split column {plan.column!r} names no row 'test'.")
        return roles
    strata = [""] * len(rows)
    for column in plan.stratify:
        values = labels if column == suite.data.label.column else rows.table[column].astype(str)
        strata = [f"{stratum}|{value}" for stratum, value in zip(strata, values, strict=True)]
    ids = list(rows.ids)
    whole = [list(clusters)] if (clusters := _clusters(rows, suite.data)) is not None else []
    if plan.group is not None and suite.data.cluster is not None:
        whole.append(list(_named_together(rows, [plan.group])))
    roles = np.array(assign_roles(ids, strata, units_of(ids, whole), plan), dtype=object)
    if len(ids) and not (roles == "test").any():
        raise DataError(
            "No row is left for testing: rows that belong together (data.cluster, data.split.group) are linked so that nearly all "
            "stay in one part. Name fewer columns that link rows."
        )
    return roles


def _split(role: str, rows: Rows, labels: Labels, suite: Suite, learned: pd.DataFrame, own: Dataset | None) -> Split:
    """The rows of a role; `learned` are the training rows, which say where quantiles lie, and groups are called as in the suite
    and in its `own` data."""
    data = suite.data
    inputs = rows.table[data.features].copy()
    for column in inputs.columns:
        if column in data.categorical:
            named = [None if name is None else plain_name(name) for name in rows.names(column)]
            inputs[column] = np.array(named, dtype=object)
        elif _is_number(inputs[column]):
            inputs[column] = inputs[column].astype(float)
        else:
            cells, missing = inputs[column], inputs[column].isna()
            named = [None if gone else name_of(value) for value, gone in zip(cells, missing, strict=True)]
            inputs[column] = np.array(named, dtype=object)
    for name, counts in piece_counts(inputs, data.derived).items():
        inputs[name] = counts
    known = [] if own is None else [*own.splits.values()]
    groups = {
        name: _groups(rows, how, data, learned, [*suite.group_names(name), *_held(part.groups[name] for part in known)])
        for name, how in data.sensitive.items()
    }
    slices = {
        name: _groups(rows, how, data, learned, [*suite.group_names(name), *_held(part.slices[name] for part in known)])
        for name, how in data.slices.items()
    }
    return Split(role, rows.ids, inputs, labels, groups, slices, rows.table, _clusters(rows, data))


def _groups(rows: Rows, how: Sensitive, data: Data, learned: pd.DataFrame, words: list[str]) -> Strings:
    """Group names (n,) of a column; a feature whose numbers have decimals is named by number (`1` for `1.0`), not as it is written."""
    import pandas as pd

    column = rows.table[how.column]
    decimals = column.dtype.kind == "f" and how.column in data.features and how.column not in data.categorical
    if how.of_names and not decimals:
        column = pd.Series(rows.names(how.column), dtype=object)
    return group_names(column, how, learned[how.column], words)


def _held(parts: Iterable[Strings]) -> list[str]:
    """The names of groups in arrays of them."""
    return sorted({str(name) for part in parts for name in part if name is not None})


def _clusters(rows: Rows, data: Data) -> Strings | None:
    """What each row belongs to; a row that lacks it stands alone."""
    columns = data.cluster_columns
    if not columns or not set(columns) <= set(rows.table.columns):
        return None
    return _named_together(rows, columns)


def _named_together(rows: Rows, columns: list[str]) -> Strings:
    named = zip(rows.ids, *(rows.names(column) for column in columns), strict=True)
    names = [f"row {i}" if None in values else "group " + " | ".join(values) for i, *values in named]
    return np.array(names, dtype=object)


def _is_number(column: pd.Series[Any]) -> bool:
    return column.dtype.kind in "iuf"


def _join(role: str, parts: list[Split]) -> Split:
    import pandas as pd

    parts = [part for part in parts if len(part)] or parts[:1]
    groups = {name: np.concatenate([part.groups[name] for part in parts]) for name in parts[0].groups}
    slices = {name: np.concatenate([part.slices[name] for part in parts]) for name in parts[0].slices}
    return Split(
        role,
        np.concatenate([part.ids for part in parts]),
        pd.concat([p.inputs for p in parts], ignore_index=True),
        np.concatenate([part.labels for part in parts]),
        groups,
        slices,
        pd.concat([p.columns for p in parts], ignore_index=True),
        np.concatenate([p.clusters for p in parts if p.clusters is not None])
        if parts[0].clusters is not None
        else None,
    )


def _card(loaded: LoadedSuite, source: Source | None) -> DataCard | None:
    if loaded.suite.data.card is None:
        return None
    card = load_card(loaded.folder / loaded.suite.data.card)
    if source is not None and card.sha256 and source.fingerprint != f"sha256:{card.sha256}":
        raise DataError(
            f"{source.name} is not the {'table' if source.origin else 'file'} that its card describes (sha256 {source.fingerprint[7:19]}…, the card says "
            f"{card.sha256[:12]}…). Restore it, or update the card if the change is meant."
        )
    return card
