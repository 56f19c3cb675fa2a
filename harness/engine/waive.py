"""Lays waivers over a verdict: the decisions stay true, and those that an active waiver covers no longer block."""

from __future__ import annotations

from datetime import date

from harness.core.decision import Decision, Verdict
from harness.core.waiver import Waiver
from harness.engine.judge import overall, selects

# An error says that the measurement itself is broken (a crash, test rows that were trained on): nobody can know
# which risk they would accept, so it is mended and never waived.
_WAIVABLE = ("fail", "inconclusive", "not_tested")
_PREFERRED = ("active", "pending", "expired")


def waive(verdict: Verdict, waivers: list[Waiver], day: date) -> Verdict:
    """The verdict on this day under these waivers; the same verdict where there are none.

    Outcomes, p-values and Holm's correction stay as judged: a waiver of one decision changes no other.
    An expired waiver stands at its decision, which blocks again.
    """
    if not waivers:
        return verdict
    decisions = [_covered(decision, waivers, day) for decision in verdict.decisions]
    return Verdict(
        outcome=overall(decisions),
        decisions=decisions,
        waived=sum(d.waived and d.severity == "block" for d in decisions),
        judged_on=day,
    )


def is_about(waiver: Waiver, decision: Decision) -> bool:
    """Whether the waiver's rule, group and of are those of the decision, whatever its outcome."""
    return waiver.rule == decision.rule_id and selects(waiver.group, decision.group) and selects(waiver.of, decision.of)


def _covered(decision: Decision, waivers: list[Waiver], day: date) -> Decision:
    found = [waiver for waiver in waivers if is_about(waiver, decision)]
    if not found or decision.outcome not in _WAIVABLE:
        return decision
    # A waiver and its renewal may both be about one decision: the one in force counts, then the last to end.
    best = min(found, key=lambda w: (_PREFERRED.index(w.state_on(day)), -w.expires.toordinal()))
    return decision.model_copy(update={"waiver": best, "waiver_state": best.state_on(day)})
