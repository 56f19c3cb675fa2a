"""Guesses what the columns of a table are; every guess comes with its reason."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from harness.datasets.vocabulary import attribute_of, label_rank, names_a_number, words_of
from harness.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

Role = Literal["feature", "label", "id", "group", "sensitive", "date", "text", "constant", "code"]

FEW = 10
_ID = re.compile(r"(^| )(id|nr|no|number|key|uuid|guid|index|code)$|^(id|nr|no)( |$)|编号|号码|身份证|序号")
_DATE = re.compile(r"\b(dates?|datum|datetime|timestamp|time|day)\b|日期|时间|年月")
_DATE_VALUE = re.compile(r"^\s*(\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})")
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True)
class Guess:
    """What a column seems to be, and why; `attribute` is the regulated one that its name says, whatever its role."""

    column: str
    role: Role
    reason: str
    attribute: str | None = None


@dataclass(frozen=True)
class LabelChoice:
    """The label's column, why it was taken, and every column that might be meant instead of it."""

    column: str
    reason: str
    others: tuple[str, ...] = ()


def guess_columns(table: pd.DataFrame, label: str, sensitive: list[str]) -> list[Guess]:
    """One guess a column; what the user names is taken as said."""
    require_columns(table, sensitive)
    return [_guess(table[column], column, label, sensitive) for column in table.columns]


def require_columns(table: pd.DataFrame, names: list[str]) -> None:
    """DataError where the table lacks one of these columns."""
    for name in names:
        if name not in table.columns:
            raise DataError(f"There is no column {name!r}. The file has: {', '.join(map(str, table.columns))}.")


def choose_label(table: pd.DataFrame, besides: Collection[str] = ()) -> LabelChoice:
    """The column that looks most like a label: by its name, then by having two values, then by standing last.

    A column of a regulated attribute is never taken, nor one of a single value, nor an id, nor dates, nor one named in `besides`.
    """
    ranked = []
    for place, column in enumerate(table.columns):
        found = _label_rank(table[column], str(column), last=place == len(table.columns) - 1)
        if found is not None and column not in besides:
            ranked.append((*found, place, str(column)))
    if not ranked:
        raise DataError(
            f"No column looks like a label. Name it: --label COLUMN. The file has: {', '.join(map(str, table.columns))}."
        )
    ranked.sort(key=lambda row: (row[0], row[1], row[3]), reverse=True)
    rank, _, reason, _, column = ranked[0]
    if rank < 1:
        alike = sum(row[0] == rank for row in ranked)
        reason += "; it is the only such column" if alike == 1 else f"; it is the last of {alike} such columns"
    return LabelChoice(column, reason, tuple(row[4] for row in ranked[1:]))


def looks_like_data(names: list[str]) -> bool:
    """Whether a header holds numbers only, as where a file has none and its first row was taken for it."""
    return bool(names) and all(re.match(r"^\s*-?\d+([.,]\d+)*\s*$", name) for name in names)


def _label_rank(values: pd.Series[Any], column: str, *, last: bool) -> tuple[float, bool, str] | None:
    """How much a column looks like a label, whether it has two values, and why; None where it can't be one."""
    known = values.dropna()
    distinct = known.nunique()
    if attribute_of(column) or distinct < 2 or _are_dates(known) or (distinct == len(values) and _is_named_id(column)):
        return None
    rank, reason = label_rank(column)
    number = known.dtype.kind in "iuf" and distinct > FEW
    if number:
        if rank == 4:
            return 4.0, False, reason
        if names_a_number(column):
            return (2.0 if last else -2.0), False, "its name is that of a number which people predict"
        return None
    if distinct <= FEW:
        strength = (float(rank) if rank else 0.0) if distinct == 2 else (rank - 1.0 if rank < 4 else 4.0)
        return strength, distinct == 2, f"{reason}, and it has {'two' if distinct == 2 else distinct} values"
    return (1.5, False, reason) if rank >= 3 and distinct <= 50 else None


def _guess(values: pd.Series[Any], column: str, label: str, sensitive: list[str]) -> Guess:
    attribute = attribute_of(column)
    if column == label:
        return Guess(column, "label", "", attribute)
    known = values.dropna()
    distinct, n = known.nunique(), len(known)
    named = attribute or words_of(column).replace(" ", "_") or column
    if column in sensitive:
        return Guess(column, "sensitive", "named by you", named)
    if distinct == 0:
        return Guess(column, "constant", "every row is empty", attribute)
    if distinct == 1 and n == len(values):
        return Guess(column, "constant", "every row holds the same value", attribute)
    if _are_dates(known):
        return Guess(column, "date", "its values are dates; a date as such is no property of a case", attribute)
    is_text = known.dtype.kind not in "iufbM"
    if attribute and distinct > 1 and not (is_text and distinct > 60 and distinct > 0.5 * n):
        return Guess(column, "sensitive", f"its name is that of a regulated attribute ({attribute})", attribute)
    return _plain_guess(values, column, attribute)


def _plain_guess(values: pd.Series[Any], column: str, attribute: str | None) -> Guess:
    """The guess of a column that is neither named by the user nor regulated."""
    known = values.dropna()
    distinct, n = known.nunique(), len(known)
    kind = known.dtype.kind
    is_text, complete = kind not in "iufb", n == len(values)
    if is_text and distinct > 0.5 * n and _is_prose(known.astype(str)):
        return Guess(
            column,
            "text",
            "long and seldom repeated: free text; for a model of texts list it and write views.text",
            attribute,
        )
    if complete and distinct == n and _is_id(known, column):
        return Guess(column, "id", "every value stands once", attribute)
    if _is_named_id(column) and distinct > 20 and kind != "f" and distinct < n:
        return Guess(column, "group", "an id that repeats: its rows belong together and must not be split", attribute)
    if _DATE.search(words_of(column)) and kind in "iu" and distinct > 50:
        return Guess(column, "date", "its name is that of a date", attribute)
    if is_text and distinct > max(50, 0.2 * n):
        return Guess(column, "code", f"too many different values to learn from ({distinct} in {n} rows)", attribute)
    return Guess(column, "feature", _described(values), attribute)


def _described(values: pd.Series[Any]) -> str:
    """What a feature holds, for the reader of the suite."""
    known = values.dropna()
    kind = "number" if known.dtype.kind in "iuf" else "words"
    gaps = len(values) - len(known)
    distinct = f"{known.nunique()} values" if known.nunique() > 1 else "one value, or empty"
    return f"{kind}, {distinct}" + (f", {gaps / len(values):.0%} empty" if gaps else "")


def _are_dates(known: pd.Series[Any]) -> bool:
    if known.dtype.kind == "M":
        return True
    if known.dtype.kind in "iufb" or not len(known):
        return False
    return bool(known.astype(str).head(200).str.match(_DATE_VALUE).mean() > 0.8)


def _is_prose(words: pd.Series[Any]) -> bool:
    """Sentences: longer than a code or a name is; a Chinese text says more with fewer signs."""
    length = float(words.str.len().mean())
    spaces = float(words.str.count(r"\s").mean())
    return length > 25 or spaces >= 3 or (length > 10 and bool(words.head(200).str.contains(_CHINESE).mean() > 0.5))


def _is_named_id(column: str) -> bool:
    """Whether the name, in whatever way its words are joined, is that of an id: patient_id, PatientID, Kunden-Nr."""
    return _ID.search(words_of(column)) is not None


def _is_id(known: pd.Series[Any], column: str) -> bool:
    """Words that each stand once; whole numbers that do so under the name of an id, or that only count the rows."""
    if known.dtype.kind in "iu":
        return _is_named_id(column) or int(known.max()) - int(known.min()) == len(known) - 1
    return known.dtype.kind not in "fb"
