"""What becomes of a table's cells: blanks around them are cut off, words for 'missing' taken out, names kept as written."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from harness.core.names import text_of

if TYPE_CHECKING:
    import pandas as pd

BLANKS = (
    " \t\r\n\x0b\x0c\x85\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\u200b\u2060\ufeff"
)
"""What is cut off around a cell: every blank and end of line of Unicode, and blanks without width (a byte order mark too)."""
Kind = Literal["text", "number", "truth"]


@dataclass(frozen=True)
class Columns:
    """What a reader is told of a table's columns: `names` hold names, which stay as written; `kinds` are the types that columns
    have elsewhere (the suite's own data), whatever this table's cells look like."""

    names: Collection[str] = ()
    kinds: Mapping[str, Kind] = field(default_factory=dict)

    @property
    def texts(self) -> set[str]:
        """The columns that are texts whatever their cells look like."""
        return {name for name, kind in self.kinds.items() if kind == "text"}


@dataclass(frozen=True)
class Table:
    """A table as read (n rows): `frame`, typed; `written` (n rows), the cells of columns of names as they are written, None where
    empty; `left_out`, columns that are none of a table's, with why; `stripped`, how many cells of a column had blanks around
    them; `words`, column → word → how many cells of a column of names were taken as missing for it."""

    frame: pd.DataFrame
    written: pd.DataFrame
    left_out: dict[str, str] = field(default_factory=dict)
    stripped: dict[str, int] = field(default_factory=dict)
    words: dict[str, dict[str, int]] = field(default_factory=dict)


def column_name(name: object) -> str:
    """A column's name without blanks around it."""
    return str(name).strip(BLANKS) or str(name)


def without_blanks_before_quotes(text: str, separator: str) -> str:
    """A table's text without blanks between a separator and a quoted cell, which would hide its quotes: `7, "Rome, Italy"`."""
    mark = re.escape(separator)
    blanks = "[ \t]+" if separator != "\t" else " +"
    return re.sub(rf'(?:(?<={mark})|^){blanks}(?="(?:[^"]|"[ \t]*(?:{mark}|$)))', "", text, flags=re.MULTILINE)


def typed_table(
    frame: pd.DataFrame, written: Mapping[str, list[str | None]], left_out: dict[str, str], columns: Columns
) -> Table:
    """The table of a source whose cells have types; `written` are the cells of its columns of names."""
    import pandas as pd

    frame = frame.set_axis([column_name(name) for name in frame.columns], axis=1)
    if not frame.columns.is_unique:
        return Table(frame, frame.iloc[:, :0])
    frame, stripped = without_blanks(frame)
    names = {column_name(name): cells for name, cells in written.items()}
    texts = {
        name: pd.Series(written_cells(frame[name].tolist()), index=frame.index)
        for name in columns.texts & {*frame.columns}
        if frame[name].dtype.kind in "iufb"
    }
    return Table(frame.assign(**texts), pd.DataFrame(names, index=frame.index, dtype=object), left_out, stripped)


def without_blanks(frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """The frame whose texts have no blanks around them (one of blanks only is empty, so missing), and how many had, by column."""
    changed, stripped = {}, {}
    for name, column in frame.items():
        if column.dtype.kind != "O":
            continue
        mixed = column.dtype == object
        cells = (
            column.map(lambda c: c.strip(BLANKS) if isinstance(c, str) else c, na_action="ignore")
            if mixed
            else column.str.strip(BLANKS)
        )
        differ = (cells != column) & column.notna()
        if count := int(differ.sum()):
            changed[str(name)] = cells.where(~differ | (cells != ""), None)
            stripped[str(name)] = count
    return (frame.assign(**changed) if changed else frame), stripped


def written_cells(cells: Iterable[Any]) -> list[str | None]:
    """Values as names, without blanks around them; None for what is missing (None, NaN) or an empty text."""
    texts = (None if cell is None or cell != cell else text_of(cell).strip(BLANKS) for cell in cells)
    return [text or None for text in texts]


def inferred(column: pd.Series[str], decimal: str) -> pd.Series[Any]:
    """The column (n texts, missing ones None) with the type that pandas gives to such cells of a file."""
    import pandas as pd

    text = io.StringIO()
    column.to_frame("cells").to_csv(text, index=False, sep="\t", quoting=csv.QUOTE_ALL)
    text.seek(0)
    found = pd.read_csv(
        text,
        sep="\t",
        decimal=decimal,
        keep_default_na=False,
        na_values=[""],
        skip_blank_lines=False,
        low_memory=False,
    )
    return found["cells"].set_axis(column.index)
