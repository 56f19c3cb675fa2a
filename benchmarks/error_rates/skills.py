"""Gains over the best constant answer, and paired differences of losses."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import special, stats

from benchmarks.error_rates.cell import Cell, Drawn, prevalences
from benchmarks.error_rates.losses import ERRORS, Setting, settings, stated
from harness.stats.means import signed_mean
from harness.stats.skill import skill


def _losses(hit: np.ndarray, p: np.ndarray | float, kind: str) -> np.ndarray:
    chance = np.where(hit, p, 1 - np.asarray(p))
    return (1 - chance) ** 2 if kind == "Brier" else -np.log(chance)


def skills(sizes: tuple[int, ...] = (200, 1000, 5000)) -> Iterator[Cell]:
    for n in sizes:
        for setting in settings((n,), (0.55, 0.7, 0.9)):

            def draw(rng: np.random.Generator, setting: Setting = setting) -> Drawn:
                hit, p = setting.stated(rng)
                if not 0 < hit.sum() < setting.n:
                    return None
                return skill(_losses(hit, p, setting.kind), _losses(hit, hit.mean(), setting.kind), hit)

            share = setting.share
            constant = share * (1 - share) if setting.kind == "Brier" else float(stats.entropy([share, 1 - share]))
            truth = 1 - setting.truth / constant
            yield Cell(f"{setting.kind} skill", str(setting), truth, draw, judged=truth >= 0)
        for named, (errors, _) in ERRORS.items():
            for r2 in (0.0, 0.05, 0.3, 0.8):

                def numbers(rng: np.random.Generator, n: int = n, errors: object = errors, r2: float = r2) -> Drawn:
                    error = errors(rng, n)  # type: ignore[operator]
                    said = rng.normal(size=n) * np.sqrt(VARIANCES[id(errors)] * r2 / (1 - r2))
                    truth = said + error
                    return skill(error**2, (truth - truth.mean()) ** 2, None)

                of_numbers = f"n {n}, R² {r2:g}, errors {named}"
                yield Cell("squared error skill", of_numbers, r2, numbers, judged=r2 <= 0.05)


VARIANCES = {
    id(errors): variance
    for (errors, _), variance in zip(ERRORS.values(), (1.0, 5 / 3, 3.0, float(np.exp(2))), strict=True)
}


def loss_differences(sizes: tuple[int, ...] = (200, 1000)) -> Iterator[Cell]:
    for n in sizes:
        for named, share in prevalences(n):
            for auc in (0.7, 0.9):
                for kind in ("Brier", "log loss"):

                    def draw(
                        rng: np.random.Generator, n: int = n, share: float = share, auc: float = auc, kind: str = kind
                    ) -> Drawn:
                        hit, p = stated(n, share, auc, 1.0, rng)
                        other = np.clip(
                            special.expit(0.7 * special.logit(p) + 0.3 * rng.standard_normal(n)), 1e-9, 1 - 1e-9
                        )
                        each = _losses(hit, p, kind) - _losses(hit, other, kind)
                        return float(each.mean()), signed_mean(each)

                    yield Cell(
                        f"difference of the {kind}", f"n {n}, {named}, AUC {auc:g}", _difference(share, auc, kind), draw
                    )


def _difference(share: float, auc: float, kind: str) -> float:
    """The truth, by integration over scores and the second model's noise."""
    shift, x = special.ndtri(auc) * np.sqrt(2), np.linspace(-7, 7, 1401)
    noise = np.linspace(-6, 6, 241)
    weight = stats.norm.pdf(x)[:, None] * stats.norm.pdf(noise) * (x[1] - x[0]) * (noise[1] - noise[0])
    total = 0.0
    for hit, part in ((True, share), (False, 1 - share)):
        odds = shift * (x + shift * hit) - shift**2 / 2 + special.logit(share)
        p = np.clip(special.expit(odds), 1e-15, 1 - 1e-15)
        other = np.clip(special.expit(0.7 * special.logit(p)[:, None] + 0.3 * noise), 1e-9, 1 - 1e-9)
        truth = np.full(len(x), hit)
        gap = _losses(truth, p, kind)[:, None] - _losses(truth[:, None], other, kind)
        total += part * float((weight * gap).sum())
    return total
