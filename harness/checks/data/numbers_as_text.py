"""Columns that are numbers but for a few cells, and are therefore read as text, for `data.quality`.

A result below a detection limit (`<0.5`), a word or a slip of the pen in one cell makes every number of the column a category.
A column is named if four filled cells of five are numbers in the suite's marks, ten different ones at least, and not all are.
Those that `categorical` names, and the options of a choice, are meant as text. Limitation: numbers written in marks or with a
unit that the suite does not give are texts like others.
"""

from __future__ import annotations

import math
from collections import Counter

from harness.core.dataset import Split
from harness.core.finding import Finding
from harness.core.written_numbers import number_of
from harness.engine.evidence import Evidence

SHARE, DISTINCT, SHOWN = 0.8, 10, 5


def numbers_as_text(evidence: Evidence, parts: list[Split]) -> list[Finding]:
    """A finding for each such feature: how many of its filled cells are no number, with those that stand in many rows."""
    data = evidence.suite.data
    found = []
    for column in parts[0].inputs.columns:
        if parts[0].inputs[column].dtype.kind != "O" or column in (*data.categorical, *data.options):
            continue
        cells = Counter(str(cell) for part in parts for cell in part.inputs[column].dropna())
        marks = data.read.format_of(str(column))
        others = {cell: count for cell, count in cells.items() if number_of(cell, *marks) is None}
        n, odd = cells.total(), sum(others.values())
        if not odd or len(cells) - len(others) < DISTINCT or n - odd < math.ceil(SHARE * n):
            continue
        often = sorted((cell for cell in others if others[cell] >= SHOWN), key=lambda cell: (-others[cell], cell))[:3]
        shown = f" (such as {', '.join(map(repr, often))})" if often else ""
        found.append(
            Finding(
                measure="data.no_number",
                value=odd,
                n=n,
                exact=True,
                of={"feature": str(column)},
                unit="rows",
                better="lower",
                reason=f"all other cells are numbers, but these{shown} make text of the column, so every number is a category",
            )
        )
    return found
