"""Intervals of what is found among the rows ranked first: the ranks, and so the rows that are taken, are chance too."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.interval import Interval
from harness.stats.design_effect import largest_effect, mean_error
from harness.stats.exact import clopper_pearson, weighted_shares
from harness.stats.intervals import observed_to_expected

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Labels = npt.NDArray[Any]
FEWEST_AROUND = 10


@dataclass(frozen=True)
class Ranking:
    """Rows by falling score: `hit` (n,) is 1 where a row is positive, `tied` (n,) the mean over its score."""

    hit: Floats
    tied: Floats
    starts: Ints
    sizes: Ints
    clusters: Labels | None

    @classmethod
    def of(cls, score: Floats, hit: npt.NDArray[Any], clusters: Labels | None = None) -> Ranking:
        """Ranks rows (n,) by their score (n,)."""
        order = np.argsort(-score, kind="stable")
        ordered, ranked = hit[order].astype(float), score[order]
        starts = np.r_[0, np.flatnonzero(np.diff(ranked) != 0) + 1]
        sizes = np.diff(np.r_[starts, len(ranked)])
        tied = np.repeat(np.add.reduceat(ordered, starts) / sizes, sizes)
        return cls(ordered, tied, starts, sizes, None if clusters is None else clusters[order])

    def taken(self, rows: float) -> Floats:
        """1 for each of the first `rows` rows (n,), else 0; of equal scores at the edge each row is taken in part."""
        return np.repeat(np.clip((round(rows, 9) - self.starts) / self.sizes, 0, 1), self.sizes)

    def moved(self, rows: float) -> Floats:
        """Influence (n,) of a row on the hits among the first `rows`: one that enters drives out a row of the edge."""
        return (self.hit - self._around(rows)[0]) * self.taken(rows)

    def moves(self, rows: float) -> list[Floats]:
        """`moved`; then the same for the scores on either side of the edge that many rows have: a kink."""
        taken = self.taken(rows)
        return [(self.hit - share) * taken for share in self._around(rows)]

    def _around(self, rows: float) -> list[float]:
        """The share of hits around the edge; then of the scores on its sides that many rows have."""
        n, edge = len(self.hit), round(rows)
        reach = max(FEWEST_AROUND, int(min(rows, n - rows) / 4))
        sides = [min(max(place, 0), n - 1) for place in (edge - 1, edge)]
        groups = np.searchsorted(self.starts, sides, side="right") - 1
        tied = [float(self.tied[self.starts[one]]) for one in groups if self.sizes[one] >= FEWEST_AROUND]
        return [float(self.tied[max(0, edge - reach) : edge + reach].mean()), *tied]

    def variance(self, influence: Floats) -> float:
        """Variance of the mean of an influence (n,), as `mean_error` has it; 0 with a single cluster."""
        return (mean_error(influence, self.clusters) or 0.0) ** 2

    def reversed(self) -> Ranking:
        """The same rows by rising score."""
        n, clusters = len(self.hit), None if self.clusters is None else self.clusters[::-1]
        starts = n - (self.starts + self.sizes)[::-1]
        return Ranking(self.hit[::-1], self.tied[::-1], starts, self.sizes[::-1], clusters)

    @property
    def effect(self) -> float:
        """The largest design effect that the clusters can have."""
        return 1.0 if self.clusters is None else largest_effect(self.clusters)


@dataclass(frozen=True)
class AmongFirst:
    """Precision, recall and enrichment (precision over prevalence) among the rows taken first, each with its interval."""

    precision: tuple[float, Interval]
    recall: tuple[float, Interval]
    enrichment: tuple[float, Interval]


def among_first(ranking: Ranking, rows: float) -> AmongFirst:
    """What is found among the first `rows` (k, whole or not) of n; of equal scores each counts as their average.

    With h the share of positives around the edge, the influence of a row on the precision of a share b of the rows is
    (hit - h) · taken / b, and on the recall R it is ((hit - h) · taken - R · hit) / prevalence: a positive row that
    enters drives out a row of the edge. Clopper and Pearson's limits (1934) of both among as many rows as these
    variances are worth (Korn & Graubard 1998). With fewer rows taken than there are positive rows R can't reach 1: it
    is then the precision over prevalence / b, by `observed_to_expected`. At 0 or 1 the rows taken (or the positive
    rows) count; clusters as `mean_error` has them. Where many rows have the scores at the edge, h is also taken of each
    of these scores, and the largest variance counts.
    """
    hit, taken = ranking.hit, ranking.taken(rows)
    n, k, positives = len(hit), float(taken.sum()), float(hit.sum())
    found, part, prevalence = float((hit * taken).sum()), k / n, positives / n
    precision, recall = found / k, found / positives if positives else 0.0
    worth = precision_worth(ranking, rows)
    of_prevalence = math.sqrt(ranking.variance(hit))
    if k < positives:
        of_recall = observed_to_expected(*worth, prevalence / part, of_prevalence / part)
        enriched = observed_to_expected(*worth, prevalence, of_prevalence)
    else:
        moves = ranking.moves(rows) if positives else []
        variance = max((ranking.variance((moved - recall * hit) / prevalence) for moved in moves), default=0.0)
        found_of = worth_of(recall, variance, positives / ranking.effect)
        of_recall, enriched = clopper_pearson(*found_of), weighted_shares([found_of[0]], found_of[1], [1 / part])
    return AmongFirst((precision, clopper_pearson(*worth)), (recall, of_recall), (recall / part, enriched))


def precision_worth(ranking: Ranking, rows: float) -> tuple[float, float]:
    """The hits and rows that the precision among the first `rows` is worth (see `among_first`)."""
    taken = ranking.taken(rows)
    n, k = len(taken), float(taken.sum())
    precision, part = float((ranking.hit * taken).sum()) / k, k / n
    apart = ranking.clusters is None or len(set(ranking.clusters)) > 1
    least = precision * (1 - precision) / k * (1 - part) * (1.0 if apart else ranking.effect)
    variance = max(ranking.variance(moved / part) for moved in ranking.moves(rows))
    return worth_of(precision, max(variance, least), k / ranking.effect)


def worth_of(value: float, variance: float, rows: float) -> tuple[float, float]:
    """Successes and rows of a proportion with this value and variance; `rows` of them at 0 or 1, or without a variance."""
    plain = value * (1 - value)
    effective = rows if plain < 1e-12 or variance < 1e-15 else plain / variance
    return value * effective, effective
