"""How often each judged interval misses the truth, on either side: simulated tables of known truth, by the functions that the checks use.

    python benchmarks/error_rates.py --tables 10000 -o docs/methods/error-rates.md

A cell is broken where the one-sided 99 % Clopper-Pearson lower bound of an error rate exceeds 4 % (2.5 % is nominal). Errors are
divided by the tables that give an interval. Width: mean width over 3.92 standard deviations of the estimate.
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import special, stats

from harness.core.interval import Interval
from harness.stats.auc import correlation, delong
from harness.stats.calibration import gap_interval, ratio_interval
from harness.stats.design_effect import share_interval
from harness.stats.exact import clopper_pearson, informedness, mean_share
from harness.stats.intervals import correlated_difference, newcombe, score_ratio, tango
from harness.stats.losses import mean_loss
from harness.stats.paired import mean_difference
from harness.stats.ranked import among_first
from harness.stats.roc import rate_at
from harness.stats.table_intervals import difference_interval, f1_interval, table_interval
from harness.stats.tables import MEASURES

Drawn = tuple[float, Interval] | None
NOMINAL, BROKEN, UNDEFINED = 0.025, 0.04, 0.25


@dataclass(frozen=True)
class Cell:
    """A measure in one setting: its truth, and a table's value and interval (None where it is undefined)."""

    measure: str
    setting: str
    truth: float
    draw: Callable[[np.random.Generator], Drawn]


@dataclass(frozen=True)
class Row:
    """What the tables of a cell gave: shares of errors below and above, of undefined tables, and the width."""

    cell: Cell
    tables: int
    above_truth: int
    below_truth: int
    undefined: int
    width: float

    @property
    def defined(self) -> int:
        """Tables that gave an interval."""
        return self.tables - self.undefined

    @property
    def broken(self) -> bool:
        """Whether an error rate is surely above 4 %."""
        worst = max(self.above_truth, self.below_truth)
        return worst > 0 and clopper_pearson(worst, self.defined, 0.98).low > BROKEN


def shares() -> Iterator[Cell]:
    for n in (10, 30, 200, 1000, 5000):
        for p in (0.05, 0.3, 0.7, 0.9, 0.97, 0.99):

            def draw(rng: np.random.Generator, n: int = n, p: float = p) -> Drawn:
                hits = rng.binomial(n, p)
                return hits / n, clopper_pearson(hits, n)

            yield Cell("share (accuracy, recall, precision …)", f"n {n}, {p:g}", p, draw)


def _prevalences(n: int) -> list[tuple[str, float]]:
    return [("0.5", 0.5), ("0.3", 0.3), ("10 positives", 10 / n), ("20 positives", 20 / n)]


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
        for named, share in _prevalences(n):
            for auc in (0.7, 0.9, 0.97):
                for kind in SCORES:

                    def draw(
                        rng: np.random.Generator, n: int = n, share: float = share, auc: float = auc, kind: str = kind
                    ) -> Drawn:
                        positive = np.arange(n) < rng.binomial(n, share)
                        found = delong(_scores(kind, auc, rng, positive), positive)
                        return None if found is None else (found.value, found.interval())

                    yield Cell("ROC-AUC, Gini", f"n {n}, {named}, AUC {auc:g}, {kind}", _true_auc(kind, auc), draw)


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
        found = value(counts)
        if not np.isfinite(found):
            return None
        if measure == "f1":
            return found, f1_interval(counts[1, 1], counts[1].sum() + counts[:, 1].sum() - counts[1, 1])
        if measure == "balanced_accuracy":
            used = rows > 0
            return found, mean_share(np.diagonal(counts)[used], rows[used])
        return found, table_interval(measure, np.concatenate([counts, np.zeros((size, 1))], axis=1).ravel(), size)

    return Cell(measure, setting, value(table), draw)


def tables(sizes: tuple[int, ...] = (200, 1000, 5000)) -> Iterator[Cell]:
    measures = ("f1", "f1_macro", "f1_weighted", "precision_macro", "balanced_accuracy", "mcc")
    for n in sizes:
        for named, share in _prevalences(n):
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


def _stated(n: int, share: float, auc: float, factor: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    shift = special.ndtri(auc) * np.sqrt(2)
    hit = rng.random(n) < share
    odds = shift * (rng.standard_normal(n) + shift * hit) - shift**2 / 2 + special.logit(share)
    return hit, np.clip(special.expit(factor * odds), 1e-15, 1 - 1e-15)


def _true_loss(share: float, auc: float, factor: float, kind: str) -> float:
    shift, total, x = special.ndtri(auc) * np.sqrt(2), 0.0, np.linspace(-9, 9, 20001)
    density = stats.norm.pdf(x) * (x[1] - x[0])
    for hit, part in ((1, share), (0, 1 - share)):
        odds = shift * (x + shift * hit) - shift**2 / 2 + special.logit(share)
        p = np.clip(special.expit(factor * odds), 1e-15, 1 - 1e-15)
        loss = (p - hit) ** 2 if kind == "Brier" else -np.log(p if hit else 1 - p)
        total += part * float((density * loss).sum())
    return total


def losses(sizes: tuple[int, ...] = (200, 1000, 5000)) -> Iterator[Cell]:
    for n in sizes:
        for named, share in _prevalences(n):
            for auc in (0.7, 0.9, 0.97):
                for factor in (0.7, 1.0, 1.5):
                    for kind in ("Brier", "log loss"):

                        def draw(
                            rng: np.random.Generator,
                            n: int = n,
                            share: float = share,
                            auc: float = auc,
                            factor: float = factor,
                            kind: str = kind,
                        ) -> Drawn:
                            hit, p = _stated(n, share, auc, factor, rng)
                            each = (p - hit) ** 2 if kind == "Brier" else -np.log(np.where(hit, p, 1 - p))
                            band = mean_loss(each, hit, 1.0)
                            return None if band is None else (float(each.mean()), band)

                        setting = f"n {n}, {named}, AUC {auc:g}, slope {1 / factor:.2g}"
                        yield Cell(kind, setting, _true_loss(share, auc, factor, kind), draw)


def calibration(sizes: tuple[int, ...] = (200, 1000)) -> Iterator[Cell]:
    for n in sizes:
        for named, share in _prevalences(n):
            for name, of, truth in (
                ("calibration in the large", gap_interval, 0.0),
                ("observed to expected", ratio_interval, 1.0),
            ):

                def draw(rng: np.random.Generator, n: int = n, share: float = share, of: object = of) -> Drawn:
                    hit, p = _stated(n, share, 0.8, 1.0, rng)
                    value = p.mean() - hit.mean() if of is gap_interval else hit.mean() / p.mean()
                    return float(value), of(p, hit)  # type: ignore[operator]

                yield Cell(name, f"n {n}, {named}, AUC 0.8", truth, draw)


def ranked(sizes: tuple[int, ...] = (200, 1000)) -> Iterator[Cell]:
    from scipy.optimize import brentq

    for n in sizes:
        for named, share in _prevalences(n)[1:]:
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
                            order = np.argsort(-(rng.standard_normal(n) + shift * hit))
                            found = among_first(hit[order].astype(float), (np.arange(n) < taken).astype(float))
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


ERRORS = {
    "normal": (lambda rng, n: rng.normal(size=n), float(np.sqrt(2 / np.pi))),
    "Student's, 5 degrees": (lambda rng, n: rng.standard_t(5, n), 0.9490167),
    "Student's, 3 degrees": (lambda rng, n: rng.standard_t(3, n), float(2 * np.sqrt(3) / np.pi)),
    "log-normal, either sign": (lambda rng, n: rng.lognormal(0, 1, n) * rng.choice([-1, 1], n), float(np.exp(0.5))),
}


def numbers(sizes: tuple[int, ...] = (200, 1000, 5000)) -> Iterator[Cell]:
    for n in sizes:
        for named, (errors, mean) in ERRORS.items():

            def absolute(rng: np.random.Generator, n: int = n, errors: object = errors) -> Drawn:
                each = np.abs(errors(rng, n))  # type: ignore[operator]
                band = mean_loss(each, None, 1.0)
                return None if band is None else (float(each.mean()), band)

            def signed(rng: np.random.Generator, n: int = n, errors: object = errors) -> Drawn:
                each = errors(rng, n)  # type: ignore[operator]
                return float(each.mean()), mean_difference(each)[0]

            yield Cell("MAE", f"n {n}, errors {named}", mean, absolute)
            yield Cell("mean error", f"n {n}, errors {named}", 0.0, signed)


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


def paired(sizes: tuple[int, ...] = (200, 1000)) -> Iterator[Cell]:
    for n in sizes:
        for named, share in _prevalences(n)[1:]:
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
                            value = _paired_value(measure, cells, counts)
                            if not np.isfinite(value):
                                return None
                            if measure == "accuracy":
                                gains, lost = (int(counts[[place, place + 4]].sum()) for place in (2, 1))
                                return value, tango(gains, lost, n)
                            used = counts > 0
                            return value, difference_interval(measure, cells[used].T.tolist(), counts[used].tolist(), 2)

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


def clusters() -> Iterator[Cell]:
    for count in (5, 20, 100):
        for size in (5, 20):
            for agree in (0.0, 0.5):
                n, owner = count * size, np.repeat(np.arange(count), size).astype(str)

                def right(
                    rng: np.random.Generator, count: int = count, size: int = size, agree: float = agree
                ) -> np.ndarray:
                    rate = np.full(count, 0.8) if agree == 0 else rng.beta(0.8 / agree - 0.8, 0.2 / agree - 0.2, count)
                    return rng.random(count * size) < np.repeat(rate, size)

                def share(rng: np.random.Generator, owner: np.ndarray = owner, right: object = right) -> Drawn:
                    hit = right(rng)  # type: ignore[operator]
                    return float(hit.mean()), share_interval(hit, owner)

                def loss(
                    rng: np.random.Generator, owner: np.ndarray = owner, count: int = count, agree: float = agree
                ) -> Drawn:
                    each = rng.exponential(1, len(owner)) * (1 - agree) + agree * np.repeat(
                        rng.exponential(1, count), len(owner) // count
                    )
                    band = mean_loss(each, None, 1.0, owner)
                    return None if band is None else (float(each.mean()), band)

                setting = f"{count} clusters of {size}, {n} rows, intra-cluster correlation {agree:g}"
                yield Cell("share, clustered", setting, 0.8, share)
                yield Cell("mean loss, clustered", setting, 1.0, loss)


def guessing() -> Iterator[Cell]:
    for n in (200, 1000):
        for named, share in _prevalences(n):
            for flagged in (0.1, 0.5):

                def draw(rng: np.random.Generator, n: int = n, share: float = share, flagged: float = flagged) -> Drawn:
                    positives = rng.binomial(n, share)
                    if not 0 < positives < n:
                        return None
                    hits, spared = rng.binomial(positives, flagged), rng.binomial(n - positives, 1 - flagged)
                    value = hits / positives + spared / (n - positives) - 1
                    return float(value), informedness([hits, spared], [positives, n - positives])

                yield Cell("informedness of a guess", f"n {n}, {named}, {flagged:g} flagged", 0.0, draw)


FAMILIES = {
    "Shares": shares,
    "Ranking": aucs,
    "Confusion tables": tables,
    "Losses": losses,
    "Calibration": calibration,
    "Rows ranked first": ranked,
    "Points of the ROC curve": points,
    "Numbers": numbers,
    "Differences of two models": paired,
    "Groups": groups,
    "Clusters": clusters,
    "Guessing": guessing,
}


def simulate(cell: Cell, count: int) -> Row:
    """So many tables of a cell, from a seed of its own."""
    rng = np.random.default_rng(zlib.crc32(f"{cell.measure}: {cell.setting}".encode()))
    above = below = undefined = 0
    values, widths = [], []
    for _ in range(count):
        drawn = cell.draw(rng)
        if drawn is None:
            undefined += 1
            continue
        value, band = drawn
        above += band.low > cell.truth + 1e-12
        below += band.high < cell.truth - 1e-12
        values.append(value)
        widths.append(band.high - band.low)
    spread = float(np.std(values)) if len(values) > 1 else 0.0
    width = float(np.mean(widths)) / 3.92 / spread if spread > 1e-12 else float("nan")
    return Row(cell, count, above, below, undefined, width)


def page(found: dict[str, list[Row]], count: int) -> str:
    """The table of all cells by measure: the worst first, and each cell that is broken or too wide."""
    lines = [
        "# Error rates of the intervals",
        "",
        f"Made by `python benchmarks/error_rates.py --tables {count}`: tables of a known truth, and how often the 95 % interval lies wholly above it",
        "(a model seems better than it is: the error that makes a useless model pass) or below it (a good one fails). 2.5 % is nominal for each. A cell is",
        "**broken** where the one-sided 99 % lower bound of an error rate exceeds 4 %. Undefined tables are not counted as errors. Width: mean width over",
        "3.92 standard deviations of the estimate. Each line is a measure; its worst cells are named.",
        "",
        "| measure | cells | broken | worst error above (%) | where | worst error below (%) | where | median width | most undefined (%) |",
        "|---|---:|---:|---:|---|---:|---|---:|---:|",
    ]
    for rows in found.values():
        for measure in dict.fromkeys(row.cell.measure for row in rows):
            own = [row for row in rows if row.cell.measure == measure and row.defined > count / 20]
            high = max(own, key=lambda row: row.above_truth / row.defined)
            low = max(own, key=lambda row: row.below_truth / row.defined)
            widths = [row.width for row in own if np.isfinite(row.width)]
            lines.append(
                f"| {measure} | {len(own)} | {sum(row.broken for row in own)} | {100 * high.above_truth / high.defined:.1f} | {high.cell.setting} "
                f"| {100 * low.below_truth / low.defined:.1f} | {low.cell.setting} | {np.median(widths):.2f} "
                f"| {100 * max(row.undefined / row.tables for row in own):.0f} |"
            )
    broken = [row for rows in found.values() for row in rows if row.broken and row.defined > count / 20]
    lines += ["", f"{len(broken)} of {sum(map(len, found.values()))} cells are broken."]
    lines += [
        f"- {row.cell.measure}, {row.cell.setting}: {100 * row.above_truth / row.defined:.1f} / {100 * row.below_truth / row.defined:.1f} %"
        for row in broken
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Simulates every family, or the named ones, and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=10_000)
    parser.add_argument("--family", choices=FAMILIES, action="append")
    parser.add_argument("-o", "--output", type=Path)
    asked = parser.parse_args()
    found: dict[str, list[Row]] = {}
    for name in asked.family or FAMILIES:
        found[name] = [simulate(cell, asked.tables) for cell in FAMILIES[name]()]
        print(f"{name}: {sum(row.broken for row in found[name])} of {len(found[name])} cells broken", flush=True)
    text = page(found, asked.tables)
    if asked.output is None:
        print(text)
    else:
        asked.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
