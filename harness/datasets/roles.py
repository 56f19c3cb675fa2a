"""Turns a table into a dataset: labels, features, sensitive groups, splits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.core.datacard import DataCard
from harness.core.dataset import SUITE_CALIBRATION, Dataset, Labels, Split, Strings
from harness.core.names import name_of
from harness.core.written_numbers import number_of
from harness.datasets.groups import group_names
from harness.datasets.labels import labelled, labels_of
from harness.datasets.matching import rows_in_common, share_ids, trained_rows
from harness.datasets.ngrams import piece_counts
from harness.datasets.sources import Source, read_source
from harness.datasets.splitting import assign_roles, sample, units_of
from harness.errors import DataError
from harness.spec.data import Data
from harness.spec.loading import LoadedSuite, load_card
from harness.spec.suite import Suite

if TYPE_CHECKING:
    import pandas as pd


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
    """The suite's data with its splits. With `options.data` every row of it is a test row."""
    options = options or DataOptions()
    suite = loaded.suite
    if options.data is not None:
        source = read_source(options.data, suite.data.read, missing=suite.data.missing)
    else:
        source = read_source(suite.data.source, suite.data.read, loaded.folder, suite.data.missing)
    table = _prepare(source, suite.data, splits=options.data is None)
    rows = len(table)
    table = labelled(table, suite.data.label)
    before = len(table)
    if suite.data.drop_duplicates:
        identity = ["__id__", *([suite.data.id] if suite.data.id else [])]
        table = table.loc[~table.drop(columns=identity).duplicated()].reset_index(drop=True)
    classes, labels = labels_of(table, suite, source.name)
    roles = np.array(["test"] * len(table), dtype=object) if options.data else _roles(table, labels, suite)
    own = (
        None
        if options.train_data is None
        else read_source(options.train_data, suite.data.read, missing=suite.data.missing)
    )
    own_table = None if own is None else labelled(_prepare(own, suite.data, splits=False), suite.data.label)
    learned = own_table if own_table is not None else table.loc[roles == "train"] if "train" in roles else table
    splits = {
        role: _split(role, table.loc[roles == role], labels[roles == role], suite.data, learned)
        for role in ("test", "calibration", "train")
    }
    if own is not None and own_table is not None:
        members = _train_data(splits, own.name, own_table, suite, classes)
    else:
        members = _members(splits, options, source.fingerprint)
    no_calibration, trained = _suite_calibration(splits, loaded, options, classes, (members, source.fingerprint))
    _check_reference(suite.data, splits)
    sampled = None
    if options.rows is not None and options.rows < len(splits["test"]):
        sampled = options.rows
        splits["test"] = splits["test"].take(sample(list(splits["test"].ids), options.rows, suite.seed))
    return Dataset(
        splits,
        classes,
        suite.data.label.positive_name,
        source.fingerprint,
        rows,
        before - len(table),
        _card(loaded, None if options.data else source),
        members,
        sampled,
        source.origin,
        rows - before,
        trained,
        no_calibration,
        options.data is None and options.train_data is None and sampled is None,
    )


def _suite_calibration(
    splits: dict[str, Split],
    loaded: LoadedSuite,
    options: DataOptions,
    classes: tuple[str, ...],
    known_of: tuple[str, str],
) -> tuple[str | None, int]:
    """With other data, the calibration rows that set the decision's threshold are the suite's own, with ids `suite:ID`.

    `known_of` is how the training rows are known, and the fingerprint of the data. Rows that are test rows too are left out.

    Returns why there are none, where the suite asks for them, and how many of them the model is known to have been trained on.
    """
    members, fingerprint = known_of
    if options.data is None:
        return None, trained_rows(splits["calibration"], splits["train"], members)
    if loaded.suite.decision is None:
        return None, 0
    try:
        own = load_dataset(loaded)
    except DataError as error:
        return f"the suite's own data, which hold the calibration rows, can't be read ({error})", 0
    part = own.splits["calibration"]
    of_test = (
        np.isin(part.ids, splits["test"].ids)
        if own.fingerprint == fingerprint
        else rows_in_common(part, splits["test"])
    )
    if of_test.any():
        part = part.take([int(row) for row in np.flatnonzero(~of_test)])
    if set(own.classes) != set(classes):
        named = (
            f"the suite's own data have the classes {', '.join(own.classes)}, the rows of --data {', '.join(classes)}"
        )
        return named, 0
    known = set(options.trained_ids or ()) if options.trained_on == own.fingerprint else set()
    trained = len(known & set(part.ids)) or trained_rows(part, splits["train"], members)
    # Rows of two files may share ids.
    ids = np.array([f"suite:{name}" for name in part.ids], dtype=object)
    splits[SUITE_CALIBRATION] = replace(part, role=SUITE_CALIBRATION, ids=ids)
    why = f"{of_test.sum():,} of the suite's {len(of_test):,} calibration rows are rows of --data, and left out"
    return why if of_test.any() and not len(part) else None, trained


def _train_data(
    splits: dict[str, Split], name: str, table: pd.DataFrame, suite: Suite, classes: tuple[str, ...]
) -> str:
    table["__id__"] = "train:" + table["__id__"]
    _, labels = labels_of(table, suite, name, classes)
    splits["train"] = _split("train", table, labels, suite.data, table)
    share_ids(splits)
    return "train-data"


def _members(splits: dict[str, Split], options: DataOptions, fingerprint: str) -> str:
    if options.trained_ids is not None and (options.data is None or options.trained_on == fingerprint):
        known = set(options.trained_ids)
        everything = [splits[role] for role in ("test", "calibration", "train")]
        splits["train"] = _join("train", [s.take([i for i, x in enumerate(s.ids) if x in known]) for s in everything])
        return "fitted"
    return "stated" if options.trained_on_split and options.data is None else "unknown"


def _check_reference(data: Data, splits: dict[str, Split]) -> None:
    for attribute, wanted in data.reference.items():
        found = {str(v) for split in splits.values() for v in split.groups[attribute] if v is not None}
        if found and wanted not in found:
            raise DataError(
                f"data.reference names the group {wanted!r} of {attribute}, which no row has. Groups: "
                f"{', '.join(sorted(found)[:10])}."
            )


def _prepare(source: Source, data: Data, *, splits: bool) -> pd.DataFrame:
    """The table with its row ids, after its columns were looked at; those of the split plan only where it is split."""
    table = source.table
    wanted = {
        *([data.label.column] if data.label.column else []),
        *data.features,
        *(s.column for s in data.sensitive.values()),
        *(s.column for s in data.slices.values()),
        *([data.id] if data.id else []),
        *(data.cluster_columns if splits or data.cluster else []),
        *data.missing,
        *data.ranges,
        *data.read.numbers,
    }
    if splits:
        wanted |= {
            *data.agrees,
            *data.split.stratify,
            *(name for name in (data.split.column, data.split.group) if name),
        }
    absent = sorted(wanted - set(table.columns))
    if absent:
        why = "".join(f" {name!r} was left out: {source.left_out[name]}." for name in absent if name in source.left_out)
        raise DataError(
            f"{source.name} lacks the column(s) {', '.join(absent)}.{why} It has: {', '.join(table.columns)}. "
            "Name the columns as in the suite, or change the suite."
        )
    for column, values in data.missing.items():
        table[column] = table[column].mask(table[column].isin(values))
    _check_ranges(table, data, source.name)
    ids = table[data.id].astype(str) if data.id else table.index.astype(str)
    table = table.assign(__id__=np.asarray(ids, dtype=object))
    repeated = table["__id__"].duplicated()
    if repeated.any():
        raise DataError(
            f"{source.name} repeats {int(repeated.sum())} id(s) in column {data.id!r} (first: "
            f"{table['__id__'][repeated].iloc[0]}). Each row needs an id of its own."
        )
    return table


def _check_ranges(table: pd.DataFrame, data: Data, name: str) -> None:
    """DataError where a column that has a range is none of numbers."""
    for column in data.ranges:
        cells = table[column].dropna()
        if cells.dtype.kind in "iufb" or not len(cells):
            continue
        odd = [cell for cell in cells.unique() if number_of(cell) is None] or list(cells.unique())
        raise DataError(
            f"data.ranges names {column!r}, but in {name} it holds text, such as {', '.join(map(repr, odd[:3]))}. Take it out "
            f"of data.ranges, say how its numbers are written under data.read.numbers, or list words for missing under "
            f"data.missing.{column}."
        )


def _roles(table: pd.DataFrame, labels: Labels, suite: Suite) -> Strings:
    plan = suite.data.split
    if plan.column is not None:
        roles = np.array([str(value) for value in table[plan.column]], dtype=object)
        if unknown := sorted(set(roles) - {"test", "train", "calibration"}):
            raise DataError(
                f"The split column {plan.column!r} holds {', '.join(unknown[:8])}. Wanted test, train or calibration only."
            )
        if not (roles == "test").any():
            raise DataError(f"The split column {plan.column!r} names no row 'test'.")
        return roles
    strata = [""] * len(table)
    for column in plan.stratify:
        values = labels if column == suite.data.label.column else table[column].astype(str)
        strata = [f"{stratum}|{value}" for stratum, value in zip(strata, values, strict=True)]
    ids = list(table["__id__"])
    whole = [list(clusters)] if (clusters := _clusters(table, suite.data)) is not None else []
    if plan.group is not None and suite.data.cluster is not None:
        whole.append(list(_named_together(table, [plan.group])))
    roles = np.array(assign_roles(ids, strata, units_of(ids, whole), plan), dtype=object)
    if len(ids) and not (roles == "test").any():
        raise DataError(
            "No row is left for testing: rows that belong together (data.cluster, data.split.group) are linked so that nearly all "
            "stay in one part. Name fewer columns that link rows."
        )
    return roles


def _split(role: str, table: pd.DataFrame, labels: Labels, data: Data, learned: pd.DataFrame) -> Split:
    """The rows of a role; `learned` are the training rows, which say where quantiles lie."""
    import pandas as pd

    table = table.reset_index(drop=True)
    inputs = table[data.features].copy()
    for column in inputs.columns:
        if not _is_number(inputs[column]) or column in data.categorical:
            inputs[column] = np.array([None if pd.isna(v) else name_of(v) for v in inputs[column]], dtype=object)
        else:
            inputs[column] = inputs[column].astype(float)
    for name, counts in piece_counts(inputs, data.derived).items():
        inputs[name] = counts
    groups = {name: group_names(table[how.column], how, learned[how.column]) for name, how in data.sensitive.items()}
    ids = np.asarray(table["__id__"], dtype=object)
    slices = {name: group_names(table[how.column], how, learned[how.column]) for name, how in data.slices.items()}
    return Split(role, ids, inputs, labels, groups, slices, table.drop(columns=["__id__"]), _clusters(table, data))


def _clusters(table: pd.DataFrame, data: Data) -> Strings | None:
    """What each row belongs to; a row that lacks it stands alone."""
    columns = data.cluster_columns
    if not columns or not set(columns) <= set(table.columns):
        return None
    return _named_together(table, columns)


def _named_together(table: pd.DataFrame, columns: list[str]) -> Strings:
    missing = table[columns].isna().any(axis=1)
    rows = zip(table["__id__"], table[columns].itertuples(index=False, name=None), missing, strict=True)
    named = [f"row {i}" if gone else "group " + " | ".join(map(name_of, values)) for i, values, gone in rows]
    return np.array(named, dtype=object)


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
