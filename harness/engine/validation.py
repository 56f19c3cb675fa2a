"""Validates what a suite asks of checks: their names, their parameters, and the measures of its rules."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from harness.core.rule import Rule
from harness.engine.plugins import did_you_mean, targets, what_happened
from harness.engine.registry import BUILT_IN, CheckEntry, check_entries
from harness.errors import SuiteError, UserError


def find_check(name: str, parameters: dict[str, Any]) -> CheckEntry:
    """The check of this name; SuiteError with a did-you-mean, or where it can't be loaded, or where a parameter is unknown or
    of another type."""
    known = check_entries()
    if name not in known:
        named = (
            " An installed package names a check so. Wanted: package/name."
            if name in targets("harness.checks", {})
            else ""
        )
        raise SuiteError(
            f"There is no check {name!r}.{named}{did_you_mean(name, known)} Known checks: {', '.join(sorted(known))}."
        )
    entry = known[name]
    accepted, hints = _parameters(entry)
    unknown = sorted(set(parameters) - set(accepted))
    if unknown:
        raise SuiteError(
            f"Check {name} has no parameter {', '.join(unknown)}. It takes: {', '.join(accepted) or 'none'}."
        )
    for key, value in parameters.items():
        wanted = hints.get(key, Any)
        try:
            TypeAdapter(wanted, config=ConfigDict(strict=True)).validate_python(value)
        except ValidationError as error:
            raise SuiteError(
                f"Check {name}: parameter {key} is {value!r}. {error.errors()[0]['msg']} (wanted: {wanted})."
            ) from error
    return entry


def problems_of_rules(rules: Sequence[Rule], third_party: Sequence[CheckEntry] = ()) -> list[str]:
    """Problems of rules that name a measure which no check gives; as validate_measures."""
    return validate_measures([(f"Rule {rule.id}", rule.measure) for rule in rules], third_party)


def validate_measures(named: Sequence[tuple[str, str]], third_party: Sequence[CheckEntry] = ()) -> list[str]:
    """Problems of (who names it, measure) pairs whose measure no check declares.

    A measure package/name.measure is looked for in these checks; one of another package is let through, because its check
    may not be installed here.
    """
    declared = [measure for entry in (*BUILT_IN, *third_party) for measure in entry.declared() or ()]

    def known(measure: str) -> bool:
        owners = [entry for entry in third_party if entry.gives(measure)]
        return measure in declared or ("/" in measure and all(entry.declared() is None for entry in owners))

    return [
        f"{who} names the measure {measure!r}, which no check gives.{did_you_mean(measure, declared)}"
        for who, measure in named
        if not known(measure)
    ]


def _parameters(entry: CheckEntry) -> tuple[list[str], dict[str, Any]]:
    """The names of a check's parameters, and their types; SuiteError where the check can't be loaded."""
    try:
        check = entry.load()
        return [key for key in inspect.signature(check).parameters if key != "evidence"], get_type_hints(check)
    except (KeyboardInterrupt, UserError):
        raise
    except BaseException as error:
        raise SuiteError(f"Check {entry.name} {what_happened(error, 'while it was loaded')}.") from error
