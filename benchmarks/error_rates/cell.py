"""A cell of the simulation: a measure in one setting of known truth; and what its tables gave."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from harness.core.interval import Interval
from harness.stats.exact import clopper_pearson

Drawn = tuple[float, Interval] | None
BROKEN = 0.04
CLOSED_FORM, RESAMPLED = 10_000, 2_000


@dataclass(frozen=True)
class Cell:
    """A measure in one setting: its truth, a table's value and interval (None where it is undefined), how many tables it is worth, and
    whether `harness validate` lets a rule judge it near this truth."""

    measure: str
    setting: str
    truth: float
    draw: Callable[[np.random.Generator], Drawn]
    tables: int = CLOSED_FORM
    judged: bool = True


@dataclass(frozen=True)
class Row:
    """What the tables of a cell gave: errors on either side, undefined tables, and the width (mean over 3.92 standard deviations)."""

    family: str
    measure: str
    setting: str
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


_seen: dict[bytes, Drawn] = {}


def once(counts: np.ndarray, draw: Callable[[], Drawn]) -> Drawn:
    """The value and interval of these counts, which a cell computes once for all tables that have them."""
    key = counts.tobytes()
    if key not in _seen:
        _seen[key] = draw()
    return _seen[key]


def simulate(family: str, cell: Cell, most: int) -> Row:
    """The tables of a cell, at most so many, from a seed of its own."""
    rng = np.random.default_rng(zlib.crc32(f"{cell.measure}: {cell.setting}".encode()))
    above = below = undefined = 0
    values, widths, tables = [], [], min(cell.tables, most)
    _seen.clear()
    for _ in range(tables):
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
    return Row(family, cell.measure, cell.setting, tables, above, below, undefined, width)


def prevalences(n: int) -> list[tuple[str, float]]:
    """The shares of positives of the grid, by name."""
    return [("0.5", 0.5), ("0.3", 0.3), ("10 positives", 10 / n), ("20 positives", 20 / n)]
