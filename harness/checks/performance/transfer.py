"""How the model does at a place whose rows it never saw, beside how it does there after seeing some of them.

For each site: AUC of the model under audit on the site's test rows (the random split), and AUC on the same rows of a clone of
it fitted to the training rows of all other sites (leave one site out). Gap = left out minus in, with the paired standard
error of DeLong et al. (1988); of several classes without a positive one the mean recall stands for the AUC (`class_transfer`). The mean over sites takes the sites as fixed. Limitations: it judges the recipe, not the shipped
weights; a few sites say little on further ones. Where rows belong together the variances are Obuchowski's (1997).
"""

from __future__ import annotations

import math

import numpy as np

from harness.checks.performance.class_transfer import class_transfer
from harness.core.finding import Cell, Exhibit, Finding
from harness.core.interval import Interval
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested, undefined
from harness.engine.parameters import ColumnName, MinimumRows
from harness.errors import ModelError
from harness.stats.auc import Auc, delong, paired_standard_error
from harness.stats.intervals import asymmetric, normal_quantile, wald


def transfer(evidence: Evidence, *, by: ColumnName | None = None, minimum: MinimumRows = 10) -> Measurement:
    """`by` names the column of the sites; a site needs `minimum` test rows of either class, of several classes of two at least."""
    test, train, positive = evidence.split("test"), evidence.split("train"), evidence.data.positive
    if test is None or train is None:
        return not_tested("no data: test rows or training rows are missing")
    if by is None:
        return not_tested("the suite names no column of sites: give the check's parameter by")
    if positive is None:
        return class_transfer(evidence, test, train, by, minimum)
    score = evidence.predictions("test").positive_scores(positive)
    if score is None:
        return not_tested("no access: the model gives no probabilities")
    truth, places, seen = test.labels == positive, test.names(by), train.names(by)
    findings: list[Finding] = []
    rows: list[list[Cell]] = []
    left_out: list[Auc] = []
    for site in sorted(set(places) - {None}):
        own, of = places == site, {"site": site}
        n = int(own.sum())
        others = np.array(
            [place not in (site, None) for place in seen]
        )  # a row whose site is not known may be of this one
        lacks = _lacks(int(truth[own].sum()), n, train.labels[others], positive, minimum)
        together = None if test.clusters is None else test.clusters[own]
        inside = delong(score[own], truth[own], together)
        if lacks or inside is None:
            lacks = lacks or "insufficient sample: the site has fewer than two clusters of a class"
            names = ("site_auc", "left_out_auc", "transfer_gap")
            findings += [undefined(f"performance.{name}", n, lacks, of=of) for name in names]
            continue
        try:
            again = evidence.refitted(others, own).positive_scores(positive)
        except ModelError as why:
            findings += [
                undefined(f"performance.{name}", n, str(why), of=of) for name in ("left_out_auc", "transfer_gap")
            ]
            continue
        assert again is not None
        outside = delong(again, truth[own], together)
        assert outside is not None
        left_out.append(outside)
        found = _compared(inside, outside, n, of)
        findings += found
        ends = [(f.interval.low, f.interval.high) if f.interval else (None, None) for f in found]
        rows.append([site, n, inside.value, outside.value, found[-1].value, *ends[-1]])
    findings.append(_mean(left_out, len(test), minimum))
    columns = ["site", "test rows", "AUC, random split", "AUC, site left out", "gap", "low", "high"]
    title = "Leave one site out, beside the random split (same test rows)"
    return Measurement(findings, [Exhibit(kind="table", title=title, columns=columns, rows=rows)])


def _compared(inside: Auc, outside: Auc, n: int, of: dict[str, str]) -> list[Finding]:
    """A site's two AUCs and their gap; without an interval where both rank alike and perfectly, which is no certainty."""
    gap, error = outside.value - inside.value, paired_standard_error(outside, inside)
    is_told = error > 1e-9 or (gap == 0 and 0 < inside.value < 1)
    return [
        *(
            Finding(
                measure=f"performance.{name}", value=auc.value, n=n, of=of, interval=auc.interval(), better="higher"
            )
            for name, auc in (("site_auc", inside), ("left_out_auc", outside))
        ),
        Finding(
            measure="performance.transfer_gap",
            value=gap,
            n=n,
            of=of,
            interval=wald(gap, error) if is_told else None,
            better="higher",
            reason=None if is_told else "both rank the site's rows perfectly, so there is no interval",
        ),
    ]


def _lacks(positives: int, n: int, labels: np.ndarray, positive: str, minimum: int) -> str | None:
    if min(positives, n - positives) < minimum:
        return (
            f"insufficient sample: {positives} positive of {n} test rows at the site; {minimum} of either class needed"
        )
    hits = int((labels == positive).sum())
    if min(hits, len(labels) - hits) < minimum:
        return (
            f"insufficient sample: {hits} positive of {len(labels)} training rows elsewhere; {minimum} of either needed"
        )
    return None


def _error_of_sum(aucs: list[Auc]) -> float:
    """Standard error of a sum of AUCs of different rows; clusters in several of them keep their covariance."""
    parts: dict[str, float] = {}
    for index, auc in enumerate(aucs):
        for name, part in (auc.of_clusters or {f"of {index}": auc.standard_error}).items():
            parts[name] = parts.get(name, 0.0) + part
    return math.sqrt(sum(part**2 for part in parts.values()))


def _mean(left_out: list[Auc], rows: int, minimum: int) -> Finding:
    measure = "performance.left_out_auc_mean"
    if not left_out:
        return undefined(measure, rows, "insufficient sample: no site has enough rows of both classes")
    value = float(np.mean([auc.value for auc in left_out]))
    n = sum(len(auc.positive_placements) + len(auc.negative_placements) for auc in left_out)
    note = f"{len(left_out)} sites with {minimum} rows or more of either class, taken as fixed"
    return Finding(measure=measure, value=value, n=n, interval=_band(left_out, value), better="higher", reason=note)


def _band(aucs: list[Auc], value: float) -> Interval:
    """Wald's; where a ranking is perfect, and has no error of its own, from the ends of each site's interval."""
    if all(auc.standard_error > 1e-9 for auc in aucs):
        return wald(value, _error_of_sum(aucs) / len(aucs))
    z, ends = normal_quantile(0.975), [auc.interval() for auc in aucs]
    below, above = (
        math.sqrt(sum(distance**2 for distance in side)) / len(aucs) / z
        for side in (
            [auc.value - end.low for auc, end in zip(aucs, ends, strict=True)],
            [end.high - auc.value for auc, end in zip(aucs, ends, strict=True)],
        )
    )
    return asymmetric(value, below, above)
