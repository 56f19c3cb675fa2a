"""Whether a stated probability means the same for every group.

Of the positive class's probability p and its outcome y (1 or 0) among a group's answered rows: calibration in the large = mean p -
observed share (above 0 the group's risk is overstated; Steyerberg 2019), and observed to expected = Σ y / Σ p (Debray et al. 2017). The gap is
the group's calibration in the large minus the reference's; its p-value, of no gap, is twice the one-sided one that its interval
gives, corrected by Holm (1979) over the attribute's groups. Intervals: exact limits of the observed share, of as many rows as the
variance of stated - true is worth (`stats.calibration`); of a difference of two groups, MOVER (Zou & Donner 2008).
The largest difference between groups has a percentile bootstrap of rows or whole clusters; a maximum minus a minimum is never
below 0, so it is reported, never judged. Groups below the minimum are undefined, never dropped. Limitations: a mean can be right while low risks
are overstated and high ones understated; groups that share clusters are compared as if they did not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.checks.bias.groups import attributes_of, reference_group
from harness.core.dataset import Dataset, Labels
from harness.core.finding import Cell, Exhibit, Finding
from harness.core.interval import Interval
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested, undefined
from harness.engine.parameters import Intersections, MinimumRows, Slices, refuses
from harness.spec.suite import Suite
from harness.stats.bootstrap import resample_sums
from harness.stats.calibration import gap_interval, ratio_interval
from harness.stats.intervals import resample_interval, square_and_add
from harness.stats.levels import p_beyond
from harness.stats.multiplicity import holm_adjusted

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
LARGE, RATIO, GAP = "bias.calibration_in_the_large", "bias.observed_to_expected", "bias.calibration_gap"
P_VALUE, LARGEST = "bias.calibration_p_value", "bias.calibration_difference"
RESAMPLES = 1000


@dataclass(frozen=True)
class _Cell:
    """A group's answered rows (n,), its mean probability, observed share and calibration in the large; no interval where too few."""

    rows: Bools
    stated: float
    observed: float
    ratio: Interval | None = None
    large: Interval | None = None
    why: str = ""

    @property
    def n(self) -> int:
        return int(self.rows.sum())

    @property
    def value(self) -> float:
        return self.stated - self.observed


def _misfits(suite: Suite, _: Dataset | None, parameters: dict[str, Any]) -> list[str]:
    crossed = [" × ".join(parts) for parts in parameters["intersections"] or []]
    twice = sorted(set(parameters["slices"] or []) & {*suite.data.sensitive, *crossed})
    if not twice:
        return []
    return [
        f"{', '.join(twice)} is a sensitive attribute and a slice. Give one of them another name, or leave it out of slices."
    ]


@refuses(_misfits)
def calibration(
    evidence: Evidence,
    *,
    minimum_group: MinimumRows = 30,
    intersections: Intersections | None = None,
    slices: Slices | None = None,
) -> Measurement:
    """Every declared attribute, the intersections, and the declared slices that are named; a single group makes it not tested."""
    test, positive = evidence.split("test"), evidence.data.positive
    if test is None or positive is None:
        return not_tested("no data: no test rows, or no positive class")
    score = evidence.predictions("test").positive_scores(positive)
    if score is None:
        return not_tested("no access: the model gives no probabilities")
    if (why := same_probability(score)) is not None:
        return not_tested(why)
    known, hit = np.isfinite(score), test.labels == positive
    rng = evidence.generator("bias.calibration")
    findings: list[Finding] = []
    exhibits: list[Exhibit] = []
    single = []
    parts = attributes_of(test, list(evidence.suite.data.sensitive), intersections)
    for attribute, values in {**parts, **{name: test.slices[name] for name in slices or []}}.items():
        names = sorted({str(value) for value in values if value is not None})
        masks = {name: np.asarray(values == name, dtype=bool) & known for name in names}
        if len(masks) < 2:
            single.append(attribute)
            continue
        cells = {name: _cell(score, hit, mask, test.clusters, minimum_group) for name, mask in masks.items()}
        sizes = {name: cell.n for name, cell in cells.items()}
        reference = reference_group(evidence.suite.data.reference, attribute, sizes)
        found = [finding for name, cell in cells.items() for finding in _levels({attribute: name}, cell)]
        found += _gaps(attribute, cells, reference)
        largest = _largest(attribute, cells, score - hit, test.clusters, rng)
        if largest.value is not None:
            why = f"groups of {minimum_group} rows or more; {largest.reason}"
            largest = largest.model_copy(update={"reason": why})
        findings += [*found, largest]
        exhibits += _exhibits(attribute, cells, reference)
    if not findings:
        return not_tested(f"no data: {', '.join(single) or 'no attribute'} has fewer than two known groups")
    findings += [undefined(GAP, len(test), f"no data: {one} has one group only", group={one: "*"}) for one in single]
    return Measurement(findings, exhibits)


def same_probability(score: Floats) -> str | None:
    """Why nothing of the scores (n,) is about groups: they are all the same; None where they differ."""
    known = score[np.isfinite(score)]
    if not len(known) or np.ptp(known) > 1e-12:
        return None
    return f"everyone gets the same probability ({known[0]:.3g}), so nothing of it is about groups"


def _cell(score: Floats, hit: Bools, rows: Bools, clusters: Labels | None, minimum: int) -> _Cell:
    n = int(rows.sum())
    stated, observed = (float(score[rows].mean()), float(hit[rows].mean())) if n else (0.0, 0.0)
    if n < minimum:
        why = f"insufficient sample: {n} answered rows, {minimum} needed"
        return _Cell(rows, stated, observed, why=why)
    together = None if clusters is None else clusters[rows]
    if together is not None and len(set(together)) < 2:
        return _Cell(rows, stated, observed, why="insufficient sample: the group's rows are of one cluster")
    large = gap_interval(score[rows], hit[rows], together)
    # A model that states 0 for a whole group has no ratio.
    ratio = ratio_interval(score[rows], hit[rows], together) if stated > 0 else None
    return _Cell(rows, stated, observed, ratio, large)


def _levels(group: dict[str, str], cell: _Cell) -> list[Finding]:
    if cell.large is None:
        return [undefined(measure, cell.n, cell.why, group=group) for measure in (LARGE, RATIO)]
    note = f"mean probability {cell.stated:.3g}, observed share {cell.observed:.3g}"
    large = Finding(
        measure=LARGE, value=cell.value, n=cell.n, group=group, interval=cell.large, better="target", reason=note
    )
    if cell.ratio is None:
        return [large, undefined(RATIO, cell.n, "undefined: the stated probabilities are all 0", group=group)]
    value = cell.observed / cell.stated
    ratio = Finding(
        measure=RATIO, value=value, n=cell.n, group=group, interval=cell.ratio, better="target", reason=note
    )
    return [large, ratio]


def _gaps(attribute: str, cells: dict[str, _Cell], reference: str) -> list[Finding]:
    found, base = [], cells[reference]
    for name, cell in cells.items():
        if name == reference:
            continue
        group, n = {attribute: name}, cell.n + base.n
        if cell.large is None or base.large is None:
            why = cell.why or f"the reference {reference}: {base.why}"
            found.append(undefined(GAP, n, why, group=group))
            continue
        band = square_and_add(cell.value, base.value, cell.large, base.large)
        gap, note = cell.value - base.value, f"against {reference}"
        found.append(Finding(measure=GAP, value=gap, n=n, group=group, interval=band, better="target", reason=note))
    tested = [(f, f.interval, f.value) for f in found if f.interval is not None and f.value is not None]
    plain = [min(1.0, 2 * p_beyond(band, 0.0, above=value > 0)) for _, band, value in tested]
    how = (
        f"of no gap, against {reference}; Holm over {len(tested)} group{'s' if len(tested) > 1 else ''} of {attribute}"
    )
    return found + [
        Finding(measure=P_VALUE, value=p, n=f.n, group=f.group, exact=True, reason=how)
        for (f, _, _), p in zip(tested, holm_adjusted(plain), strict=True)
    ]


def _largest(
    attribute: str, cells: dict[str, _Cell], off: Floats, clusters: Labels | None, rng: np.random.Generator
) -> Finding:
    """The highest calibration in the large of a group minus the lowest; `off` is p - y (n,)."""
    group = {attribute: "*"}
    kept = {name: cell for name, cell in cells.items() if cell.large is not None}
    n = sum(cell.n for cell in kept.values())
    if len(kept) < 2:
        return undefined(LARGEST, n, "insufficient sample: fewer than two groups have enough rows", group=group)
    rows = np.logical_or.reduce([cell.rows for cell in kept.values()])
    inside = np.column_stack([cell.rows[rows] for cell in kept.values()]).astype(float)
    sums = resample_sums(
        np.hstack([off[rows][:, None] * inside, inside]),
        None if clusters is None else clusters[rows],
        RESAMPLES,
        rng,
    )
    with np.errstate(invalid="ignore", divide="ignore"):  # a resample of whole clusters may lack a group
        drawn = np.ptp(sums[:, : len(kept)] / sums[:, len(kept) :], axis=1)
    usable = drawn[np.isfinite(drawn)]
    left = [name for name in cells if name not in kept]
    values = [cell.value for cell in kept.values()]
    return Finding(
        measure=LARGEST,
        value=max(values) - min(values),
        n=n,
        group=group,
        interval=resample_interval(usable) if len(usable) >= 0.95 * len(drawn) else None,
        reason="a maximum over groups: reported, never judged" + (f"; left out: {', '.join(left)}" if left else ""),
    )


def _exhibits(attribute: str, cells: dict[str, _Cell], reference: str) -> list[Exhibit]:
    drawn: list[list[Cell]] = []
    table: list[list[Cell]] = []
    for name, cell in cells.items():
        title = f"{name} (reference)" if name == reference else name
        if cell.large is not None:
            drawn.append([title, cell.value, cell.large.low, cell.large.high, cell.n])
        # Shares of cells under ten people are suppressed in the table.
        shown: list[Cell] = [cell.n, cell.stated, cell.observed] if cell.n >= 10 else ["< 10", None, None]
        table.append([title, *shown])
    listed = Exhibit(
        kind="table",
        title=f"Stated and observed risk by {attribute}",
        columns=["group", "n", "mean probability", "observed share"],
        rows=table,
    )
    title = f"Calibration in the large by {attribute}: stated minus observed (0 is right)"
    columns = ["group", "stated minus observed", "low", "high", "n"]
    return [*([Exhibit(kind="intervals", title=title, columns=columns, rows=drawn)] if drawn else []), listed]
