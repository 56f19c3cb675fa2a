"""The table of waivers, the same on every output."""

from __future__ import annotations

from dataclasses import dataclass

from harness.core.audit import Audit
from harness.core.waiver import Waiver
from harness.engine.waive import is_about
from harness.outputs.narrative import about


@dataclass(frozen=True)
class WaiverRow:
    """A waiver as a line of a table; its state is that of the day of judging."""

    rule: str
    about: str
    owner: str
    reason: str
    compensating_control: str
    granted: str
    expires: str
    state: str

    @property
    def line(self) -> str:
        """The row as one line of text."""
        whom = f" ({self.about})" if self.about else ""
        said = [f"{self.rule}{whom}: {self.state}", f"owner: {self.owner}", f"reason: {self.reason}"]
        said += [f"compensating control: {self.compensating_control}"]
        said += [f"granted: {self.granted}"] if self.granted else []
        return " · ".join([*said, f"expires: {self.expires}"])


def waiver_rows(audit: Audit) -> list[WaiverRow]:
    """Every waiver of the policy, in its order, whether it is needed or not."""
    return [
        WaiverRow(
            rule=waiver.rule,
            about=about(waiver.group, waiver.of),
            owner=waiver.owner,
            reason=waiver.reason,
            compensating_control=waiver.compensating_control,
            granted=_granted(waiver),
            expires=waiver.expires.isoformat(),
            state=_state(waiver, audit),
        )
        for waiver in audit.policy.waivers
    ]


def _granted(waiver: Waiver) -> str:
    by = f"by {waiver.approved_by}" if waiver.approved_by else ""
    return " ".join(part for part in (str(waiver.granted or ""), by, waiver.ticket and f"({waiver.ticket})") if part)


def _state(waiver: Waiver, audit: Audit) -> str:
    assert audit.verdict.judged_on is not None  # a verdict over waivers names its day
    state = waiver.state_on(audit.verdict.judged_on)
    covered = sum(decision.waiver == waiver for decision in audit.verdict.decisions)
    if state == "expired":
        return f"expired on {waiver.expires}" + ("; the rule applies again" if covered else "")
    if state == "pending":
        return f"not in force before {waiver.begins}"
    if covered:
        return f"in force, covers {covered} decision{'s' if covered > 1 else ''}"
    outcomes = sorted({d.outcome for d in audit.verdict.decisions if is_about(waiver, d)})
    if "error" in outcomes:
        return "unused: an error can't be waived"
    return f"unused: the rule's outcome is {' or '.join(outcomes)}" if outcomes else "unused: it meets no decision"
