"""Rows that belong together (a patient's visits, a mix's samples) on both sides of a split: the model has seen the answer's kin.

Where the suite declares what belongs together, clusters with rows on both sides are counted; `kin` looks for such rows by itself,
declared or not.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from harness.checks.data.kin import kin
from harness.core.dataset import Split, joined_clusters
from harness.core.finding import Finding
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested, undefined

UNDECLARED = "no data: the suite does not say what rows belong together (data.cluster)"


def clusters(evidence: Evidence, *, differ: Annotated[int, Field(ge=1, le=2)] = 1) -> Measurement:
    """Clusters of the test rows that training or calibration rows share, and test rows that have kin there."""
    test = evidence.split("test")
    others = [part for role in ("train", "calibration") if (part := evidence.split(role)) is not None]
    if test is None or not others:
        return not_tested("no data: test rows, or rows to compare them with, are missing")
    alike, exhibits = kin(test, others, differ, evidence.generator("data.clusters"))
    straddling = _straddling(test, others)
    if straddling:
        return Measurement([*straddling, alike], exhibits)
    if alike.value is None:
        return not_tested(f"{UNDECLARED}, and kin can't be told: {alike.reason}")
    missing = [undefined(f"data.{name}", len(test), UNDECLARED) for name in ("straddling_clusters", "straddling_rate")]
    return Measurement([*missing, alike], exhibits)


def _straddling(test: Split, others: list[Split]) -> list[Finding]:
    """Counts of declared clusters; none where none are declared."""
    learnt = joined_clusters(others)
    if test.clusters is None or learnt is None:
        return []
    own = set(test.clusters)
    shared = own & set(learnt)
    inside = np.array([name in shared for name in test.clusters])
    why = f"{int(inside.sum())} test rows have kin among the rows that a model learns from"
    return [
        Finding(
            measure="data.straddling_clusters",
            value=len(shared),
            n=len(own),
            exact=True,
            unit="clusters",
            better="lower",
            reason=why if shared else None,
        ),
        Finding(measure="data.straddling_rate", value=float(inside.mean()), n=len(test), exact=True, better="lower"),
    ]
