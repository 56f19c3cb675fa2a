"""What a model is worth where it may abstain on the rows that it is least sure of.

Confidence = the probability of the row's answer (the largest one, where the decision is the model's own label).
Accuracy at coverage c: share of right answers among the most confident c of the rows; of equally confident rows each
counts as their average would; a row without an answer is wrong and last. Gain = that - accuracy on all rows. AURC: mean
of 1 - accuracy over the coverages 1 %, 2 %, … 100 % (area under the risk-coverage curve, Geifman & El-Yaniv 2017).
Intervals, clusters included: accuracy and AURC have Clopper and Pearson's limits (1934) of as many rows as the variance
of their influence functions is worth (Korn & Graubard 1998; `stats.ranked`, `stats.risk_coverage`); the gain is (1 -
coverage) times the difference to the rows left out, by MOVER (Zou & Donner 2008). Where every answer is right they have
a width too. Limitation: who is left out may differ by group.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.core.finding import Cell, Exhibit, Finding
from harness.core.interval import Interval
from harness.core.predictions import Predictions
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested
from harness.engine.parameters import WholePercents
from harness.stats.ranked import Ranking, among_first
from harness.stats.risk_coverage import area, selective_gain

Floats = npt.NDArray[np.float64]


def abstention(evidence: Evidence, *, coverages: WholePercents | None = None) -> Measurement:
    """`coverages` are shares of rows that are answered, in whole percents; by default 0.9, 0.8 and 0.5."""
    chosen = sorted(coverages or [0.9, 0.8, 0.5], reverse=True)
    test = evidence.split("test")
    if test is None:
        return not_tested("no data: there are no test rows")
    answers = evidence.predictions("test")
    if answers.scores is None:
        return not_tested("no access: the model gives no probabilities")
    n = len(test)
    if n < 50:
        return not_tested(f"insufficient sample: {n} test rows; 50 needed")
    ranking = Ranking.of(_confidence(answers), answers.labels == test.labels, test.clusters)
    findings = []
    for coverage in chosen:
        of = {"at": f"{100 * coverage:g}% of rows"}
        findings += [
            _finding("accuracy_at_coverage", among_first(ranking, coverage * n).precision, n, of, "higher"),
            _finding("selective_gain", selective_gain(ranking, coverage), n, of, "higher"),
        ]
    findings.append(_finding("aurc", area(ranking), n, None, "lower"))
    rows: list[list[Cell]] = []
    for percent in range(10, 101, 10):
        value, band = among_first(ranking, percent / 100 * n).precision
        rows.append([f"{percent} % of rows", value, band.low, band.high, percent * n // 100])
    title = "Accuracy where the model may abstain on what it is least sure of"
    columns = ["answered", "accuracy", "low", "high", "n"]
    return Measurement(findings, [Exhibit(kind="intervals", title=title, columns=columns, rows=rows)])


def _confidence(answers: Predictions) -> Floats:
    """The probability of each row's answer (n,); -1 without one."""
    assert answers.scores is not None
    places = [0 if label is None else answers.classes.index(label) for label in answers.labels]
    own = answers.scores[np.arange(len(places)), places]
    return np.where(answers.answered, np.nan_to_num(own), -1.0)


def _finding(name: str, found: tuple[float, Interval], n: int, of: dict[str, str] | None, better: str) -> Finding:
    value, band = found
    return Finding.model_validate(
        {"measure": f"performance.{name}", "value": value, "n": n, "of": of, "better": better, "interval": band}
    )
