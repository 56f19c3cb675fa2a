"""Whether the answer moves the way that the domain knows it must when one feature rises.

For each declared feature a sample of test rows is asked twice: once with the feature at the 10 % and once at the 90 % quantile
of the training rows (the test rows where there are none), everything else as it is. Agreement = share of rows whose answer
(the number, the positive class's probability, or of several classes the probability of a named one) moves the declared way by more than rounding; a row that does not move does
not agree. Clopper and Pearson's interval, of counts over their design effect where rows are clustered. Limitations: one feature at a time, so
combinations may be met that do not occur; a true effect that turns around within the range agrees for some rows only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from harness.core.dataset import Labels
from harness.core.finding import Cell, Exhibit, Finding
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested, undefined
from harness.engine.parameters import ClassName, NumberFeature, SampleRows
from harness.stats.design_effect import share_interval

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Way = Literal["up", "down"]
Ways = Annotated[dict[NumberFeature, Way], Field(min_length=1)]


def direction(
    evidence: Evidence,
    *,
    expected: Ways | None = None,
    by_class: Annotated[dict[ClassName, Ways], Field(min_length=1)] | None = None,
    rows: SampleRows = 300,
) -> Measurement:
    """`expected` names features and whether the answer goes up or down as they rise; `by_class` says it of each named class's
    probability."""
    test = evidence.split("test")
    if test is None:
        return not_tested("no data: there are no test rows")
    wanted = _wanted(evidence, expected or {}, by_class or {})
    if isinstance(wanted, str):
        return not_tested(wanted)
    rng = evidence.generator("explainability.direction")
    chosen = np.sort(rng.permutation(len(test))[:rows])
    sample, clusters = test.inputs.iloc[chosen], None if test.clusters is None else test.clusters[chosen]
    source = evidence.split("train") or test
    asked: dict[str, tuple[str, Floats] | None] = {}
    findings = []
    for name, way, of_class in wanted:
        of = {"feature": name} if of_class is None else {"class": of_class, "feature": name}
        if name not in asked:
            asked[name] = _moved(evidence, sample, source.inputs[name].to_numpy(dtype=float), name)
        moved = asked[name]
        if moved is None:
            why = "undefined: the middle 80 % of its values are equal"
            findings.append(undefined("explainability.direction_agreement", len(sample), why, of=of))
            continue
        label = of_class or evidence.data.positive
        column = evidence.data.classes.index(label) if label else 0
        findings.append(_agreement(moved[1][..., column], way, moved[0], clusters, of))
    shown: list[list[Cell]] = [
        [f"{', '.join(f.of.values())}, {way}", f.value, f.interval.low, f.interval.high, f.n]
        for f, (_, way, _) in zip(findings, wanted, strict=True)
        if f.of and f.interval
    ]
    title = "Rows whose answer moves the way that the domain expects"
    columns = ["feature", "share", "low", "high", "n"]
    return Measurement(findings, [Exhibit(kind="intervals", title=title, columns=columns, rows=shown)])


def _wanted(
    evidence: Evidence, expected: dict[str, Way], by_class: dict[str, dict[str, Way]]
) -> list[tuple[str, Way, str | None]] | str:
    """Each feature, its way, and the class it is said of (None: the one output); or why nothing is tested."""
    if not expected and not by_class:
        return "the suite says of no feature which way the answer moves: give the check's parameter expected"
    if expected and evidence.data.classes and evidence.data.positive is None:
        return "the suite declares no positive class: give the check's parameter by_class in place of expected"
    one: list[tuple[str, Way, str | None]] = [(name, way, None) for name, way in expected.items()]
    return one + [(name, way, label) for label, ways in by_class.items() for name, way in ways.items()]


def _moved(evidence: Evidence, sample: pd.DataFrame, known: Floats, name: str) -> tuple[str, Floats] | None:
    """The two quantiles in words, and the answers at each (2, n, classes); of numbers (2, n, 1)."""
    import pandas as pd

    low, high = np.nanquantile(known, [0.1, 0.9])
    if low == high:
        return None
    frame = pd.concat([sample.assign(**{name: float(at)}) for at in (low, high)], ignore_index=True)
    answers = evidence.class_outputs(frame) if evidence.data.classes else evidence.outputs(frame)
    return f"from {low:g} to {high:g}", answers.reshape(2, len(sample), -1)


def _agreement(answers: Floats, way: Way, span: str, clusters: Labels | None, of: dict[str, str]) -> Finding:
    moved = answers[1] - answers[0]
    least = 1e-9 * float(np.nanmax(np.abs(answers)))
    agrees = moved > least if way == "up" else moved < -least
    return Finding(
        measure="explainability.direction_agreement",
        value=float(agrees.mean()),
        n=len(agrees),
        of=of,
        better="higher",
        interval=share_interval(agrees, clusters),
        reason=f"{way} {span}; mean change {np.nanmean(moved):.3g}",
    )
