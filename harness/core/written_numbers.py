"""Numbers as people write them: `1.234,50 €`, `$70,523`, `2 318,25`, `3.83%`, `(15)`, `12-`."""

from __future__ import annotations

import math
import re
from functools import cache

BLANKS = " \u00a0\u2009\u202f"  # the plain, the no-break, the thin and the narrow no-break one
_SAME = {" ": f"[{BLANKS}]", "'": "['\u2019]"}


def number_of(cell: object, decimal: str = ".", thousands: str | None = None, unit: str | None = None) -> float | None:
    """The number that a cell holds, or None.

    Groups of three digits are all or none of a number's whole part, and the first does not begin with 0. The unit may stand
    before or after it, or be left out. Brackets, and a minus after the number, make it negative. 3.83 % is 3.83.
    """
    if isinstance(cell, int | float) and not isinstance(cell, bool):
        return float(cell) if math.isfinite(cell) else None
    found = _pattern(decimal, thousands, unit).fullmatch(cell.strip()) if isinstance(cell, str) else None
    if found is None or (found["open"] is None) != (found["close"] is None):
        return None
    signs = [found[name].strip(BLANKS) for name in ("before", "inside", "after") if found[name]]
    if len(signs) + (found["open"] is not None) > 1:
        return None
    whole = re.sub(r"\D", "", found["whole"] or "") or "0"
    value = float(f"{whole}.{found['part'] or found['only'] or '0'}{found['power'] or ''}")
    return -value if found["open"] is not None or (signs and signs[0] != "+") else value


@cache
def _pattern(decimal: str, thousands: str | None, unit: str | None) -> re.Pattern[str]:
    mark, blanks, whole = re.escape(decimal), f"[{BLANKS}]*", r"[0-9]+"
    if thousands is not None:
        between = _SAME.get(thousands, re.escape(thousands))
        whole = rf"[1-9][0-9]{{0,2}}(?:{between}[0-9]{{3}})+|[0-9]+"
    front = rf"(?:{re.escape(unit)}{blanks})?" if unit else ""
    back = rf"(?:{blanks}{re.escape(unit)})?" if unit else ""
    digits = rf"(?:(?P<whole>{whole})(?:{mark}(?P<part>[0-9]*))?|{mark}(?P<only>[0-9]+))(?P<power>[eE][+-]?[0-9]+)?"
    return re.compile(
        rf"(?P<open>\()?(?P<before>[-+\u2212]{blanks})?{front}(?P<inside>[-+\u2212])?{digits}(?P<after>-)?{back}(?P<close>\))?"
    )
