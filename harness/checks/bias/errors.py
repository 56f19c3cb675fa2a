"""Errors of predicted numbers by group, and each group's gap to the reference.

Mean prediction, mean error (prediction - truth: above 0 the group is put too high) and mean absolute error of a
group's answered rows; the gap is group minus reference. Intervals (`stats.means`, `stats.losses`): Student's for means
of either sign, Welch's for their gaps, both with Hall's correction for skewed values; Student's on the log scale for
the mean absolute error, MOVER (Zou & Donner 2008) for its gaps. Clusters count by their sums, one that holds rows of
both groups by the difference. Groups below the minimum are undefined, never dropped. One answer for every row is not
tested.

Limitations: a gap in mean prediction may be a true difference of the groups; a gap in mean error is the
model's. At 30 rows means of log-normal values have too short an interval on the side of the tail (6 to 11 % instead of
2.5 %): of so long a tail the sample often holds nothing.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.core.dataset import Split
from harness.core.finding import Cell, Exhibit, Finding
from harness.core.interval import Interval
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested, undefined
from harness.engine.parameters import MinimumRows
from harness.stats.losses import mean_loss
from harness.stats.means import Group, loss_gap, mean_gap, signed_mean

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
NAMES = ("mean_prediction", "mean_error", "mean_absolute_error")
FEW_CLUSTERS = "insufficient sample: fewer than two clusters of a group, or ten where errors have no sign"


def errors(evidence: Evidence, *, minimum_group: MinimumRows = 30) -> Measurement:
    """Every declared attribute; a single group makes it not tested."""
    test = evidence.split("test")
    if test is None:
        return not_tested("no data: there are no test rows")
    constant = evidence.decision.point.constant_answer
    if constant is not None:
        return not_tested(f"everyone gets the same answer ('{constant}'), so nothing of it is about groups")
    answers = evidence.predictions("test")
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
        means = {name: _groups(values, mask, test, minimum_group) for name, mask in rows.items()}
        found = _findings(attribute, means, rows, reference, minimum_group, evidence.suite.data.label.unit)
        findings += found
        exhibits.append(_exhibit(attribute, reference, found))
    if not findings:
        return not_tested(f"no data: {', '.join(single) or 'no attribute'} has fewer than two known groups")
    return Measurement(findings, exhibits)


def _groups(values: Floats, mask: Bools, test: Split, minimum: int) -> list[Group] | None:
    """The group's rows by each measure; None below the minimum."""
    if mask.sum() < minimum:
        return None
    clusters = None if test.clusters is None else test.clusters[mask]
    return [Group(column, clusters) for column in values[mask].T]


def _findings(
    attribute: str,
    groups: dict[str, list[Group] | None],
    rows: dict[str, Bools],
    reference: str,
    minimum: int,
    unit: str | None,
) -> list[Finding]:
    found, base = [], groups[reference]
    for name, own in groups.items():
        group, n = {attribute: name}, int(rows[name].sum())
        for k, measure in enumerate(NAMES):
            parts = [(f"bias.{measure}", None if own is None else (own[k].mean, _band(measure, own[k])), n)]
            if name != reference:
                gap = (own[k].mean - base[k].mean, _gap_band(measure, own[k], base[k])) if own and base else None
                parts.append((f"bias.{measure}_gap", gap, n + int(rows[reference].sum())))
            for title, part, count in parts:
                if part is None:
                    why = f"insufficient sample: {minimum} answered rows needed in the group and in the reference"
                    found.append(undefined(title, count, why, group=group))
                    continue
                against = f"against {reference}" if title.endswith("_gap") else None
                found.append(
                    Finding(
                        measure=title,
                        value=part[0],
                        n=count,
                        group=group,
                        unit=unit,
                        interval=part[1],
                        better="target" if title.endswith(("_gap", "mean_error")) else None,
                        reason=against if part[1] else FEW_CLUSTERS,
                    )
                )
    return found


def _band(measure: str, group: Group) -> Interval | None:
    if measure == "mean_absolute_error":
        return mean_loss(group.values, None, group.worst, group.clusters)
    return signed_mean(group.values, group.clusters)


def _gap_band(measure: str, group: Group, reference: Group) -> Interval | None:
    return loss_gap(group, reference) if measure == "mean_absolute_error" else mean_gap(group, reference)


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
