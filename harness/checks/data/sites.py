"""Whether sites differ: what was learnt at one hospital or plant need not hold at the next.

For each site against all others: the classifier two-sample test of `data.shift` (boosted trees tell its rows by
features alone, out of five folds, widened interval); the largest population stability index and Kolmogorov-Smirnov
distance of a column, and which; how many columns differ by a test (Kolmogorov-Smirnov for numbers, χ² for categories
and for being missing; where rows share clusters the first row of each cluster and side), by Holm's procedure at 0.05
over all sites and columns; and the share of the positive class (Clopper and Pearson's interval), or the mean of a
number (Student's with Hall's correction for skewed values, `stats.means`).

Limitation: a difference says nothing on whether it harms; `performance.transfer` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from harness.checks.data.shift import cross_validated_auc, stability_index
from harness.core.dataset import Labels, Split, joined_clusters
from harness.core.finding import Cell, Exhibit, Finding
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested, undefined
from harness.engine.parameters import ColumnName, MinimumFoldRows
from harness.stats.design_effect import share_interval
from harness.stats.means import signed_mean
from harness.stats.multiplicity import holm

if TYPE_CHECKING:
    import pandas as pd

Bools = npt.NDArray[np.bool_]
MEASURES = ("site_shift_auc", "site_stability_index", "site_ks_distance", "site_shifted_columns")
FALSE_ALARMS, RARE, SHOWN = 0.05, 5, 20
UNGATED = "without an interval: reported, never gated"


@dataclass(frozen=True)
class _Rows:
    """Every split's rows (n,): their sites, features, labels, and clusters where rows share some."""

    places: Labels
    inputs: pd.DataFrame
    labels: Labels
    clusters: Labels | None


@dataclass(frozen=True)
class _Column:
    """How far a column (its distance only of numbers) differs at a site, and the p-value."""

    site: str
    name: str
    index: float
    distance: float | None
    p: float


def sites(evidence: Evidence, *, by: ColumnName | None = None, minimum: MinimumFoldRows = 50) -> Measurement:
    """`by` names the column of the sites; every split's rows take part."""
    parts = [part for role in ("test", "calibration", "train") if (part := evidence.split(role)) is not None]
    if by is None or not parts:
        return not_tested("the suite names no column of sites: give the check's parameter by")
    rows, rng = _rows(parts, by), evidence.generator("data.sites")
    names = sorted(set(rows.places))
    if len(names) < 2:
        return not_tested(f"no data: {by!r} holds one site only")
    sizes = {site: int((rows.places == site).sum()) for site in names}
    large = [site for site in names if min(sizes[site], len(rows.places) - sizes[site]) >= minimum]
    columns = [_compare(rows, site, str(name)) for site in large for name in rows.inputs.columns]
    told = dict(zip(columns, holm([column.p for column in columns], FALSE_ALARMS), strict=True))
    findings: list[Finding] = []
    shown: list[list[Cell]] = []
    for site in names:
        if site in large:
            auc = cross_validated_auc(rows.inputs, rows.places == site, rows.clusters, rng)
            band = auc.interval()
            n, of = len(rows.places), {"site": site}
            findings.append(Finding(measure="data.site_shift_auc", value=auc.value, n=n, of=of, interval=band, better="lower"))  # fmt: skip
            own = {column: told[column] for column in columns if column.site == site}
            findings += _columns(site, n, own, minimum)
            shown.append([site, auc.value, band.low, band.high, sizes[site]])
        else:
            others = len(rows.places) - sizes[site]
            why = f"insufficient sample: {sizes[site]} rows at the site, {others} elsewhere; {minimum} of each needed"
            findings += [undefined(f"data.{name}", sizes[site], why, of={"site": site}) for name in MEASURES]
        findings += _label(rows, site, evidence.data.positive)
    return Measurement(findings, _exhibits(shown, told))


def _rows(parts: list[Split], by: str) -> _Rows:
    import pandas as pd

    parts = [part.take(np.flatnonzero([place is not None for place in part.names(by)]).tolist()) for part in parts]
    places = np.concatenate([part.names(by) for part in parts]).astype(str)
    inputs = pd.concat([part.inputs for part in parts], ignore_index=True).drop(columns=by, errors="ignore")
    return _Rows(places, inputs, np.concatenate([part.labels for part in parts]), joined_clusters(parts))


def _compare(rows: _Rows, site: str, name: str) -> _Column:
    """The column at the site (m,) against all other rows: stability index from the others to it, distance, p-value."""
    from scipy.stats import ks_2samp

    own, column = rows.places == site, rows.inputs[name]
    index = stability_index(column[~own].to_numpy(), column[own].to_numpy())
    alone = _first_of_clusters(own, rows.clusters)
    missing = column.isna().to_numpy()
    absent = _independence(missing[alone], own[alone])
    if column.dtype.kind != "f":
        kinds = np.array(["missing" if gone else f"= {value}" for value, gone in zip(column, missing, strict=True)])
        return _Column(site, name, index, None, _independence(kinds[alone], own[alone]))
    values = column.to_numpy(dtype=float)
    if (missing | own).all() or (missing | ~own).all():
        return _Column(site, name, index, None, absent)
    distance = float(ks_2samp(values[own & ~missing], values[~own & ~missing]).statistic)
    tested = alone & ~missing
    moved = (
        float(ks_2samp(values[tested & own], values[tested & ~own]).pvalue)
        if 0 < own[tested].sum() < tested.sum()
        else 1.0
    )
    return _Column(site, name, index, distance, min(1.0, 2 * min(moved, absent)))


def _first_of_clusters(own: Bools, clusters: Labels | None) -> Bools:
    if clusters is None:
        return np.ones(len(own), dtype=bool)
    keys = np.array([f"{side} {name}" for side, name in zip(own, clusters, strict=True)])
    first = np.zeros(len(own), dtype=bool)
    first[np.unique(keys, return_index=True)[1]] = True
    return first


def _independence(kinds: Labels, own: Bools) -> float:
    """The p-value of the χ² test of independence of kinds (n,) and site; kinds of fewer than five rows count as one."""
    from scipy.stats import chi2_contingency

    names, places, counts = np.unique(kinds, return_inverse=True, return_counts=True)
    codes = np.where(counts[places] < RARE, len(names), places)
    table = np.array([[((codes == code) & side).sum() for side in (own, ~own)] for code in np.unique(codes)])
    if len(table) < 2 or (table.sum(axis=0) == 0).any():
        return 1.0
    return float(chi2_contingency(table, correction=False).pvalue)


def _columns(site: str, n: int, told: dict[_Column, bool], minimum: int) -> list[Finding]:
    """The largest index and distance over the site's columns, and how many columns differ by the test."""
    of = {"site": site}
    if not told:
        return [undefined(f"data.{name}", n, "no data: no feature but the site itself", of=of) for name in MEASURES[1:]]
    top = max(told, key=lambda column: column.index)
    why = f"{top.name}, the largest of {len(told)} columns; {UNGATED}"
    found = [Finding(measure="data.site_stability_index", value=top.index, n=n, of=of, better="lower", reason=why)]
    if numbers := [column for column in told if column.distance is not None]:
        far = max(numbers, key=lambda column: column.distance or 0)
        why = f"{far.name}, the largest of {len(numbers)} columns of numbers; {UNGATED}"
        found.append(
            Finding(measure="data.site_ks_distance", value=far.distance, n=n, of=of, better="lower", reason=why)
        )
    else:
        found.append(undefined("data.site_ks_distance", n, "no feature is a number that is known on both sides", of=of))
    differ = sorted(
        (column for column, rejected in told.items() if rejected), key=lambda column: (-column.index, column.name)
    )
    named = ", ".join(column.name for column in differ[:5]) + (" and others" if len(differ) > 5 else "")
    why = f"of {len(told)}, after Holm's correction over all sites of {minimum} rows or more and all columns" + (
        f": {named}" if differ else ""
    )
    count = Finding(
        measure="data.site_shifted_columns", value=len(differ), n=n, of=of, exact=True, unit="columns", better="lower", reason=why
    )  # fmt: skip
    return [*found, count]


def _label(rows: _Rows, site: str, positive: str | None) -> list[Finding]:
    """The site's share of the positive class, or mean of a number; none where there is no such thing."""
    own, of = rows.places == site, {"site": site}
    labels, n = rows.labels[own], int(own.sum())
    clusters = None if rows.clusters is None else rows.clusters[own]
    if labels.dtype.kind == "f":
        band, mean = signed_mean(labels.astype(float), clusters), float(labels.mean())
        why = None if band else "insufficient sample: fewer than two rows or clusters, so there is no interval"
        return [Finding(measure="data.site_label_mean", value=mean, n=n, of=of, interval=band, reason=why)]
    if positive is None:
        return []
    hit = np.asarray(labels == positive, dtype=bool)
    band, share = share_interval(hit, clusters), float(hit.mean())
    return [Finding(measure="data.site_prevalence", value=share, n=n, of=of, interval=band)]


def _exhibits(shown: list[list[Cell]], told: dict[_Column, bool]) -> list[Exhibit]:
    if not shown:
        return []
    title = "Telling a site's rows from all others' (AUC; 0.5: alike)"
    bands = Exhibit(kind="intervals", title=title, columns=["site", "AUC", "low", "high", "n"], rows=shown)
    top = sorted(told, key=lambda column: (-column.index, column.site, column.name))[:SHOWN]
    rows: list[list[Cell]] = [[c.site, c.name, c.index, c.distance, c.p, told[c]] for c in top]
    columns = ["site", "column", "stability index", "KS distance", "p of this column alone", "differs after correction"]
    table = Exhibit(kind="table", title="Columns that differ most at a site", columns=columns, rows=rows)
    return [bands, table] if rows else [bands]
