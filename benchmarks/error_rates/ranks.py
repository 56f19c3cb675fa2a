"""Measures of ranks: ROC-AUC, rows that are ranked first, points of the ROC curve."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import special, stats
from scipy.optimize import brentq

from benchmarks.error_rates.cell import Cell, Drawn, prevalences
from harness.stats.auc import delong
from harness.stats.ranked import Ranking, among_first
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
                    edge = brentq(
                        lambda c, s=share, m=shift, b=budget: s * stats.norm.sf(c - m) + (1 - s) * stats.norm.sf(c) - b,
                        -9,
                        20,
                    )
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
