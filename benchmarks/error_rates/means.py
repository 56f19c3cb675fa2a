"""Means and their gaps: errors by group, attributions and their shares, agreement in [0, 1]."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy import special

from benchmarks.error_rates.cell import Cell, Drawn
from harness.stats.losses import mean_loss
from harness.stats.means import Group, bounded_mean, loss_gap, mean_gap, part_of_total, signed_mean

Draw = Callable[[np.random.Generator, int], np.ndarray]
ROOT = float(np.sqrt(np.e))
ERRORS: dict[str, tuple[Draw, float]] = {
    "normal": (lambda rng, n: rng.normal(size=n), float(np.sqrt(2 / np.pi))),
    "Student's, 5 degrees": (lambda rng, n: rng.standard_t(5, n), 0.9490167),
    "Student's, 3 degrees": (lambda rng, n: rng.standard_t(3, n), float(2 * np.sqrt(3) / np.pi)),
    "log-normal, either sign": (lambda rng, n: rng.lognormal(0, 1, n) * rng.choice([-1, 1], n), ROOT),
    "exponential, less its mean": (lambda rng, n: rng.exponential(1, n) - 1, 2 / np.e),
    "log-normal, less its mean": (
        lambda rng, n: rng.lognormal(0, 1, n) - ROOT,
        float(2 * ROOT * (2 * special.ndtr(0.5) - 1)),
    ),
}
SIZES = ((30, 2000), (60, 200), (200, 200))


def groups() -> Iterator[Cell]:
    """A group against the reference, with the same errors in both; and the group alone."""
    for n, others in SIZES:
        for named, (errors, mean) in ERRORS.items():

            def alone(rng: np.random.Generator, n: int = n, errors: Draw = errors) -> Drawn:
                return _given(float((each := errors(rng, n)).mean()), signed_mean(each))

            def gap(rng: np.random.Generator, n: int = n, others: int = others, errors: Draw = errors) -> Drawn:
                one, other = Group(errors(rng, n)), Group(errors(rng, others))
                return _given(one.mean - other.mean, mean_gap(one, other))

            def absolute(rng: np.random.Generator, n: int = n, errors: Draw = errors) -> Drawn:
                each = np.abs(errors(rng, n))
                return _given(float(each.mean()), mean_loss(each, None, 1.0))

            def absolute_gap(
                rng: np.random.Generator, n: int = n, others: int = others, errors: Draw = errors
            ) -> Drawn:
                one, other = Group(np.abs(errors(rng, n))), Group(np.abs(errors(rng, others)))
                return _given(one.mean - other.mean, loss_gap(one, other))

            setting = f"{n} and {others} rows, errors {named}"
            yield Cell("mean error of a group", setting, 0.0, alone)
            yield Cell("gap of mean errors", setting, 0.0, gap)
            yield Cell("MAE of a group", setting, mean, absolute)
            yield Cell("gap of MAEs", setting, 0.0, absolute_gap)


def _given(value: float, band: object) -> Drawn:
    return None if band is None else (value, band)  # type: ignore[return-value]


def clustered_groups() -> Iterator[Cell]:
    """Groups of clustered rows: clusters of either group, or each in both."""
    for counts in ((10, 10), (10, 100), (40, 40)):
        for both in (False, True) if counts[0] == counts[1] else (False,):
            for kind in ("normal", "exponential"):

                def pair(
                    rng: np.random.Generator, counts: tuple[int, int] = counts, both: bool = both, kind: str = kind
                ) -> tuple[Group, Group]:
                    shared = [_effects(rng, kind, count) for count in counts]
                    shared[1] = shared[0] if both else shared[1]
                    sides = []
                    for side, (count, effect) in enumerate(zip(counts, shared, strict=True)):
                        names = [f"{0 if both else side} {k}" for k in range(count)]
                        values = np.repeat(effect, 5) + _effects(rng, kind, 5 * count)
                        sides.append(Group(values, np.repeat(names, 5)))
                    return sides[0], sides[1]

                def gap(rng: np.random.Generator, pair: object = pair) -> Drawn:
                    one, other = pair(rng)  # type: ignore[operator]
                    return _given(one.mean - other.mean, mean_gap(one, other))

                def absolute(rng: np.random.Generator, pair: object = pair) -> Drawn:
                    one, other = (Group(np.abs(own.values), own.clusters) for own in pair(rng))  # type: ignore[operator]
                    return _given(one.mean - other.mean, loss_gap(one, other))

                setting = f"{counts[0]} and {counts[1]} clusters of 5, {'each in both groups, ' if both else ''}{kind}"
                yield Cell("gap of mean errors, clustered", setting, 0.0, gap)
                yield Cell("gap of MAEs, clustered", setting, 0.0, absolute)


def _effects(rng: np.random.Generator, kind: str, n: int) -> np.ndarray:
    return rng.normal(size=n) if kind == "normal" else rng.exponential(1, n) - 1


HALF = float(np.sqrt(2 / np.pi))
ATTRIBUTIONS: dict[str, tuple[Draw, float]] = {
    "normal": (lambda rng, n: np.abs(rng.normal(size=n)), HALF),
    "exponential": (lambda rng, n: rng.exponential(1, n), 1.0),
    "log-normal": (lambda rng, n: rng.lognormal(0, 1, n), ROOT),
    "of two values, the larger one in 10 %": (lambda rng, n: np.where(rng.random(n) < 0.1, 0.9, 0.1), 0.18),
    "0 in 90 %, else exponential": (lambda rng, n: rng.exponential(1, n) * (rng.random(n) < 0.1), 0.1),
    "0 in 98 %, else exponential": (lambda rng, n: rng.exponential(1, n) * (rng.random(n) < 0.02), 0.02),
    "0": (lambda rng, n: np.zeros(n), 0.0),
}


def attributions(sizes: tuple[int, ...] = (16, 50, 300)) -> Iterator[Cell]:
    """A feature's mean |SHAP value|, and its part of the whole beside a half-normal and an exponential one."""
    for n in sizes:
        for named, (size, mean) in ATTRIBUTIONS.items():

            def value(rng: np.random.Generator, n: int = n, size: Draw = size) -> Drawn:
                own, other = size(rng, n), rng.exponential(1, n)
                worst = float(max(own.max(), other.max()))
                return _given(float(own.mean()), mean_loss(own, None, worst))

            def share(rng: np.random.Generator, n: int = n, size: Draw = size) -> Drawn:
                own = size(rng, n)
                total = own + rng.exponential(1, n) + np.abs(rng.normal(size=n))
                return float(own.sum() / total.sum()), part_of_total(own, total)

            setting = f"n {n}, |SHAP| {named}"
            yield Cell("attribution", setting, mean, value)
            yield Cell("attribution share", setting, mean / (mean + 1 + HALF), share)
        for count in (n // 5,) if n >= 50 else ():
            yield from _clustered(count)


def _clustered(count: int) -> Iterator[Cell]:
    owner = np.repeat(np.arange(count), 5).astype(str)

    def both(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        own = np.repeat(rng.exponential(1, count), 5) * rng.exponential(1, 5 * count)
        return own, own + rng.exponential(1, 5 * count) + np.abs(rng.normal(size=5 * count))

    def value(rng: np.random.Generator) -> Drawn:
        own, total = both(rng)
        return _given(float(own.mean()), mean_loss(own, None, float(total.max()), owner))

    def share(rng: np.random.Generator) -> Drawn:
        own, total = both(rng)
        return float(own.sum() / total.sum()), part_of_total(own, total, owner)

    yield Cell("attribution, clustered", f"{count} clusters of 5, exponential", 1.0, value)
    yield Cell("attribution share, clustered", f"{count} clusters of 5, exponential", 1 / (2 + HALF), share)


JACCARD = np.array([0.0, 1 / 7, 1 / 3, 0.6, 1.0])
AGREEMENTS = {
    "nearly always alike": np.array([0, 0, 0, 0.02, 0.98]),
    "mostly alike": np.array([0, 0, 0.02, 0.13, 0.85]),
    "alike or not at all": np.array([0.05, 0, 0, 0, 0.95]),
    "even": np.full(5, 0.2),
    "seldom alike": np.array([0.6, 0.3, 0.08, 0.02, 0]),
}


def agreements(sizes: tuple[int, ...] = (10, 50, 200)) -> Iterator[Cell]:
    """The mean Jaccard index of two runs' reasons, of independent and of clustered denials."""
    for n in sizes:
        for named, chances in AGREEMENTS.items():
            truth = float((chances * JACCARD).sum())

            def alone(rng: np.random.Generator, n: int = n, chances: np.ndarray = chances) -> Drawn:
                values = rng.choice(JACCARD, n, p=chances)
                return float(values.mean()), bounded_mean(values)

            def clustered(rng: np.random.Generator, n: int = n, chances: np.ndarray = chances) -> Drawn:
                count = n // 5
                shared = np.repeat(rng.choice(JACCARD, count, p=chances), 5)
                values = np.where(rng.random(5 * count) < 0.5, shared, rng.choice(JACCARD, 5 * count, p=chances))
                return float(values.mean()), bounded_mean(values, np.repeat(np.arange(count), 5).astype(str))

            yield Cell("agreement of reasons", f"n {n}, {named}", truth, alone)
            if n >= 50:
                yield Cell("agreement of reasons, clustered", f"{n // 5} clusters of 5, {named}", truth, clustered)


def positions(sizes: tuple[tuple[int, int], ...] = ((10, 5), (20, 5), (20, 20), (100, 5))) -> Iterator[Cell]:
    """The gap of an option's picks and right answers in clustered items: 1, -1 or 0 an item, half as its cluster."""
    for count, size in sizes:
        for gained, lost in ((0.02, 0.02), (0.1, 0.1), (0.3, 0.05)):
            owner = np.repeat(np.arange(count), size).astype(str)

            def draw(
                rng: np.random.Generator,
                owner: np.ndarray = owner,
                count: int = count,
                chances: tuple[float, float] = (gained, lost),
            ) -> Drawn:
                n, named = len(owner), [*chances, 1 - sum(chances)]
                shared = np.repeat(rng.choice([1.0, -1.0, 0.0], count, p=named), n // count)
                values = np.where(rng.random(n) < 0.5, shared, rng.choice([1.0, -1.0, 0.0], n, p=named))
                return _given(float(values.mean()), signed_mean(values, owner))

            setting = f"{count} clusters of {size}, {gained:g} picked and not right, {lost:g} right and not picked"
            yield Cell("position gap, clustered", setting, gained - lost, draw)
