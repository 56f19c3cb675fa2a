"""What the decisions cost, beside what acting on everybody or on nobody would cost.

With a cost C[truth][decision] of each row (truth: positive or not; decision: acted on or not; in one unit): cost per 1,000 rows = 1,000 · Σ C / n,
at the decision; at the threshold t = a / (a + b), which is the best for calibrated probabilities (Elkan 2001), where a = C[not][acted on] -
C[not][not acted on] and b = C[positive][not acted on] - C[positive][acted on]; of acting on everybody and on nobody. Two costs, `false_alarm` and
`missed`, are the matrix whose right answers cost nothing. Saving = the cheaper of these two - the decision's cost,
paired by row; by a cost matrix of several classes it is the saving against the cheapest one decision for every row, with Student's interval. Alarms per caught positive = (TP + FP) / TP. A row without an answer is not acted on. Intervals: percentile
bootstrap of rows, of whole clusters where rows belong together. Limitations: the costs are the user's judgement; the share of
positives in the test rows is taken as the field's; the cost curve's lowest point was found on these rows, so it is too low.
"""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from harness.checks.performance.curves import EVERYBODY, MODEL, NOBODY, Line, curve
from harness.core.costs import BinaryCosts, Matrix, binary_costs
from harness.core.dataset import Dataset, Split
from harness.core.finding import Cell, Exhibit, Finding
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested, undefined
from harness.engine.parameters import ClassName, Positive, Resamples, refuses
from harness.spec.suite import Suite
from harness.stats.bootstrap import resample_sums
from harness.stats.intervals import percentile, resample_interval
from harness.stats.paired import mean_difference

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
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
    said, everybody = answers.labels == positive, np.ones(len(hit), dtype=bool)
    columns = {"own": each.of(said, hit), "all": each.of(everybody, hit), "none": each.of(~everybody, hit)}
    score = answers.positive_scores(positive)
    at = f"threshold {each.threshold:.3g}"
    if score is not None:
        columns[at] = each.of(np.nan_to_num(score, nan=-1.0) >= each.threshold, hit)
    sums = np.column_stack([*columns.values(), said, said & hit, np.ones(len(hit))]).astype(float)
    rng, words = evidence.generator("performance.costs"), evidence.suite.data.words
    drawn = resample_sums(sums, test.clusters, resamples, rng)
    total = sums.sum(axis=0)
    value = {name: float(total[k] / len(hit)) for k, name in enumerate(columns)}
    spread = {name: drawn[:, k] / drawn[:, -1] for k, name in enumerate(columns)}
    cheaper = "all" if value["all"] < value["none"] else "none"
    n, per = len(hit), f"{unit or 'cost'} per 1,000 {words.rows}"
    findings = [_finding("expected_cost", value["own"], spread["own"], n, None, per)]
    if score is not None:
        findings.append(_finding("expected_cost", value[at], spread[at], n, {"at": at}, per))
    findings += [_simple(key, columns[key], spread[key], per) for key in ("all", "none")]
    for key in ("own", at) if score is not None else ("own",):
        gap, drawn_gap = value[cheaper] - value[key], spread[cheaper] - spread[key]
        saving = _finding("cost_saving", gap, drawn_gap, n, None if key == "own" else {"at": at}, per)
        note = f"against acting on {_WORDS[cheaper]}"
        findings.append(saving.model_copy(update={"better": "higher", "reason": note}))
    findings = [f.model_copy(update={"reason": "; ".join(filter(None, [f.reason, each.text]))}) for f in findings]
    findings.append(_alarms(total, drawn, n, f"alarms per caught {words.positive}"))
    exhibits = [_exhibit(value, spread, n, per)]
    if score is not None:
        exhibits.append(_curve(each, np.nan_to_num(score, nan=-1.0), test, hit, per, resamples, rng))
    return Measurement(findings, [*exhibits, _matrix(each, said, hit, positive, unit)])


def _saving_of_matrix(evidence: Evidence, test: Split) -> Finding:
    """Of a cost matrix of several classes: what the decisions save against the cheapest one decision for every row, by 1,000 rows.

    A row without an answer costs what its costliest decision does.
    """
    costs = evidence.decision.point.costs
    assert costs is not None
    answers = evidence.predictions("test")
    table = np.array([[costs[truth][taken] for taken in answers.classes] for truth in answers.classes], dtype=float)
    place = {name: k for k, name in enumerate(answers.classes)}
    truth = np.array([place[name] for name in test.labels])
    taken = np.array([place.get(name, -1) for name in answers.labels])
    each = np.where(taken >= 0, table[truth, taken], table[truth].max(axis=1))
    alike = table[truth]
    cheapest = int(alike.mean(axis=0).argmin())
    saved, measure = 1000 * (alike[:, cheapest] - each), "performance.cost_saving"
    if test.clusters is not None and len(set(test.clusters)) < 2:
        return undefined(measure, len(test), "insufficient sample: fewer than two clusters")
    interval, _ = mean_difference(saved, test.clusters)
    why = f"against deciding '{answers.classes[cheapest]}' for every row"
    per = f"{evidence.decision.point.unit or 'cost'} per 1,000 {evidence.suite.data.words.rows}"
    value = float(saved.mean())
    return Finding(measure=measure, value=value, n=len(test), interval=interval, unit=per, better="higher", reason=why)


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


def _finding(measure: str, value: float, spread: Floats, n: int, of: dict[str, str] | None, per: str) -> Finding:
    return Finding(
        measure=f"performance.{measure}",
        value=value,
        n=n,
        of=of,
        unit=per,
        better="lower",
        interval=resample_interval(spread),
    )


def _simple(key: str, each_row: Floats, spread: Floats, per: str) -> Finding:
    """The cost of one decision for all; exact where every row then costs the same."""
    found = _finding(f"cost_of_{key}", float(each_row.mean()), spread, len(each_row), None, per)
    if np.ptp(each_row) > 0:
        return found
    return found.model_copy(update={"exact": True, "reason": "every row costs the same, whatever its truth"})


def _alarms(total: Floats, drawn: Floats, n: int, unit: str) -> Finding:
    measure = "performance.alarms_per_positive"
    usable = drawn[:, -2] > 0
    if total[-2] == 0 or usable.mean() < 0.95:
        return undefined(measure, n, "undefined: no positive row, or hardly one, is caught")
    spread = drawn[usable, -3] / drawn[usable, -2]
    band = resample_interval(spread)
    value = float(total[-3] / total[-2])
    return Finding(measure=measure, value=value, n=n, interval=band, better="lower", unit=unit)


def _exhibit(value: dict[str, float], spread: dict[str, Floats], n: int, per: str) -> Exhibit:
    rows: list[list[Cell]] = []
    for name, one in value.items():
        band = percentile(spread[name])
        rows.append([_WORDS.get(name, name), one, band.low, band.high, n])
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
