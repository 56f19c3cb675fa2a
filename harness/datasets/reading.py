"""Guesses how a table is written; whatever could be wrong with the guess or with the table is told."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from harness.datasets.encodings import first_bytes, guess_encoding
from harness.datasets.number_formats import columns_of, file_marks
from harness.datasets.readers import MISSING_WORDS, is_text, separator_of
from harness.datasets.sources import Source, is_named, read_source
from harness.errors import DataError
from harness.spec.suite import NumberFormat, Read

if TYPE_CHECKING:
    import pandas as pd

_LOOKED_AT = 64_000_000  # bytes
_TOTAL = re.compile(
    r"\W*(grand total|sub-?total|total|sum|summe|gesamt(summe)?|totale?|somme|合计|总计|小计)\W*", re.IGNORECASE
)
_NUMBER = re.compile(r"[-+]?\d*[.,]?\d+([eE][-+]?\d+)?")


@dataclass(frozen=True)
class Reading:
    """How a table seems to be written: the suite's `read`, words beside numbers that mean 'missing' (by column), examples of
    numbers that need a format, columns that are left out (with why), and what its author must know."""

    read: Read
    missing: dict[str, list[str]] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        """The lines of a suite's `data` (two blanks before each) that say how to read the source, with the reasons."""
        if self.read == Read():
            return []
        own, default = self.read.model_dump(exclude={"numbers"}), Read()
        if not self.read.numbers:
            keys = {key: value for key, value in own.items() if value is not None}
            return [f"  read: {{{', '.join(f'{key}: {_quoted(value)}' for key, value in keys.items())}}}"]
        lines = ["  read:"]
        lines += [f"    {key}: {_quoted(own[key])}" for key in own if own[key] != getattr(default, key)]
        lines.append("    numbers:  # a unit is cut off; the number stays as it is written")
        for column, how in self.read.numbers.items():
            marks = how.model_dump(exclude_none=True)
            shown = ", ".join(f"{key}: {_quoted(value)}" for key, value in marks.items())
            lines.append(f"      {_quoted(column)}: {{{shown}}}  # {self.reasons[column]}")
        return lines


def guess_reading(path: Path) -> Read:
    """Separator, decimal sign, encoding and the formats of numbers of a text table; the defaults for other formats."""
    return _guess_text(path).read if _is_there(path) and is_text(path) else Read()


def read_guessed(source: str | Path) -> tuple[Source, Reading]:
    """The table, read as it seems to be written."""
    if not is_named(source) and _is_there(Path(source)) and is_text(Path(source)):
        reading = _guess_text(Path(source))
        return read_source(source, reading.read, missing=dict(reading.missing)), reading
    first = read_source(source)
    texts = first.table.select_dtypes(exclude=["number", "bool", "datetime"])
    reading = _judged(texts.astype(object).where(texts.notna(), ""), Read(), typed=True)
    gone = tuple(f"{name!r} was left out: {why}." for name, why in first.left_out.items())
    reading = Reading(reading.read, reading.missing, reading.reasons, first.left_out, (*gone, *reading.warnings))
    if not reading.read.numbers and not reading.missing:
        return first, reading
    return read_source(source, reading.read, missing=dict(reading.missing)), reading


def _is_there(path: Path) -> bool:
    if not path.is_file():
        raise DataError(f"There is no data file {path}. Check the path.")
    return True


def _guess_text(path: Path) -> Reading:
    import pandas as pd

    try:
        raw = first_bytes(path, _LOOKED_AT)
    except (OSError, EOFError) as error:
        raise DataError(f"{path} can't be read ({error}). Check that it is complete.") from error
    encoding = guess_encoding(raw)
    text = raw.decode(encoding, errors="ignore").removeprefix("\ufeff")
    lines = [line for line in text[:200_000].splitlines()[:200] if line.strip()]
    if not lines:
        raise DataError(f"{path} is empty. Give a file with a header and one row at least.")
    separator = separator_of(path, _separator(lines))
    read = Read(separator=separator, encoding=encoding)
    header = next((row for row in csv.reader(lines, delimiter=separator) if row), [])
    if len(raw) == _LOOKED_AT:
        text = text[: text.rfind("\n")]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", pd.errors.ParserWarning
            )  # rows wider than the header: the reader refuses them
            cells = pd.read_csv(io.StringIO(text), sep=separator, dtype=str, keep_default_na=False, index_col=False)
    except (pd.errors.EmptyDataError, pd.errors.ParserError, ValueError):
        return Reading(read)  # the reader says what is wrong with the table
    _refuse_data_as_header(header, path)
    reading = _judged(cells, read, typed=False)
    return Reading(reading.read, reading.missing, reading.reasons, {}, (*_oddities(header, cells), *reading.warnings))


def _judged(cells: pd.DataFrame, read: Read, *, typed: bool) -> Reading:
    """The reading after every column's cells (texts, "" where missing) were looked at together."""
    columns = columns_of(cells, MISSING_WORDS)
    decimal, thousands, warned = file_marks(columns, read.separator)
    if not typed:
        read = read.model_copy(update={"decimal": decimal, "thousands": thousands})
    numbers, missing, reasons = {}, {}, {}
    for column in columns:
        if not column.numeric:
            if column.mostly_numeric:
                warned.append(column.warning())
            continue
        marks = column.marks(decimal)
        if column.words:
            missing[column.name] = column.words
            told = f"{', '.join(map(repr, column.words))} stands in {column.name!r} beside numbers only"
            warned.append(f"{told}: taken as missing ({sum(column.cells[word] for word in column.words)} cells).")
        marked = column.unit is not None or (not column.bare and marks != (".", None))
        if marked if typed else column.needs_format(decimal, thousands):
            numbers[column.name] = NumberFormat.model_validate(
                {"decimal": marks[0], "thousands": marks[1], "unit": column.unit}
            )
            reasons[column.name] = f"such as {column.shown}"
    return Reading(read.model_copy(update={"numbers": numbers}), missing, reasons, {}, tuple(warned))


def _oddities(header: list[str], cells: pd.DataFrame) -> list[str]:
    """What looks wrong with the header, the columns and the last row."""
    found = []
    counts = Counter(name.strip() for name in header if name.strip())
    for name in [name for name, count in counts.items() if count > 1]:
        found.append(
            f"{counts[name]} columns are called {name!r}: the later ones are read as {name + '.1'!r} and so on."
        )
    blank = cells.map(lambda cell: cell.strip() in MISSING_WORDS)
    nameless = [name for name in cells.columns if str(name).startswith("Unnamed: ")]
    if filled := [name for name in nameless if not blank[name].all()]:
        found.append(f"{len(filled)} column(s) have no name: read as {', '.join(map(repr, filled[:3]))}.")
    found += [f"{name!r} holds nothing." for name in cells.columns if blank[name].all() and name not in nameless]
    rows = cells[~blank.all(axis=1)]
    if len(rows) > 5:
        last = rows.iloc[-1]
        words = [c for c in cells.columns if _TOTAL.fullmatch(last[c]) and (cells[c] == last[c]).mean() < 0.05]
        if words:
            found.append(
                f"The last row looks like a total ({words[0]!r} is {last[words[0]]!r}): take it out of the file, or it is read "
                "as a case."
            )
    return found


def _refuse_data_as_header(header: list[str], path: Path) -> None:
    """DataError where the first row holds numbers that do not rise (years and wavelengths, which name columns, do)."""
    numbers = [float(name.replace(",", ".")) for name in map(str.strip, header) if _NUMBER.fullmatch(name)]
    rising = all(low < high for low, high in itertools.pairwise(numbers))
    if len(numbers) > 1 and len(numbers) >= len(header) / 2 and not rising:
        raise DataError(
            f"The first row of {path.name} looks like data ({', '.join(map(repr, header[:4]))}, …). Wanted: a row of column "
            "names. Add one."
        )


def _separator(lines: list[str]) -> str:
    """The sign that cuts the header, and every line into equally many parts, the most of them."""
    best, parts = ",", 0
    for sign in (",", ";", "\t", "|"):
        try:
            counts = [len(row) for row in csv.reader(lines, delimiter=sign)]
        except csv.Error:
            continue
        usual = max(set(counts), key=counts.count)
        # Names are cut by it too: a decimal comma cuts rows only.
        if usual > parts and counts[0] > 1 and counts.count(usual) > 0.9 * len(counts):
            best, parts = sign, usual
    return best


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
