"""Whether the test rows can decide each rule at all, before the model is asked anything.

A rule passes where the whole 95 % interval lies within its limit. From the rows of a class or group alone follows which observed
values would pass: Clopper and Pearson's interval for shares, Newcombe's (1998) for gaps, Miettinen and Nurminen's for impact ratios,
the run's for AUCs with the variance that the class sizes give, and for balanced accuracy. Gaps and ratios also need the reference
group's rate: taken as the base rate of the favourable label there. A rule is undecidable where no answers of any model could
pass. The chance to pass is reckoned at parity (no gap, ratio 1, an attack at 0.5); elsewhere at the middle of what the limit allows
between 0 and 1. Limitations: measures whose interval follows from the answers (F1, log loss, R²) are not known beforehand; rows
that belong together count as independent here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from harness.checks.data.trials import Trial, trials
from harness.core.dataset import Split
from harness.core.finding import Cell, Exhibit, Finding, Selector
from harness.core.rule import Rule
from harness.engine.evidence import Evidence
from harness.engine.judge import selects
from harness.engine.measurement import Measurement, not_tested
from harness.engine.planner import inapplicable, requests_of
from harness.engine.registry import check_entries
from harness.spec.suite import Suite
from harness.stats.passing import Bounds, Design, attainable, chance, passing

Answer = Literal["yes", "not at the assumed rate", "no", "not known before the run", "not applicable"]
NOT_KNOWN = "not known before the run: from the numbers of rows alone nothing follows"


@dataclass(frozen=True)
class Forecast:
    """What the rows allow of one decision: the least and the most observed value that pass (None on an open side)."""

    rule: Rule
    group: Selector | None
    of: Selector | None
    n: int
    decidable: Answer
    reason: str | None = None
    least: float | None = None
    most: float | None = None
    chance: float | None = None

    @property
    def ends(self) -> tuple[float | None, float | None]:
        """The least and the most, to three decimals and rounded inwards, so that what is printed passes too."""
        least = None if self.least is None else math.ceil(self.least * 1000) / 1000
        return least, None if self.most is None else math.floor(self.most * 1000) / 1000

    @property
    def text(self) -> str:
        """The forecast in one line."""
        if self.decidable == "not applicable":
            return f"not applicable: {self.reason}"
        if self.decidable == "not known before the run":
            return self.reason or NOT_KNOWN
        if self.decidable != "yes":
            return f"can't pass{' at the assumed rate' if self.decidable != 'no' else ''}: {self.reason}"
        least, most = self.ends
        ends = [f"from {least:.3f}"] if least is not None else []
        ends += [f"{'to' if ends else 'up to'} {most:.3f}"] if most is not None else []
        return f"{self.n:,} rows: passes {' '.join(ends)} observed"


def power(evidence: Evidence) -> Measurement:
    """Every rule, blocking or warning, on every class and group of the test rows that it selects."""
    if evidence.split("test") is None or not evidence.suite.policy:
        return not_tested("no data: no test rows, or no rule in the policy")
    found = forecasts(evidence)
    count = sum(forecast.decidable == "no" for forecast in found)
    findings = [
        Finding(
            measure="data.undecidable_rules", value=count, n=len(found), exact=True, unit="decisions", better="lower"
        )
    ]
    for forecast in found:
        findings += _findings(forecast)
    return Measurement(findings, [_exhibit(found)])


def forecasts(evidence: Evidence) -> list[Forecast]:
    """One forecast for each decision that the policy will come to, in its order; no model is asked."""
    test = evidence.split("test")
    return [] if test is None else [f for rule in evidence.suite.policy for f in _of_rule(rule, evidence, test)]


def _of_rule(rule: Rule, evidence: Evidence, test: Split) -> list[Forecast]:
    stopped = _stopped(rule, evidence.suite)
    if stopped is not None:
        return [Forecast(rule, rule.group, rule.of, len(test), *stopped)]
    taken = trials(rule.measure, evidence, test)
    if taken is None:
        return [Forecast(rule, rule.group, rule.of, len(test), "not known before the run", NOT_KNOWN)]
    matched = [trial for trial in taken if selects(rule.group, trial.group) and selects(rule.of, trial.of)]
    if not matched:
        return [Forecast(rule, rule.group, rule.of, 0, "no", "nothing in the test rows is what the rule names")]
    note = None
    if test.clusters is not None:
        note = "rows that belong together tell less than so many independent ones: not taken into account"
    return [_of_trial(rule, trial, note) for trial in matched]


def _stopped(rule: Rule, suite: Suite) -> tuple[Answer, str] | None:
    """Why the rule's measure won't be taken, whatever the rows."""
    sources = {name: entry for name, entry in check_entries().items() if entry.gives(rule.measure)}
    asked = [sources[request.name] for request in requests_of(suite) if request.name in sources]
    if sources and not asked:
        return "no", f"the suite does not run {' or '.join(sorted(sources))}, which measures it"
    reasons = [inapplicable(entry, suite) for entry in asked]
    return ("not applicable", reasons[0]) if reasons and reasons[0] and all(reasons) else None


def _of_trial(rule: Rule, trial: Trial, clustered: str | None) -> Forecast:
    design, (low, high) = trial.design, rule.bounds

    def made(answer: Answer, *notes: str | None) -> Forecast:
        said = "; ".join(note for note in notes if note)
        return Forecast(rule, trial.group, trial.of, trial.n, answer, said or None)

    if design is None:
        return made("no" if trial.known else "not known before the run", trial.note)
    steps = passing(design, rule.bounds)
    if not steps:
        answer: Answer = "not at the assumed rate" if attainable(design, rule.bounds) else "no"
        return made(answer, _why_none(trial.n, design, rule.bounds), trial.note, clustered)
    truth, at = trial.truth, "chance to pass where there is no difference"
    if truth is None:
        truth = (max(low or 0.0, 0.0) + min(1.0 if high is None else high, 1.0)) / 2
        at = f"chance to pass at a true value of {truth:.3f}"
    least, most = (None if end is None else _value(design, step) for end, step in ((low, steps[0]), (high, steps[-1])))
    found = made("yes", trial.note, at, clustered)
    return replace(found, least=least, most=most, chance=chance(design, rule.bounds, truth))


def _value(design: Design, step: int) -> float:
    found = design.outcome(step)
    assert found is not None
    return found[0]


def _why_none(n: int, design: Design, bounds: Bounds) -> str:
    """Which side no outcome reaches; or that both are reached, but by none at once."""
    low, high = bounds
    defined = passing(design, (None, None))
    if not defined:
        return f"{n} rows: undefined whatever the model answers"

    def best(step: int) -> tuple[str, float, float]:
        found = design.outcome(step)
        assert found is not None
        name = f"{step} of {n}" if design.last == n else f"an observed {found[0]:.3f}"
        return name, found[1].low, found[1].high

    if low is not None and not passing(design, (low, None)):
        name, lower, _ = best(defined[-1])
        return f"{n} rows: even {name} gives a lower bound of {lower:.3f}, below {low:g}"
    if high is not None and not passing(design, (None, high)):
        name, _, upper = best(defined[0])
        return f"{n} rows: even {name} gives an upper bound of {upper:.3f}, above {high:g}"
    name, lower, upper = best(passing(design, (low, None))[0])
    return (
        f"{n} rows: no interval fits between; {name}, the least within {low:g}, reaches from {lower:.3f} to {upper:.3f}"
    )


def _findings(forecast: Forecast) -> list[Finding]:
    of, (low, high) = {"rule": forecast.rule.id, **(forecast.of or {})}, forecast.rule.bounds
    ends = [("least", low, forecast.least), ("most", high, forecast.most)]
    found = [("data.value_to_pass", {**of, "end": name}, value) for name, limit, value in ends if limit is not None]
    why = forecast.text if forecast.decidable != "yes" else forecast.reason
    return [
        Finding(measure=measure, value=value, n=forecast.n, group=forecast.group, of=about, exact=True, reason=why)
        for measure, about, value in [*found, ("data.chance_to_pass", of, forecast.chance)]
    ]


def _exhibit(found: list[Forecast]) -> Exhibit:
    rows: list[list[Cell]] = []
    for one in found:
        about = ", ".join(f"{key}: {value}" for key, value in {**(one.group or {}), **(one.of or {})}.items())
        # Groups under ten people are suppressed in what a report prints.
        n: Cell = "< 10" if one.group and one.n < 10 else one.n
        limit = one.rule.limit_text()
        rows.append([one.rule.id, about or "all rows", n, limit, *one.ends, one.chance, one.decidable])
    columns = ["rule", "about", "rows", "limit", "passes from", "passes to", "chance to pass", "can pass"]
    return Exhibit(kind="table", title="What must be observed for each rule to pass", columns=columns, rows=rows)
