"""Whether the model beats guessing, at the decision that people act on.

Informedness = (K · balanced accuracy - 1) / (K - 1) over the K classes that have test rows (Youden's J for two classes; Powers
2003): 0 for answers that do not depend on the truth, whatever the prevalence; 1 for a perfect model. Interval: Clopper and
Pearson's (1934) by class, combined by MOVER (Zou & Donner 2008); of several classes with a recall below a half the gamma interval of the
weighted sum of their hits (Fay & Feuer 1997). A row without an answer is wrong. One answer for every row is 0
without any chance in it, if two classes have at least 30 rows each. Accuracy gain = accuracy - share of the most frequent class,
paired by row (Tango 1998). Worst recall = the smallest recall among the classes with at least 15 rows. Skill = 1 - mean loss /
mean loss of the best constant on the same rows (Brier: their class shares; log loss: likewise; squared error: their mean), so no
constant has a positive skill; interval by inverting that of a mean of skewed values (Fieller 1954; Hall 1992), at the degrees of freedom of the rarer rows (those of the most frequent class, or all others) at most. Choice gain =
accuracy - mean of 1 / options (exact interval), and - the share of the option place that is most often right (Tango). Clusters
widen every interval (counts over their design effect; Student's of cluster means). Limitation: better than guessing is not good enough; the suite's own limits say what is.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

from harness.checks.performance.classification import row_losses
from harness.core.dataset import Labels, Split
from harness.core.finding import Cell, Exhibit, Finding
from harness.core.predictions import Predictions
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested, undefined
from harness.stats.design_effect import effective_counts
from harness.stats.exact import informedness, shifted_share, worst_share
from harness.stats.intervals import tango
from harness.stats.means import signed_mean
from harness.stats.skill import skill as skill_score

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
EVIDENT = 30
MINIMUM_CLASS = 15


def skill(evidence: Evidence) -> Measurement:
    """Measures the test split, by the suite's task."""
    test = evidence.split("test")
    if test is None:
        return not_tested("no data: there are no test rows")
    answers = evidence.predictions("test")
    if evidence.suite.task == "regression":
        return _of_numbers(test, answers)
    if evidence.suite.task == "choice":
        return _of_options(evidence, test, answers)
    right = np.asarray(answers.labels == test.labels, dtype=bool)
    recalls = _recalls(test, right)
    found = [
        _informedness(recalls, len(test), evidence.decision.point.constant_answer),
        _worst_recall(recalls),
        _accuracy_gain(test, right),
        *_of_scores(test, answers),
    ]
    return Measurement(found, [_exhibit(recalls)])


class _Recall:
    """One class: its test rows, those answered right, and both over their design effect where rows are clustered."""

    def __init__(self, name: str, right: Bools, clusters: npt.NDArray[np.object_] | None) -> None:
        self.name, self.rows, self.hits = name, len(right), int(right.sum())
        self.effective = effective_counts(right, clusters)

    @property
    def value(self) -> float:
        return self.hits / self.rows


def _recalls(test: Split, right: Bools) -> list[_Recall]:
    rows = {str(name): test.labels == name for name in sorted(set(test.labels))}
    return [
        _Recall(name, right[own], None if test.clusters is None else test.clusters[own]) for name, own in rows.items()
    ]


def _counts(recalls: list[_Recall]) -> tuple[list[float], list[float]]:
    hits, rows = zip(*(one.effective for one in recalls), strict=True)
    return list(hits), list(rows)


def _informedness(recalls: list[_Recall], n: int, constant: str | None) -> Finding:
    measure = "performance.informedness"
    if len(recalls) < 2:
        return undefined(measure, n, "undefined: the test rows are of one class only")
    value = (sum(one.value for one in recalls) - 1) / (len(recalls) - 1)
    second = sorted(one.rows for one in recalls)[-2]
    evident = constant is not None and second >= EVIDENT
    return Finding(
        measure=measure,
        value=0.0 if constant is not None else value,
        n=n,
        interval=informedness(*_counts(recalls)),
        better="higher",
        exact=evident,
        reason=f"every row gets the answer '{constant}'" if constant is not None else None,
    )


def _worst_recall(recalls: list[_Recall]) -> Finding:
    measure = "performance.worst_recall"
    judged = [one for one in recalls if one.rows >= MINIMUM_CLASS]
    small = [f"{one.name} ({one.rows})" for one in recalls if one.rows < MINIMUM_CLASS]
    left_out = f"classes with fewer than {MINIMUM_CLASS} test rows are left out: {', '.join(small)}" if small else None
    if not judged:
        return undefined(measure, 0, f"insufficient sample: {left_out}")
    worst = min(judged, key=lambda one: (one.value, one.name))
    reason = "; ".join(part for part in (f"the worst class is '{worst.name}'", left_out) if part)
    interval = worst_share(*_counts(judged))
    return Finding(measure=measure, value=worst.value, n=worst.rows, interval=interval, better="higher", reason=reason)


def _accuracy_gain(test: Split, right: Bools) -> Finding:
    if len(set(test.labels)) < 2:
        return undefined("performance.accuracy_gain", len(test), "undefined: the test rows are of one class only")
    most = min(Counter(test.labels).items(), key=lambda item: (-item[1], item[0]))[0]
    constant = np.asarray(test.labels == most, dtype=bool)
    found = _paired("performance.accuracy_gain", right, constant, test)
    return found.model_copy(update={"reason": found.reason or f"against the answer '{most}' for every row"})


def _paired(measure: str, right: Bools, constant: Bools, test: Split, of: dict[str, str] | None = None) -> Finding:
    """The share that is right minus that of a constant answer, paired by row."""
    n = len(right)
    interval = tango(int((right & ~constant).sum()), int((constant & ~right).sum()), n)
    if test.clusters is not None:
        clustered = signed_mean(right.astype(float) - constant, test.clusters)
        if clustered is None:
            return undefined(measure, n, "insufficient sample: fewer than two clusters", of=of)
        interval = clustered
    value = float(right.mean() - constant.mean())
    return Finding(measure=measure, value=value, n=n, of=of, interval=interval, better="higher")


def _of_scores(test: Split, answers: Predictions) -> list[Finding]:
    """Brier and log loss skill over the answered rows."""
    names = ("performance.brier_skill", "performance.log_loss_skill")
    known = answers.answered
    n = int(known.sum())
    if answers.scores is None or n == 0:
        why = "no access: the model gives labels but no probabilities" if n else "no data: no row has an answer"
        return [undefined(name, n, why) for name in names]
    truth = test.labels[known]
    shares = np.array([float((truth == name).mean()) for name in answers.classes])
    constant = Predictions(answers.classes, truth, np.tile(shares, (n, 1)))
    losses, of_constant = row_losses(answers.only(known), truth), row_losses(constant, truth)
    clusters = None if test.clusters is None else test.clusters[known]
    return [
        _skill(name, own, other, truth, clusters) for name, own, other in zip(names, losses, of_constant, strict=True)
    ]


def _skill(measure: str, losses: Floats, constant: Floats, classes: Labels | None, clusters: Labels | None) -> Finding:
    found = skill_score(losses, constant, classes, clusters)
    if found is None:
        why = "insufficient sample: fewer than ten rows besides those of the most frequent class, or two rows (or clusters)"
        return undefined(measure, len(losses), why)
    return Finding(measure=measure, value=found[0], n=len(losses), interval=found[1], better="higher")


def _of_numbers(test: Split, answers: Predictions) -> Measurement:
    """Over the answered rows, against their mean truth."""
    known = answers.answered
    truth, said = test.labels[known].astype(float), answers.labels[known].astype(float)
    n, measure = len(truth), "performance.squared_error_skill"
    if n < 2:
        return not_tested(f"insufficient sample: {n} answered test rows; 2 needed")
    clusters = None if test.clusters is None else test.clusters[known]
    return Measurement([_skill(measure, (said - truth) ** 2, (truth - truth.mean()) ** 2, None, clusters)])


def _of_options(evidence: Evidence, test: Split, answers: Predictions) -> Measurement:
    """Against chance, and against the option place that is most often right."""
    right = np.asarray(answers.labels == test.labels, dtype=bool)
    options = test.inputs[evidence.suite.data.options].notna().sum(axis=1).to_numpy(dtype=float)
    chance, measure = float((1 / options).mean()), "performance.choice_gain"
    of_chance = Finding(
        measure=measure,
        value=float(right.mean()) - chance,
        n=len(test),
        of={"against": "chance"},
        interval=shifted_share(*effective_counts(right, test.clusters), chance),
        better="higher",
    )
    most = min(Counter(test.labels).items(), key=lambda item: (-item[1], item[0]))[0]
    constant = np.asarray(test.labels == most, dtype=bool)
    of_constant = _paired(measure, right, constant, test, {"against": "the best constant option"})
    return Measurement([of_chance, of_constant])


def _exhibit(recalls: list[_Recall]) -> Exhibit:
    rows: list[list[Cell]] = []
    for one in recalls:
        hits, n = one.effective
        band = worst_share([hits], [n])
        rows.append([one.name, one.value, band.low, band.high, one.rows])
    columns = ["class", "recall", "low", "high", "n"]
    return Exhibit(kind="intervals", title="Recall by class (exact intervals)", columns=columns, rows=rows)
