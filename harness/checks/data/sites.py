"""Whether sites differ: what was learnt at one hospital or plant need not hold at the next.

For each site the classifier two-sample test of `data.shift` (boosted trees tell its rows from all others' by features alone,
out of five folds, widened interval), and the share of the positive class with Wilson's interval. Limitation: a difference says
nothing on whether it harms; `performance.transfer` does.
"""

from __future__ import annotations

import numpy as np

from harness.checks.data.shift import cross_validated_auc
from harness.core.finding import Cell, Exhibit, Finding
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested, undefined
from harness.errors import SuiteError
from harness.stats.intervals import wilson


def sites(evidence: Evidence, *, by: str | None = None, minimum: int = 50) -> Measurement:
    """`by` names the column of the sites; every split's rows take part."""
    import pandas as pd

    parts = [part for role in ("test", "calibration", "train") if (part := evidence.split(role)) is not None]
    if by is None or not parts:
        return not_tested("the suite names no column of sites: give the check's parameter by")
    if any(by not in part.columns for part in parts):
        raise SuiteError(f"data.sites: by is {by!r}, which is no column of the data.")
    places = np.concatenate([part.columns[by].astype(str).to_numpy() for part in parts])
    inputs = pd.concat([part.inputs for part in parts], ignore_index=True).drop(columns=by, errors="ignore")
    labels, rng = np.concatenate([part.labels for part in parts]), evidence.generator("data.sites")
    if len(set(places)) < 2:
        return not_tested(f"no data: {by!r} holds one site only")
    findings: list[Finding] = []
    rows: list[list[Cell]] = []
    for site in sorted(set(places)):
        own, of = places == site, {"site": site}
        n = int(own.sum())
        if min(n, len(own) - n) < minimum:
            why = f"insufficient sample: {n} rows at the site, {len(own) - n} elsewhere; {minimum} of each needed"
            findings.append(undefined("data.site_shift_auc", n, why, of=of))
        else:
            auc = cross_validated_auc(inputs, own, None, rng)
            band = auc.interval()
            findings.append(
                Finding(
                    measure="data.site_shift_auc", value=auc.value, n=len(own), of=of, interval=band, better="lower"
                )
            )
            rows.append([site, auc.value, band.low, band.high, n])
        if evidence.data.positive is not None:
            hits = int((labels[own] == evidence.data.positive).sum())
            findings.append(
                Finding(measure="data.site_prevalence", value=hits / n, n=n, of=of, interval=wilson(hits, n))
            )
    title = "Telling a site's rows from all others' (AUC; 0.5: alike)"
    columns = ["site", "AUC", "low", "high", "n"]
    return Measurement(findings, [Exhibit(kind="intervals", title=title, columns=columns, rows=rows)] if rows else [])
