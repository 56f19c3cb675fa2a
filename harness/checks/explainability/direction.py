"""Whether the answer moves the way that the domain knows it must when one feature rises.

For each declared feature a sample of test rows is asked twice: once with the feature at the 10 % and once at the 90 % quantile
of the training rows (the test rows where there are none), everything else as it is. Agreement = share of rows whose answer
(the number, or the positive class's probability) moves the declared way by more than rounding; a row that does not move does
not agree. Wilson's interval, of counts over their design effect where rows belong together. Limitations: one feature at a time, so
combinations may be met that do not occur; a true effect that turns around within the range agrees for some rows only.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from harness.core.finding import Cell, Exhibit, Finding
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested, undefined
from harness.errors import SuiteError
from harness.stats.design_effect import share_interval


def direction(
    evidence: Evidence,
    *,
    expected: dict[str, Literal["up", "down"]] | None = None,
    rows: int = 300,
) -> Measurement:
    """`expected` names features and whether the answer goes up or down as they rise."""
    test = evidence.split("test")
    if test is None:
        return not_tested("no data: there are no test rows")
    if not expected:
        return not_tested(
            "the suite says of no feature which way the answer moves: give the check's parameter expected"
        )
    wrong = [name for name in expected if name not in test.inputs or test.inputs[name].dtype.kind != "f"]
    if wrong:
        raise SuiteError(
            f"explainability.direction: {', '.join(wrong)} is no feature of numbers. Name numeric features of data.features."
        )
    import pandas as pd

    rng = evidence.generator("explainability.direction")
    chosen = np.sort(rng.permutation(len(test))[:rows])
    sample, clusters = test.inputs.iloc[chosen], None if test.clusters is None else test.clusters[chosen]
    source = evidence.split("train") or test
    findings: list[Finding] = []
    for name, way in expected.items():
        low, high = np.nanquantile(source.inputs[name].to_numpy(dtype=float), [0.1, 0.9])
        of = {"feature": name}
        if low == high:
            why = "undefined: the middle 80 % of its values are equal"
            findings.append(undefined("explainability.direction_agreement", len(sample), why, of=of))
            continue
        frame = pd.concat([sample.assign(**{name: float(at)}) for at in (low, high)], ignore_index=True)
        answers = evidence.outputs(frame)
        moved = answers[len(sample) :] - answers[: len(sample)]
        least = 1e-9 * max(1.0, float(np.nanmax(np.abs(answers))))
        agrees = moved > least if way == "up" else moved < -least
        findings.append(
            Finding(
                measure="explainability.direction_agreement",
                value=float(agrees.mean()),
                n=len(sample),
                of=of,
                better="higher",
                interval=share_interval(agrees, clusters),
                reason=f"{way} from {low:g} to {high:g}; mean change {np.nanmean(moved):.3g}",
            )
        )
    shown: list[list[Cell]] = [
        [f"{f.of['feature']}, {expected[f.of['feature']]}", f.value, f.interval.low, f.interval.high, f.n]
        for f in findings
        if f.of and f.interval
    ]
    title = "Rows whose answer moves the way that the domain expects"
    columns = ["feature", "share", "low", "high", "n"]
    return Measurement(findings, [Exhibit(kind="intervals", title=title, columns=columns, rows=shown)])
