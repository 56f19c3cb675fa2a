"""Every difference between two models on the same items: paired where rows allow it, from both records else."""

from __future__ import annotations

from harness.checks.baseline.bias import bias_differences
from harness.checks.baseline.performance import performance_differences
from harness.checks.baseline.sides import About, Sides, difference
from harness.core.comparison import Difference
from harness.core.finding import CheckRecord, Finding
from harness.core.interval import Interval
from harness.stats.intervals import square_and_add
from harness.stats.levels import at_level

_NOT_OF_MODELS = ("data.", "model.", "baseline.", "efficiency.")
# What a check measures of the rows, or to control itself, says nothing on a model.
_CONTROLS = {
    *("performance.majority_baseline", "performance.median_baseline_mae", "performance.chance_accuracy"),
    *("performance.net_benefit_of_all", "performance.cost_of_all", "performance.cost_of_none"),
    *("privacy.shuffled_auc", "privacy.blind_auc"),
}


# Skills are of the same answers as accuracy, balanced accuracy, Brier score, log loss and R², which are compared pair by pair.
_SKILLS = {
    f"performance.{name}"
    for name in (
        *("informedness", "accuracy_gain", "worst_recall", "brier_skill", "log_loss_skill"),
        *("squared_error_skill", "choice_gain"),
    )
}


def paired_differences(sides: Sides) -> list[Difference]:
    """Performance, slices and bias, each from both models' answers for the same rows."""
    found = [] if sides.suite.data.label.column is None else performance_differences(sides)
    return [*found, *(bias_differences(sides) if sides.suite.data.label.column is not None else [])]


def unpaired_differences(
    first: list[CheckRecord], second: list[CheckRecord], done: list[Difference]
) -> list[Difference]:
    """Of measures that both records hold with an interval and that are not among the paired ones."""
    known = {_key(d.measure, d.group, d.of) for d in done}
    others = {_key(f.measure, f.group, f.of): f for f in _measured(second)}
    found = []
    for one in _measured(first):
        other = others.get(_key(one.measure, one.group, one.of))
        if other is None or _key(one.measure, one.group, one.of) in known:
            continue
        found.append(_unpaired(one, other))
    return found


def _measured(records: list[CheckRecord]) -> list[Finding]:
    return [
        finding
        for record in records
        if record.status == "measured"
        for finding in record.findings
        if finding.value is not None
        and finding.interval is not None
        and finding.better is not None
        and not finding.measure.startswith(_NOT_OF_MODELS)
        and finding.measure not in _CONTROLS | _SKILLS
        and ".found_" not in finding.measure
    ]


def _unpaired(one: Finding, other: Finding) -> Difference:
    assert one.value is not None and other.value is not None and one.interval is not None and other.interval is not None
    about = About(one.measure, one.better or "higher", one.group, one.of, one.unit)
    own, others = at_level(one.interval, 0.95), at_level(other.interval, 0.95)
    band = square_and_add(one.value, other.value, own, others)
    nearer = None
    if about.better == "target":
        away = abs(other.value - about.target) - abs(one.value - about.target)
        nearer = away, _widest(away, one.value, other.value, own, others)
    found = difference(about, (one.value, other.value), band, min(one.n, other.n), nearer=nearer)
    return found.model_copy(update={"paired": False, "reason": "from both audits, taken as independent: too wide"})


def _widest(gain: float, one: float, other: float, own: Interval, others: Interval) -> Interval:
    """A distance moves at most as far as its value: half-widths on the wider side of each."""
    a, b = (max(v - i.low, i.high - v) for v, i in ((one, own), (other, others)))
    about_zero = [own.model_copy(update={"low": -half, "high": half}) for half in (a, b)]
    shifted = square_and_add(0.0, 0.0, about_zero[0], about_zero[1])
    inputs = {**shifted.inputs, "value": gain}
    return shifted.model_copy(update={"low": gain + shifted.low, "high": gain + shifted.high, "inputs": inputs})


def _key(measure: str, group: dict[str, str] | None, of: dict[str, str] | None) -> tuple[str, str, str]:
    return measure, str(sorted((group or {}).items())), str(sorted((of or {}).items()))
