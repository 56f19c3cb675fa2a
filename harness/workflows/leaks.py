"""Columns of the user's own table that give the label away, by their values or by being filled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harness.checks.data.leaks import column_auc, column_concordance
from harness.core.names import name_of
from harness.datasets.column_roles import Guess
from harness.datasets.outcomes import Outcome

if TYPE_CHECKING:
    import pandas as pd

LEAK_AUC = 0.98
CHANCE = 1e-6
MOST_ROWS = 20_000

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Leak:
    """How a column gives the label away, as the end of a sentence that begins with its name."""

    how: str


def find_leaks(table: pd.DataFrame, guesses: list[Guess], label: str, outcome: Outcome) -> dict[str, Leak]:
    """The suspects by column, every row having a label. Of ids and of what rows belong to only the being filled is looked at,
    since their values rightly go with the label.

    A suspect tells a class with AUC `LEAK_AUC` or more (for a number: orders it with that concordance), measured on
    `MOST_ROWS` rows at most, drawn with a fixed seed; or it is filled (or empty) only where the label is one class, more often
    than chance would do with p < `CHANCE`.
    """
    drawn = np.arange(len(table))
    if len(drawn) > MOST_ROWS:
        drawn = np.sort(np.random.default_rng(0).permutation(len(drawn))[:MOST_ROWS])
    hits = _hits(table[label], outcome)
    found = {}
    for guess in guesses:
        if guess.role == "label":
            continue
        column = table[guess.column]
        filled = column.notna()
        if guess.role in ("id", "group"):
            column = filled.map({True: 1.0, False: np.nan})
        if outcome.numbers:
            leak = _of_number(column.iloc[drawn], table[label].iloc[drawn])
        else:
            leak = _of_classes(column.iloc[drawn], np.argmax([hit[drawn] for hit in hits.values()], axis=0))
            leak = leak or _one_sided(filled.to_numpy(), hits)
        if leak is not None:
            found[guess.column] = leak
    return found


def _hits(label: pd.Series[Any], outcome: Outcome) -> dict[str, Bools]:
    """By class, which rows (n,) are of it."""
    if outcome.threshold is not None:
        names = np.where(label >= outcome.threshold, "positive", "negative").astype(object)
    else:
        names = label.map(name_of).to_numpy(dtype=object)
    return {name: np.asarray(names == name, dtype=bool) for name in outcome.classes}


def _of_number(column: pd.Series[Any], label: pd.Series[Any]) -> Leak | None:
    truth = label.to_numpy(dtype=float)
    by_value = column_concordance(_as_read(column), truth)
    filled = column_concordance(column.notna().astype(float), truth)
    if max(by_value, filled) < LEAK_AUC:
        return None
    if by_value >= LEAK_AUC:
        return Leak(f"alone tells the label (concordance {by_value:.3f})")
    return Leak(f"alone tells the label by being filled or empty (concordance {filled:.3f})")


def _of_classes(column: pd.Series[Any], owner: Ints) -> Leak | None:
    if column.isna().any():
        gaps = column.notna().map({True: 1.0, False: np.nan})
        by_gaps = column_auc(gaps, owner)
        if by_gaps >= LEAK_AUC:
            return Leak(f"alone tells the label by being filled or empty (AUC {by_gaps:.3f})")
    by_value = column_auc(_as_read(column), owner)
    return Leak(f"alone tells the label (AUC {by_value:.3f})") if by_value >= LEAK_AUC else None


def _one_sided(filled: Bools, hits: dict[str, Bools]) -> Leak | None:
    """A column that is filled, or empty, in rows of one class only: too many rows for chance."""
    for what, rows in (("filled", filled), ("empty", ~filled)):
        for name, hit in hits.items():
            if rows.any() and hit[rows].all() and float(hit.mean()) ** int(rows.sum()) < CHANCE:
                return Leak(f"is {what} only where the label is {name!r} ({int(rows.sum())} rows)")
    return None


def _as_read(column: pd.Series[Any]) -> pd.Series[Any]:
    return column.astype(float) if column.dtype.kind in "iuf" else column
