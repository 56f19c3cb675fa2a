"""Whether the features tell the label at all: labels that no model can beat chance on are random, or of other rows.

Classes: AUC of boosted trees (features → positive class, or the most frequent class where none is positive), out of five folds
over the rows of every split, with the widened interval of `data.shift`. Numbers: R² = 1 - Σ(y - f)² / Σ(y - m)² of boosted trees, f out
of five folds and m the mean of the rows that f learnt from, so that 0 is chance; with r = Σ(y - f)² / Σ(y - m)² the standard error is that of
a ratio, √(k / (k - 1) · Σ s²) / Σ(y - m)² over k clusters (or rows) with sums s of (y - f)² - r·(y - m)², widened by √2 as well.
Limitations: texts count as categories, so of free texts nothing can be learnt here; a weak true signal may stay unseen in few rows.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from harness.checks.data.shift import as_numbers, cross_validated_auc
from harness.core.dataset import Labels, joined_clusters
from harness.core.finding import Finding
from harness.core.interval import Interval
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested
from harness.stats.intervals import wald

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
FOLDS = 5


def signal(evidence: Evidence, *, minimum: int = 50) -> Measurement:
    """Looks at every row of every split; either class needs `minimum` rows, numbers twice as many in all."""
    import pandas as pd

    parts = [part for role in ("test", "calibration", "train") if (part := evidence.split(role)) is not None]
    if not parts:
        return not_tested("no data")
    labels, clusters = np.concatenate([part.labels for part in parts]), joined_clusters(parts)
    inputs = pd.concat([part.inputs for part in parts], ignore_index=True)
    if clusters is not None and len(set(clusters)) < FOLDS:
        return not_tested(f"insufficient sample: {len(set(clusters))} clusters; {FOLDS} needed for the folds")
    rng = evidence.generator("data.signal")
    if not evidence.data.classes:
        return _of_numbers(inputs, np.asarray(labels, dtype=float), clusters, minimum, rng)
    named = evidence.data.positive or min(Counter(labels).items(), key=lambda item: (-item[1], item[0]))[0]
    target = labels == named
    if min(target.sum(), (~target).sum()) < minimum:
        return not_tested(
            f"insufficient sample: {int(target.sum())} rows of {named!r} among {len(target)}; {minimum} of either class needed"
        )
    auc = cross_validated_auc(inputs, target, clusters, rng)
    return Measurement([_told("data.label_auc", auc.value, len(labels), auc.interval(), 0.5)])


def _of_numbers(
    inputs: pd.DataFrame, labels: Floats, clusters: Labels | None, minimum: int, rng: np.random.Generator
) -> Measurement:
    if len(labels) < 2 * minimum:
        return not_tested(f"insufficient sample: {len(labels)} rows; {2 * minimum} needed")
    if np.ptp(labels) == 0:
        return not_tested("no data: every row has the same number")
    value, error = cross_validated_r2(inputs, labels, clusters, rng)
    return Measurement([_told("data.label_r2", value, len(labels), wald(value, error), 0.0)])


def _told(measure: str, value: float, n: int, band: Interval, chance: float) -> Finding:
    why = f"the interval covers {chance:g}: nothing in the features tells the label; are labels random?"
    return Finding(
        measure=measure, value=value, n=n, interval=band, better="higher", reason=None if band.low > chance else why
    )


def cross_validated_r2(
    inputs: pd.DataFrame, labels: Floats, clusters: Labels | None, rng: np.random.Generator
) -> tuple[float, float]:
    """R² out of fold of numbers (n,) from columns (n, k) against the mean of the other folds, and its standard error."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    owner = np.arange(len(labels)) if clusters is None else np.unique(clusters.astype(str), return_inverse=True)[1]
    fold = (rng.permutation(owner.max() + 1) % FOLDS)[owner]
    columns, wrong, apart = as_numbers(inputs), np.zeros(len(labels)), np.zeros(len(labels))
    model = HistGradientBoostingRegressor(max_iter=30, max_leaf_nodes=8, random_state=0, early_stopping=False)
    with threadpool_limits(1):
        for own in (fold == place for place in range(FOLDS)):
            said = model.fit(columns[~own], labels[~own]).predict(columns[own])
            wrong[own], apart[own] = (labels[own] - said) ** 2, (labels[own] - labels[~own].mean()) ** 2
    ratio = float(wrong.sum() / apart.sum())
    sums = np.bincount(owner, weights=wrong - ratio * apart)
    k = len(sums)
    return 1 - ratio, math.sqrt(2 * k / (k - 1) * float((sums**2).sum())) / float(apart.sum())
