"""Accuracy, precision, recall, F1, MCC, ROC-AUC and the rest, each with an interval.

Formulas: accuracy = correct / n; precision, recall and F1 of class c from its confusion counts (F1 =
2·TP / (2·TP + FP + FN)); balanced accuracy = mean recall over classes with rows; MCC by Gorodkin (2004).
Macro averages are over the classes that have rows (precision of a class never answered counts 0). A row without an answer is
wrong, and counted in the answer rate; score measures are over the answered rows. Intervals: Wilson for proportions, DeLong
for AUC, percentile bootstrap else (the cells of the confusion table; rows for score measures); where no resample differs,
half a row is added to each cell first. Where rows belong together whole clusters are resampled instead, proportions are of counts over their design effect, and
the AUC's variance is Obuchowski's (1997).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.core.dataset import Labels
from harness.core.finding import Exhibit, Finding
from harness.core.predictions import Predictions
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested, undefined
from harness.engine.parameters import Resamples
from harness.stats.auc import delong
from harness.stats.bootstrap import resample_means, resample_rows, resample_sums
from harness.stats.design_effect import share_interval
from harness.stats.intervals import percentile, resample_interval

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def classification(evidence: Evidence, *, resamples: Resamples = 1000) -> Measurement:
    """Measures the test split; ROC-AUC and average precision need scores and a positive class."""
    test = evidence.split("test")
    if test is None:
        return not_tested("no data: there are no test rows")
    answers, classes = evidence.predictions("test"), evidence.data.classes
    draw = _Draw(test.clusters, resamples, evidence.generator("performance.classification"))
    cells, answered = _cells(test.labels, answers.labels, classes), answers.answered
    table = _table(cells, len(classes) + 1)
    answer_rate = draw.share("performance.answer_rate", answered)
    of_answers = [*_proportions(cells, table, classes, draw), *_from_table(cells, table, classes, draw)]
    of_scores = _score_findings(
        test.labels[answered], answers.only(answered), evidence.data.positive, draw.only(answered)
    )
    if (unknown := evidence.decision_plan.undetermined) is not None:
        of_answers = [undefined(f.measure, f.n, unknown, of=f.of) for f in of_answers]
        return Measurement([answer_rate, *of_answers, *of_scores])
    findings = [answer_rate, *of_answers, *of_scores]
    exhibits = [_confusion_exhibit(table, classes), _class_exhibit(findings, classes)]
    return Measurement(findings, exhibits)


@dataclass(frozen=True)
class _Draw:
    """How much of a measure is chance: by rows, or by whole clusters where rows (n,) belong together."""

    clusters: Labels | None
    resamples: int
    rng: np.random.Generator

    def only(self, rows: Bools) -> _Draw:
        """The same for some of the rows."""
        return _Draw(None if self.clusters is None else self.clusters[rows], self.resamples, self.rng)

    def share(self, measure: str, hit: Bools, of: dict[str, str] | None = None) -> Finding:
        """The share of rows (n,) that are a hit."""
        if len(hit) == 0:
            return undefined(measure, 0, "no rows to divide by", of=of)
        band = share_interval(hit, self.clusters)
        return Finding(measure=measure, value=float(hit.mean()), n=len(hit), of=of, interval=band, better="higher")

    def tables(self, cells: Ints, size: int) -> Ints:
        """Resampled confusion tables (resamples, size, size) of the rows' cells (n,).

        From a table of one full cell a class, softened by half a row a cell; a cluster counts as its first row there.
        """
        table = _table(cells, size)
        used = table.sum(axis=1) > 0
        alike = bool((table[used] > 0).sum() <= used.sum())
        if self.clusters is not None and not alike:
            sums = resample_sums(np.eye(size**2)[cells], self.clusters, self.resamples, self.rng)
            return np.rint(sums).astype(np.int64).reshape(-1, size, size)
        if self.clusters is not None:
            _, first = np.unique(self.clusters.astype(str), return_index=True)
            table = _table(cells[first], size)
        share = table.astype(float)
        if alike:
            share[:-1] += 0.5 * (np.arange(size) < size - 1)
        drawn: Ints = self.rng.multinomial(table.sum(), (share / share.sum()).ravel(), size=self.resamples)
        return drawn.reshape(-1, size, size)

    def means(self, values: Floats) -> Floats:
        """Resampled means (resamples,) of the rows' values (n,)."""
        if self.clusters is None:
            return resample_means(values, self.resamples, self.rng)
        sums = np.column_stack([values, np.ones(len(values))])
        drawn = resample_sums(sums, self.clusters, self.resamples, self.rng)
        return np.asarray(drawn[:, 0] / drawn[:, 1])


def _cells(truth: npt.NDArray[np.object_], answered: npt.NDArray[np.object_], classes: tuple[str, ...]) -> Ints:
    """Each row's cell of the confusion table: truth · (classes + 1) + answer, "no answer" the last."""
    index: dict[str | None, int] = {name: i for i, name in enumerate((*classes, None))}
    pairs = zip(truth, answered, strict=True)
    return np.array([index[t] * len(index) + index[a] for t, a in pairs], dtype=np.int64)


def _table(cells: Ints, size: int) -> Ints:
    """Counts (size, size): rows are the truth, columns the answer."""
    return np.bincount(cells, minlength=size**2).reshape(size, size).astype(np.int64)


def f1_scores(table: Ints) -> Floats:
    """F1 of each class (..., classes) from confusion counts (..., classes, classes); NaN where undefined."""
    hits = np.diagonal(table, axis1=-2, axis2=-1).astype(float)
    total = table.sum(axis=-1) + table.sum(axis=-2)
    return np.asarray(np.divide(2 * hits, total, out=np.full(hits.shape, np.nan), where=total > 0))


def row_losses(answers: Predictions, truth: Labels) -> tuple[Floats, Floats]:
    """Brier score (halved for two classes) and log loss (n,) of each row, from scores (n, classes) of answered rows."""
    assert answers.scores is not None
    own = np.array([answers.classes.index(label) for label in truth], dtype=int)
    onehot = np.eye(len(answers.classes))[own]
    brier = ((answers.scores - onehot) ** 2).sum(axis=1) / (2 if len(answers.classes) == 2 else 1)
    return brier, -np.log(np.clip(answers.scores[np.arange(len(own)), own], 1e-15, 1))


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


def _proportions(cells: Ints, table: Ints, classes: tuple[str, ...], draw: _Draw) -> list[Finding]:
    truth, answer = np.divmod(cells, len(table))
    found = [
        draw.share("performance.accuracy", truth == answer),
        draw.share("performance.majority_baseline", truth == table.sum(axis=1).argmax()),
    ]
    for i, name in enumerate(classes):
        for measure, among in (("performance.precision", answer == i), ("performance.recall", truth == i)):
            found.append(draw.only(among).share(measure, (truth == answer)[among], {"class": name}))
    return found


def _from_table(cells: Ints, table: Ints, classes: tuple[str, ...], draw: _Draw) -> list[Finding]:
    n, k, resampled = len(cells), len(classes), draw.tables(cells, len(table))
    f1, drawn = f1_scores(table)[:k], f1_scores(resampled)[:, :k]
    found = [_bootstrapped("performance.f1", f1[i], drawn[:, i], n, {"class": name}) for i, name in enumerate(classes)]
    weights, drawn_weights = table.sum(axis=1)[:k], resampled.sum(axis=2)[:, :k]
    truth, answer = np.divmod(cells, len(table))
    found += [
        _bootstrapped("performance.f1_macro", _mean(f1), np.nanmean(drawn, axis=1), n),
        _bootstrapped(
            "performance.f1_weighted",
            np.nansum(f1 * weights) / n,
            np.nansum(drawn * drawn_weights, axis=1) / drawn_weights.sum(axis=1),
            n,
        ),
        draw.share("performance.f1_micro", truth == answer),
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
    drawn: Floats,
    n: int,
    of: dict[str, str] | None = None,
    better: str = "higher",
) -> Finding:
    usable = drawn[np.isfinite(drawn)]
    if not np.isfinite(value) or len(usable) < len(drawn) * 0.95:
        return undefined(measure, n, "undefined: too few rows of a class, or answers of one class only", of=of)
    if resample_interval(usable) is None:
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
    truth: npt.NDArray[np.object_], answers: Predictions, positive: str | None, draw: _Draw
) -> list[Finding]:
    n = len(truth)
    if answers.scores is None or n == 0:
        why = "no access: the model gives labels but no probabilities" if n else "no data: no row has an answer"
        return [
            undefined(f"performance.{name}", n, why) for name in ("roc_auc", "average_precision", "log_loss", "brier")
        ]
    brier, losses = row_losses(answers, truth)
    found = [
        _bootstrapped("performance.log_loss", losses.mean(), draw.means(losses), n, better="lower"),
        _bootstrapped("performance.brier", brier.mean(), draw.means(brier), n, better="lower"),
    ]
    if positive is None:
        return [*found, *_no_ranking(n, "the suite names no positive class")]
    score, is_positive = answers.positive_scores(positive), truth == positive
    assert score is not None
    auc = delong(score, is_positive, draw.clusters)
    if auc is None:
        return [*found, *_no_ranking(n, "insufficient sample: fewer than two rows (or clusters) of a class")]
    from sklearn.metrics import average_precision_score

    def precision_of(rows: Ints) -> float:
        return _average_precision(score[rows], is_positive[rows])

    spread = resample_rows(precision_of, n, min(draw.resamples, 500), draw.rng, draw.clusters)
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
