"""What a text file is made of: what cuts its cells, where its header stands, and whether its last row is a case."""

from __future__ import annotations

import csv
import itertools
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import DataError
from harness.spec.data import MISSING_WORDS

if TYPE_CHECKING:
    import pandas as pd

_TOTAL = re.compile(
    r"\W*(grand total|sub-?total|total|sum|summe|gesamt(summe)?|totale?|somme|合计|总计|小计)\W*", re.IGNORECASE
)
_NUMBER = re.compile(r"[-+]?\d*[.,]?\d+([eE][-+]?\d+)?")


def guess_separator(lines: list[str]) -> str:
    """The sign that cuts every line from the first on (but for titles above) into equally many parts, the most of them.

    A decimal comma cuts rows only: the sign that cuts an earlier line, the header, is taken.
    """
    found = []
    for place, sign in enumerate((",", ";", "\t", "|")):
        counts = [len(row) for row in _rows(lines, sign)]
        usual = max(set(counts), key=counts.count, default=0)
        if usual > 1 and counts.count(usual) > 0.9 * len(counts):
            uncut = next(line for line, count in enumerate(counts) if count > 1)
            found.append((uncut, -usual, place, sign))
    return min(found)[3] if found else ","


def title_lines(lines: list[str], separator: str) -> int:
    """How many of the first lines (each with something in it) stand above the header: one cell at most where rows have more."""
    rows = _rows(lines, separator)
    counts = [len(row) for row in rows]
    usual = max(set(counts), key=counts.count, default=0)
    filled = [sum(bool(cell.strip()) for cell in row) for row in rows]
    above = itertools.takewhile(
        lambda n: usual > 1 and n[1] <= 1 and (n[0] == 1 or usual > 2), zip(counts, filled, strict=True)
    )
    skip = len(list(above))
    return skip if skip <= 20 and skip < len(rows) - 1 else 0


def _rows(lines: list[str], separator: str) -> list[list[str]]:
    try:
        return list(csv.reader(lines, delimiter=separator))
    except csv.Error:
        return []


def refuse_data_as_header(header: list[str], path: Path) -> None:
    """DataError where the first row holds numbers that do not rise (years and wavelengths, which name columns, do)."""
    numbers = [float(name.replace(",", ".")) for name in map(str.strip, header) if _NUMBER.fullmatch(name)]
    rising = all(low < high for low, high in itertools.pairwise(numbers))
    if len(numbers) > 1 and len(numbers) >= len(header) / 2 and not rising:
        raise DataError(
            f"The first row of {path.name} looks like data ({', '.join(map(repr, header[:4]))}, …). Wanted: a row of column "
            "names. Add one."
        )


def oddities(header: list[str], cells: pd.DataFrame) -> list[str]:
    """What looks wrong with the header and the columns (cells: texts)."""
    found = []
    counts = Counter(name.strip() for name in header if name.strip())
    for name in [name for name, count in counts.items() if count > 1]:
        found.append(
            f"{counts[name]} columns are called {name!r}: the later ones are read as {name + '.1'!r} and so on."
        )
    blank = cells.map(lambda cell: cell.strip() in ("", *MISSING_WORDS))
    nameless = [name for name in cells.columns if str(name).startswith("Unnamed: ")]
    if filled := [name for name in nameless if not blank[name].all()]:
        found.append(f"{len(filled)} column(s) have no name: read as {', '.join(map(repr, filled[:3]))}.")
    found += [f"{name!r} holds nothing." for name in cells.columns if blank[name].all() and name not in nameless]
    return found


def total_row(cells: pd.DataFrame) -> tuple[int, str, bool] | None:
    """The place of a last row that looks like a total, what says so, and whether it surely is one: the word comes first in a
    row with gaps. None where the last row looks like a case."""
    rows = cells.to_numpy()
    end = next((row for row in range(len(rows) - 1, -1, -1) if any(str(cell).strip() for cell in rows[row])), 0)
    if end < 5:
        return None
    last = [str(cell).strip() for cell in rows[end]]
    for place, cell in enumerate(last):
        if _TOTAL.fullmatch(cell) and (cells.iloc[:, place] == cell).sum() <= max(1, 0.05 * end):
            return end, f"{cells.columns[place]!r} is {cell!r}", not any(last[:place]) and "" in last[place:]
    return None
