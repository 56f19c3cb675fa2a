"""Guesses how a table is written; every guess that could be wrong is told."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from harness.datasets.sources import Source, is_named, read_source
from harness.errors import DataError
from harness.spec.suite import Read

_DECIMAL_COMMA = re.compile(r"^-?\d{1,3}(\.\d{3})*,\d+$|^-?\d+,\d+$")


def guess_reading(path: Path) -> Read:
    """Separator, decimal sign and encoding of a text table; the defaults for other formats."""
    if not path.is_file():
        raise DataError(f"There is no data file {path}. Check the path.")
    if not re.search(r"\.(csv|tsv|txt)$", path.name, re.IGNORECASE):
        return Read()
    raw = path.read_bytes()[:200_000]
    encoding = _encoding(raw)
    text = raw.decode(encoding, errors="ignore")
    lines = text.splitlines()[:200]
    if not lines:
        raise DataError(f"{path} is empty. Give a file with a header and one row at least.")
    separator = _separator(lines)
    cells = [cell.strip() for row in csv.reader(lines[1:], delimiter=separator) for cell in row]
    commas = sum(bool(_DECIMAL_COMMA.match(cell)) for cell in cells)
    points = sum(bool(re.match(r"^-?\d+\.\d+$", cell)) for cell in cells)
    german = separator != "," and commas > points
    grouped = german and any(re.match(r"^-?\d{1,3}(\.\d{3})+(,\d+)?$", cell) for cell in cells)
    return Read(
        separator=separator, decimal="," if german else ".", thousands="." if grouped else None, encoding=encoding
    )


def read_guessed(source: str | Path) -> tuple[Source, Read]:
    """The table, read as it seems to be written."""
    read = Read() if is_named(source) else guess_reading(Path(source))
    return read_source(source, read), read


def _encoding(raw: bytes) -> str:
    for encoding in ("utf-8", "gb18030"):
        try:
            raw[: len(raw) - 4].decode(encoding)
        except UnicodeDecodeError as error:
            if error.start < len(raw) - 8:
                continue
        if encoding == "gb18030" and not re.search(r"[\u4e00-\u9fff]{2}", raw.decode(encoding, errors="ignore")):
            continue
        return encoding
    return "latin-1"


def _separator(lines: list[str]) -> str:
    """The sign that cuts every line into equally many parts, the most of them."""
    best, parts = ",", 0
    for sign in (",", ";", "\t", "|"):
        counts = [len(row) for row in csv.reader(lines, delimiter=sign)]
        usual = max(set(counts), key=counts.count)
        if usual > parts and counts.count(usual) > 0.9 * len(counts):
            best, parts = sign, usual
    return best
