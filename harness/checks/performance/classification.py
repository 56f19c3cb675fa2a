"""Accuracy, precision, recall, F1, MCC, ROC-AUC and the rest, each with an interval.

Formulas: accuracy = correct / n; precision, recall and F1 of class c from its confusion counts (F1 =
2·TP / (2·TP + FP + FN)); balanced accuracy = mean recall over classes with rows; MCC by Gorodkin (2004).
Macro averages are over the classes that have rows (precision of a class never answered counts 0). A row without an answer is
wrong, and counted in the answer rate; score measures are over the answered rows. Intervals: Wilson for proportions, DeLong
for AUC, percentile bootstrap else (the cells of the confusion table; rows for score measures); where no resample differs,
half a row is added to each cell first. Limitations: rows are taken as independent.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.core.finding import Exhibit, Finding
from harness.core.predictions import Predictions
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested, undefined
from harness.stats.auc import delong
from harness.stats.bootstrap import resample_means, resample_rows
from harness.stats.intervals import percentile, wilson

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def classification(evidence: Evidence, *, resamples: int = 1000) -> Measurement:
    """Measures the test split; ROC-AUC and average precision need scores and a positive class."""
    test = evidence.split("test")
    if test is None:
        return not_tested("no data: there are no test rows")
    answers, classes = evidence.predictions("test"), evidence.data.classes
    table = confusion(test.labels, answers.labels, classes)
    rng = evidence.generator("performance.classification")
    answered = answers.answered
    findings = [_share("performance.answer_rate", int(answered.sum()), len(answered)), *_proportions(table, classes)]
    findings += _from_table(table, _resampled(table, resamples, rng), classes)
    findings += _score_findings(test.labels[answered], answers.only(answered), evidence.data.positive, rng, resamples)
    exhibits = [_confusion_exhibit(table, classes), _class_exhibit(findings, classes)]
    return Measurement(findings, exhibits)


def confusion(truth: npt.NDArray[np.object_], answered: npt.NDArray[np.object_], classes: tuple[str, ...]) -> Ints:
    """Counts (classes + 1, classes + 1): rows are the truth, columns the answer, last of all "no answer"."""
    size = len(classes) + 1
    index: dict[str | None, int] = {name: i for i, name in enumerate((*classes, None))}
    flat = np.array([index[t] * size + index[a] for t, a in zip(truth, answered, strict=True)], dtype=np.int64)
    return np.bincount(flat, minlength=size**2).reshape(size, size).astype(np.int64)


def _resampled(table: Ints, resamples: int, rng: np.random.Generator) -> Ints:
    """Tables drawn from the table's own shares; a table of one full cell a class is softened by half a row a cell."""
    share, used = table.astype(float), table.sum(axis=1) > 0
    if (table[used] > 0).sum() <= used.sum():
        share[:-1] += 0.5 * (np.arange(table.shape[1]) < table.shape[1] - 1)
    return rng.multinomial(table.sum(), (share / share.sum()).ravel(), size=resamples).reshape(-1, *table.shape)


def f1_scores(table: Ints) -> Floats:
    """F1 of each class (..., classes) from confusion counts (..., classes, classes); NaN where undefined."""
    hits = np.diagonal(table, axis1=-2, axis2=-1).astype(float)
    total = table.sum(axis=-1) + table.sum(axis=-2)
    return np.asarray(np.divide(2 * hits, total, out=np.full(hits.shape, np.nan), where=total > 0))


def balanced_accuracy(table: Ints) -> Floats:
    """Mean recall over the classes that have rows."""
    hits, rows = np.diagonal(table, axis1=-2, axis2=-1), table.sum(axis=-1)
    recall = np.divide(hits, rows, out=np.full(hits.shape, np.nan), where=rows > 0)
    return np.asarray(np.nanmean(recall, axis=-1))


def matthews(table: Ints) -> Floats:
    """Matthews correlation (Gorodkin 2004); NaN where truth or answers are of one class only."""
    counts = table.astype(float)
    n, hits = counts.sum(axis=(-2, -1)), np.trace(counts, axis1=-2, axis2=-1)
    rows, columns = counts.sum(axis=-1), counts.sum(axis=-2)
    top = hits * n - (rows * columns).sum(axis=-1)
    bottom = np.sqrt((n**2 - (columns**2).sum(axis=-1)) * (n**2 - (rows**2).sum(axis=-1)))
    return np.asarray(np.divide(top, bottom, out=np.full_like(top, np.nan), where=bottom > 0))


def _proportions(table: Ints, classes: tuple[str, ...]) -> list[Finding]:
    n, hits = int(table.sum()), int(np.trace(table))
    largest = int(table.sum(axis=1).max())
    found = [_share("performance.accuracy", hits, n), _share("performance.majority_baseline", largest, n)]
    for i, name in enumerate(classes):
        of = {"class": name}
        found.append(_share("performance.precision", int(table[i, i]), int(table[:, i].sum()), of))
        found.append(_share("performance.recall", int(table[i, i]), int(table[i].sum()), of))
    return found


def _share(measure: str, successes: int, n: int, of: dict[str, str] | None = None) -> Finding:
    if n == 0:
        return undefined(measure, 0, "no rows to divide by", of=of)
    return Finding(measure=measure, value=successes / n, n=n, of=of, interval=wilson(successes, n), better="higher")


def _from_table(table: Ints, resampled: Ints, classes: tuple[str, ...]) -> list[Finding]:
    n = int(table.sum())
    k = len(classes)
    f1, drawn = f1_scores(table)[:k], f1_scores(resampled)[:, :k]
    found = [_bootstrapped("performance.f1", f1[i], drawn[:, i], n, {"class": name}) for i, name in enumerate(classes)]
    weights, drawn_weights = table.sum(axis=1)[:k], resampled.sum(axis=2)[:, :k]
    hits = np.trace(table)
    found += [
        _bootstrapped("performance.f1_macro", _mean(f1), np.nanmean(drawn, axis=1), n),
        _bootstrapped(
            "performance.f1_weighted",
            np.nansum(f1 * weights) / n,
            np.nansum(drawn * drawn_weights, axis=1) / n,
            n,
        ),
        _share("performance.f1_micro", int(hits), n),
        _bootstrapped("performance.balanced_accuracy", balanced_accuracy(table), balanced_accuracy(resampled), n),
        _bootstrapped("performance.mcc", matthews(table), matthews(resampled), n),
    ]
    found.append(_bootstrapped("performance.recall_macro", balanced_accuracy(table), balanced_accuracy(resampled), n))
    found.append(_bootstrapped("performance.precision_macro", _precision_macro(table), _precision_macro(resampled), n))
    return found


def _precision_macro(table: Ints) -> Floats:
    """Mean precision over the classes that have rows; 0 for one that was never answered."""
    hits, answers, rows = np.diagonal(table, axis1=-2, axis2=-1), table.sum(axis=-2), table.sum(axis=-1)
    precision = np.divide(hits, answers, out=np.zeros(hits.shape), where=answers > 0)
    return np.asarray(np.where(rows > 0, precision, 0).sum(axis=-1) / (rows > 0).sum(axis=-1))


def _mean(values: Floats) -> float:
    return float(np.nanmean(values))


def _bootstrapped(
    measure: str,
    value: float | Floats,
    resampled: Floats,
    n: int,
    of: dict[str, str] | None = None,
    better: str = "higher",
) -> Finding:
    usable = resampled[np.isfinite(resampled)]
    if not np.isfinite(value) or len(usable) < len(resampled) * 0.95:
        return undefined(measure, n, "undefined: too few rows of a class, or answers of one class only", of=of)
    if np.ptp(usable) == 0:
        why = "no resample differs, so there is no interval"
        return Finding.model_validate(
            {"measure": measure, "value": float(value), "n": n, "of": of, "better": better, "reason": why}
        )
    return Finding.model_validate(
        {
            "measure": measure,
            "value": float(value),
            "n": n,
            "of": of,
            "better": better,
            "interval": percentile(usable),
        }
    )


def _score_findings(
    truth: npt.NDArray[np.object_],
    answers: Predictions,
    positive: str | None,
    rng: np.random.Generator,
    resamples: int,
) -> list[Finding]:
    n = len(truth)
    if answers.scores is None or n == 0:
        why = "no access: the model gives labels but no probabilities" if n else "no data: no row has an answer"
        return [
            undefined(f"performance.{name}", n, why) for name in ("roc_auc", "average_precision", "log_loss", "brier")
        ]
    own = np.array([answers.classes.index(label) for label in truth])
    likelihood = answers.scores[np.arange(n), own]
    onehot = np.eye(len(answers.classes))[own]
    brier = ((answers.scores - onehot) ** 2).sum(axis=1) / (2 if len(answers.classes) == 2 else 1)
    losses = -np.log(np.clip(likelihood, 1e-15, 1))
    found = [
        _bootstrapped("performance.log_loss", losses.mean(), resample_means(losses, resamples, rng), n, better="lower"),
        _bootstrapped("performance.brier", brier.mean(), resample_means(brier, resamples, rng), n, better="lower"),
    ]
    if positive is None:
        return [*found, *_no_ranking(n, "the suite names no positive class")]
    score, is_positive = answers.positive_scores(positive), truth == positive
    assert score is not None
    auc = delong(score, is_positive)
    if auc is None:
        return [*found, *_no_ranking(n, "insufficient sample: fewer than two rows of a class")]
    from sklearn.metrics import average_precision_score

    def precision_of(rows: Ints) -> float:
        return _average_precision(score[rows], is_positive[rows])

    spread = resample_rows(precision_of, n, min(resamples, 500), rng)
    value = float(average_precision_score(is_positive, score))
    return [
        Finding(measure="performance.roc_auc", value=auc.value, n=n, interval=auc.interval(), better="higher"),
        _bootstrapped("performance.average_precision", value, spread, n),
        *found,
    ]


def _no_ranking(n: int, reason: str) -> list[Finding]:
    return [undefined(f"performance.{name}", n, reason) for name in ("roc_auc", "average_precision")]


def _average_precision(score: Floats, positive: npt.NDArray[np.bool_]) -> float:
    order = np.argsort(-score, kind="stable")
    ranked, hits = score[order], positive[order]
    ends = np.r_[np.flatnonzero(np.diff(ranked)), len(ranked) - 1]
    found = np.cumsum(hits)[ends]
    if found[-1] == 0:
        return float("nan")
    return float((np.diff(np.r_[0, found]) * found / (ends + 1)).sum() / found[-1])


def _confusion_exhibit(table: Ints, classes: tuple[str, ...]) -> Exhibit:
    return Exhibit(
        kind="matrix",
        title="Confusion matrix (rows: truth, columns: answer)",
        columns=["truth", *classes, *(["no answer"] if table[:, -1].any() else [])],
        rows=[
            [name, *[int(v) for v in (table[i] if table[:, -1].any() else table[i, :-1])]]
            for i, name in enumerate(classes)
        ],
    )


def _class_exhibit(findings: list[Finding], classes: tuple[str, ...]) -> Exhibit:
    def value(measure: str, name: str) -> Finding | None:
        return next((f for f in findings if f.measure == measure and f.of == {"class": name}), None)

    rows: list[list[str | int | float | bool | None]] = []
    for name in classes:
        for kind in ("precision", "recall", "f1"):
            found = value(f"performance.{kind}", name)
            if found is not None and found.interval is not None:
                rows.append([f"{kind} of {name}", found.value, found.interval.low, found.interval.high, found.n])
    return Exhibit(
        kind="intervals",
        title="Precision, recall and F1 by class",
        columns=["measure", "value", "low", "high", "n"],
        rows=rows,
    )
