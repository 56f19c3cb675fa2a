"""How often the right one of an item's own options is picked, and whether the place of an option decides.

Accuracy = right picks / items (Clopper and Pearson, of counts over their design effect where items are clustered); an
item without an answer is wrong. Chance = mean of 1 / options of the item. Position gap of the k-th option = share of
items where it is picked - share where it is right (0 is even), paired by item: Tango's (1998) score interval, or that
of the clusters' sums (`stats.means`). Confidence gap = mean probability of the pick - accuracy over answered items
(above 0 the model is overconfident): Clopper and Pearson's limits of as many items as its variance is worth.

Limitation: a public test set may have been learnt by heart.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.core.dataset import Labels
from harness.core.finding import Cell, Exhibit, Finding
from harness.core.interval import Interval
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested, undefined
from harness.stats.calibration import gap_interval
from harness.stats.design_effect import share_interval
from harness.stats.intervals import tango
from harness.stats.means import signed_mean

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


def choice(evidence: Evidence) -> Measurement:
    """Measures the test items."""
    test = evidence.split("test")
    if test is None:
        return not_tested("no data: there are no test rows")
    answers = evidence.predictions("test")
    right, known = np.asarray(answers.labels == test.labels, dtype=bool), answers.answered
    options = test.inputs[evidence.suite.data.options].notna().sum(axis=1).to_numpy(dtype=float)
    n = len(test)

    def share(measure: str, hit: Bools) -> Finding:
        interval = share_interval(hit, test.clusters)
        return Finding(measure=measure, value=float(hit.mean()), n=n, interval=interval, better="higher")

    findings = [
        share("performance.answer_rate", known),
        share("performance.accuracy", right),
        Finding(measure="performance.chance_accuracy", value=float((1 / options).mean()), n=n, exact=True),
    ]
    if answers.scores is None or not known.any():
        why = (
            "no access: the model gives labels but no probabilities" if known.any() else "no data: no item is answered"
        )
        findings.append(undefined("performance.confidence_gap", n, why))
    else:
        clusters = None if test.clusters is None else test.clusters[known]
        findings.append(_confidence_gap(answers.scores[known].max(axis=1), right[known], clusters))
    rows: list[list[Cell]] = []
    for place, name in enumerate(evidence.data.classes):
        picked, wanted = answers.labels == name, test.labels == name
        of = {"option": str(place + 1)}
        findings.append(_position_gap(picked.astype(float) - wanted, test.clusters, of))
        rows.append([str(place + 1), float(picked.mean()), float(wanted.mean())])
    columns = ["option", "picked", "right"]
    return Measurement(findings, [Exhibit(kind="table", title="Places of the options", columns=columns, rows=rows)])


def _confidence_gap(stated: Floats, right: Bools, clusters: Labels | None) -> Finding:
    return Finding(
        measure="performance.confidence_gap",
        value=float((stated - right).mean()),
        n=len(right),
        better="target",
        interval=gap_interval(stated, right, clusters),
    )


def _position_gap(values: Floats, clusters: Labels | None, of: dict[str, str]) -> Finding:
    """The mean of values (n,): 1 where the option is picked and not right, -1 where it is right and not, else 0."""
    n = len(values)
    if clusters is None:
        band: Interval | None = tango(int((values > 0).sum()), int((values < 0).sum()), n)
    else:
        band = signed_mean(values, clusters)
    return Finding(
        measure="performance.position_gap",
        value=float(values.mean()),
        n=n,
        of=of,
        better="target",
        interval=band,
        reason=None if band else "insufficient sample: fewer than two clusters, so there is no interval",
    )
