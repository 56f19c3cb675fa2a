"""Measures of ranks: ROC-AUC, average precision, rows that are ranked first (or last), abstention, points of the ROC curve."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
from scipy import special, stats
from scipy.optimize import brentq

from benchmarks.error_rates.cell import RESAMPLED, Cell, Drawn, prevalences
from harness.stats.auc import delong
from harness.stats.average_precision import average_precision
from harness.stats.ranked import Ranking, among_first
from harness.stats.risk_coverage import GRID, area, selective_gain
from harness.stats.roc import rate_at

SCORES = ("equal sd", "sd 0.5", "sd 1.5", "sd 2.5", "mixture", "3 levels", "5 levels")


def _scores(kind: str, auc: float, rng: np.random.Generator, positive: np.ndarray) -> np.ndarray:
    sd = float(kind.split()[1]) if kind.startswith("sd") else 1.0
    shift = special.ndtri(auc) * np.sqrt(1 + sd**2)
    noise, n = rng.standard_normal(len(positive)), int(positive.sum())
    if kind == "mixture":
        far = rng.random(n) < 2 * auc - 1
        noise[positive] += 8 * far
        return noise
    noise[positive] = noise[positive] * sd + shift
    if kind.endswith("levels"):
        return np.searchsorted(_edges(kind, shift), noise).astype(float)
    return noise


def _edges(kind: str, shift: float) -> np.ndarray:
    return np.linspace(-1, max(shift, 1) + 0.5, int(kind[0]) - 1)


def _true_auc(kind: str, auc: float) -> float:
    if not kind.endswith("levels"):
        return auc
    shift = special.ndtri(auc) * np.sqrt(2)
    edges = _edges(kind, shift)
    of = [np.diff(np.r_[0, stats.norm.cdf(edges - move), 1]) for move in (shift, 0)]
    return float(sum(p * (of[1][:i].sum() + of[1][i] / 2) for i, p in enumerate(of[0])))


def aucs(sizes: tuple[int, ...] = (200, 1000, 5000)) -> Iterator[Cell]:
    for n in sizes:
        for named, share in prevalences(n):
            for auc in (0.7, 0.9, 0.97):
                for kind in SCORES:

                    def draw(
                        rng: np.random.Generator, n: int = n, share: float = share, auc: float = auc, kind: str = kind
                    ) -> Drawn:
                        positive = np.arange(n) < rng.binomial(n, share)
                        found = delong(_scores(kind, auc, rng, positive), positive)
                        return None if found is None else (found.value, found.interval())

                    yield Cell("ROC-AUC, Gini", f"n {n}, {named}, AUC {auc:g}, {kind}", _true_auc(kind, auc), draw)


def ranked(sizes: tuple[int, ...] = (200, 1000)) -> Iterator[Cell]:
    for n in sizes:
        for named, share in prevalences(n)[1:]:
            for auc in (0.7, 0.9, 0.98):
                shift = special.ndtri(auc) * np.sqrt(2)
                for budget in sorted({20 / n, 0.1}):
                    edge = _edge(share, shift, budget)
                    recall = float(stats.norm.sf(edge - shift))
                    for name, truth in (("precision", recall * share / budget), ("recall", recall)):

                        def draw(
                            rng: np.random.Generator,
                            n: int = n,
                            share: float = share,
                            shift: float = shift,
                            taken: int = round(budget * n),
                            name: str = name,
                        ) -> Drawn:
                            hit = rng.random(n) < share
                            if not hit.any():
                                return None
                            score = rng.standard_normal(n) + shift * hit
                            found = among_first(Ranking.of(score, hit), taken)
                            return getattr(found, name)

                        yield Cell(
                            f"{name} at a budget", f"n {n}, {named}, AUC {auc:g}, {budget:g} of the rows", truth, draw
                        )


def _edge(share: float, shift: float, budget: float) -> float:
    """The score that this share of the population exceeds."""

    def excess(edge: float) -> float:
        return float(share * stats.norm.sf(edge - shift) + (1 - share) * stats.norm.sf(edge) - budget)

    return float(brentq(excess, -9, 20))


def points() -> Iterator[Cell]:
    for share, others in ((0.01, (100, 200, 950)), (0.1, (20, 100, 500))):
        for m in others:
            for n in (30, 200, 950):
                for shift in (0.0, 0.5, 1.5, 3.0):

                    def draw(
                        rng: np.random.Generator, share: float = share, m: int = m, n: int = n, shift: float = shift
                    ) -> Drawn:
                        return rate_at(rng.normal(shift, 1, n), rng.normal(0, 1, m), share)

                    truth = float(stats.norm.sf(stats.norm.isf(share) - shift))
                    yield Cell(f"TPR at {share:.0%} FPR", f"{n} against {m} others, shift {shift:g}", truth, draw)


def inspections(sizes: tuple[int, ...] = (200, 1000)) -> Iterator[Cell]:
    for n in sizes:
        for named, share in prevalences(n)[1:]:
            for auc in (0.7, 0.9, 0.98):
                for budget in (0.1, 0.2, 0.5):
                    shift = special.ndtri(auc) * np.sqrt(2)
                    edge = _edge(share, shift, budget)
                    escape = float(stats.norm.cdf(edge - shift))
                    for name, place, truth in (
                        ("escape rate", "recall", escape),
                        ("released defect rate", "precision", escape * share / (1 - budget)),
                    ):

                        def draw(
                            rng: np.random.Generator,
                            n: int = n,
                            share: float = share,
                            shift: float = shift,
                            budget: float = budget,
                            place: str = place,
                        ) -> Drawn:
                            hit = rng.random(n) < share
                            if min(hit.sum(), (~hit).sum()) < 10:
                                return None
                            score = rng.standard_normal(n) + shift * hit
                            return getattr(among_first(Ranking.of(-score, hit), n * (1 - budget)), place)

                        yield Cell(name, f"n {n}, {named}, AUC {auc:g}, {budget:.0%} inspected", truth, draw, RESAMPLED)


RIGHT: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "calibrated, 0.5 to 1": lambda u: 0.5 + 0.5 * u,
    "0.75 at random": lambda u: np.full(len(u), 0.75),
    "0.98 at random": lambda u: np.full(len(u), 0.98),
    "steep": lambda u: special.expit(12 * u - 2),
    "falling from 1 to 0.8": lambda u: 1 - 0.2 * u**3,
    "half of the surest 1 % wrong": lambda u: np.where(u > 0.99, 0.5, 0.99),
}
"""The share of right answers by the rank of the confidence, from 0 to 1."""


@cache
def _curve(named: str, levels: int) -> np.ndarray:
    """Share of right answers among the most confident shares of a million rows (1,000,000,)."""
    u = (np.arange(1_000_000)[::-1] + 0.5) / 1_000_000
    right = RIGHT[named](u)
    if levels:
        right = np.repeat(right.reshape(levels, -1).mean(axis=1), len(right) // levels)
    return np.asarray(np.cumsum(right) / np.arange(1, len(right) + 1))


def abstentions(sizes: tuple[int, ...] = (60, 200, 1000)) -> Iterator[Cell]:
    measures: list[tuple[str, float, Callable[[Ranking, float], Drawn]]] = [
        ("AURC", 1.0, lambda ranking, share: area(ranking))
    ]
    for share in (0.5, 0.8, 0.9):
        measures.append(("accuracy at coverage", share, lambda r, c: among_first(r, c * len(r.hit)).precision))
        measures.append(("selective gain", share, selective_gain))
    for n in sizes:
        for named in RIGHT:
            for levels in (0, 5):
                curve = _curve(named, levels)
                for name, share, of in measures:
                    reached = float(curve[round(share * 1e6) - 1])
                    truth = reached - float(curve[-1]) if name == "selective gain" else reached
                    if name == "AURC":
                        truth = float(1 - curve[np.round(GRID * 1e6).astype(int) - 1].mean())

                    def draw(
                        rng: np.random.Generator,
                        n: int = n,
                        named: str = named,
                        levels: int = levels,
                        share: float = share,
                        of: Callable[[Ranking, float], Drawn] = of,
                    ) -> Drawn:
                        u = rng.random(n)
                        right = rng.random(n) < RIGHT[named](u)
                        return of(Ranking.of(np.floor(u * levels) if levels else u, right), share)

                    at = "" if name == "AURC" else f", {share:.0%} answered"
                    setting = f"n {n}, right {named}{', 5 levels' if levels else ''}{at}"
                    yield Cell(name, setting, truth, draw, RESAMPLED)


@cache
def _true_precision(share: float, auc: float, kind: str) -> float:
    """Average precision of the population: the integral of the precision over the positives' scores."""
    shift, sd = special.ndtri(auc), 0.5 if kind == "sd 0.5" else 1.0
    shift *= np.sqrt(1 + sd**2)
    edges = _edges(kind, shift)[::-1] if kind.endswith("levels") else np.linspace(14, -10, 400_001)
    recall, alarm = (np.r_[stats.norm.sf((edges - move) / scale), 1.0] for move, scale in ((shift, sd), (0, 1)))
    flagged = share * recall + (1 - share) * alarm
    return float((np.diff(recall, prepend=0.0) * share * recall / np.maximum(flagged, 1e-300)).sum())


def average_precisions(sizes: tuple[int, ...] = (200, 1000, 5000)) -> Iterator[Cell]:
    for n in sizes:
        for named, share in prevalences(n):
            for auc in (0.7, 0.9, 0.97):
                for kind in ("equal sd", "sd 0.5", "5 levels"):

                    def draw(
                        rng: np.random.Generator, n: int = n, share: float = share, auc: float = auc, kind: str = kind
                    ) -> Drawn:
                        positive = np.arange(n) < rng.binomial(n, share)
                        return average_precision(_scores(kind, auc, rng, positive), positive)

                    truth = _true_precision(share, auc, kind)
                    yield Cell("average precision", f"n {n}, {named}, AUC {auc:g}, {kind}", truth, draw, RESAMPLED)
