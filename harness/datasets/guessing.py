"""Guesses how a table is written and what its columns are; every guess comes with its reason."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from harness.datasets.sources import Source, is_named, read_source
from harness.errors import DataError
from harness.spec.suite import Read

if TYPE_CHECKING:
    import pandas as pd

Role = Literal["feature", "label", "id", "group", "sensitive", "date", "text", "constant", "code"]

# Names of attributes that law protects or that stand in for them; English and Chinese.
REGULATED = {
    "sex": r"\b(sex|gender|male|female)\b|性别|男女",
    "age": r"\b(age|birth|born|dob|year of birth)\b|年龄|出生|岁",
    "race": r"\b(race|ethnic|ethnicity|afam|skin)\b|种族|民族",
    "religion": r"\b(religion|faith|church)\b|宗教|信仰",
    "disability": r"\b(disabled|disability|handicap)\b|残疾|残障",
    "marital_status": r"\b(marital|married|marr|spouse|single)\b|婚姻|婚否|已婚",
    "nationality": r"\b(nationality|citizen|foreign|immigrant)\b|国籍|籍贯|户口",
}
_LABEL = re.compile(
    r"^(label|target|y|class|outcome|default(ed)?|churn(ed)?|fraud|deny|denied|approved|diagnosis|failure|result|status)$"
    r"|标签|结果|是否|违约|诊断|故障",
    re.IGNORECASE,
)
_ID = re.compile(
    r"(^|[\s_])(id|nr|no|number|key|uuid|guid|index|code)$|^(id|nr|no)([\s_]|$)|编号|号码|身份证|序号", re.IGNORECASE
)
_DATE = re.compile(r"date|datum|time|day|日期|时间|年月", re.IGNORECASE)
_DATE_VALUE = re.compile(r"^\s*(\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})")
_DECIMAL_COMMA = re.compile(r"^-?\d{1,3}(\.\d{3})*,\d+$|^-?\d+,\d+$")


@dataclass(frozen=True)
class Guess:
    """What a column seems to be, and why; for a sensitive one also the attribute's usual name."""

    column: str
    role: Role
    reason: str
    attribute: str | None = None


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


def guess_columns(table: pd.DataFrame, label: str | None, sensitive: list[str]) -> list[Guess]:
    """One guess a column; what the user names is taken as said."""
    for name in [*([label] if label else []), *sensitive]:
        if name not in table.columns:
            raise DataError(f"There is no column {name!r}. The file has: {', '.join(table.columns)}.")
    chosen = label or _label(table)
    return [_guess(table[column], column, chosen, sensitive) for column in table.columns]


def _guess(values: pd.Series[Any], column: str, label: str, sensitive: list[str]) -> Guess:
    if column == label:
        return Guess(column, "label", "named by you or by its name")
    known = values.dropna()
    distinct, n = known.nunique(), len(known)
    attribute = next((a for a, pattern in REGULATED.items() if re.search(pattern, _words(column), re.IGNORECASE)), None)
    if column in sensitive or (attribute and distinct > 1 and not (distinct > 60 and known.dtype.kind not in "iuf")):
        why = "named by you" if column in sensitive else f"its name is that of a regulated attribute ({attribute})"
        return Guess(column, "sensitive", why, attribute or _words(column).replace(" ", "_"))
    if distinct <= 1:
        return Guess(column, "constant", "every row holds the same value")
    words = known.astype(str)
    if known.dtype.kind not in "iufb" and words.head(200).str.match(_DATE_VALUE).mean() > 0.8:
        return Guess(column, "date", "its values are dates; a date as such is no property of a case")
    if known.dtype.kind not in "iufb" and words.str.len().mean() > 25 and distinct > 0.5 * n:
        return Guess(column, "text", "long and seldom repeated: free text")
    if distinct == n and (_ID.search(column) or known.dtype.kind not in "fb") and known.dtype.kind != "f":
        return Guess(column, "id", "every value stands once")
    if _ID.search(column) and distinct > 20 and known.dtype.kind != "f":
        return Guess(column, "group", "an id that repeats: its rows belong together and must not be split")
    if _DATE.search(column) and known.dtype.kind in "iu" and distinct > 50:
        return Guess(column, "date", "its name is that of a date")
    if known.dtype.kind not in "iufb" and distinct > max(50, 0.2 * n):
        return Guess(column, "code", "too many different values to learn from")
    return Guess(column, "feature", "")


def _label(table: pd.DataFrame) -> str:
    few = [c for c in table.columns if 2 <= table[c].nunique() <= 10]
    named = [c for c in few if _LABEL.search(c)] or [c for c in table.columns if _LABEL.search(c)]
    binary = [c for c in few if table[c].nunique() == 2]
    found = named[-1:] or binary[-1:] or few[-1:]
    if not found:
        raise DataError(
            f"No column looks like a label. Name it: --label COLUMN. The file has: {', '.join(table.columns)}."
        )
    return str(found[0])


def _words(column: str) -> str:
    return re.sub(r"[_\-.]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column)).strip().lower()


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
