"""Reads the number that a language model wrote.

One number is read: the only one, or the one that an answer begins with on a line of its own, or the first after "the answer
is", "answer:", 答案是. Several numbers ("between 3 and 5", "3 rooms, so 250,000") are none. Full-width digits are digits; a
minus, "minus" and 负 before a number make it negative. Marks are read as `1,234.5`, `1.234,5`, `1.234.567`, `12,5` and `1,00,000`
can only be meant; `1.234` is a decimal and `1,234` a whole number, as in English. Units, currencies and % are left aside. What
would need more than reading is none: a multiplier (12.5 万, 3 million, 40k), a fraction, a power, a number in words.
"""

from __future__ import annotations

import math
import re
import unicodedata

from harness.core.written_numbers import BLANKS, number_of
from harness.engine.text_pass import CUT, UNREADABLE

READING = 3  # raised where the same answer is read as another number than before
LONGEST = 32  # tokens that an answer of one number may take
_CJK = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_NUMBER = re.compile(
    rf"(?P<sign>(?<![\w.])[-\u2212]\s?|\bminus |负\s?)?(?<![^\W{_CJK}])(?<![\d.][.,])(?P<digits>\d[\d.,]*)(?P<power>e[+-]?\d+)?"
    rf"(?P<after>\s?(?:[万亿千百兆]|(?:k|m|bn|thousand|million|billion|trillion|lakh|crore)\b)|\s?[\^×/*]\s?\d|[^\W\d{_CJK}]+\d)?",
    re.IGNORECASE,
)
_CUE = re.compile(r"answer(?: is|\s*[:=])|答案(?:是|为)?\s*[:=]?", re.IGNORECASE)
_INDIAN = re.compile(r"\d{1,2}(?:,\d\d)+,\d{3}(?:\.\d+)?")


def number_row(text: str, *, complete: bool = True) -> list[float]:
    """The row of a text model for regression: 0 and the number, or the code of no answer.

    An answer that is not `complete` was cut off at its budget: so is a number at its end, or one that was not reached.
    """
    found = _found(text)
    reached = found is not None or _NUMBER.search(_plain(text)) is not None
    if not complete and (not reached or (found is not None and not text[found[1] :].strip())):
        return [CUT, math.nan]
    return [UNREADABLE, math.nan] if found is None else [0.0, found[0]]


def first_line(text: str, *, complete: bool) -> tuple[str, bool]:
    """The first line of what a base model wrote, and whether it has an end: such a model goes on after its answer, with questions
    and answers of its own."""
    line, end, _ = text.lstrip().partition("\n")
    return line, complete or bool(end)


def _found(text: str) -> tuple[float, int] | None:
    """The number, and where it ends in the text."""
    plain = _plain(text)
    cues = list(_CUE.finditer(plain))
    start = cues[-1].end() if cues else 0
    matches = list(_NUMBER.finditer(plain, start)) or list(_NUMBER.finditer(plain))
    if not matches:
        return None
    first, values = matches[0], {_value(match) for match in matches}
    line_end = plain.find("\n", first.end())
    alone = not plain[: first.start()].strip() and line_end >= 0 and all(m.start() > line_end for m in matches[1:])
    if len(values) > 1 and not alone and not cues:
        return None
    if cues and len(matches) > 1 and re.match(r"\s*(?:-|–|~|to\b|or\b|and\b|到|至|或)", plain[first.end() :]):
        return None  # a range
    value = _value(first)
    return None if value is None else (value, first.end())


def _plain(text: str) -> str:
    """Full-width forms made plain, blanks between thousands left out; as long as the text, so that places stay."""
    text = re.sub(rf"(?<=\d)[{BLANKS[1:]}](?=\d{{3}}(?!\d))", "", text)
    return unicodedata.normalize("NFKC", text)


def _value(match: re.Match[str]) -> float | None:
    digits = match["digits"].rstrip(".,")
    if match["after"]:
        return None
    value = _with_marks(digits)
    if value is None:
        return None
    value = float(f"{value!r}{match['power']}") if match["power"] and "e" not in repr(value) else value
    return None if not math.isfinite(value) else -value if match["sign"] else value


def _with_marks(digits: str) -> float | None:
    """The number, where its marks can be meant in one way."""
    marks = [mark for mark in digits if mark in ".,"]
    if _INDIAN.fullmatch(digits):
        return float(digits.replace(",", ""))
    if len(set(marks)) == 2:
        return number_of(digits, decimal=marks[-1], thousands=marks[0])
    if not marks:
        return number_of(digits)
    if len(marks) > 1:
        return number_of(digits, decimal="," if marks[0] == "." else ".", thousands=marks[0])
    if marks[0] == "." or not re.fullmatch(r"[1-9]\d{0,2},\d{3}", digits):
        return number_of(digits, decimal=marks[0])
    return number_of(digits, thousands=",")
