"""How many can be approved while few of them turn out bad.

Bad is the positive class. Rows are approved by rising probability of it, equal ones together. Approval rate at a bad-rate cap c = the largest
share of rows, approved in this order, of which a share of at most c is bad; at least 1 / c rows, since of fewer none can be bad without breaking the cap.
The cut is chosen on the rows that it is measured on, so the interval is a percentile bootstrap of the whole choice, of whole clusters where rows belong
together (no cut in a resample: nobody approved). What the choice promises on other rows is a measure of its own: approved bad rate = share of bad rows among those approved in
either half of the rows by the cut that the other half chose, with Clopper and Pearson's interval (of counts over their design effect where rows are clustered).
Limitations: the cut of half of the rows is a little less sure than that of all; half of all cuts chosen so break the cap on further rows, by a little;
what was not granted in the past may have no known outcome (reject inference is not done).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.dataset import Dataset, Labels
from harness.core.finding import Cell, Exhibit, Finding
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested, undefined
from harness.engine.parameters import Resamples, Shares, refuses
from harness.spec.suite import Suite
from harness.stats.bootstrap import resample_weights
from harness.stats.design_effect import numbered, share_interval
from harness.stats.intervals import resample_interval

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
RATE, KEPT = "performance.approval_rate", "performance.approved_bad_rate"


def _misfits(suite: Suite, _: Dataset | None, __: dict[str, Any]) -> list[str]:
    label = suite.data.label
    if label.positive_name is None or label.positive_name != label.favourable:
        return []
    return [
        f"the positive class is taken for the bad one, but {label.favourable!r} is favourable too. Let data.label.positive name "
        "the bad outcome."
    ]


@refuses(_misfits)
def approval(evidence: Evidence, *, bad_rate_caps: Shares | None = None, resamples: Resamples = 500) -> Measurement:
    """The approval rate at each cap (a share between 0 and 1; 0.05 where none is given), and what its cut keeps on other rows."""
    caps = bad_rate_caps or [0.05]
    test, positive = evidence.split("test"), evidence.data.positive
    if test is None or positive is None:
        return not_tested("no data: no test rows, or no positive class")
    score = evidence.predictions("test").positive_scores(positive)
    if score is None:
        return not_tested("no access: the model gives no probabilities")
    known = np.isfinite(score)
    score, bad = score[known], test.labels[known] == positive
    clusters = None if test.clusters is None else test.clusters[known]
    if min(bad.sum(), (~bad).sum()) < 10:
        return not_tested(f"insufficient sample: {int(bad.sum())} bad of {len(bad)} rows; 10 of either class needed")
    rng = evidence.generator("performance.approval")
    weights = resample_weights(len(bad), clusters, resamples, rng)
    half = _half(len(bad), clusters, rng)
    findings = []
    for cap in caps:
        of = {"at": f"bad rate {100 * cap:g}%"}
        findings.append(_rate(score, bad, cap, weights, of))
        findings.append(_kept(score, bad, cap, half, clusters, of))
    return Measurement(findings, _exhibit(findings))


def approved_share(score: Floats, bad: Bools, cap: float, weights: npt.NDArray[np.int64]) -> Floats:
    """The largest share within the cap (resamples,) of rows (n,) drawn so often (resamples, n); 0 where no cut keeps it."""
    seen, ok, _ = _cuts(score, bad, cap, weights)
    return np.asarray(np.where(ok, seen, 0.0).max(axis=1) / seen[:, -1], dtype=float)


def _cuts(
    score: Floats, bad: Bools, cap: float, weights: npt.NDArray[np.int64]
) -> tuple[Floats, npt.NDArray[np.bool_], Floats]:
    """Of each distinct score, rising: rows approved, whether they keep the cap (both (resamples, cuts)), and the score (cuts,)."""
    order = np.argsort(score, kind="stable")
    ends = np.r_[np.flatnonzero(np.diff(score[order]) != 0), len(score) - 1]
    seen = np.cumsum(weights[:, order], axis=1, dtype=float)[:, ends]
    found = np.cumsum(weights[:, order] * bad[order], axis=1, dtype=float)[:, ends]
    return seen, (found <= cap * seen + 1e-9) & (seen * cap >= 1 - 1e-9), score[order][ends]


def _rate(score: Floats, bad: Bools, cap: float, weights: npt.NDArray[np.int64], of: dict[str, str]) -> Finding:
    value = float(approved_share(score, bad, cap, np.ones((1, len(bad)), dtype=np.int64))[0])
    if value == 0:
        fewest = math.ceil(1 / cap - 1e-9)
        why = f"undefined: no cut that approves {fewest} rows or more keeps the bad rate within {100 * cap:g}%"
        return undefined(RATE, len(bad), why, of=of)
    band = resample_interval(approved_share(score, bad, cap, weights))
    note = "the cut is chosen on these rows, as in each resample" if band else "every resample approves the same share"
    return Finding(measure=RATE, value=value, n=len(bad), of=of, interval=band, better="higher", reason=note)


def _kept(score: Floats, bad: Bools, cap: float, half: Bools, clusters: Labels | None, of: dict[str, str]) -> Finding:
    approved = np.zeros(len(bad), dtype=bool)
    for chosen in (half, ~half):
        if chosen.any():
            _, ok, cuts = _cuts(score[chosen], bad[chosen], cap, np.ones((1, int(chosen.sum())), dtype=np.int64))
            if ok.any():
                approved |= ~chosen & (score <= cuts[ok[0]].max())
    if not approved.any():
        return undefined(KEPT, 0, "undefined: a half of the rows has no cut that keeps the cap", of=of)
    band = share_interval(bad[approved], None if clusters is None else clusters[approved])
    value, n = float(bad[approved].mean()), int(approved.sum())
    note = "each half by the cut that the other half chose"
    return Finding(measure=KEPT, value=value, n=n, of=of, interval=band, better="lower", reason=note)


def _half(n: int, clusters: Labels | None, rng: np.random.Generator) -> Bools:
    """One half of n rows at random, of the clusters where rows are clustered."""
    owner = np.arange(n) if clusters is None else numbered(clusters)
    first: Bools = rng.permutation(int(owner.max()) + 1) % 2 == 0
    return first[owner]


def _exhibit(findings: list[Finding]) -> list[Exhibit]:
    rows: list[list[Cell]] = [
        [f.of["at"], f.value, f.interval.low, f.interval.high, f.n]
        for f in findings
        if f.measure == RATE and f.of and f.interval
    ]
    columns = ["cap", "share approved", "low", "high", "n"]
    title = "Approval rate at a cap of the bad rate"
    return [Exhibit(kind="intervals", title=title, columns=columns, rows=rows)] if rows else []
