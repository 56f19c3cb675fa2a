"""Waivers of a suite or a policy file against its rules."""

from __future__ import annotations

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from harness.core.rule import Rule
from harness.core.waiver import Waiver, misfits


def refuse_misfits(rules: list[Rule], waivers: list[Waiver]) -> None:
    """Raises a ValidationError that names the key of every waiver which fits no rule, so that each gets its line."""
    problems = [
        InitErrorDetails(
            type=PydanticCustomError("value_error", "{message}", {"message": message}),
            loc=("waivers", index, key),
            input=waivers[index].rule,
        )
        for index, key, message in misfits(rules, waivers)
    ]
    if problems:
        raise ValidationError.from_exception_data("waivers", problems)
