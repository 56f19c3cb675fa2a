"""Reads a file of predictions, which is written as the suite's data are, or in the plain form (UTF-8, comma, decimal point)."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING

from harness.datasets.cells import Columns, column_name, without_blanks_before_quotes
from harness.datasets.encodings import decodes, first_bytes, lines_of, marked_encoding
from harness.datasets.readers import is_text, open_table, separator_of
from harness.errors import DataError
from harness.spec.data import Read

if TYPE_CHECKING:
    import pandas as pd


def read_predictions(path: Path, read: Read, classes: tuple[str, ...]) -> pd.DataFrame:
    """The table, whose ids, and labels where there are classes, are texts as they are written; a label that is missing is None.

    Its header says in which form it is written. Thousands marks are none of either form, so a number is never read in two ways. A word
    that means 'missing' in the suite's data is a label all the same where a class is called so. Of its last rows as many as the
    suite's data have below their rows (a total) are left out where they hold no answer.

    Raises:
        DataError: as `open_table`; or its cells have another separator between them than those of either form.
    """
    form = _form(path, read) if is_text(path) else Read()
    names = ("id", "label") if classes else ("id",)
    table = open_table(path, form, columns=Columns(names))
    frame = table.frame.assign(**{name: table.written[name] for name in names if name in table.written})
    if "label" in table.written and is_text(path):
        label = table.written["label"]
        frame["label"] = label.mask(label.isin({*read.missing_words} - {*classes}), None)
    return _above_totals(frame, read.footer) if is_text(path) else frame


def _above_totals(frame: pd.DataFrame, footer: int) -> pd.DataFrame:
    names = [str(name) for name in frame]
    answers = ["label"] if "label" in names else [name for name in names if _is_score(name)]
    for _ in range(footer if answers else 0):
        if len(frame) and frame[answers].iloc[-1].isna().all():
            frame = frame.iloc[:-1]
    return frame


def _form(path: Path, read: Read) -> Read:
    """The first form in which the header names an id and an answer; the plain one where none does."""
    suite = read.model_copy(update={"thousands": None, "numbers": {}, "footer": 0})
    bare = suite.model_copy(update={"skip": 0})
    raw = first_bytes(path, -1)
    plain = marked_encoding(raw) is not None or decodes(raw, "utf-8")
    for form in (suite, bare, Read()):
        for encoding in ("utf-8", read.encoding) if plain else (read.encoding,):
            found = form.model_copy(update={"encoding": encoding})
            if _names_answers(raw, found, path):
                return found
    for mark, called in _SEPARATORS.items():
        if _names_answers(raw, bare.model_copy(update={"separator": mark}), path):
            wanted = f"{read.separator!r}, as in the suite's data, or a comma" if read.separator != "," else "a comma"
            raise DataError(
                f"{path.name} has {called} between its cells. Wanted: {wanted}. Save it so, and after a comma between cells write "
                "numbers with a decimal point; or, if the suite's data are written so too, say it under data.read."
            )
    return Read()


_SEPARATORS = {";": "a semicolon", "\t": "a tab", "|": "a bar", ",": "a comma"}


def _names_answers(raw: bytes, form: Read, path: Path) -> bool:
    """Whether the header, so read, names an id and an answer."""
    encoding, separator = marked_encoding(raw) or form.encoding, separator_of(path, form.separator)
    lines = lines_of(raw.decode(encoding, errors="replace"))[form.skip :]
    header = without_blanks_before_quotes(next((line for line in lines if line.strip()), ""), separator)
    names = [column_name(name) for name in next(csv.reader([header], delimiter=separator), [])]
    return "id" in names and any(name == "label" or _is_score(name) for name in names)


def _is_score(name: str) -> bool:
    return name.partition(":")[0] == "score"
