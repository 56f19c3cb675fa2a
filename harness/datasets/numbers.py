"""Numbers as people write them: `1.234,50 €`, `$70,523`, `2 318,25`, `3.83%`, `(15)`, `12-`."""

from __future__ import annotations

import math
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from harness.errors import DataError
from harness.spec.suite import Read

if TYPE_CHECKING:
    import pandas as pd

BLANKS = " \u00a0\u2009\u202f"  # the plain, the no-break, the thin and the narrow no-break one
_SAME = {" ": f"[{BLANKS}]", "'": "['\u2019]"}


def number_of(cell: object, decimal: str = ".", thousands: str | None = None, unit: str | None = None) -> float | None:
    """The number that a cell holds, or None.

    Groups of three digits are all or none of a number's whole part, and the first does not begin with 0. The unit may stand
    before or after it, or be left out. Brackets, and a minus after the number, make it negative. 3.83 % is 3.83.
    """
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return float(cell) if math.isfinite(cell) else None
    found = _pattern(decimal, thousands, unit).fullmatch(cell.strip()) if isinstance(cell, str) else None
    if found is None or (found["open"] is None) != (found["close"] is None):
        return None
    signs = [found[name].strip(BLANKS) for name in ("before", "inside", "after") if found[name]]
    if len(signs) + (found["open"] is not None) > 1:
        return None
    whole = re.sub(r"\D", "", found["whole"] or "") or "0"
    value = float(f"{whole}.{found['part'] or found['only'] or '0'}{found['power'] or ''}")
    return -value if found["open"] is not None or (signs and signs[0] != "+") else value


@cache
def _pattern(decimal: str, thousands: str | None, unit: str | None) -> re.Pattern[str]:
    mark, blanks, whole = re.escape(decimal), f"[{BLANKS}]*", r"[0-9]+"
    if thousands is not None:
        between = _SAME.get(thousands, re.escape(thousands))
        whole = rf"[1-9][0-9]{{0,2}}(?:{between}[0-9]{{3}})+|[0-9]+"
    front = rf"(?:{re.escape(unit)}{blanks})?" if unit else ""
    back = rf"(?:{blanks}{re.escape(unit)})?" if unit else ""
    digits = rf"(?:(?P<whole>{whole})(?:{mark}(?P<part>[0-9]*))?|{mark}(?P<only>[0-9]+))(?P<power>[eE][+-]?[0-9]+)?"
    return re.compile(
        rf"(?P<open>\()?(?P<before>[-+\u2212]{blanks})?{front}(?P<inside>[-+\u2212])?{digits}(?P<after>-)?{back}(?P<close>\))?"
    )


def with_numbers(table: pd.DataFrame, read: Read, missing: dict[str, list[Any]], name: str) -> pd.DataFrame:
    """The table (n rows) whose columns of text are numbers where the suite says so, or where nothing else is left.

    A column under `read.numbers` must hold numbers so written, or values that `missing` lists. Another column that is not
    all numbers becomes so if it is once the words that `missing` lists are taken out, or where the file groups its digits.
    Only a text file's words are numbers then: a source with types (Parquet, JSON lines, a name) means its texts as such.

    Raises:
        DataError: a column under `read.numbers` holds something else.
    """
    changed = {}
    for column in table.columns:
        words = missing.get(column, [])
        named = column in read.numbers
        if table[column].dtype.kind != "O" or not (named or words or read.thousands):
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
