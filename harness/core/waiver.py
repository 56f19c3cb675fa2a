"""A waiver: somebody answers, until a date, for a rule that is not met."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints, model_validator

from harness.core.finding import Selector
from harness.core.rule import Rule

LONGEST = timedelta(days=366)
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


def _no_number(value: object) -> object:
    if isinstance(value, int | float):  # pydantic would count seconds since 1970
        raise ValueError(f"wanted a day such as 2026-12-31, got {value!r}")
    return value


Day = Annotated[date, BeforeValidator(_no_number)]
WaiverState = Literal["active", "pending", "expired"]


class Waiver(BaseModel):
    """What is waived (a rule; `group` and `of` as in the rule), who answers for it, why, what is done instead, until when.

    It holds from `granted` to `expires`, both days included, and never for more than 366 days: without a day of
    granting it holds in the 366 days up to `expires`, so a far date is no waiver for ever.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Words
    group: Selector | None = None
    of: Selector | None = None
    owner: Words
    reason: Words
    compensating_control: Words
    expires: Day
    granted: Day | None = None
    approved_by: Words | None = None
    ticket: Words | None = None

    @model_validator(mode="after")
    def _ends_in_time(self) -> Self:
        if self.granted is None:
            return self
        if self.expires < self.granted:
            raise ValueError(f"expires {self.expires} lies before granted {self.granted}")
        if self.expires - self.granted > LONGEST:
            raise ValueError(
                f"expires {self.expires} is {(self.expires - self.granted).days} days after granted {self.granted}; "
                f"a waiver holds {LONGEST.days} days at most: take an earlier day, and grant it again when it ends"
            )
        return self

    @property
    def begins(self) -> date:
        """The first day on which it holds."""
        return self.granted or max(date.min + LONGEST, self.expires) - LONGEST

    def state_on(self, day: date) -> WaiverState:
        """Whether it holds on this day."""
        if day > self.expires:
            return "expired"
        return "pending" if day < self.begins else "active"


def misfits(rules: list[Rule], waivers: list[Waiver]) -> list[tuple[int, str, str]]:
    """What no rule answers to, as place in the list, key and message.

    That is an unknown rule, or a selector that can't fit its rule's.

    A rule's decisions all have the rule's keys, so a waiver without them would silently cover nothing.
    """
    known = {rule.id: rule for rule in rules}
    found = []
    for index, waiver in enumerate(waivers):
        rule = known.get(waiver.rule)
        if rule is None:
            names = ", ".join(known) or "none"
            found.append((index, "rule", f"there is no rule {waiver.rule!r}; the policy's rules: {names}"))
            continue
        for key, own, of_rule in (("group", waiver.group, rule.group), ("of", waiver.of, rule.of)):
            if not _can_fit(own or {}, of_rule or {}):
                wanted = 'give each of its keys, with one value or "*" for each' if of_rule else "leave it out"
                found.append((index, key, f"rule {rule.id} has {_said(of_rule)}: {wanted}; got {_said(own)}"))
    return found


def _can_fit(own: Selector, of_rule: Selector) -> bool:
    return set(own) == set(of_rule) and all(
        "*" in (value, of_rule[key]) or value == of_rule[key] for key, value in own.items()
    )


def _said(selector: Selector | None) -> str:
    return "{" + ", ".join(f'{key}: "{value}"' for key, value in selector.items()) + "}" if selector else "none"
