"""How the numbers of a table's columns are written: looked at column by column, then settled for the file as a whole."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from harness.core.written_numbers import BLANKS, number_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd

Marks = tuple[str, str | None]

# The plainest first: of several that fit, the first is taken.
_MARKS: tuple[Marks, ...] = (
    (".", None),
    (",", None),
    (".", ","),
    (",", "."),
    (".", " "),
    (",", " "),
    (".", "'"),
    (",", "'"),
)
_WORDS = {
    *(
        "?",
        "??",
        "-",
        "--",
        "---",
        "\u2013",
        "\u2014",
        ".",
        "..",
        "...",
        "*",
        "\\n",
        "n/a",
        "n.a.",
        "na",
        "#n/a",
        "#na",
    ),
    *(
        "#null!",
        "#div/0!",
        "#value!",
        "#ref!",
        "(null)",
        "null",
        "none",
        "nan",
        "missing",
        "unknown",
        "k.a.",
        "无",
        "缺失",
    ),
    *("未知", "空"),
}
_CURRENCY = (
    r"(?:US|A|C|HK|NT|R|S)?\$|[€£¥￥₹₩₽₺]|EUR|USD|GBP|CHF|CNY|RMB|JPY|INR|SEK|NOK|DKK|PLN|CZK|HUF|Fr\.|kr\.?|zł|Kč|Ft"
    r"|万元|元|円"
)
_POINT_UNITS = ("$", "US$", "£", "¥", "￥", "₹", "USD", "GBP", "CNY", "RMB", "JPY", "INR", "元", "万元", "円")
_CORE = rf"[0-9][0-9.,'\u2019{BLANKS}]*(?<=[0-9.])(?:[eE][+-]?[0-9]+)?|[.,][0-9]+"
_CELL = re.compile(
    rf"\(?[-+\u2212]?[{BLANKS}]*(?:(?P<front>{_CURRENCY})[{BLANKS}]*)?[-+\u2212]?(?:{_CORE})-?"
    rf"(?:[{BLANKS}]*(?P<back>{_CURRENCY}|[%％‰°])|[{BLANKS}]+(?P<letters>[A-Za-z\u00b5\u03bc°/²³%]{{1,12}}))?\)?"
)
_PLAIN = re.compile(r"[-+]?[0-9.,]+(?:[eE][+-]?[0-9]+)?")
_FIRST, _LATER = re.compile(r"(?<![0-9])[1-9]"), re.compile(r"(?<=[0-9])[0-9]")
_MOST, _MANY = 0.8, 10_000


@dataclass(frozen=True)
class Column:
    """What a column's cells (text → how often; missing ones left out) tell of its numbers.

    `unit` stands beside them; `fits` are the marks that read every cell that is a number somehow; `words` are such as mean
    'missing'; `others` are the rest; `shapes` are those of the numbers, of which there are few.
    """

    name: str
    cells: Counter[str]
    unit: str | None
    fits: tuple[Marks, ...]
    words: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    shapes: set[str] = field(default_factory=set)

    @cached_property
    def numbers(self) -> list[str]:
        """The cells that are numbers."""
        odd = {*self.words, *self.others}
        return [cell for cell in self.cells if cell not in odd]

    @property
    def numeric(self) -> bool:
        """Whether every cell is a number or means 'missing', and one pair of marks reads them all."""
        return bool(self.numbers) and not self.others and bool(self.fits)

    @property
    def mostly_numeric(self) -> bool:
        """Whether four cells of five are numbers."""
        return len(self.numbers) > 1 and sum(self.cells[c] for c in self.numbers) >= _MOST * self.cells.total()

    @property
    def decided(self) -> str | None:
        """The decimal mark, where only one is possible."""
        marks = {decimal for decimal, _ in self.fits}
        return marks.pop() if len(marks) == 1 else None

    @property
    def ambiguous(self) -> bool:
        """Whether its marks may be decimal or thousands marks: every number has three digits after each."""
        return self.decided is None and bool(self.fits) and not self.bare

    @property
    def bare(self) -> bool:
        """Whether no number has a mark."""
        return {(".", None), (",", None)} <= set(self.fits)

    @property
    def padded(self) -> str | None:
        """A number that begins with a 0 before other digits, as codes do; None where there is none."""
        if not any(re.fullmatch(r"0[0-9]+", shape) for shape in self.shapes):
            return None
        return next(cell for cell in self.numbers if re.fullmatch(r"0[0-9]+", cell))

    @property
    def shown(self) -> str:
        """Two of its numbers, those with the most signs."""
        longest = sorted(self.numbers[:100], key=len)[-2:]
        return ", ".join(re.sub(f"[{BLANKS}]", " ", cell) for cell in longest)

    def marks(self, decimal: str) -> Marks:
        """The plainest marks that read it, with the decimal mark if there are such."""
        return next((fit for fit in self.fits if fit[0] == decimal), self.fits[0])

    def needs_format(self, decimal: str, thousands: str | None) -> bool:
        """Whether the file's marks do not read it."""
        own = self.marks(decimal)
        plain = self.unit is None and own[0] == decimal and own[1] in (None, thousands)
        return not plain or not (own[1] or all(map(_PLAIN.fullmatch, self.shapes)))

    def warning(self) -> str:
        """What is said of a column of numbers that is read as text."""
        if not self.others:
            return (
                f"{self.name!r} holds numbers written in ways that contradict each other ({_examples(self._contrary())}): it "
                "is read as text. Write them in one way."
            )
        if all(re.fullmatch(r"[-+]?inf(inity)?", cell, re.IGNORECASE) for cell in self.others):
            return (
                f"{self.name!r} holds infinite numbers ({_examples(self.others)}), which few models take. Write others."
            )
        odd = sorted([*self.others, *self.words], key=lambda cell: (-self.cells[cell], cell))
        shown = ", ".join(f"{cell!r} ({self.cells[cell]})" for cell in odd[:4]) + (", …" if len(odd) > 4 else "")
        count = sum(self.cells[cell] for cell in self.numbers)
        return (
            f"{self.name!r} is a number in {count:,} of {self.cells.total():,} filled cells, but not in {shown}: it is read as "
            f"text, so as categories. Write numbers there, or list the words under data.missing.{self.name}."
        )

    def _contrary(self) -> list[str]:
        """Two cells that no marks read both."""
        for other in self.numbers:
            if not _fitting([self.numbers[0], other], self.unit):
                return [self.numbers[0], other]
        return self.numbers[:3]


def columns_of(table: pd.DataFrame, missing: Iterable[str]) -> list[Column]:
    """What each column's cells (texts; those in `missing` left out) tell."""
    gone = set(missing)
    return [_column(str(name), cells, gone) for name, cells in table.items()]


def _column(name: str, column: pd.Series[str], gone: set[str]) -> Column:
    cells: Counter[str] = Counter()
    for cell, count in _seen(column, gone).items():
        if (text := str(cell).strip()) not in gone:
            cells[text] += int(count)
    shapes = {cell: _shape(cell) for cell in cells}
    found = {shape: match for shape in set(shapes.values()) if (match := _CELL.fullmatch(shape)) is not None}
    units: Counter[str] = Counter()
    for cell, shape in shapes.items():
        if shape in found and (unit := _unit(found[shape])):
            units[unit] += cells[cell]
    common = min(units, key=lambda one: (-units[one], one)) if units else None
    if common and len(cells) < 10 and any(match["letters"] == common for match in found.values()):
        common = None  # a few names that end in a word ("3 rooms") are categories
    numbers = {shape for shape in found if any(number_of(shape, *marks, common) is not None for marks in _MARKS)}
    rest = [cell for cell, shape in shapes.items() if shape not in numbers]
    words = [cell for cell in rest if cell.lower() in _WORDS]
    others = [cell for cell in rest if cell.lower() not in _WORDS]
    return Column(name, cells, common, _fitting(sorted(numbers), common), words, others, numbers)


def _seen(column: pd.Series[str], gone: set[str]) -> pd.Series[int]:
    """How often each text stands; of a long column that holds plain numbers only, every so many-th of them."""
    import numpy as np
    import pandas as pd

    counts = column.value_counts()
    if len(counts) <= _MANY:
        return counts
    counts = counts[~counts.index.isin(gone)]
    plain = np.isfinite(pd.to_numeric(counts.index.to_series(), errors="coerce").to_numpy(dtype=float))
    return counts.iloc[:: len(counts) // _MANY] if plain.all() else counts


def _shape(cell: str) -> str:
    """The cell with 9 for each digit but a 0 that begins a run of them: what marks can read the one they read in the other."""
    return _LATER.sub("9", _FIRST.sub("9", cell))


def _unit(match: re.Match[str]) -> str | None:
    return match["front"] or match["back"] or match["letters"]


def _fitting(numbers: list[str], unit: str | None) -> tuple[Marks, ...]:
    return tuple(m for m in _MARKS if all(number_of(cell, *m, unit) is not None for cell in numbers))


def file_marks(columns: list[Column], separator: str) -> tuple[str, str | None, list[str]]:
    """The file's decimal and thousands marks, and what is doubtful or contradictory about them.

    Columns that can be read in one way only decide, most of them where they differ; without any, `;` goes with a decimal
    comma where a comma stands in numbers, and all else with a point.
    """
    numeric = [column for column in columns if column.numeric]
    by_mark = {mark: [c.name for c in numeric if c.decided == mark] for mark in (".", ",")}
    open_ones = [column for column in numeric if column.ambiguous]
    commas = any((",", None) in column.fits for column in open_ones)
    usual = "," if separator == ";" and (commas or by_mark[","]) else "."
    decimal = max((".", ","), key=lambda mark: (len(by_mark[mark]), mark == usual))
    warnings = []
    if by_mark["."] and by_mark[","]:
        warnings.append(
            f"Numbers have a decimal comma in {_named(by_mark[','])} and a decimal point in {_named(by_mark['.'])}: each "
            "column is read as it is written. See whether that is meant."
        )
    doubtful = bool(by_mark["."]) == bool(by_mark[","])
    for column in open_ones if doubtful else []:
        if separator == "," and (".", None) in column.fits and not by_mark[","]:
            continue  # a point in a file with commas between its cells
        if decimal == "." and column.unit in _POINT_UNITS:
            continue
        first = next(cell for cell in column.numbers if _fitting([cell], column.unit) != _MARKS)
        own = column.marks(decimal)
        value = number_of(first, *own, column.unit)
        warnings.append(
            f"{column.name!r} could be read in two ways, since three digits follow every mark: {first!r} is taken as "
            f"{value:.12g}. If that is wrong, change its decimal and thousands marks under data.read.numbers."
        )
    grouped = Counter(
        mark for c in numeric if c.unit is None and c.marks(decimal)[0] == decimal and (mark := c.marks(decimal)[1])
    )
    return decimal, grouped.most_common(1)[0][0] if grouped else None, warnings


def _named(names: list[str]) -> str:
    return _examples(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _examples(cells: list[str]) -> str:
    return ", ".join(map(repr, cells))
