"""What the errors cost, beside what acting on everybody or on nobody would cost.

With a cost a of a false alarm and b of a missed positive (true answers cost nothing, in one unit): cost per 1,000 rows =
1,000 · (a · FP + b · FN) / n, at the model's own answers; at the threshold a / (a + b), which is the best for calibrated
probabilities (Elkan 2001); of acting on everybody and on nobody. Saving = the cheaper of these two - the model's own cost,
paired by row. Alarms per caught positive = (TP + FP) / TP. A row without an answer is not acted on. Intervals: percentile
bootstrap of rows, of whole clusters where rows belong together. Limitations: the costs are the user's judgement; the share of
positives in the test rows is taken as the field's.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.core.finding import Cell, Exhibit, Finding
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested, undefined
from harness.errors import SuiteError
from harness.stats.bootstrap import resample_sums
from harness.stats.intervals import percentile, resample_interval

Floats = npt.NDArray[np.float64]
THRESHOLDS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7)


def costs(
    evidence: Evidence,
    *,
    false_alarm: float = 1.0,
    missed: float = 1.0,
    unit: str | None = None,
    resamples: int = 1000,
) -> Measurement:
    """`false_alarm` and `missed` are what either error costs, above 0, in `unit`."""
    if min(false_alarm, missed) <= 0:
        raise SuiteError(f"performance.costs: false_alarm and missed must be above 0, got {false_alarm} and {missed}.")
    test, positive = evidence.split("test"), evidence.data.positive
    if test is None or positive is None:
        return not_tested("no data: no test rows, or no positive class")
    answers, hit = evidence.predictions("test"), test.labels == positive
    if min(hit.sum(), (~hit).sum()) < 10:
        return not_tested(
            f"insufficient sample: {int(hit.sum())} positive of {len(hit)} rows; 10 of either class needed"
        )

    def cost(acted: npt.NDArray[np.bool_]) -> Floats:
        return np.asarray(1000 * (false_alarm * (acted & ~hit) + missed * (~acted & hit)), dtype=float)

    said, everybody = answers.labels == positive, np.ones(len(hit), dtype=bool)
    columns = {"own": cost(said), "all": cost(everybody), "none": cost(~everybody)}
    score = answers.positive_scores(positive)
    best = false_alarm / (false_alarm + missed)
    if score is not None:
        for cut in (best, *THRESHOLDS):
            columns[f"threshold {cut:.3g}"] = cost(np.nan_to_num(score, nan=-1.0) >= cut)
    sums = np.column_stack([*columns.values(), said, said & hit, np.ones(len(hit))]).astype(float)
    drawn = resample_sums(sums, test.clusters, resamples, evidence.generator("performance.costs"))
    total = sums.sum(axis=0)
    value = {name: float(total[k] / len(hit)) for k, name in enumerate(columns)}
    spread = {name: drawn[:, k] / drawn[:, -1] for k, name in enumerate(columns)}
    cheaper = "all" if value["all"] < value["none"] else "none"
    n, named = len(hit), {"all": "cost_of_all", "none": "cost_of_none"}
    findings = [_finding("expected_cost", value["own"], spread["own"], n, None, unit)]
    if score is not None:
        at = f"threshold {best:.3g}"
        findings.append(_finding("expected_cost", value[at], spread[at], n, {"at": at}, unit))
    findings += [_finding(measure, value[key], spread[key], n, None, unit) for key, measure in named.items()]
    saving = _finding("cost_saving", value[cheaper] - value["own"], spread[cheaper] - spread["own"], n, None, unit)
    findings.append(saving.model_copy(update={"better": "higher", "reason": f"against acting on {_WORDS[cheaper]}"}))
    findings.append(_alarms(total, drawn, n))
    return Measurement(findings, [_exhibit(value, spread, n, unit)])


_WORDS = {"all": "everybody", "none": "nobody", "own": "the model's own answers"}


def _finding(
    measure: str, value: float, spread: Floats, n: int, of: dict[str, str] | None, unit: str | None
) -> Finding:
    return Finding(
        measure=f"performance.{measure}",
        value=value,
        n=n,
        of=of,
        unit=f"{unit or 'cost'} per 1,000 rows",
        better="lower",
        interval=resample_interval(spread),
    )


def _alarms(total: Floats, drawn: Floats, n: int) -> Finding:
    measure = "performance.alarms_per_positive"
    usable = drawn[:, -2] > 0
    if total[-2] == 0 or usable.mean() < 0.95:
        return undefined(measure, n, "undefined: no positive row, or hardly one, is caught")
    spread = drawn[usable, -3] / drawn[usable, -2]
    band = resample_interval(spread)
    return Finding(measure=measure, value=float(total[-3] / total[-2]), n=n, interval=band, better="lower")


def _exhibit(value: dict[str, float], spread: dict[str, Floats], n: int, unit: str | None) -> Exhibit:
    rows: list[list[Cell]] = []
    for name, one in value.items():
        band = percentile(spread[name])
        rows.append([_WORDS.get(name, name), one, band.low, band.high, n])
    columns = ["acting on", "cost", "low", "high", "n"]
    return Exhibit(kind="intervals", title=f"{unit or 'Cost'} per 1,000 rows", columns=columns, rows=rows)
