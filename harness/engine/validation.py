"""Validates what a suite asks of checks: their names, and their parameters as types, as ranges, and against suite and data."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Mapping
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError

from harness.core.dataset import Dataset
from harness.engine.parameter_text import problem_of
from harness.engine.parameters import Names
from harness.engine.plugins import did_you_mean, targets, what_happened
from harness.engine.registry import CheckEntry
from harness.errors import SuiteError, UserError
from harness.spec.suite import Suite

STRICT = ConfigDict(strict=True, allow_inf_nan=False)


def entry_of(name: str, known: Mapping[str, CheckEntry]) -> CheckEntry:
    """The check of this name among the known ones; SuiteError with a did-you-mean."""
    if name in known:
        return known[name]
    named = (
        " An installed package names a check so. Wanted: package/name." if name in targets("harness.checks", {}) else ""
    )
    raise SuiteError(
        f"There is no check {name!r}.{named}{did_you_mean(name, known)} Known checks: {', '.join(sorted(known))}."
    )


def problems_of_parameters(entry: CheckEntry, parameters: dict[str, Any], names: Names | None = None) -> list[str]:
    """Everything that is wrong with the values, each parameter by itself; against these names too, where they are given.

    Raises:
        SuiteError: the check can't be loaded.
    """
    accepted, hints = _signature(entry)
    problems = []
    if unknown := sorted(set(parameters) - set(accepted)):
        near = did_you_mean(unknown[0], accepted) if len(unknown) == 1 else ""
        takes = ", ".join(accepted) or "none"
        problems.append(f"Check {entry.name} has no parameter {', '.join(unknown)}.{near} It takes: {takes}.")
    for key, value in parameters.items():
        if key not in hints:
            continue
        adapter = TypeAdapter(hints[key], config=STRICT)
        try:
            adapter.validate_python(copy.deepcopy(value), context=names)
        except ValidationError as error:
            problems.append(problem_of(entry.name, key, value, error, adapter))
    return problems


def problems_together(entry: CheckEntry, parameters: dict[str, Any], suite: Suite, data: Dataset | None) -> list[str]:
    """What the check itself refuses of parameters that are each in order (`harness.engine.parameters.refuses`)."""
    misfits = getattr(entry.load(), "misfits", None)
    if misfits is None:
        return []
    defaults = {
        key: one.default for key, one in inspect.signature(entry.load()).parameters.items() if key != "evidence"
    }
    return [f"{entry.name}: {problem}" for problem in misfits(suite, data, defaults | parameters)]


def problems_of_agreement(suite: Suite, data: Dataset) -> list[str]:
    """Labels of data.agrees that are no class. Of other rows than all the suite's own one that is known will do."""
    problems = []
    for column, agreed in suite.data.agrees.items():
        named = sorted({label for labels in agreed.values() for label in labels})
        unknown = [label for label in named if label not in data.classes]
        if unknown and (data.of_suite or unknown == named):
            problems.append(
                f"data.agrees of {column!r} names the label(s) {', '.join(unknown)}, but the classes are "
                f"{', '.join(data.classes[:10])}. Write the labels as they stand in the data, in quotes."
            )
    return problems


def _signature(entry: CheckEntry) -> tuple[list[str], dict[str, Any]]:
    """The names of a check's parameters, and their types; SuiteError where the check can't be loaded."""
    try:
        check = entry.load()
        names = [key for key in inspect.signature(check).parameters if key != "evidence"]
        hints = get_type_hints(check, include_extras=True)
        return names, {key: hints[key] for key in names if key in hints}
    except (KeyboardInterrupt, UserError):
        raise
    except BaseException as error:
        raise SuiteError(f"Check {entry.name} {what_happened(error, 'while it was loaded')}.") from error
