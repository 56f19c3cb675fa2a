"""Rules and waivers of a suite or a policy file against each other."""

from __future__ import annotations

from collections import Counter

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from harness.core.rule import Rule
from harness.core.waiver import Waiver, misfits


def refuse_misfits(rules: list[Rule], waivers: list[Waiver], required: list[Rule]) -> None:
    """Raises where two rules share an id; then a ValidationError that names the key of every waiver which fits no rule, so
    that each gets its line. A waiver may name a required rule, which the policy need not write.
    """
    count = Counter(rule.id for rule in rules)
    if shared := [name for name, times in count.items() if times > 1]:
        raise ValueError(
            f"rules share an id: {', '.join(shared)}. Give each an id of its own; a margin of a release takes one too"
        )
    problems = [
        InitErrorDetails(
            type=PydanticCustomError("value_error", "{message}", {"message": message}),
            loc=("waivers", index, key),
            input=waivers[index].rule,
        )
        for index, key, message in misfits([*rules, *(r for r in required if r.id not in count)], waivers)
    ]
    if problems:
        raise ValidationError.from_exception_data("waivers", problems)
