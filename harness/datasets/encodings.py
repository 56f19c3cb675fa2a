"""Which encoding a text file is written in: by its mark, or by what its bytes can be."""

from __future__ import annotations

import codecs
import gzip
import io
import re
from pathlib import Path

# UTF-32 first: its mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
_CHINESE = re.compile(r"[\u4e00-\u9fff]{2}")


def first_bytes(path: Path, count: int) -> bytes:
    """The first bytes of a file, unpacked where its name ends in .gz; OSError or EOFError where it is no gzip file."""
    if path.name.lower().endswith(".gz"):
        with gzip.open(path) as packed:
            return packed.read(count)
    with path.open("rb") as plain:
        return plain.read(count)


def lines_of(text: str) -> list[str]:
    """The lines of a file's text, each with its end: a line feed, a carriage return or both. Other signs that Unicode lets end
    a line (a form feed, U+2028) are part of a cell."""
    return io.StringIO(text, newline="").readlines()


def marked_encoding(raw: bytes) -> str | None:
    """The encoding that a byte order mark at the beginning names; None without one."""
    return next((name for mark, name in _MARKS if raw.startswith(mark)), None)


def guess_encoding(raw: bytes) -> str:
    """The encoding of a text's first bytes: marked, UTF-16 (every other byte is zero), UTF-8, GB 18030 where it gives
    Chinese words, Windows-1252 where a byte of 0x80 to 0x9F stands (its quotes and its euro sign), else Latin-1."""
    if (marked := marked_encoding(raw)) is not None:
        return marked
    for name, zeros in (("utf-16-le", raw[1:2000:2]), ("utf-16-be", raw[0:2000:2])):
        if zeros and zeros.count(0) > 0.6 * len(zeros):
            return name
    if decodes(raw, "utf-8"):
        return "utf-8"
    if decodes(raw, "gb18030") and _CHINESE.search(raw.decode("gb18030", errors="ignore")):
        return "gb18030"
    if re.search(rb"[\x80-\x9f]", raw) and decodes(raw, "windows-1252"):
        return "windows-1252"
    return "latin-1"


def decodes(raw: bytes, encoding: str) -> bool:
    """Whether the bytes are such text; the last sign may be cut."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(raw)
    except UnicodeDecodeError:
        return False
    return True
