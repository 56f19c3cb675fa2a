"""The rows of a source as a suite reads them: every column that it names is there, of the type that it has in the suite's data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harness.core.dataset import Strings
from harness.core.names import name_of, text_of
from harness.core.written_numbers import number_of
from harness.datasets.cells import Kind
from harness.datasets.sources import Source
from harness.errors import DataError
from harness.spec.data import Data

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Rows:
    """Rows (n): every column, typed; the ids (n,); and the columns of names (n rows) as they are written, None where missing."""

    table: pd.DataFrame
    ids: Strings
    written: pd.DataFrame

    def __len__(self) -> int:
        return len(self.table)

    def only(self, rows: npt.NDArray[np.bool_]) -> Rows:
        """Some of the rows (n,)."""
        table, written = (part.loc[rows].reset_index(drop=True) for part in (self.table, self.written))
        return Rows(table, self.ids[rows], written)

    def names(self, column: str) -> Strings:
        """A column's cells (n,) as names: as they are written, where it is one of names; None where missing."""
        cells = self.written[column] if column in self.written else self.table[column]
        missing = cells.isna()
        return np.array([None if gone else name_of(v) for v, gone in zip(cells, missing, strict=True)], dtype=object)


def rows_of(source: Source, data: Data, kinds: Mapping[str, Kind], *, splits: bool) -> Rows:
    """The rows, after their columns were looked at; those of the split plan only where they are split.

    Raises:
        DataError: a column is absent or of another type than in the suite's data, or ids are missing or repeated.
    """
    table, written = source.table, source.read.written
    _require_columns(source, data, splits=splits)
    for column, values in data.missing.items():
        table = table.assign(**{column: table[column].mask(table[column].isin(values))})
    written = written.assign(
        **{name: written[name].where(table[name].notna(), None) for name in map(str, written) if name != data.id}
    )
    table = _of_kinds(table, kinds, data, source.name)
    _check_ranges(table, data, source.name)
    return Rows(table, _ids(source, data), written)


def kinds_of(table: pd.DataFrame) -> dict[str, Kind]:
    """The types of columns; none of a column that holds nothing, or dates."""
    return {str(name): kind for name, column in table.items() if (kind := _kind(column)) is not None}


def _kind(column: pd.Series[Any]) -> Kind | None:
    known = column.dropna()
    if not len(known):
        return None
    if column.dtype.kind == "b" or (column.dtype == object and known.map(lambda cell: isinstance(cell, bool)).all()):
        return "truth"
    return "number" if column.dtype.kind in "iuf" else "text" if column.dtype.kind == "O" else None


def _of_kinds(table: pd.DataFrame, kinds: Mapping[str, Kind], data: Data, name: str) -> pd.DataFrame:
    """The table whose columns have these types; DataError where cells of one that is read by its type can't have it."""
    label = [data.label.column] if data.label.column and data.label.column not in data.name_columns else []
    cut = [how.column for how in (*data.sensitive.values(), *data.slices.values()) if not how.of_names]
    features = [column for column in data.features if column not in data.categorical]
    changed = {}
    for column in dict.fromkeys([*features, *cut, *data.ranges, *label]):
        wanted, found = kinds.get(column), _kind(table[column])
        if wanted not in ("number", "truth") or wanted == found:
            continue
        if not table[column].notna().any():
            changed[column] = table[column].astype(float if wanted == "number" else object)
            continue
        _refuse(table[column], wanted, name)
    return table.assign(**changed) if changed else table


def _refuse(column: pd.Series[Any], wanted: Kind, name: str) -> None:
    cells = column.dropna()
    if wanted == "number":
        odd = cells[[number_of(cell) is None for cell in cells]]
        what, todo = (
            "numbers",
            (
                f"Say how its numbers are written under data.read.numbers, or list words for missing under data.missing.{column.name}"
            ),
        )
    else:
        odd = cells[[not isinstance(cell, bool | np.bool_) for cell in cells]]
        what, todo = "true and false", "Write them so"
    odd = odd if len(odd) else cells
    raise DataError(
        f"{name}: {column.name!r} holds {what} in the suite's data, but not in {len(odd)} of {len(cells)} filled cells here, such as "
        f"{', '.join(repr(text_of(cell)) for cell in odd.unique()[:3])}. {todo}; or, if its values are categories, list it under "
        "data.categorical, and fit the model again."
    )


def _require_columns(source: Source, data: Data, *, splits: bool) -> None:
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
    absent, left_out = sorted(wanted - set(source.table.columns)), source.read.left_out
    if absent:
        why = "".join(f" {name!r} was left out: {left_out[name]}." for name in absent if name in left_out)
        raise DataError(
            f"{source.name} lacks the column(s) {', '.join(absent)}.{why} It has: {', '.join(source.table.columns)}. "
            "Name the columns as in the suite, or change the suite."
        )


def _ids(source: Source, data: Data) -> Strings:
    """The ids (n,), as they are written; the rows' numbers where no column holds them."""
    if data.id is None:
        return np.array([str(row) for row in range(len(source.table))], dtype=object)
    ids = source.read.written[data.id]
    if gone := int(ids.isna().sum()):
        raise DataError(f"{source.name} lacks {gone} id(s) in column {data.id!r}. Each row needs an id of its own.")
    repeated = ids[ids.duplicated()]
    if len(repeated):
        raise DataError(
            f"{source.name} repeats {len(repeated)} id(s) in column {data.id!r} (first: {repeated.iloc[0]}). Each row needs "
            "an id of its own."
        )
    return ids.to_numpy(dtype=object)


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
