"""Whether the features tell the label at all: labels that no model can beat chance on are random, or of other rows.

AUC of boosted trees (features → positive class, or the most frequent class where none is positive), out of five folds over the
rows of every split, with the widened interval of `data.shift`. Limitations: texts count as categories, so of free texts nothing
can be learnt here; a weak true signal may stay unseen in few rows.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from harness.checks.data.shift import cross_validated_auc
from harness.core.finding import Finding
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested


def signal(evidence: Evidence, *, minimum: int = 50) -> Measurement:
    """Looks at every row of every split; either class needs `minimum` rows."""
    import pandas as pd

    parts = [part for role in ("test", "calibration", "train") if (part := evidence.split(role)) is not None]
    if not parts:
        return not_tested("no data")
    labels = np.concatenate([part.labels for part in parts])
    named = evidence.data.positive or min(Counter(labels).items(), key=lambda item: (-item[1], item[0]))[0]
    target = labels == named
    if min(target.sum(), (~target).sum()) < minimum:
        return not_tested(
            f"insufficient sample: {int(target.sum())} rows of {named!r} among {len(target)}; {minimum} of either class needed"
        )
    clusters = None
    if all(part.clusters is not None for part in parts):
        clusters = np.concatenate([part.clusters for part in parts if part.clusters is not None])
    inputs = pd.concat([part.inputs for part in parts], ignore_index=True)
    auc = cross_validated_auc(inputs, target, clusters, evidence.generator("data.signal"))
    band = auc.interval()
    why = (
        None
        if band.low > 0.5
        else "the interval covers 0.5: nothing in the features tells the label; are labels random?"
    )
    found = Finding(
        measure="data.label_auc", value=auc.value, n=len(labels), interval=band, better="higher", reason=why
    )
    return Measurement([found])
