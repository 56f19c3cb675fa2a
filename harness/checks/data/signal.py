"""Whether anything predicts the label: labels that no model beats chance on are random, or those of other rows.

Simple models (a regularised linear one, boosted trees), chosen inside cross-validation, predict the rows of every split out of five
folds. Two classes: AUC (DeLong's interval). Several classes: informedness of the class with the largest ratio of probability to
prevalence. Numbers: R² = 1 - Σ(y - f)² / Σ(y - m)², m the mean of the rows that f learnt from, so that 0 is chance; its standard
error is that of a ratio of paired means. The folds share training rows, so every standard error is widened by √2 (counts are halved).
Signal, 0 at chance = the one of these that is surest to be above it: 2 · AUC - 1, informedness or R² of the simple models; the
audited model's own informedness, 2 · AUC - 1 or squared error skill on the test rows. So where the model's own gain is proven, this
check adds nothing. Limitations: texts count by their words only; a weak true signal may stay unseen in few rows; the best of
several is taken, so alone it errs at up to the sum of their levels: performance.skill judges the model itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from harness.checks.data.simple_models import FOLDS, Problem, out_of_fold
from harness.checks.performance.skill import skill
from harness.core.dataset import Dataset, Labels, Split, joined_clusters
from harness.core.finding import Finding
from harness.core.interval import Interval
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested
from harness.engine.parameters import MinimumFoldRows
from harness.stats.auc import TOO_FEW_TO_RANK, Auc, delong
from harness.stats.design_effect import effective_counts, numbered
from harness.stats.exact import informedness
from harness.stats.intervals import wald

Floats = npt.NDArray[np.float64]
WIDER = float(np.sqrt(2))
SIGNAL = "data.signal"


def signal(evidence: Evidence, *, minimum: MinimumFoldRows = 50) -> Measurement:
    """Looks at every row of every split; a class needs `minimum` rows to be predicted, numbers twice as many in all."""
    parts = [part for role in ("test", "calibration", "train") if (part := evidence.split(role)) is not None]
    if not parts:
        return not_tested("no data")
    simple = _simple(evidence.data, parts, minimum, evidence.generator("data.signal"))
    found = [] if isinstance(simple, str) else [simple[0]]
    candidates = [*([] if isinstance(simple, str) else [simple[1]]), *_of_model(evidence)]
    if not candidates:
        return not_tested(str(simple))
    best = max(candidates, key=_lower_end)
    if _lower_end(best) <= 0:
        if isinstance(simple, str):
            return not_tested(f"no simple model could be tried ({simple}), and the model's own gain is not proven")
        best = simple[1].model_copy(
            update={"reason": "the interval covers 0: nothing surely predicts the label; are labels random?"}
        )
    return Measurement([*found, best.model_copy(update={"measure": SIGNAL})])


def _lower_end(finding: Finding) -> float:
    return finding.interval.low if finding.interval else -1.0


def _simple(data: Dataset, parts: list[Split], minimum: int, rng: np.random.Generator) -> tuple[Finding, Finding] | str:
    """What simple models reach, as a measure of its own and as a signal; or why none was tried."""
    import pandas as pd

    labels, clusters = np.concatenate([part.labels for part in parts]), joined_clusters(parts)
    inputs = pd.concat([part.inputs for part in parts], ignore_index=True)
    if clusters is not None and len(set(clusters)) < FOLDS:
        return f"insufficient sample: {len(set(clusters))} clusters; {FOLDS} needed for the folds"
    if not data.classes:
        return _of_numbers(inputs, np.asarray(labels, dtype=float), clusters, minimum, rng)
    counts = Counter(labels.tolist())
    names = sorted(name for name, rows in counts.items() if rows >= minimum)
    if len(names) < 2:
        return f"insufficient sample: {len(names)} class(es) with {minimum} rows; two needed"
    rows = np.flatnonzero([label in names for label in labels])
    target = np.array([names.index(label) for label in labels[rows]])
    own = None if clusters is None else clusters[rows]
    problem = Problem(inputs.iloc[rows].reset_index(drop=True), target, own, len(names))
    try:
        said = out_of_fold(problem, rng)
    except ValueError as error:
        return f"no simple model can be fitted to these columns: {error}"
    made = _ranked(said[:, 1], target == 1, own) if len(names) == 2 else _recognised(said, target, own)
    if isinstance(made, str) or len(names) == len(counts):
        return made
    left = f"left out, fewer than {minimum} rows: {', '.join(sorted(set(counts) - set(names)))}"
    one, other = (f.model_copy(update={"reason": f"{f.reason}; {left}" if f.reason else left}) for f in made)
    return one, other


def _ranked(score: Floats, hit: npt.NDArray[np.bool_], clusters: Labels | None) -> tuple[Finding, Finding] | str:
    auc = delong(score, hit, clusters)
    if auc is None:
        return TOO_FEW_TO_RANK
    wider = Auc(
        auc.value,
        auc.standard_error * WIDER,
        auc.positive_placements,
        auc.negative_placements,
        auc.of_clusters,
        auc.clusters_of_class,
    )
    return _made("data.label_auc", auc.value, len(hit), wider.interval(), 0.5), _signal_of(
        wider, "simple models, out of fold"
    )


def _recognised(said: Floats, target: npt.NDArray[np.int64], clusters: Labels | None) -> tuple[Finding, Finding]:
    shares = np.bincount(target) / len(target)
    right = (said / shares).argmax(axis=1) == target
    masks = [target == place for place in range(len(shares))]
    counts = [effective_counts(right[m], None if clusters is None else clusters[m]) for m in masks]
    value = (sum(float(right[m].mean()) for m in masks) - 1) / (len(masks) - 1)
    band = informedness([hits / 2 for hits, _ in counts], [rows / 2 for _, rows in counts])
    found = _made("data.label_informedness", value, len(target), band, 0.0)
    return found, found.model_copy(update={"reason": "simple models, out of fold"})


def _of_numbers(
    inputs: object, labels: Floats, clusters: Labels | None, minimum: int, rng: np.random.Generator
) -> tuple[Finding, Finding] | str:
    import pandas as pd

    assert isinstance(inputs, pd.DataFrame)
    if len(labels) < 2 * minimum:
        return f"insufficient sample: {len(labels)} rows; {2 * minimum} needed"
    if np.ptp(labels) == 0:
        return "no data: every row has the same number"
    try:
        said = out_of_fold(Problem(inputs, labels, clusters, 0), rng)[:, 0]
    except ValueError as refusal:
        return f"no simple model can be fitted to these columns: {refusal}"
    wrong, apart = (labels - said) ** 2, (labels - labels.mean()) ** 2
    owner = np.arange(len(labels)) if clusters is None else numbered(clusters)
    ratio, k = float(wrong.sum() / apart.sum()), int(owner.max()) + 1
    sums = np.bincount(owner, weights=wrong - ratio * apart)
    error = WIDER * float(np.sqrt(k / (k - 1) * (sums**2).sum())) / float(apart.sum())
    found = _made("data.label_r2", 1 - ratio, len(labels), wald(1 - ratio, error), 0.0)
    return found, found.model_copy(update={"reason": "simple models, out of fold"})


def _made(measure: str, value: float, n: int, band: Interval, chance: float) -> Finding:
    why = f"the interval covers {chance:g}: nothing in the features predicts the label; are labels random?"
    reason = None if band.low > chance else why
    return Finding(measure=measure, value=value, n=n, interval=band, better="higher", reason=reason)


def _signal_of(auc: Auc, source: str) -> Finding:
    n = len(auc.positive_placements) + len(auc.negative_placements)
    value, error = 2 * auc.value - 1, 2 * auc.standard_error
    return Finding(measure=SIGNAL, value=value, n=n, interval=wald(value, error), better="higher", reason=source)


def _of_model(evidence: Evidence) -> Iterator[Finding]:
    """What the audited model proves of itself on test rows that it was not trained on."""
    test = evidence.split("test")
    if test is None or not evidence.has_predictions("test") or evidence.trained_on_test_rows() is not None:
        return
    for finding in skill(evidence).findings:
        own = finding.measure in ("performance.informedness", "performance.squared_error_skill")
        if own and finding.interval is not None and not finding.exact:
            yield finding.model_copy(update={"reason": "the audited model's own answers"})
    answers, positive = evidence.predictions("test"), evidence.data.positive
    if positive is not None and answers.scores is not None:
        score = answers.positive_scores(positive)
        assert score is not None
        known = np.isfinite(score)
        clusters = None if test.clusters is None else test.clusters[known]
        auc = delong(score[known], test.labels[known] == positive, clusters)
        if auc is not None:
            yield _signal_of(auc, "the audited model's own ranking")
