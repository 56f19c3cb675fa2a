"""What the decisions cost, beside what acting on everybody or on nobody would cost.

With a cost C[truth][decision] of each row (truth: positive or not; decision: acted on or not; in one unit): cost per 1,000 rows = 1,000 · Σ C / n,
at the decision; at the threshold t = a / (a + b), which is the best for calibrated probabilities (Elkan 2001), where a = C[not][acted on] -
C[not][not acted on] and b = C[positive][not acted on] - C[positive][acted on]; of acting on everybody and on nobody. Two costs, `false_alarm` and
`missed`, are the matrix whose right answers cost nothing. Saving = the cheaper of these two - the decision's cost,
paired by row; by a cost matrix of several classes it is the saving against the cheapest one decision for every row. Alarms per caught
positive = (TP + FP) / TP. A row without an answer is not acted on. Intervals: exact limits of the counts by truth and decision
(`stats.cell_means`), over their design effect where rows are clustered; the cost curve's are percentile bootstraps of `resamples`. Limitations: the costs are the user's judgement; the share of
positives in the test rows is taken as the field's; the cost curve's lowest point was found on these rows, so it is too low.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from harness.checks.performance.curves import EVERYBODY, MODEL, NOBODY, Line, curve
from harness.core.costs import BinaryCosts, Matrix, binary_costs
from harness.core.dataset import Dataset, Labels, Split
from harness.core.finding import Cell, Exhibit, Finding
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested, undefined
from harness.engine.parameters import ClassName, Positive, Resamples, refuses
from harness.spec.suite import Suite
from harness.stats.cell_means import cell_mean, cell_mean_value
from harness.stats.design_effect import design_effect, effective_counts
from harness.stats.exact import inverse_share

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
GRID = np.r_[0.01, 0.02, 0.03, np.arange(1, 20) / 20]


def _misfits(suite: Suite, data: Dataset | None, parameters: dict[str, Any]) -> list[str]:
    """A cost matrix of more classes than two, and stated costs that are none of both classes; those of the decision are its own matter."""
    if data is None or data.positive is None:
        return []
    false_alarm, missed, matrix = (parameters[key] for key in ("false_alarm", "missed", "matrix"))
    if len(data.classes) != 2 and matrix is not None:
        named = f"the data has {len(data.classes)}: {', '.join(data.classes[:10])}"
        return [
            f"the parameter matrix is of two classes, and {named}. Write decision: {{costs: {{matrix: …}}}} instead."
        ]
    try:
        binary_costs(false_alarm, missed, matrix, data.classes, data.positive)
    except ValueError as error:
        return [str(error)]
    return []


@refuses(_misfits)
def costs(
    evidence: Evidence,
    *,
    false_alarm: Positive | None = None,
    missed: Positive | None = None,
    matrix: dict[ClassName, dict[ClassName, float]] | None = None,
    unit: Annotated[str, Field(min_length=1)] | None = None,
    resamples: Resamples = 1000,
) -> Measurement:
    """`matrix` is the cost of a row in `unit`, by true class, then by the class decided for; or, where right answers cost nothing,
    `false_alarm` and `missed` are what either error costs; without any, those of the suite's decision, else 1 each."""
    test, positive = evidence.split("test"), evidence.data.positive
    if test is None:
        return not_tested("no data: there are no test rows")
    if evidence.decision.point.costs is not None and matrix is None:
        return Measurement([_saving_of_matrix(evidence, test)])
    if positive is None:
        return not_tested("the suite declares no positive class")
    each, of_decision = _costs_of(false_alarm, missed, matrix, evidence, positive)
    unit = unit or of_decision
    answers, hit = evidence.predictions("test"), test.labels == positive
    if min(hit.sum(), (~hit).sum()) < 10:
        return not_tested(
            f"insufficient sample: {int(hit.sum())} positive of {len(hit)} rows; 10 of either class needed"
        )
    score, said = answers.positive_scores(positive), np.asarray(answers.labels == positive, dtype=bool)
    decided = {"own": said}
    if score is not None:
        decided[f"threshold {each.threshold:.3g}"] = np.nan_to_num(score, nan=-1.0) >= each.threshold
    cells = {name: 2 * ~hit + ~acted for name, acted in decided.items()}
    own, alike = 1000 * np.array(each.by_cell), {"all": each.of_all, "none": each.of_none}
    constant = {name: 1000 * np.array(one) for name, one in alike.items()}
    n, per = len(hit), f"{unit or 'cost'} per 1,000 {evidence.suite.data.words.rows}"

    def mean(measure: str, name: str, values: list[Floats], of: dict[str, str] | None = None) -> Finding:
        found = _mean_of_cells(measure, cells[name], [1, 1, 0, 0], np.array(values), test.clusters)
        return found.model_copy(update={"of": of, "unit": per})

    at: dict[str, dict[str, str] | None] = {name: None if name == "own" else {"at": name} for name in decided}
    shown = {name: mean("expected_cost", name, [own], at[name]) for name in decided}
    shown |= {name: _simple(mean(f"cost_of_{name}", "own", [one]), one[cells["own"]]) for name, one in constant.items()}
    findings = list(shown.values())
    cheaper = min(alike, key=lambda name: shown[name].value or 0.0)
    for name in decided:
        saving = mean("cost_saving", name, [one - own for one in constant.values()], at[name])
        findings.append(
            saving.model_copy(update={"better": "higher", "reason": f"against acting on {_WORDS[cheaper]}"})
        )
    findings = [f.model_copy(update={"reason": "; ".join(filter(None, [f.reason, each.text]))}) for f in findings]
    findings.append(_alarms(said, hit, test.clusters, f"alarms per caught {evidence.suite.data.words.positive}"))
    exhibits = [_exhibit(shown, n, per)]
    if score is not None:
        rng = evidence.generator("performance.costs")
        exhibits.append(_curve(each, np.nan_to_num(score, nan=-1.0), test, hit, per, resamples, rng))
    return Measurement(findings, [*exhibits, _matrix(each, said, hit, positive, unit)])


def _mean_of_cells(
    measure: str, cells: Ints, truths: Sequence[int], values: Floats, clusters: Labels | None
) -> Finding:
    """The smallest of several means (k,) of rows in these cells (n,), whose values by cell are (k, c)."""
    counts = np.bincount(cells, minlength=len(truths))
    lowest = values[int((values @ counts).argmin())]
    effect = 1.0
    if clusters is not None and np.ptp(lowest) > 0:
        effect = design_effect((lowest[cells] - lowest.min()) / np.ptp(lowest), clusters)
    flat = values.ravel().tolist()
    return Finding(
        measure=f"performance.{measure}",
        value=cell_mean_value(counts.tolist(), flat),
        n=len(cells),
        better="lower",
        interval=cell_mean(counts.tolist(), truths, flat, effect),
    )


def _saving_of_matrix(evidence: Evidence, test: Split) -> Finding:
    """Of a cost matrix of several classes: what the decisions save against the cheaper of the two cheapest decisions for every row, by 1,000 rows.

    A row without an answer costs what its costliest decision does.
    """
    costs = evidence.decision.point.costs
    assert costs is not None
    answers = evidence.predictions("test")
    table = 1000 * np.array([[costs[truth][taken] for taken in answers.classes] for truth in answers.classes])
    place = {name: k for k, name in enumerate(answers.classes)}
    size = len(place)
    truth = np.array([place[name] for name in test.labels])
    taken = np.array([place.get(name, size) for name in answers.labels])
    own = np.hstack([table, table.max(axis=1, keepdims=True)]).ravel()
    cheapest = np.argsort(table[truth].mean(axis=0), kind="stable")[:2]
    alike = np.repeat(table[:, cheapest].T, size + 1, axis=1)
    measure = "performance.cost_saving"
    if test.clusters is not None and len(set(test.clusters)) < 2:
        return undefined(measure, len(test), "insufficient sample: fewer than two clusters")
    found = _mean_of_cells(
        "cost_saving",
        truth * (size + 1) + taken,
        np.repeat(np.arange(size), size + 1).tolist(),
        alike - own,
        test.clusters,
    )
    why = f"against deciding '{answers.classes[cheapest[0]]}' for every row"
    per = f"{evidence.decision.point.unit or 'cost'} per 1,000 {evidence.suite.data.words.rows}"
    return found.model_copy(update={"unit": per, "better": "higher", "reason": why})


_WORDS = {"all": EVERYBODY, "none": NOBODY, "own": "the decision"}


def _costs_of(
    false_alarm: float | None, missed: float | None, matrix: Matrix | None, evidence: Evidence, positive: str
) -> tuple[BinaryCosts, str | None]:
    """What decisions cost, and the unit that goes with it: the check's own parameters, else the suite's decision, else 1 each."""
    spec, classes, unit = evidence.suite.decision, evidence.data.classes, None
    stated = false_alarm is not None or missed is not None or matrix is not None
    if not stated and spec is not None and spec.costs is not None:
        matrix = spec.costs.as_matrix(positive, next(name for name in classes if name != positive))
        unit = spec.costs.unit
    return binary_costs(false_alarm, missed, matrix, classes, positive), unit


def _simple(found: Finding, each_row: Floats) -> Finding:
    """The cost of one decision for all; exact where every row (n,) then costs the same."""
    if np.ptp(each_row) > 0:
        return found
    why = "every row costs the same, whatever its truth"
    return found.model_copy(update={"exact": True, "interval": None, "reason": why})


def _alarms(said: Bools, hit: Bools, clusters: Labels | None, unit: str) -> Finding:
    measure, n = "performance.alarms_per_positive", len(hit)
    caught, alarms = effective_counts(hit[said], None if clusters is None else clusters[said])
    if not caught:
        return undefined(measure, n, "undefined: no positive row is caught")
    band = inverse_share(caught, alarms)
    return Finding(measure=measure, value=alarms / caught, n=n, interval=band, better="lower", unit=unit)


def _exhibit(shown: dict[str, Finding], n: int, per: str) -> Exhibit:
    rows: list[list[Cell]] = [
        [
            _WORDS.get(name, name),
            f.value,
            f.interval.low if f.interval else f.value,
            f.interval.high if f.interval else f.value,
            n,
        ]
        for name, f in shown.items()
    ]
    columns = ["acting on", "cost", "low", "high", "n"]
    return Exhibit(kind="intervals", title=_capital(per), columns=columns, rows=rows)


def _curve(
    each: BinaryCosts, score: Floats, test: Split, hit: Bools, per: str, resamples: int, rng: np.random.Generator
) -> Exhibit:
    grid = np.unique(np.r_[GRID, round(each.threshold, 4)])
    everybody = np.ones((len(hit), len(grid)), dtype=bool)
    decided = {MODEL: score[:, None] >= grid, EVERYBODY: everybody, NOBODY: ~everybody}
    lines = [Line(name, each.of(acted, hit[:, None])) for name, acted in decided.items()]
    title = f"Cost curve: {per}, by the threshold from which a row is acted on"
    return curve(title, per, grid, lines, test.clusters, resamples, rng)


def _matrix(each: BinaryCosts, said: Bools, hit: Bools, positive: str, unit: str | None) -> Exhibit:
    rows: list[list[Cell]] = [
        [positive, int((hit & said).sum()), each.caught, int((hit & ~said).sum()), each.missed],
        [f"not {positive}", int((~hit & said).sum()), each.false_alarm, int((~hit & ~said).sum()), each.passed],
    ]
    columns = ["truth", "acted on", "cost of each", "not acted on", "cost of each, not acted on"]
    title = f"Cost matrix{f' ({unit})' if unit else ''}: rows by truth and by the decision"
    return Exhibit(kind="matrix", title=title, columns=columns, rows=rows)


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
