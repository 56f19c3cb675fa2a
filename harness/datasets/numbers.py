"""Makes numbers of the columns of a table whose numbers are written as people write them."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from harness.core.written_numbers import number_of
from harness.errors import DataError
from harness.spec.data import Read

if TYPE_CHECKING:
    import pandas as pd


def with_numbers(
    table: pd.DataFrame, read: Read, missing: dict[str, list[Any]], name: str, texts: Collection[str] = ()
) -> pd.DataFrame:
    """The table (n rows) whose columns of text are numbers where the suite says so, or where nothing else is left.

    A column under `read.numbers` must hold numbers so written, or values that `missing` lists. Another column that is not
    all numbers becomes so if it is once the words that `missing` lists are taken out, or where the file groups its digits.
    Only a text file's words are numbers then: a source with types (Parquet, JSON lines, a name) means its texts as such. The
    columns `texts` stay texts.

    Raises:
        DataError: a column under `read.numbers` holds something else.
    """
    changed = {}
    for column in table.columns:
        words = missing.get(column, [])
        named = column in read.numbers
        if column in texts or table[column].dtype.kind != "O" or not (named or words or read.thousands):
            continue
        cells = table[column].mask(table[column].isin([*words, *map(str, words)]))
        numbers, others = _numbers(cells, read.format_of(column))
        if named and others:
            _refuse(column, others, read, name)
        typed = not name.lower().removesuffix(".gz").endswith((".csv", ".tsv", ".txt"))
        if typed and not named and any(isinstance(cell, str) for cell in cells.dropna()):
            continue
        if not others and numbers.notna().any():
            changed[column] = numbers
    return table.assign(**changed) if changed else table


def _numbers(cells: pd.Series[Any], marks: tuple[str, str | None, str | None]) -> tuple[pd.Series[Any], list[str]]:
    """The numbers (n,), whole ones as such where none is missing, and up to three different cells that are none."""
    import pandas as pd

    known = {cell: number_of(cell, *marks) for cell in cells.dropna().unique()}
    others = [str(cell) for cell, number in known.items() if number is None]
    numbers = pd.Series([known.get(cell) for cell in cells], index=cells.index, dtype=float)
    whole = numbers.notna().all() and len(numbers) and (numbers % 1 == 0).all() and (numbers.abs() < 2**53).all()
    written_whole = whole and not any(marks[0] in str(cell) for cell in known)
    return numbers.astype("int64") if written_whole else numbers, others


def _refuse(column: str, others: list[str], read: Read, name: str) -> None:
    decimal, thousands, unit = read.format_of(column)
    marks = f"decimal mark {decimal!r}, " + (f"thousands mark {thousands!r}" if thousands else "no thousands mark")
    raise DataError(
        f"{name}: {column!r} holds {', '.join(map(repr, others[:3]))}{' …' if len(others) > 3 else ''}, no number(s) as "
        f"data.read.numbers says ({marks}{f', unit {unit!r}' if unit else ''}). Correct the marks or the cells, or list the "
        f"words under data.missing.{column}."
    )
