"""Accuracy, precision, recall, F1, MCC, ROC-AUC and the rest, each with an interval.

Formulas: accuracy = correct / n; precision, recall and F1 of class c from its confusion counts (F1 =
2·TP / (2·TP + FP + FN)); balanced accuracy = mean recall over classes with rows; MCC by Gorodkin (2004).
Macro averages are over the classes that have rows (precision of a class never answered counts 0). A row without an answer is
wrong, and counted in the answer rate; score measures are over the answered rows. Intervals: Clopper and Pearson's (1934) for
proportions, for F1 of a class (by the Jaccard index) and, combined by MOVER, for balanced accuracy; MCC and macro averages from the exact limits of
the confusion table's parts (`stats.profile`); Wilson's of as many rows as the variance is worth for the AUC, Clopper and Pearson's of as many as the
variance of its influence function is worth for average precision; Student's on the log scale, variance by class, for Brier score and log loss. A model without an error has an interval too. Where rows are clustered, counts are over their
design effect, and the AUC's variance is Obuchowski's (1997).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.core.dataset import Labels
from harness.core.finding import Exhibit, Finding
from harness.core.predictions import Predictions
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested, undefined
from harness.stats.auc import TOO_FEW_TO_RANK, delong
from harness.stats.average_precision import TOO_FEW_POSITIVES, average_precision
from harness.stats.design_effect import effective_counts, largest_effect, share_interval
from harness.stats.exact import mean_share
from harness.stats.losses import mean_loss
from harness.stats.table_intervals import f1_interval, table_interval
from harness.stats.tables import MEASURES

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
SMALLEST = 1e-15


def classification(evidence: Evidence) -> Measurement:
    """Measures the test split; ROC-AUC and average precision need scores and a positive class."""
    test = evidence.split("test")
    if test is None:
        return not_tested("no data: there are no test rows")
    answers, classes = evidence.predictions("test"), evidence.data.classes
    rows = _Rows(test.clusters)
    cells, answered = _cells(test.labels, answers.labels, classes), answers.answered
    table = _table(cells, len(classes) + 1)
    answer_rate = rows.share("performance.answer_rate", answered)
    of_answers = [*_proportions(cells, table, classes, rows), *_from_table(cells, table, classes, rows)]
    of_scores = _score_findings(
        test.labels[answered], answers.only(answered), evidence.data.positive, rows.only(answered)
    )
    if (unknown := evidence.decision_plan.undetermined) is not None:
        of_answers = [undefined(f.measure, f.n, unknown, of=f.of) for f in of_answers]
        return Measurement([answer_rate, *of_answers, *of_scores])
    findings = [answer_rate, *of_answers, *of_scores]
    exhibits = [_confusion_exhibit(table, classes), _class_exhibit(findings, classes)]
    return Measurement(findings, exhibits)


@dataclass(frozen=True)
class _Rows:
    """What the rows (n,) are clustered by."""

    clusters: Labels | None

    def only(self, rows: Bools) -> _Rows:
        """The same for some of the rows."""
        return _Rows(None if self.clusters is None else self.clusters[rows])

    def share(self, measure: str, hit: Bools, of: dict[str, str] | None = None) -> Finding:
        """The share of rows (n,) that are a hit."""
        if len(hit) == 0:
            return undefined(measure, 0, "no rows to divide by", of=of)
        band = share_interval(hit, self.clusters)
        return Finding(measure=measure, value=float(hit.mean()), n=len(hit), of=of, interval=band, better="higher")


def _cells(truth: npt.NDArray[np.object_], answered: npt.NDArray[np.object_], classes: tuple[str, ...]) -> Ints:
    """Each row's cell of the confusion table: truth · (classes + 1) + answer, "no answer" the last."""
    index: dict[str | None, int] = {name: i for i, name in enumerate((*classes, None))}
    pairs = zip(truth, answered, strict=True)
    return np.array([index[t] * len(index) + index[a] for t, a in pairs], dtype=np.int64)


def _table(cells: Ints, size: int) -> Ints:
    """Counts (size, size): rows are the truth, columns the answer."""
    return np.bincount(cells, minlength=size**2).reshape(size, size).astype(np.int64)


def row_losses(answers: Predictions, truth: Labels) -> tuple[Floats, Floats]:
    """Brier score (halved for two classes) and log loss (n,) of each row, from scores (n, classes) of answered rows."""
    assert answers.scores is not None
    own = np.array([answers.classes.index(label) for label in truth], dtype=int)
    onehot = np.eye(len(answers.classes))[own]
    brier = ((answers.scores - onehot) ** 2).sum(axis=1) / (2 if len(answers.classes) == 2 else 1)
    return brier, -np.log(np.clip(answers.scores[np.arange(len(own)), own], SMALLEST, 1))


def _proportions(cells: Ints, table: Ints, classes: tuple[str, ...], rows: _Rows) -> list[Finding]:
    truth, answer = np.divmod(cells, len(table))
    found = [
        rows.share("performance.accuracy", truth == answer),
        rows.share("performance.majority_baseline", truth == table.sum(axis=1).argmax()),
    ]
    for i, name in enumerate(classes):
        for measure, among in (("performance.precision", answer == i), ("performance.recall", truth == i)):
            found.append(rows.only(among).share(measure, (truth == answer)[among], {"class": name}))
    return found


def _from_table(cells: Ints, table: Ints, classes: tuple[str, ...], rows: _Rows) -> list[Finding]:
    truth, answer = np.divmod(cells, len(table))
    found = [
        _f1_of(name, (truth == i) & (answer == i), (truth == i) | (answer == i), rows) for i, name in enumerate(classes)
    ]
    found.append(rows.share("performance.f1_micro", truth == answer))
    counts, effect = table[:-1], 1.0
    if rows.clusters is not None:
        hits, _ = effective_counts(truth == answer, rows.clusters)
        effect = float((truth == answer).sum() / hits) if hits else largest_effect(rows.clusters)
    for name in ("f1_macro", "f1_weighted", "precision_macro", "mcc"):
        found.append(_of_table(name, counts, len(cells), effect))
    hit = {i: (answer == i)[truth == i] for i in range(len(classes)) if counts[i].any()}
    together = {i: None if rows.clusters is None else rows.clusters[truth == i] for i in hit}
    value = float(np.mean([right.mean() for right in hit.values()]))
    right_rows, sizes = zip(*(effective_counts(right, together[i]) for i, right in hit.items()), strict=True)
    band = mean_share(right_rows, sizes)
    for name in ("balanced_accuracy", "recall_macro"):
        found.append(Finding(measure=f"performance.{name}", value=value, n=len(cells), interval=band, better="higher"))
    return found


def _f1_of(name: str, hits: Bools, among: Bools, rows: _Rows) -> Finding:
    measure, of, n = "performance.f1", {"class": name}, int(among.sum())
    if not n:
        return undefined(measure, 0, "undefined: no row has the class, and none is answered it", of=of)
    index = float(hits[among].mean())
    band = f1_interval(*effective_counts(hits[among], None if rows.clusters is None else rows.clusters[among]))
    return Finding(measure=measure, value=2 * index / (1 + index), n=n, of=of, interval=band, better="higher")


def _of_table(name: str, counts: Ints, n: int, effect: float) -> Finding:
    measure, value = f"performance.{name}", float(MEASURES[name](counts[None])[0])
    if not np.isfinite(value):
        return undefined(measure, n, "undefined: the rows or the answers are of one class only")
    band = table_interval(name, counts.ravel().tolist(), len(counts), effect)
    return Finding(measure=measure, value=value, n=n, interval=band, better="higher")


def _score_findings(
    truth: npt.NDArray[np.object_], answers: Predictions, positive: str | None, rows: _Rows
) -> list[Finding]:
    n = len(truth)
    if answers.scores is None or n == 0:
        why = "no access: the model gives labels but no probabilities" if n else "no data: no row has an answer"
        return [
            undefined(f"performance.{name}", n, why) for name in ("roc_auc", "average_precision", "log_loss", "brier")
        ]
    brier, losses = row_losses(answers, truth)
    worst = 1.0 if len(answers.classes) == 2 else 2.0
    found = [
        _loss("performance.log_loss", losses, truth, -math.log(SMALLEST), rows.clusters),
        _loss("performance.brier", brier, truth, worst, rows.clusters),
    ]
    if positive is None:
        return [*found, *_no_ranking(n, "the suite names no positive class")]
    score, is_positive = answers.positive_scores(positive), truth == positive
    assert score is not None
    auc = delong(score, is_positive, rows.clusters)
    ranking = (
        undefined("performance.roc_auc", n, TOO_FEW_TO_RANK)
        if auc is None
        else Finding(measure="performance.roc_auc", value=auc.value, n=n, interval=auc.interval(), better="higher")
    )
    return [ranking, _precision_by_rank(score, is_positive, rows.clusters), *found]


def _loss(measure: str, losses: Floats, truth: Labels, worst: float, clusters: Labels | None) -> Finding:
    n, band = len(losses), mean_loss(losses, truth, worst, clusters)
    why = (
        None
        if band
        else "insufficient sample: fewer than five rows of a class (or ten clusters), so there is no interval"
    )
    return Finding(measure=measure, value=float(losses.mean()), n=n, interval=band, better="lower", reason=why)


def _precision_by_rank(score: Floats, positive: Bools, clusters: Labels | None) -> Finding:
    measure, n, found = "performance.average_precision", len(score), average_precision(score, positive, clusters)
    if found is None:
        return undefined(measure, n, TOO_FEW_POSITIVES)
    return Finding(measure=measure, value=found[0], n=n, interval=found[1], better="higher")


def _no_ranking(n: int, reason: str) -> list[Finding]:
    return [undefined(f"performance.{name}", n, reason) for name in ("roc_auc", "average_precision")]


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
