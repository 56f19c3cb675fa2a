"""Guesses what the columns of a table are; every guess comes with its reason."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from harness.errors import DataError

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


@dataclass(frozen=True)
class Guess:
    """What a column seems to be, and why; for a sensitive one also the attribute's usual name."""

    column: str
    role: Role
    reason: str
    attribute: str | None = None


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
