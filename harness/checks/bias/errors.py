"""Errors of predicted numbers by group, and each group's gap to the reference.

Mean prediction, mean error (prediction - truth: above 0 the group is put too high) and mean absolute error of a group's
answered rows; the gap is group minus reference. Intervals: percentile bootstrap, rows (or whole clusters) of both groups
drawn apart, so a cluster that holds rows of both is cut in two. Groups below the minimum are undefined, never dropped.
One answer for every row is not tested.
Limitation: a gap in mean prediction may be a true difference of the groups; a gap in mean error is the model's.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.core.dataset import Split
from harness.core.finding import Cell, Exhibit, Finding
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested, undefined
from harness.engine.parameters import MinimumRows, Resamples
from harness.stats.bootstrap import resample_sums
from harness.stats.intervals import resample_interval

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
NAMES = ("mean_prediction", "mean_error", "mean_absolute_error")


def errors(evidence: Evidence, *, minimum_group: MinimumRows = 30, resamples: Resamples = 1000) -> Measurement:
    """Every declared attribute; a single group makes it not tested."""
    test = evidence.split("test")
    if test is None:
        return not_tested("no data: there are no test rows")
    constant = evidence.decision.point.constant_answer
    if constant is not None:
        return not_tested(f"everyone gets the same answer ('{constant}'), so nothing of it is about groups")
    answers, rng = evidence.predictions("test"), evidence.generator("bias.errors")
    said = answers.labels.astype(float)
    values = np.column_stack([said, said - test.labels.astype(float), np.abs(said - test.labels.astype(float))])
    findings: list[Finding] = []
    exhibits: list[Exhibit] = []
    single = []
    for attribute, groups in test.groups.items():
        rows = {str(name): (groups == name) & answers.answered for name in sorted({g for g in groups if g is not None})}
        if len(rows) < 2:
            single.append(attribute)
            continue
        named = evidence.suite.data.reference.get(attribute)
        reference = named if named in rows else max(rows, key=lambda name: (int(rows[name].sum()), name))
        means = {name: _means(values, mask, test, minimum_group, resamples, rng) for name, mask in rows.items()}
        found = _findings(attribute, means, rows, reference, minimum_group, evidence.suite.data.label.unit)
        findings += found
        exhibits.append(_exhibit(attribute, reference, found))
    if not findings:
        return not_tested(f"no data: {', '.join(single) or 'no attribute'} has fewer than two known groups")
    return Measurement(findings, exhibits)


def _means(
    values: Floats, mask: Bools, test: Split, minimum: int, resamples: int, rng: np.random.Generator
) -> tuple[Floats, Floats] | None:
    """The group's means (3,) and their resamples (resamples, 3); None below the minimum."""
    if mask.sum() < minimum:
        return None
    own = np.column_stack([values[mask], np.ones(int(mask.sum()))])
    drawn = resample_sums(own, None if test.clusters is None else test.clusters[mask], resamples, rng)
    return own[:, :3].mean(axis=0), drawn[:, :3] / drawn[:, 3:]


def _findings(
    attribute: str,
    means: dict[str, tuple[Floats, Floats] | None],
    rows: dict[str, Bools],
    reference: str,
    minimum: int,
    unit: str | None,
) -> list[Finding]:
    found, base = [], means[reference]
    for name, own in means.items():
        group, n = {attribute: name}, int(rows[name].sum())
        for k, measure in enumerate(NAMES):
            pairs = [(f"bias.{measure}", own, n)]
            if name != reference:
                gap = None if own is None or base is None else (own[0] - base[0], own[1] - base[1])
                pairs.append((f"bias.{measure}_gap", gap, n + int(rows[reference].sum())))
            for title, part, count in pairs:
                if part is None:
                    why = f"insufficient sample: {minimum} answered rows needed in the group and in the reference"
                    found.append(undefined(title, count, why, group=group))
                    continue
                spread = part[1][:, k]
                found.append(
                    Finding(
                        measure=title,
                        value=float(part[0][k]),
                        n=count,
                        group=group,
                        unit=unit,
                        interval=resample_interval(spread),
                        better="target" if title.endswith(("_gap", "mean_error")) else None,
                        reason=f"against {reference}" if title.endswith("_gap") else None,
                    )
                )
    return found


def _exhibit(attribute: str, reference: str, found: list[Finding]) -> Exhibit:
    rows: list[list[Cell]] = [
        [f.group[attribute], f.value, f.interval.low, f.interval.high, f.n]
        for f in found
        if f.measure == "bias.mean_error" and f.group and f.interval
    ]
    return Exhibit(
        kind="intervals",
        title=f"Mean error by {attribute} (reference {reference}; 0 is even)",
        columns=["group", "mean error", "low", "high", "n"],
        rows=rows,
    )
