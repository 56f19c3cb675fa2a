"""Means of losses: Brier score and log loss, calibration, errors of numbers, clustered rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy import special, stats

from benchmarks.error_rates.cell import Cell, Drawn, prevalences
from harness.stats.calibration import gap_interval, ratio_interval
from harness.stats.design_effect import share_interval
from harness.stats.losses import mean_loss
from harness.stats.means import signed_mean


def stated(n: int, share: float, auc: float, factor: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    shift = special.ndtri(auc) * np.sqrt(2)
    hit = rng.random(n) < share
    odds = shift * (rng.standard_normal(n) + shift * hit) - shift**2 / 2 + special.logit(share)
    return hit, np.clip(special.expit(factor * odds), 1e-15, 1 - 1e-15)


def true_loss(share: float, auc: float, factor: float, kind: str) -> float:
    shift, total, x = special.ndtri(auc) * np.sqrt(2), 0.0, np.linspace(-9, 9, 20001)
    density = stats.norm.pdf(x) * (x[1] - x[0])
    for hit, part in ((1, share), (0, 1 - share)):
        odds = shift * (x + shift * hit) - shift**2 / 2 + special.logit(share)
        p = np.clip(special.expit(factor * odds), 1e-15, 1 - 1e-15)
        loss = (p - hit) ** 2 if kind == "Brier" else -np.log(p if hit else 1 - p)
        total += part * float((density * loss).sum())
    return total


@dataclass(frozen=True)
class Setting:
    """So many rows with a share of positives, a score of this AUC whose probabilities are distorted by a factor, and a kind of loss."""

    n: int
    named: str
    share: float
    auc: float
    factor: float
    kind: str

    def __str__(self) -> str:
        return f"n {self.n}, {self.named}, AUC {self.auc:g}, slope {1 / self.factor:.2g}"

    @property
    def truth(self) -> float:
        """The mean loss of the population."""
        return true_loss(self.share, self.auc, self.factor, self.kind)

    def stated(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Whether each row (n,) is positive, and its probability (n,)."""
        return stated(self.n, self.share, self.auc, self.factor, rng)


def settings(sizes: tuple[int, ...], aucs: tuple[float, ...]) -> Iterator[Setting]:
    for n in sizes:
        for (named, share), auc, factor, kind in product(prevalences(n), aucs, (0.7, 1.0, 1.5), ("Brier", "log loss")):
            yield Setting(n, named, share, auc, factor, kind)


def losses(sizes: tuple[int, ...] = (200, 1000, 5000)) -> Iterator[Cell]:
    for setting in settings(sizes, (0.7, 0.9, 0.97)):

        def draw(rng: np.random.Generator, setting: Setting = setting) -> Drawn:
            hit, p = setting.stated(rng)
            each = (p - hit) ** 2 if setting.kind == "Brier" else -np.log(np.where(hit, p, 1 - p))
            band = mean_loss(each, hit, 1.0)
            return None if band is None else (float(each.mean()), band)

        yield Cell(setting.kind, str(setting), setting.truth, draw)


def calibration(sizes: tuple[int, ...] = (200, 1000)) -> Iterator[Cell]:
    for n in sizes:
        for named, share in prevalences(n):
            for name, of, truth in (
                ("calibration in the large", gap_interval, 0.0),
                ("observed to expected", ratio_interval, 1.0),
            ):

                def draw(rng: np.random.Generator, n: int = n, share: float = share, of: object = of) -> Drawn:
                    hit, p = stated(n, share, 0.8, 1.0, rng)
                    value = p.mean() - hit.mean() if of is gap_interval else hit.mean() / p.mean()
                    return float(value), of(p, hit)  # type: ignore[operator]

                yield Cell(name, f"n {n}, {named}, AUC 0.8", truth, draw)


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
                return float(each.mean()), signed_mean(each)

            yield Cell("MAE", f"n {n}, errors {named}", mean, absolute)
            yield Cell("mean error", f"n {n}, errors {named}", 0.0, signed)


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
