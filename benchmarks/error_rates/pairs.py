"""Differences of two models on the same rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import special

from benchmarks.error_rates.cell import RESAMPLED, Cell, Drawn, once, prevalences
from harness.stats.auc import correlation, delong
from harness.stats.intervals import correlated_difference, tango
from harness.stats.nearer import compare_groups
from harness.stats.table_intervals import difference_interval
from harness.stats.tables import MEASURES


def _answers(share: float, right: tuple[tuple[float, float], ...], together: float) -> tuple[np.ndarray, np.ndarray]:
    """Cells (truth, first, second) and their probabilities; `right` are the recalls of either class of both models."""
    cells, chances = [], []
    for k, part in ((0, 1 - share), (1, share)):
        one, other = 1 - right[0][k], 1 - right[1][k]
        both = together * min(one, other) + (1 - together) * one * other
        for a, b, p in ((1, 1, both), (1, 0, one - both), (0, 1, other - both), (0, 0, 1 - one - other + both)):
            cells.append((k, 1 - k if a else k, 1 - k if b else k))
            chances.append(part * p)
    return np.array(cells), np.array(chances)


def _paired_value(measure: str, cells: np.ndarray, weights: np.ndarray) -> float:
    tables = np.zeros((2, 2, 3))
    for side in (0, 1):
        np.add.at(tables[side], (cells[:, 0], cells[:, side + 1]), weights)
    if measure == "accuracy":
        return float((tables[0, [0, 1], [0, 1]].sum() - tables[1, [0, 1], [0, 1]].sum()) / weights.sum())
    name, _, place = measure.partition(":")
    if place:
        values = [2 * t[1, 1] / max(t[1].sum() + t[:, 1].sum(), 1e-12) for t in tables]
        return float(values[0] - values[1])
    found = MEASURES[name](tables)
    return float(found[0] - found[1])


def _judged(measure: str, cells: np.ndarray, counts: np.ndarray, n: int) -> Drawn:
    value = _paired_value(measure, cells, counts)
    if not np.isfinite(value):
        return None
    if measure == "accuracy":
        gains, lost = (int(counts[[place, place + 4]].sum()) for place in (2, 1))
        return value, tango(gains, lost, n)
    used = counts > 0
    return value, difference_interval(measure, cells[used].T.tolist(), counts[used].tolist(), 2)


def paired(sizes: tuple[int, ...] = (200, 1000)) -> Iterator[Cell]:
    for n in sizes:
        for named, share in prevalences(n)[1:]:
            for right in (((0.9, 0.7), (0.9, 0.7)), ((0.97, 0.9), (0.95, 0.8)), ((0.995, 0.995), (0.995, 0.995))):
                for together in (0.0, 0.8):
                    cells, chances = _answers(share, right, together)
                    for measure in ("accuracy", "balanced_accuracy", "mcc", "f1:1"):

                        def draw(
                            rng: np.random.Generator,
                            n: int = n,
                            cells: np.ndarray = cells,
                            chances: np.ndarray = chances,
                            measure: str = measure,
                        ) -> Drawn:
                            counts = rng.multinomial(n, chances)
                            if min(counts[:4].sum(), counts[4:].sum()) < 2:
                                return None
                            return once(counts, lambda: _judged(measure, cells, counts, n))

                        setting = (
                            f"n {n}, {named}, recalls {right[0]} and {right[1]}, {together:g} of the errors shared"
                        )
                        yield Cell(
                            f"difference of {measure.partition(':')[0]}",
                            setting,
                            _paired_value(measure, cells, chances),
                            draw,
                        )
            for one, other in ((0.9, 0.9), (0.97, 0.9), (0.999, 0.97)):
                shifts = [special.ndtri(auc) * np.sqrt(2) for auc in (one, other)]

                def ranks(
                    rng: np.random.Generator, n: int = n, share: float = share, shifts: list[float] = shifts
                ) -> Drawn:
                    positive = np.arange(n) < rng.binomial(n, share)
                    shared = rng.standard_normal(n) * np.sqrt(0.5)
                    both = [
                        delong(shared + rng.standard_normal(n) * np.sqrt(0.5) + shift * positive, positive)
                        for shift in shifts
                    ]
                    if both[0] is None or both[1] is None:
                        return None
                    band = correlated_difference(both[0].worth, both[1].worth, correlation(both[0], both[1]))
                    return both[0].value - both[1].value, band

                yield Cell("difference of ROC-AUC", f"n {n}, {named}, {one:g} and {other:g}", one - other, ranks)


def _selections(first: float, second: float, together: float) -> np.ndarray:
    """Chances of the cells of `stats.nearer`: neither model selects, the second alone, the first alone, both."""
    both = together * min(first, second) + (1 - together) * first * second
    return np.array([1 - first - second + both, second - both, first - both, both])


RATES = (
    ("equal and even", (0.5, 0.5, 0.5, 0.5)),
    ("equal and uneven", (0.6, 0.6, 0.8, 0.8)),
    ("the first uneven, the second even", (0.45, 0.6, 0.6, 0.6)),
    ("the first even, the second uneven", (0.9, 0.7, 0.9, 0.9)),
)


def groups_of_two() -> Iterator[Cell]:
    for n, m in ((30, 2000), (60, 200), (200, 200), (500, 2000)):
        for named, (first, second, reference, other) in RATES:
            for together in (0.0, 0.8):
                chances = np.array([_selections(first, second, together), _selections(reference, other, together)])
                for name, ratio in (("gap by group", False), ("impact ratio", True)):
                    truth = compare_groups(chances, ratio=ratio)
                    assert truth is not None
                    for what, value in (
                        (f"difference of the {name}", truth.values[0] - truth.values[1]),
                        (f"how much nearer the {name} is", truth.gain),
                    ):

                        def draw(
                            rng: np.random.Generator,
                            n: int = n,
                            m: int = m,
                            chances: np.ndarray = chances,
                            ratio: bool = ratio,
                            nearer: bool = what.startswith("how"),
                        ) -> Drawn:
                            counts = np.array([rng.multinomial(n, chances[0]), rng.multinomial(m, chances[1])])

                            def judged() -> Drawn:
                                found = compare_groups(counts, ratio=ratio)
                                if found is None:
                                    return None
                                gap = found.values[0] - found.values[1]
                                return (found.gain, found.nearer) if nearer else (gap, found.difference)

                            return once(counts, judged)

                        setting = f"{n} and {m} rows, {named}, {together:g} of the selections shared"
                        yield Cell(what, setting, float(value), draw, RESAMPLED)
