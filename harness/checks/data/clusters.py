"""Rows that belong together (a patient's visits, a mix's samples) on both sides of a split: the model has seen the answer's kin."""

from __future__ import annotations

import numpy as np

from harness.core.finding import Finding
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested


def clusters(evidence: Evidence) -> Measurement:
    """Clusters of the test rows that training or calibration rows share."""
    test = evidence.split("test")
    others = [part for role in ("train", "calibration") if (part := evidence.split(role)) is not None]
    if test is None or not others:
        return not_tested("no data: test rows, or rows to compare them with, are missing")
    if test.clusters is None or any(part.clusters is None for part in others):
        return not_tested("no data: the suite does not say what rows belong together (data.cluster)")
    known = {name for part in others if part.clusters is not None for name in part.clusters}
    own = set(test.clusters)
    shared = own & known
    inside = np.array([name in shared for name in test.clusters])
    return Measurement(
        [
            Finding(
                measure="data.straddling_clusters",
                value=len(shared),
                n=len(own),
                exact=True,
                unit="clusters",
                better="lower",
                reason=f"{int(inside.sum())} test rows have kin among the rows that a model learns from"
                if shared
                else None,
            ),
            Finding(
                measure="data.straddling_rate", value=float(inside.mean()), n=len(test), exact=True, better="lower"
            ),
        ]
    )
