"""Two or more models on the same items: how far they differ, and which one to choose."""

from __future__ import annotations

import re
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, model_validator

from harness.core.audit import DataRef, ModelInfo, SuiteRef, Usage
from harness.core.decision import Decision, VerdictOutcome
from harness.core.finding import Exhibit, Selector
from harness.core.interval import Interval
from harness.core.operating_point import OperatingPoint
from harness.core.rule import Rule

ChoiceOutcome = Literal["choose_vertical", "choose_general", "no_difference", "trade_off", "inconclusive"]
LegOutcome = Literal["holds", "broken", "open", "not_tested"]


class _Stored(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Margin(_Stored):
    """How much a measure must be better by (δ), or may be worse by (ε). `group` and `of` select as a rule's do.

    `id` names the rule that a release margin makes; without it the rule is called for what it selects.
    """

    id: str | None = Field(default=None, min_length=1)
    measure: str = Field(pattern=r"^[a-z][a-z0-9_/-]*\.[a-z0-9_]+$")
    group: Selector | None = None
    of: Selector | None = None
    by: NonNegativeFloat
    reason: str = Field(min_length=1)
    source: str = Field(min_length=1)


def release_rules(margins: list[Margin]) -> list[Rule]:
    """Margins of a release as blocking rules: the gain since the last one is at least -by.

    Without an id of its own a rule is called release- and the measure, then the names and values of `group` and `of`: `release-roc-auc`,
    `release-impact-ratio-race-black`; a "*" is left out.
    """
    rules = []
    for margin in margins:
        selected = {**(margin.group or {}), **(margin.of or {})}
        words = [margin.measure.partition(".")[2], *(word for pair in selected.items() for word in pair)]
        rules.append(
            Rule(
                id=margin.id or "release-" + re.sub(r"[\W_]+", "-", " ".join(words).lower()).strip("-"),
                measure="baseline.gain",
                group=margin.group,
                of={"measure": margin.measure, **(margin.of or {})},
                at_least=-margin.by,
                reason=margin.reason,
                source=margin.source,
            )
        )
    return rules


class Margins(_Stored):
    """What decides between two models: superior on one measure, and not inferior on others and on a guard set."""

    superior: Margin
    not_inferior: list[Margin] = Field(default_factory=list)
    guard: Margin | None = None

    @model_validator(mode="after")
    def _without_ids(self) -> Self:
        stated = [self.superior, *self.not_inferior, *([self.guard] if self.guard else [])]
        if any(margin.id for margin in stated):
            raise ValueError("a margin of compare makes no rule, so it takes no id")
        return self


class PairedTest(_Stored):
    """A two-sided test that two models do not differ."""

    name: str
    p: float


class Difference(_Stored):
    """One measure of two models: `value` is the first (vertical) minus the second (general).

    `gain` is the same where the first's advantage is positive: for a measure that is better when lower its negative, for one
    with a target (a ratio of 1, a gap of 0) how much nearer the first lies to it. `paired` tells whether the interval uses
    that both answered the same items. `against` names the second model, `guard_suite` the suite where it is not the
    comparison's own.
    """

    measure: str
    group: Selector | None = None
    of: Selector | None = None
    first: float | None = None
    second: float | None = None
    value: float | None
    n: int
    interval: Interval | None = None
    gain: float | None = None
    gain_interval: Interval | None = None
    better: Literal["higher", "lower", "target"] | None = None
    unit: str | None = None
    paired: bool = True
    test: PairedTest | None = None
    minimum_detectable: float | None = None
    reason: str | None = None
    against: str | None = None
    guard_suite: str | None = None


class Leg(_Stored):
    """One condition of a choice, seen from the model that is better on the domain (or from the vertical one)."""

    name: Literal["superior", "not_inferior", "guard", "better_than_guessing"]
    measure: str
    group: Selector | None = None
    of: Selector | None = None
    by: float
    outcome: LegOutcome
    gain: float | None = None
    interval: Interval | None = None
    n_needed: int | None = None
    message: str
    reason: str
    source: str


class Choice(_Stored):
    """The decision between the vertical model and one general model."""

    against: str
    outcome: ChoiceOutcome
    legs: list[Leg]
    reasons: list[str]
    n_needed: int | None = None


class ComparedModel(_Stored):
    """A model of the comparison, and what its own audit found."""

    role: Literal["vertical", "general"]
    name: str
    info: ModelInfo
    verdict: VerdictOutcome
    evidence_digest: str
    members: str
    skill: list[Decision] = Field(default_factory=list)
    threshold: float | None = None
    decision: OperatingPoint | None = None
    seconds_per_1000: float | None = None
    timed_rows: int | None = None
    cost_per_1000: float | None = None
    usage: Usage | None = None


class NotCompared(_Stored):
    """What the comparison says nothing of, and why."""

    what: str
    reason: str


class Comparison(_Stored):
    """One comparison; every output is a pure function of it. `row_hashes` is as in an audit."""

    schema_: Literal["vertical-harness/comparison/1"] = Field(default="vertical-harness/comparison/1", alias="schema")
    suite: SuiteRef
    data: DataRef
    models: list[ComparedModel]
    margins: Margins
    margins_source: str
    level: float
    differences: list[Difference]
    choices: list[Choice]
    decision: Choice
    not_compared: list[NotCompared]
    notes: list[str]
    exhibits: list[Exhibit]
    harness: dict[str, str]
    environment: dict[str, Any]
    started: str
    seconds: float
    warnings: list[str] = Field(default_factory=list)
    row_hashes: dict[str, str] | None = None
    evidence_digest: str
    digest: str

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)
