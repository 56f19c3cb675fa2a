"""Intervals of means, of two groups' gap, and of a part of a total; each recomputable from its inputs.

Values of either sign (`signed_mean`, `mean_gap`): Student's quantile t at Welch's (1947) sum of variances. The degrees
of freedom are Satterthwaite's, each group's by the kurtosis of its values, 2 n / (kurtosis - 1), at most n - 1: a
variance that few rows carry is known as badly as they are few. Skewed values make the mean and its error go together,
so that Student's interval misses on the side of the long tail (7 % of exponential values at 30 rows, 12 % of
log-normal ones). There Hall's (1992) transformation gives the end, where it lies further out than Student's; and on
either side the row that moves the mean furthest is counted `UNSEEN` / n times more, at most once, for the rows of a
long tail are mostly not in the sample. Simulated errors are in `docs/methods/error-rates.md`; of 10 rows or fewer of
log-normal values they are above 4 %.

Losses ≥ 0 (`loss_gap`): both means' intervals of `mean_loss`, put together by
MOVER (Zou & Donner 2008).

Values in [0, 1] (`bounded_mean`, `part_of_total`): Clopper and Pearson's (1934) of as many
rows as the variance is worth (Korn & Graubard 1998).

Clusters count by their sums; a cluster that holds rows of both
groups counts with the difference.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from harness.core.interval import Inputs, Interval
from harness.stats.design_effect import design_effect, largest_effect, numbered
from harness.stats.exact import clopper_pearson, unseen_difference
from harness.stats.intervals import log_student, normal_quantile, square_and_add, student_factor
from harness.stats.losses import mean_loss

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[Any]
UNSEEN = 20
"""Over n: how many times more the row counts that moves a mean furthest."""


@dataclass(frozen=True)
class Group:
    """The values (n,) of a group's rows, and their clusters (n,) where rows share some."""

    values: Floats
    clusters: Labels | None = None

    @property
    def mean(self) -> float:
        """The mean value."""
        return float(self.values.mean())

    @property
    def independent(self) -> int:
        """How many rows, or clusters of them, are independent."""
        return len(self.values) if self.clusters is None else len(np.unique(self.clusters.astype(str)))

    @property
    def uniform(self) -> bool:
        """Whether no row (cluster) moves the mean but for rounding; of two rows or clusters at least."""
        largest = float(np.abs(self.values).max())
        return bool(np.abs(self.parts()).max() * len(self.values) <= 1e-12 * largest)

    @property
    def worst(self) -> float:
        """The largest absolute value; 1 where all are 0."""
        return float(np.abs(self.values).max()) or 1.0

    def parts(self) -> Floats:
        """What each row, or cluster by name, adds to the error of the mean (m,), times √(m / (m - 1))."""
        parts = (self.values - self.values.mean()) / len(self.values)
        if self.clusters is not None:
            parts = np.bincount(numbered(self.clusters), parts)
        return np.asarray(parts * math.sqrt(len(parts) / (len(parts) - 1)))


def skewed_student(value: float, below: Sequence[float], above: Sequence[float], level: float = 0.95) -> Interval:
    """Student's interval of an estimate, an end replaced by Hall's (1992) where that lies further out.

    `below` and `above` hold for either end the value, its error, degrees of freedom and skewness k. Hall's end on the
    side of q (t or -t) is value - error · 3 / k · (∛(1 + k · (q - k / 6)) - 1).
    """
    low = skewed_ends(below[0], below[1], below[2], below[3], level)[0]
    high = skewed_ends(above[0], above[1], above[2], above[3], level)[1]
    inputs: Inputs = {
        "value": value,
        "below": [float(one) for one in below],
        "above": [float(one) for one in above],
    }
    return Interval(low=min(low, value), high=max(high, value), level=level, method="skewed_student", inputs=inputs)


def skewed_ends(
    value: float, standard_error: float, degrees: float, skewness: float, level: float
) -> tuple[float, float]:
    """Both ends of a value with this error, degrees of freedom and skewness."""
    t = float(special.stdtrit(degrees, 0.5 + level / 2))

    def end(q: float) -> float:
        return q if abs(skewness) < 1e-6 else 3 / skewness * (math.cbrt(1 + skewness * (q - skewness / 6)) - 1)

    return value - standard_error * max(t, end(t)), value + standard_error * max(t, -end(-t))


def signed_mean(values: Floats, clusters: Labels | None = None) -> Interval | None:
    """Interval of the mean of values (n,) of either sign; None below two rows or clusters.

    Where no row, or cluster, moves it: `unseen_difference`.
    """
    group = Group(values, clusters)
    if group.independent < 2:
        return None
    if group.uniform:
        return unseen_difference(group.mean, group.independent, group.worst)
    return _student(group.mean, [group.parts()])


def mean_gap(group: Group, reference: Group) -> Interval | None:
    """Interval of the group's mean minus the reference's; None where one has fewer than two rows or clusters."""
    alone = [signed_mean(part.values, part.clusters) for part in (group, reference)]
    if alone[0] is None or alone[1] is None:
        return None
    if group.uniform or reference.uniform:
        return square_and_add(group.mean, reference.mean, alone[0], alone[1])
    value, parts = group.mean - reference.mean, _difference(group, reference)
    worst = max(group.worst, reference.worst)
    if np.abs(parts).max() <= 1e-15 * worst:
        return unseen_difference(value, min(group.independent, reference.independent), worst)
    own, other = group.parts(), reference.parts()
    return _student(value, [own, -other] if len(parts) == len(own) + len(other) else [parts])


def _difference(group: Group, reference: Group) -> Floats:
    """What each row or cluster adds to the error of the difference."""
    parts: Floats = np.concatenate([group.parts(), -reference.parts()])
    if group.clusters is None or reference.clusters is None:
        return parts
    names = [np.unique(side.astype(str)) for side in (group.clusters, reference.clusters)]
    return np.asarray(np.bincount(numbered(np.concatenate(names)), parts), dtype=float)


def _student(value: float, groups: list[Floats]) -> Interval:
    """From what each independent row or cluster of each group adds to the error (m,)."""
    below, above = (_moments(value, groups, side) for side in (-1, 1))
    return skewed_student(value, below, above)


def _moments(value: float, groups: list[Floats], side: int) -> list[float]:
    """Value, error, degrees of freedom and skewness, with more of the row that moves the value furthest to this side."""
    square = cube = spread = 0.0
    for parts in groups:
        furthest, more = side * float((side * parts).max()), min(UNSEEN / len(parts), 1.0)
        two, three, four = (float((parts**power).sum()) + more * furthest**power for power in (2, 3, 4))
        value, square, cube = value + more * furthest, square + two, cube + three
        spread += two**2 / degrees_of(len(parts), two, four)
    return [value, math.sqrt(square), square**2 / spread, cube / square**1.5]


def log_student_difference(
    first: Sequence[float], second: Sequence[float], correlation: float, level: float = 0.95
) -> Interval:
    """Interval of a difference of two means of losses by MOVER (Zou & Donner 2008), from the `log_student` of either.

    `first` and `second` are the arguments of `log_student` (value, error below, value above, error above, both
    degrees): first - second ∓ √(d₁² + d₂² - 2 · correlation · d₁ · d₂), with d₁ the first's distance to its limit on
    this side and d₂ the second's on the other.
    """
    one, other = (log_student(part[0], part[1], part[2], part[3], part[4:], level) for part in (first, second))

    def distance(own: float, others: float) -> float:
        return math.sqrt(max(own**2 + others**2 - 2 * correlation * own * others, 0.0))

    gap = first[0] - second[0]
    inputs: Inputs = {
        "first": [float(x) for x in first],
        "second": [float(x) for x in second],
        "correlation": correlation,
    }
    return Interval(
        low=gap - distance(first[0] - one.low, other.high - second[0]),
        high=gap + distance(one.high - first[0], second[0] - other.low),
        level=level,
        method="log_student_difference",
        inputs=inputs,
    )


def loss_gap(group: Group, reference: Group) -> Interval | None:
    """Interval of the group's mean loss (≥ 0) minus the reference's; None where one has none (`mean_loss`)."""
    own, other = (mean_loss(part.values, None, part.worst, part.clusters) for part in (group, reference))
    if own is None or other is None:
        return None
    if own.method != "log_student" or other.method != "log_student":
        return square_and_add(group.mean, reference.mean, own, other)
    return log_student_difference(_arguments(own), _arguments(other), _correlation(group, reference))


def _arguments(band: Interval) -> list[float]:
    inputs: dict[str, Any] = dict(band.inputs)
    return [
        *(float(inputs[name]) for name in ("value", "error_below", "value_above", "error_above")),
        *inputs["degrees"],
    ]


def _correlation(group: Group, reference: Group) -> float:
    """Of the two means, from the clusters that hold rows of both."""
    one, other, apart = (
        float((parts**2).sum()) for parts in (group.parts(), reference.parts(), _difference(group, reference))
    )
    return (one + other - apart) / 2 / math.sqrt(one * other) if min(one, other) > 0 else 0.0


def bounded_mean(values: Floats, clusters: Labels | None = None) -> Interval:
    """Interval of the mean m of values (n,) in [0, 1]: Clopper and Pearson's of as many rows as the variance is worth.

    These are m (1 - m) / s² · n, at least n, over the design effect.

    s² is taken times (Student's quantile over the normal one)², at n - 1 degrees of freedom. Of values that are 0 or 1
    it is that of their share.
    """
    mean, n, variance = min(max(float(values.mean()), 0.0), 1.0), len(values), float(values.var())
    worth = max(mean * (1 - mean) / variance / student_factor(n) ** 2, 1.0) if variance > 1e-12 else 1.0
    effective = n * worth / (1.0 if clusters is None else design_effect(values, clusters))
    return clopper_pearson(mean * effective, effective)


def part_of_total(part: Floats, total: Floats, clusters: Labels | None = None) -> Interval:
    """Interval of Σ part / Σ total, of rows (n,) with 0 ≤ part ≤ total, Σ total above 0.

    A row moves the share p by (part - p · total) / mean total, a cluster by the sum of it. The variance of these says
    how many rows p (1 - p) is worth; to it half a row (or cluster of mean size) is added of which the part is all, and
    half a one of none, and it is taken times (Student's quantile over the normal one)², at degrees of freedom by the
    kurtosis of the moves. Where nothing moves the share (0, say): n rows, over the largest design effect.
    """
    n, share = len(part), min(max(float(part.sum() / total.sum()), 0.0), 1.0)
    moves = (part - share * total) / float(total.mean())
    owner = np.arange(n) if clusters is None else numbered(clusters)
    moves = np.asarray(np.bincount(owner, moves), dtype=float)
    count, square = len(moves), float((moves**2).sum())
    if count < 2 or square <= 1e-12:
        rows = n if clusters is None else n / largest_effect(clusters)
        return clopper_pearson(share * rows, rows)
    unseen = 0.5 * (share**2 + (1 - share) ** 2) * (n / count) ** 2
    variance = (count / (count - 1) * square + unseen) / n**2
    quantile = float(special.stdtrit(_degrees(moves), 0.975)) / normal_quantile(0.975)
    effective = share * (1 - share) / variance / quantile**2
    return clopper_pearson(share * effective, effective)


def _degrees(parts: Floats) -> float:
    """Degrees of freedom of the variance of parts (m,) that sum to 0: by their kurtosis, at most m - 1."""
    return degrees_of(len(parts), float((parts**2).sum()), float((parts**4).sum()))


def degrees_of(count: int, squares: float, fourths: float) -> float:
    """The same from the sums of the squares and fourth powers of so many parts."""
    kurtosis = count * fourths / squares**2
    return min(count - 1, 2 * count / max(kurtosis - 1, 0.5))
