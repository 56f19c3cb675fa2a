"""What reading made of cells and rows, for `data.quality`: blanks cut off, words taken as missing, classes that the suite's data lack.

Findings only where there is something to tell. A word for 'missing' (`data.read.missing_words`) is told of in the label and in columns of
groups and categories, where it may be a name. Limitation: of columns of numbers neither is counted.
"""

from __future__ import annotations

from harness.core.finding import Finding, Selector
from harness.engine.evidence import Evidence


def cell_findings(evidence: Evidence) -> list[Finding]:
    """The findings, by column or class; `n` are the rows as read."""
    data, found = evidence.data, []
    for column, count in data.stripped.items():
        why = "blanks stood before or after these cells' texts and were cut off"
        found.append(_counted("stripped_cells", count, data.rows, {"column": column}, "cells", why))
    for column, words in data.missing_words.items():
        shown = ", ".join(f"{word!r} ({count} cells)" for word, count in words.items())
        why = f"{shown} stand(s) for 'missing'; a class or group of that name needs data.read.missing_words without it"
        found.append(_counted("missing_word", sum(words.values()), data.rows, {"column": column}, "cells", why))
    for name, count in data.unseen.items():
        why = "the suite's own data do not have this class: where a model knows the suite's classes only, its answers are wrong here"
        found.append(_counted("unseen_class", count, data.rows, {"class": name}, "rows", why))
    if data.own_types is not None:
        why = f"types of columns and classes are those of these rows, since the suite's own data can't be read: {data.own_types}"
        found.append(_counted("own_types", 1, data.rows, None, None, why))
    return found


def _counted(measure: str, value: int, rows: int, of: Selector | None, unit: str | None, reason: str) -> Finding:
    return Finding(measure=f"data.{measure}", value=value, n=rows, of=of, exact=True, unit=unit, reason=reason)
