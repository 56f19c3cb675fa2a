"""Reads the number that a language model wrote."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"(?<![\w.])[-−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?")
LONGEST = 12  # tokens that an answer of one number may take


def number_in(text: str) -> float | None:
    """The first number of an answer (commas between thousands, a decimal point); None where there is none."""
    found = _NUMBER.search(text)
    return None if found is None else float(found.group().replace(",", "").replace("−", "-"))


def number_row(text: str) -> list[float]:
    """The row of a text model for regression: 0 and the number, or the code of an unreadable answer."""
    found = number_in(text)
    return [-2.0, float("nan")] if found is None else [0.0, found]
