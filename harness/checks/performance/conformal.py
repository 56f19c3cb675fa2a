"""Whether intervals around predicted numbers hold the truth as often as they promise.

Split conformal prediction (Papadopoulos et al. 2002; Lei et al. 2018): the half-width at level 1 - α is the
⌈(m + 1)(1 - α)⌉-th smallest absolute error of m calibration rows that the model was not trained on. Coverage: the share of
test rows whose truth lies within it (Clopper and Pearson, of counts over their design effect where rows are clustered). The interval speaks of
this half-width on further rows; over calibration splits the coverage varies as Beta(k, m + 1 - k). A coverage below the
level says that calibration and test rows are not exchangeable. Limitation: one width for every row.
"""

from __future__ import annotations

import math

import numpy as np

from harness.core.finding import Finding
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested, undefined
from harness.engine.parameters import Shares
from harness.stats.design_effect import share_interval


def conformal(evidence: Evidence, *, levels: Shares | None = None) -> Measurement:
    """Coverage and width at each level (shares in (0, 1), by default 0.8 and 0.9)."""
    chosen = levels or [0.8, 0.9]
    test, calibration = evidence.split("test"), evidence.split("calibration")
    if test is None or calibration is None:
        return not_tested("no data: no test rows, or no calibration rows")
    held, answers = evidence.predictions("calibration"), evidence.predictions("test")
    known = held.answered
    sizes = np.sort(np.abs(held.labels[known].astype(float) - calibration.labels[known].astype(float)))
    error = np.abs(answers.labels.astype(float) - test.labels.astype(float))
    unit = evidence.suite.data.label.unit
    findings = []
    for level in sorted(chosen):
        of, rank = {"at": f"{100 * level:g}%"}, math.ceil((len(sizes) + 1) * level - 1e-9)
        if rank > len(sizes):
            why = f"insufficient sample: {len(sizes)} calibration rows; {math.ceil(level / (1 - level) - 1e-9)} needed"
            findings += [
                undefined(f"performance.{name}", len(test), why, of=of)
                for name in ("interval_coverage", "interval_width")
            ]
            continue
        half = float(sizes[rank - 1])
        inside = error <= half
        findings.append(
            Finding(
                measure="performance.interval_coverage",
                value=float(inside.mean()),
                n=len(test),
                of=of,
                better="target",
                interval=share_interval(inside, test.clusters),
                reason=f"half-width {half:.4g} from {len(sizes)} calibration rows",
            )
        )
        findings.append(
            Finding(
                measure="performance.interval_width",
                value=2 * half,
                n=len(sizes),
                of=of,
                unit=unit,
                better="lower",
                exact=True,
            )
        )
    return Measurement(findings)
