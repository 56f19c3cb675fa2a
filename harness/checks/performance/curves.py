"""Lines over a grid of decision thresholds, with a bootstrap interval at each point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.core.dataset import Labels
from harness.core.finding import Cell, Exhibit
from harness.stats.bootstrap import resample_sums
from harness.stats.intervals import resample_interval

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
MODEL, EVERYBODY, NOBODY = "the model", "everybody", "nobody"


@dataclass(frozen=True)
class Line:
    """What each row adds (n, thresholds) to a mean at each threshold; `name` says who is acted on."""

    name: str
    values: Floats


def decision_curve(
    score: Floats,
    hit: Bools,
    thresholds: list[float],
    clusters: Labels | None,
    resamples: int,
    rng: np.random.Generator,
) -> Exhibit:
    """Net benefit (Vickers & Elkin 2006) of acting on the model, on everybody and on nobody, of rows (n,).

    At 20 even thresholds up to one and a half times the largest declared one (0.95 at most), and at those declared.
    """
    top = min(0.95, 1.5 * max(thresholds))
    even: Floats = np.linspace(top / 20, top, 20, dtype=np.float64)
    grid: Floats = np.unique(np.round(np.concatenate([even, np.array(thresholds, dtype=np.float64)]), 4))
    gain: Floats = np.where(hit[:, None], 1.0, -grid / (1 - grid))
    lines = [
        Line(MODEL, gain * (score[:, None] >= grid)),
        Line(EVERYBODY, gain),
        Line(NOBODY, np.zeros_like(gain)),
    ]
    return curve("Decision curve: net benefit by threshold", "net benefit", grid, lines, clusters, resamples, rng)


def curve(
    title: str,
    measure: str,
    grid: Floats,
    lines: list[Line],
    clusters: Labels | None,
    resamples: int,
    rng: np.random.Generator,
) -> Exhibit:
    """A curve exhibit: [threshold, mean, low, high, line] of each line; no interval where resamples do not differ.

    The intervals are of one threshold each (percentile bootstrap of rows, or of whole clusters), not of the whole line.
    """
    n = len(lines[0].values)
    moments = np.hstack([*[line.values for line in lines], np.ones((n, 1))]).astype(float)
    drawn = resample_sums(moments, clusters, resamples, rng)
    rows: list[list[Cell]] = []
    for k, line in enumerate(lines):
        for j, threshold in enumerate(grid):
            band = resample_interval(drawn[:, k * len(grid) + j] / drawn[:, -1])
            ends: list[Cell] = [band.low, band.high] if band else [None, None]
            rows.append([float(threshold), float(line.values[:, j].mean()), *ends, line.name])
    return Exhibit(kind="curve", title=title, columns=["threshold", measure, "low", "high", "acting on"], rows=rows)
