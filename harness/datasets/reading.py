"""Guesses how a table is written; whatever could be wrong with the guess or with the table is told."""

from __future__ import annotations

import csv
import io
import json
import warnings
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.datasets.cells import Columns, without_blanks_before_quotes
from harness.datasets.encodings import first_bytes, guess_encoding, lines_of
from harness.datasets.layout import guess_separator, oddities, refuse_data_as_header, title_lines, total_row
from harness.datasets.number_formats import columns_of, file_marks
from harness.datasets.readers import is_text, separator_of
from harness.datasets.sources import Source, is_named, read_source
from harness.errors import DataError
from harness.spec.data import MISSING_WORDS, NumberFormat, Read

if TYPE_CHECKING:
    import pandas as pd

_LOOKED_AT = 64_000_000  # bytes
_FREQUENT = 0.1  # of a column's filled cells


@dataclass(frozen=True)
class Reading:
    """How a table seems to be written: the suite's `read`, words beside numbers that mean 'missing' (by column), examples of
    numbers that need a format, columns that are left out (with why), what its author must know, and which words that mostly mean
    'missing' were kept as names of classes or groups (column → word → rows)."""

    read: Read
    missing: dict[str, list[str]] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    kept: dict[str, dict[str, int]] = field(default_factory=dict)

    @property
    def lines(self) -> list[str]:
        """The lines of a suite's `data` (two blanks before each) that say how to read the source, with the reasons."""
        if self.read == Read():
            return []
        own, default = self.read.model_dump(exclude={"numbers"}), Read()
        if not self.read.numbers:
            keys = {key: value for key, value in own.items() if value and (key != "missing_words" or self.kept)}
            return [f"  read: {{{', '.join(f'{key}: {_quoted(value)}' for key, value in keys.items())}}}"]
        lines = ["  read:"]
        lines += [f"    {key}: {_quoted(value)}" for key, value in own.items() if value != getattr(default, key)]
        lines.append("    numbers:  # a unit is cut off; the number stays as it is written")
        for column, how in self.read.numbers.items():
            marks = how.model_dump(exclude_none=True)
            shown = ", ".join(f"{key}: {_quoted(value)}" for key, value in marks.items())
            lines.append(f"      {_quoted(column)}: {{{shown}}}  # {self.reasons[column]}")
        return lines


def read_guessed(source: str | Path) -> tuple[Source, Reading]:
    """The table, read as it seems to be written."""
    if not is_named(source) and _is_there(Path(source)) and is_text(Path(source)):
        reading = _guess_text(Path(source))
        return read_source(source, reading.read, missing=dict(reading.missing)), reading
    first = read_source(source)
    texts = first.table.select_dtypes(exclude=["number", "bool", "datetime"])
    reading = _judged(texts.astype(object).where(texts.notna(), ""), Read(), typed=True)
    gone = tuple(f"{name!r} was left out: {why}." for name, why in first.read.left_out.items())
    reading = Reading(reading.read, reading.missing, reading.reasons, first.read.left_out, (*gone, *reading.warnings))
    if not reading.read.numbers and not reading.missing:
        return first, reading
    return read_source(source, reading.read, missing=dict(reading.missing)), reading


def read_names(source: str | Path, reading: Reading, names: list[str]) -> tuple[Source, Reading]:
    """The table again, with the label and the sensitive columns (`names`) as they are written, and what is said of their cells.

    A word for 'missing' that is frequent beside words in one of them is no such word in this file; elsewhere it still is.
    """
    first = read_source(source, reading.read, missing=dict(reading.missing), columns=Columns(names))
    kept: dict[str, dict[str, int]] = {}
    for column, words in first.read.words.items():
        frequent = _FREQUENT * first.read.written[column].notna().sum()
        if first.table[column].dtype.kind == "O":
            kept[column] = {word: count for word, count in words.items() if count >= frequent}
    gone = {word for words in kept.values() for word in words}
    if gone:
        everywhere = read_source(source, reading.read, columns=Columns(first.table.columns)).read.words
        missing = {column: list(words) for column, words in reading.missing.items()}
        for column in everywhere.keys() - {*names}:
            also = [word for word in everywhere[column] if word in gone]
            missing[column] = list(dict.fromkeys([*missing.get(column, []), *also]))
        left = [word for word in MISSING_WORDS if word not in gone]
        read = reading.read.model_copy(update={"missing_words": left})
        kept = {column: words for column, words in kept.items() if words}
        reading = replace(reading, read=read, missing={c: words for c, words in missing.items() if words}, kept=kept)
        first = read_source(source, read, missing=dict(reading.missing), columns=Columns(names))
    return first, replace(reading, warnings=(*reading.warnings, *_told(first)))


def _told(source: Source) -> list[str]:
    """What is said of cells that lost blanks, and of words that were read as missing."""
    stripped = source.read.stripped
    shown = ", ".join(f"{name!r} ({count} cells)" for name, count in list(stripped.items())[:5])
    told = [f"Blanks around cells are cut off, in {shown}{', …' if len(stripped) > 5 else ''}."] if stripped else []
    for column, words in source.read.words.items():
        shown = ", ".join(f"{word!r} ({count} cells)" for word, count in words.items())
        told.append(f"{shown} means 'missing' in {column!r}; if it is a name, take it out of data.read.missing_words.")
    return told


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
    if not text.strip():
        raise DataError(f"{path} is empty. Give a file with a header and one row at least.")
    separator = separator_of(path, guess_separator([line for line in _first_lines(text) if line.strip()]))
    text = without_blanks_before_quotes(text, separator)
    physical = _first_lines(text)
    lines = [line for line in physical if line.strip()]
    titles = title_lines(lines, separator)
    skip = physical.index(lines[titles]) if titles else 0
    read = Read(separator=separator, encoding=encoding, skip=skip)
    header = next(csv.reader(lines[titles:], delimiter=separator))
    whole = len(raw) < _LOOKED_AT
    try:
        cells = _cells(text if whole else text[: text.rfind("\n")], read)
    except (pd.errors.EmptyDataError, pd.errors.ParserError, ValueError):
        return Reading(read)  # the reader says what is wrong with the table
    refuse_data_as_header(header, path)
    told = (
        [f"The first {skip} line(s) stand above the header and are left out (data.read.skip): {lines[0]!r}."]
        if skip
        else []
    )
    if (total := total_row(cells) if whole else None) is not None:
        place, why, sure = total
        follows = "it is left out (data.read.footer)" if sure else "take it out of the file, or it is read as a case"
        told.append(f"The last row looks like a total ({why}): {follows}.")
        if sure:
            cells, read = cells.iloc[:place], read.model_copy(update={"footer": 1})
    reading = _judged(cells, read, typed=False)
    return replace(reading, warnings=(*told, *oddities(header, cells), *reading.warnings))


def _first_lines(text: str) -> list[str]:
    return [line.rstrip("\r\n") for line in lines_of(text[:200_000])[:200]]


def _cells(text: str, read: Read) -> pd.DataFrame:
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", pd.errors.ParserWarning)  # rows wider than the header: the reader refuses them
        return pd.read_csv(
            io.StringIO(text), sep=read.separator, skiprows=read.skip, dtype=str, keep_default_na=False, index_col=False
        )


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
        if column.padded and not typed:
            warned.append(
                f"{column.name!r} is read as numbers, so {column.padded!r} loses its first 0. If these are codes, write them with a letter "
                "in the file, such as c01067."
            )
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


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
