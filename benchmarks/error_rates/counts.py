"""Measures of counts: shares, confusion tables, groups, and guessing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from benchmarks.error_rates.cell import CLOSED_FORM, RESAMPLED, Cell, Drawn, once, prevalences
from harness.stats.cell_means import cell_mean, cell_mean_value
from harness.stats.exact import clopper_pearson, informedness, mean_share
from harness.stats.intervals import newcombe, score_ratio
from harness.stats.table_intervals import f1_interval, table_interval
from harness.stats.tables import MEASURES


def shares() -> Iterator[Cell]:
    for n in (10, 30, 200, 1000, 5000):
        for p in (0.05, 0.3, 0.7, 0.9, 0.97, 0.99):

            def draw(rng: np.random.Generator, n: int = n, p: float = p) -> Drawn:
                hits = rng.binomial(n, p)
                return once(np.array([hits]), lambda: (hits / n, clopper_pearson(hits, n)))

            yield Cell("share (accuracy, recall, precision …)", f"n {n}, {p:g}", p, draw)


def _square(prevalence: float, found: float, spared: float) -> np.ndarray:
    return np.array(
        [[(1 - prevalence) * spared, (1 - prevalence) * (1 - spared)], [prevalence * (1 - found), prevalence * found]]
    )


def _classes(count: int, right: float, skewed: bool) -> np.ndarray:
    shares = np.full(count, 1 / count)
    if skewed:
        shares = np.array([0.85, 0.1, 0.05]) if count == 3 else np.r_[0.5, np.full(count - 1, 0.5 / (count - 1))]
    wrong = 1 + 0.5 * np.sin(np.arange(count**2).reshape(count, count))
    np.fill_diagonal(wrong, 0)
    inside = wrong / wrong.sum(axis=1, keepdims=True) * (1 - right) + np.eye(count) * right
    return shares[:, None] * inside


NAMES = {"f1": "F1 of a class", "mcc": "Matthews correlation", "f1_macro": "F1, macro", "f1_weighted": "F1, weighted", "precision_macro": "precision, macro", "balanced_accuracy": "balanced accuracy, macro recall"}  # fmt: skip


def _of_table(measure: str, table: np.ndarray, n: int, setting: str) -> Cell:
    size = len(table)

    def value(counts: np.ndarray) -> float:
        full = np.concatenate([counts, np.zeros((size, 1))], axis=1)
        if measure != "f1":
            return float(MEASURES[measure](full[None])[0])
        return float(2 * counts[1, 1] / (counts[1].sum() + counts[:, 1].sum()))

    def draw(rng: np.random.Generator) -> Drawn:
        counts = rng.multinomial(n, table.ravel()).reshape(size, size)
        rows = counts.sum(axis=1)
        if (rows > 0).sum() < 2:
            return None
        return once(counts, lambda: judged(counts))

    def judged(counts: np.ndarray) -> Drawn:
        rows, found = counts.sum(axis=1), value(counts)
        if not np.isfinite(found):
            return None
        if measure == "f1":
            return found, f1_interval(counts[1, 1], counts[1].sum() + counts[:, 1].sum() - counts[1, 1])
        if measure == "balanced_accuracy":
            used = rows > 0
            return found, mean_share(np.diagonal(counts)[used], rows[used])
        return found, table_interval(measure, np.concatenate([counts, np.zeros((size, 1))], axis=1).ravel(), size)

    return Cell(NAMES.get(measure, measure), setting, value(table), draw, RESAMPLED if size > 3 else CLOSED_FORM)


def tables(sizes: tuple[int, ...] = (200, 1000, 5000)) -> Iterator[Cell]:
    measures = ("f1", "f1_macro", "f1_weighted", "precision_macro", "balanced_accuracy", "mcc")
    for n in sizes:
        for named, share in prevalences(n):
            for found, spared in ((0.7, 0.8), (0.9, 0.9), (0.99, 0.99), (0.4, 0.6), (0.1, 0.99)):
                for measure in measures:
                    setting = f"n {n}, {named}, recalls {found:g} and {spared:g}"
                    yield _of_table(measure, _square(share, found, spared), n, setting)
    for count in (3, 20):
        for n in sizes[:2]:
            for right in (0.4, 0.9, 0.99):
                for skewed in (False, True):
                    table = _classes(count, right, skewed)
                    for measure in measures[1:]:
                        kind = "unequal" if skewed else "equal"
                        yield _of_table(measure, table, n, f"{count} {kind} classes, n {n}, {right:g} right")


def groups() -> Iterator[Cell]:
    for n, m in ((30, 2000), (60, 200), (200, 200), (500, 2000)):
        for rate in (0.2, 0.5, 0.8):
            for name, of, truth in (("gap of two groups", newcombe, 0.0), ("ratio of two groups", score_ratio, 1.0)):

                def draw(
                    rng: np.random.Generator, n: int = n, m: int = m, rate: float = rate, of: object = of
                ) -> Drawn:
                    one, other = rng.binomial(n, rate), rng.binomial(m, rate)
                    if other == 0:
                        return None
                    value = one / n - other / m if of is newcombe else one / n / (other / m)
                    return float(value), of(one, n, other, m)  # type: ignore[operator]

                yield Cell(name, f"{n} and {m} rows, rate {rate:g}", truth, draw)


def guessing() -> Iterator[Cell]:
    for n in (200, 1000):
        for named, share in prevalences(n):
            for flagged in (0.1, 0.5):

                def draw(rng: np.random.Generator, n: int = n, share: float = share, flagged: float = flagged) -> Drawn:
                    positives = rng.binomial(n, share)
                    if not 0 < positives < n:
                        return None
                    hits, spared = rng.binomial(positives, flagged), rng.binomial(n - positives, 1 - flagged)
                    value = hits / positives + spared / (n - positives) - 1
                    return float(value), informedness([hits, spared], [positives, n - positives])

                yield Cell("informedness of a guess", f"n {n}, {named}, {flagged:g} flagged", 0.0, draw)


def costs() -> Iterator[Cell]:
    for n in (200, 1000, 5000):
        for named, share in prevalences(n):
            for alarm, missed in ((1.0, 1.0), (1.0, 9.0), (200.0, 5000.0)):
                for found, spared in ((0.7, 0.8), (0.9, 0.95), (0.4, 0.99), (0.99, 0.99)):
                    chances = np.concatenate(_square(share, found, spared)[::-1, ::-1])
                    own, everybody, nobody = (
                        np.array(one) for one in ([0, missed, alarm, 0], [0, 0, alarm, alarm], [missed, missed, 0, 0])
                    )
                    setting = f"n {n}, {named}, costs {alarm:g} and {missed:g}, recalls {found:g} and {spared:g}"
                    for name, rows in (("expected cost", [own]), ("cost saving", [everybody - own, nobody - own])):
                        values = np.array(rows, dtype=float).ravel().tolist()

                        def draw(
                            rng: np.random.Generator,
                            n: int = n,
                            chances: np.ndarray = chances,
                            values: list[float] = values,
                        ) -> Drawn:
                            counts = rng.multinomial(n, chances)
                            value = cell_mean_value(counts.tolist(), values)
                            return once(counts, lambda: (value, cell_mean(counts.tolist(), [1, 1, 0, 0], values)))

                        yield Cell(name, setting, cell_mean_value(chances.tolist(), values), draw, RESAMPLED)
