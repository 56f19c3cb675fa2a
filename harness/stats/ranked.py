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
Labels = npt.NDArray[Any]
FEWEST_AROUND = 10


@dataclass(frozen=True)
class AmongFirst:
    """Precision, recall and enrichment (precision over prevalence) among the rows taken first, each with its interval."""

    precision: tuple[float, Interval]
    recall: tuple[float, Interval]
    enrichment: tuple[float, Interval]


def among_first(hit: Floats, taken: Floats, clusters: Labels | None = None) -> AmongFirst:
    """What is found among the rows taken first, k of n with P of them positive.

    `hit` (n,) is 1 where a row, by falling score, is positive (the mean of its ties), `taken` (n,) 1 where it is taken (a part at the edge).
    With h the share of positives around the edge, the influence of a row on the precision P of a share b of the rows is (hit - h) · taken / b, and on the
    recall R it is ((hit - h) · taken - R · hit) / prevalence: a positive row that enters drives out a row of the edge. Clopper and
    Pearson's limits (1934) of P and R among as many rows as these variances are worth (Korn & Graubard 1998). With fewer rows taken than there are
    positive rows R can't reach 1: it is then P over prevalence / b, by `observed_to_expected`. At 0 or 1 the rows taken (or the positive
    rows) count; clusters (n,) as `mean_error` has them.
    """
    n, k, positives = len(hit), float(taken.sum()), float(hit.sum())
    found, part, prevalence = float((hit * taken).sum()), k / n, positives / n
    precision, recall = found / k, found / positives
    reach, edge = max(FEWEST_AROUND, int(k / 4)), round(k)
    moved = (hit - float(hit[max(0, edge - reach) : edge + reach].mean())) * taken
    effect = 1.0 if clusters is None else largest_effect(clusters)
    apart = clusters is None or len(set(clusters)) > 1
    least = precision * (1 - precision) / k * (1 - part) * (1.0 if apart else effect)
    of_precision = max(_variance(moved / part, clusters), least)
    worth = _worth(precision, of_precision, k / effect)
    of_prevalence = math.sqrt(_variance(hit, clusters))
    if k < positives:
        of_recall = observed_to_expected(*worth, prevalence / part, of_prevalence / part)
        enriched = observed_to_expected(*worth, prevalence, of_prevalence)
    else:
        variance = _variance((moved - recall * hit) / prevalence, clusters)
        own = _worth(recall, variance, positives / effect)
        of_recall, enriched = clopper_pearson(*own), weighted_shares([own[0]], own[1], [1 / part])
    return AmongFirst((precision, clopper_pearson(*worth)), (recall, of_recall), (recall / part, enriched))


def _variance(influence: Floats, clusters: Labels | None) -> float:
    return (mean_error(influence, clusters) or 0.0) ** 2


def _worth(value: float, variance: float, rows: float) -> tuple[float, float]:
    plain = value * (1 - value)
    effective = rows if plain < 1e-12 or variance < 1e-15 else plain / variance
    return value * effective, effective
