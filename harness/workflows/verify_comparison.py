"""Verifies a stored comparison: its differences against themselves, and the choice from the differences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from harness.core.comparison import Choice, Comparison, Difference
from harness.engine.choosing import NO_GUARD, Compared, choose
from harness.engine.provenance import harness_version
from harness.stats.levels import two_sided_p
from harness.stats.paired import mcnemar_exact, two_sided
from harness.workflows.compare import overall
from harness.workflows.recomputing import Gap, Part, Stated, counted, intervals_part, named, require_equal

_WORDS = {"message": True, "reasons": True, "legs": {"__all__": {"message"}}}
_KEPT_ANSWERS = "a comparison keeps no predictions: audit each model, and verify that run"


def comparison_parts(record: Comparison) -> Iterator[Callable[[], Part]]:
    """What is recomputed of a comparison, in order."""
    yield lambda: Part("digest and evidence_digest", [Gap("the measures of each model", _KEPT_ANSWERS)])
    yield lambda: intervals_part(list(_intervals(record)))
    yield lambda: _differences(record)
    yield lambda: _choices(record)


def _intervals(record: Comparison) -> Iterator[Stated]:
    for difference in record.differences:
        pairs = ((difference.value, difference.interval), (difference.gain, difference.gain_interval))
        yield from (Stated(_where(difference), value, interval) for value, interval in pairs if interval is not None)
    for choice in record.choices:
        for leg in choice.legs:
            if leg.interval is not None:
                where = f"choice against {choice.against}, {named(leg.measure, leg.group, leg.of)}"
                yield Stated(where, leg.gain, leg.interval)


def _differences(record: Comparison) -> Part:
    """Each value from the two models' values, and each p-value from its interval's inputs."""
    count, unknown = 0, 0
    for difference in record.differences:
        if difference.first is not None and difference.second is not None:
            require_equal(f"{_where(difference)}, value", difference.value, difference.first - difference.second)
        if difference.test is None:
            continue
        p = _p_value(difference)
        if p is None:
            unknown += 1
            continue
        require_equal(f"{_where(difference)}, p-value by {difference.test.name}", difference.test.p, p)
        count += 1
    gaps = [Gap(counted(unknown, "p-value"), "their intervals do not hold what the tests need")] if unknown else []
    pairs = counted(len(record.differences), "difference")
    return Part(f"{pairs} from the two models' values, {counted(count, 'p-value')} from the intervals' inputs", gaps)


def _p_value(difference: Difference) -> float | None:
    if difference.test is None or difference.interval is None:
        return None
    if difference.test.name == "inverted_interval":
        return two_sided_p(difference.interval)
    inputs: dict[str, Any] = dict(difference.interval.inputs)
    if difference.interval.method == "unseen_difference":
        return 1.0
    needs = {
        "mcnemar_exact": ("gains", "losses"),
        "paired_t": ("value", "standard_error", "degrees"),
        "delong_paired": ("value", "standard_error"),  # of records of earlier versions
    }.get(difference.test.name, ("",))
    if not set(needs) <= set(inputs):
        return None
    given = [inputs[name] for name in needs]
    return mcnemar_exact(*given) if difference.test.name == "mcnemar_exact" else two_sided(*given)


def _choices(record: Comparison) -> Part:
    """Chosen again by the record's own margins; the decision is the one over all choices."""
    general = [model for model in record.models if model.role == "general"]
    require_equal("level", record.level, 1 - 0.05 / len(general))
    require_equal("number of choices", len(record.choices), len(general))
    for choice in record.choices:
        again = choose(record.margins, _compared(record, choice), choice.against, record.level)
        _same(f"choice against {choice.against}", record, choice, again)
    _same("decision", record, record.decision, overall(record.choices))
    return Part(f"{counted(len(record.choices), 'choice')} and the decision, from the differences and the margins")


def _same(where: str, record: Comparison, stored: Choice, again: Choice) -> None:
    """Equal but for texts that another version of the harness words in another way."""
    left = None if record.harness.get("version") == harness_version() else _WORDS
    one, other = (choice.model_dump(mode="json", exclude=left) for choice in (stored, again))  # type: ignore[arg-type]
    require_equal(where, one, other)


def _compared(record: Comparison, choice: Choice) -> Compared:
    """What the choice was made from; why there was no guard set is taken from the choice itself."""
    own = [d for d in record.differences if d.against == choice.against]
    guard = [d for d in own if d.guard_suite is not None]
    leg = next((leg for leg in choice.legs if leg.name == "guard" and leg.outcome == "not_tested"), None)
    why = leg.message.partition(": ")[2] if leg else NO_GUARD
    asked = bool(guard) or why.endswith("was not measured for both models")
    rows = next((split.rows for split in record.data.splits if split.role == "test"), 0)
    vertical = next(model for model in record.models if model.role == "vertical")
    general = next(model for model in record.models if model.role == "general" and model.name == choice.against)
    measured = [d for d in own if d.guard_suite is None]
    return Compared(measured, guard if asked else None, why, rows, vertical.skill, general.skill)


def _where(difference: Difference) -> str:
    against = f" against {difference.against}" if difference.against else ""
    return f"difference of {named(difference.measure, difference.group, difference.of)}{against}"
