"""What the judge decided: one decision a matched finding, and the verdict over all."""

from __future__ import annotations

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.core.finding import Selector
from harness.core.interval import Interval
from harness.core.waiver import Waiver, WaiverState

Outcome = Literal["pass", "fail", "inconclusive", "not_tested", "not_applicable", "error"]
VerdictOutcome = Literal["pass", "fail", "incomplete"]


class Decision(BaseModel):
    """One rule judged on one finding; `n_needed` is the total of test rows that would decide it.

    A waiver changes no outcome: `waiver_state` says whether it holds on the day of judging. `required` is as in the rule.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    rule_id: str
    measure: str
    group: Selector | None = None
    of: Selector | None = None
    above: float | None = None
    at_least: float | None = None
    at_most: float | None = None
    between: tuple[float, float] | None = None
    limit: str
    severity: Literal["block", "warn"]
    outcome: Outcome
    observed: float | None = None
    interval: Interval | None = None
    n: int | None = None
    n_needed: int | None = None
    p_fail: float | None = None
    message: str
    reason: str
    limit_source: str
    clauses: list[str] = Field(default_factory=list)
    required: bool = False
    waiver: Waiver | None = None
    waiver_state: WaiverState | None = None

    @property
    def waived(self) -> bool:
        """Whether a waiver that holds on the day of judging covers it."""
        return self.waiver_state == "active"


class Verdict(BaseModel):
    """The outcome over all decisions: fail, incomplete or pass.

    `waived` counts the blocking decisions that are not met and block nothing, because a waiver covers them on the day
    `judged_on` (None where the policy has no waivers, whose days alone it matters to).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    outcome: VerdictOutcome
    decisions: list[Decision]
    waived: int = 0
    judged_on: date | None = None

    def count(self, outcome: Outcome) -> int:
        """How many decisions have this outcome."""
        return sum(decision.outcome == outcome for decision in self.decisions)
