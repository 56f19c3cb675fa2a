"""Reads a file of predictions, which is written as the suite's data are, or in the plain form (UTF-8, comma, decimal point)."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from harness.datasets.cells import Columns, column_name
from harness.datasets.encodings import decodes, first_bytes, marked_encoding
from harness.datasets.readers import is_text, open_table, separator_of
from harness.spec.data import Read

if TYPE_CHECKING:
    import pandas as pd


def read_predictions(path: Path, read: Read, classes: tuple[str, ...]) -> pd.DataFrame:
    """The table, whose ids, and labels where there are classes, are texts as they are written; a label that is missing is None.

    Its header says in which form it is written. Thousands marks are none of either form, so a number is never read in two ways. A word
    that means 'missing' in the suite's data is a label all the same where a class is called so.

    Raises:
        DataError: as `open_table`.
    """
    form = _form(path, read) if is_text(path) else Read()
    names = ("id", "label") if classes else ("id",)
    table = open_table(path, form, columns=Columns(names))
    frame = table.frame.assign(**{name: table.written[name] for name in names if name in table.written})
    if "label" in table.written and is_text(path):
        label = table.written["label"]
        frame["label"] = label.mask(label.isin({*read.missing_words} - {*classes}), None)
    return frame


def _form(path: Path, read: Read) -> Read:
    """The first form in which the header names an id and an answer; the plain one where none does."""
    suite = read.model_copy(update={"thousands": None, "numbers": {}})
    bare = suite.model_copy(update={"skip": 0, "footer": 0})
    raw = first_bytes(path, -1)
    plain = marked_encoding(raw) is not None or decodes(raw, "utf-8")
    for form in (suite, bare, Read()):
        for encoding in ("utf-8", read.encoding) if plain else (read.encoding,):
            found = form.model_copy(update={"encoding": encoding})
            names = _header(raw, found, path)
            if "id" in names and any(name == "label" or name.partition(":")[0] == "score" for name in names):
                return found
    return Read()


def _header(raw: bytes, form: Read, path: Path) -> list[str]:
    encoding = marked_encoding(raw) or form.encoding
    lines = raw.decode(encoding, errors="replace").splitlines()[form.skip :]
    header = next((line for line in lines if line.strip()), "")
    return [column_name(name) for name in next(csv.reader([header], delimiter=separator_of(path, form.separator)), [])]
