"""Decision thresholds of a score, computed on calibration rows: from which score on a row is flagged.

The rows are sorted by falling score; a step flags all rows down to one of the distinct scores (equal scores are flagged
together), and step 0 flags none. Every rule picks a step from the counts of positives and negatives flagged so far, so a
resample, which only weights the rows anew, needs no sorting.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.costs import BinaryCosts
from harness.stats.bootstrap import resample_weights

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Labels = npt.NDArray[Any]
RESAMPLES = 400
_BLOCK = 4_000_000


@dataclass(frozen=True)
class Flagged:
    """Positives and negatives flagged at each step (resamples, steps); the last step flags all."""

    positives: Floats
    negatives: Floats


Rule = Callable[[Flagged], Ints]
"""Picks a step for each resample (resamples,)."""


def at_sensitivity(share: float) -> Rule:
    """The highest threshold that flags at least this share of the positives."""
    return lambda flagged: _first(flagged.positives >= share * flagged.positives[:, -1:] - 1e-9)


def at_specificity(share: float) -> Rule:
    """The lowest threshold that leaves at least this share of the negatives unflagged."""
    return lambda flagged: _last(flagged.negatives <= (1 - share) * flagged.negatives[:, -1:] + 1e-9)


def at_review(share: float) -> Rule:
    """The lowest threshold that flags at most this share of the rows."""

    def pick(flagged: Flagged) -> Ints:
        rows = flagged.positives + flagged.negatives
        return _last(rows <= share * rows[:, -1:] + 1e-9)

    return pick


def at_least_cost(costs: BinaryCosts) -> Rule:
    """The threshold of the smallest total cost on the rows; of equal ones the highest."""

    def pick(flagged: Flagged) -> Ints:
        gain = (costs.missed - costs.caught) * flagged.positives - (
            costs.false_alarm - costs.passed
        ) * flagged.negatives
        return np.asarray(gain.argmax(axis=1))

    return pick


def at_balanced_accuracy(flagged: Flagged) -> Ints:
    """The threshold of the highest balanced accuracy (Youden 1950); of equal ones the highest."""
    gain = flagged.positives / flagged.positives[:, -1:] - flagged.negatives / flagged.negatives[:, -1:]
    return np.asarray(gain.argmax(axis=1))


class CalibrationRows:
    """Scores (n,) of calibration rows and whether they are positive (n,), both classes present."""

    def __init__(self, scores: Floats, positive: Bools, clusters: Labels | None = None) -> None:
        order = np.argsort(-scores, kind="stable")
        self._scores, self._positive = scores[order], positive[order].astype(float)
        self._clusters = None if clusters is None else clusters[order]
        self._ends = np.r_[np.flatnonzero(np.diff(self._scores)), len(scores) - 1]

    def threshold(self, rule: Rule) -> float:
        """The threshold that the rule picks."""
        return float(self._thresholds(rule(self._flagged(np.ones((1, len(self._scores))))))[0])

    def resampled(self, rule: Rule, rng: np.random.Generator, resamples: int = RESAMPLES) -> Floats:
        """The thresholds that resampling the rows (whole clusters) would give; resamples that lack a class are left out."""
        n, found = len(self._scores), []
        size = max(1, _BLOCK // n)
        for start in range(0, resamples, size):
            flagged = self._flagged(
                resample_weights(n, self._clusters, min(size, resamples - start), rng).astype(float)
            )
            usable = np.minimum(flagged.positives[:, -1], flagged.negatives[:, -1]) > 0
            picked = rule(Flagged(flagged.positives[usable], flagged.negatives[usable]))
            found.append(self._thresholds(picked))
        return np.concatenate(found)

    def _flagged(self, weights: Floats) -> Flagged:
        none = np.zeros((len(weights), 1))
        positives = np.cumsum(weights * self._positive, axis=1)[:, self._ends]
        rows = np.cumsum(weights, axis=1)[:, self._ends]
        return Flagged(np.hstack([none, positives]), np.hstack([none, rows - positives]))

    def _thresholds(self, steps: Ints) -> Floats:
        """Halfway between the last flagged score and the next; rounding errors of a score then turn no answer."""
        distinct = self._scores[self._ends]
        above = (distinct[0] + 1) / 2 if distinct[0] < 1 else np.nextafter(distinct[0], np.inf)
        higher, lower = np.r_[above, distinct], np.r_[distinct, distinct[-1]]
        middle = (higher + lower) / 2
        middle[-1] = distinct[-1]
        middle = np.where(middle > lower, middle, higher)
        middle[-1] = distinct[-1]
        return np.asarray(middle[steps])


def _first(holds: Bools) -> Ints:
    return np.asarray(holds.argmax(axis=1))


def _last(holds: Bools) -> Ints:
    return np.asarray(holds.shape[1] - 1 - holds[:, ::-1].argmax(axis=1))
