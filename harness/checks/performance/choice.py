"""How often the right one of an item's own options is picked, and whether the place of an option decides.

Accuracy = right picks / items (Clopper and Pearson, of counts over their design effect where items are clustered); an item without an answer is
wrong. Chance = mean of 1 / options of the item. Position gap of the k-th option = share of items where it is picked - share
where it is right (0 is even), and confidence gap = mean probability of the pick - accuracy over answered items (above 0 the
model is too sure): both paired by item, percentile bootstrap. Limitation: a public test set may have been learnt by heart.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.core.finding import Cell, Exhibit, Finding
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested, undefined
from harness.engine.parameters import Resamples
from harness.stats.bootstrap import resample_sums
from harness.stats.design_effect import share_interval
from harness.stats.intervals import resample_interval

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


def choice(evidence: Evidence, *, resamples: Resamples = 1000) -> Measurement:
    """Measures the test items."""
    test = evidence.split("test")
    if test is None:
        return not_tested("no data: there are no test rows")
    answers, rng = evidence.predictions("test"), evidence.generator("performance.choice")
    right, known = np.asarray(answers.labels == test.labels, dtype=bool), answers.answered
    options = test.inputs[evidence.suite.data.options].notna().sum(axis=1).to_numpy(dtype=float)
    n = len(test)

    def share(measure: str, hit: Bools) -> Finding:
        interval = share_interval(hit, test.clusters)
        return Finding(measure=measure, value=float(hit.mean()), n=n, interval=interval, better="higher")

    def gap(measure: str, values: Floats, rows: Bools, of: dict[str, str] | None) -> Finding:
        own = np.column_stack([values[rows], np.ones(int(rows.sum()))])
        drawn = resample_sums(own, None if test.clusters is None else test.clusters[rows], resamples, rng)
        spread = drawn[:, 0] / drawn[:, 1]
        return Finding(
            measure=measure,
            value=float(values[rows].mean()),
            n=int(rows.sum()),
            of=of,
            better="target",
            interval=resample_interval(spread),
        )

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
        sure = np.where(known, answers.scores.max(axis=1), 0.0)
        findings.append(gap("performance.confidence_gap", sure - right, known, None))
    rows: list[list[Cell]] = []
    for place, name in enumerate(evidence.data.classes):
        picked, wanted = answers.labels == name, test.labels == name
        of = {"option": str(place + 1)}
        findings.append(gap("performance.position_gap", picked.astype(float) - wanted, np.ones(n, dtype=bool), of))
        rows.append([str(place + 1), float(picked.mean()), float(wanted.mean())])
    columns = ["option", "picked", "right"]
    return Measurement(findings, [Exhibit(kind="table", title="Places of the options", columns=columns, rows=rows)])
