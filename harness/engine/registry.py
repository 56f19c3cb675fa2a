"""Finds checks by name, lazily: built-ins here, third parties through entry points."""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any, Literal

from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement
from harness.errors import SuiteError

Need = Literal["predictions", "scores", "train", "members", "sensitive", "estimator", "positive", "favourable"]
Check = Callable[..., Measurement]


@dataclass(frozen=True)
class CheckEntry:
    """Where a check lies, what it needs, and which tasks it knows."""

    name: str
    target: str
    needs: tuple[Need, ...]
    title: str
    tasks: tuple[str, ...] = ("classification",)

    def load(self) -> Check:
        """Imports the check."""
        module, _, name = self.target.partition(":")
        check: Check = getattr(importlib.import_module(module), name)
        return check

    def run(self, evidence: Evidence, parameters: dict[str, Any]) -> Measurement:
        """Runs the check with its parameters."""
        return self.load()(evidence, **parameters)


_BUILT_IN = (
    CheckEntry(
        "performance.classification",
        "harness.checks.performance.classification:classification",
        ("predictions",),
        "Accuracy, recall, F1 and ranking quality",
    ),
    CheckEntry(
        "performance.calibration",
        "harness.checks.performance.calibration:calibration",
        ("predictions", "scores", "positive"),
        "Calibration of probabilities",
    ),
    CheckEntry(
        "performance.slices",
        "harness.checks.performance.slices:slices",
        ("predictions",),
        "Performance by slice",
    ),
    CheckEntry(
        "bias.groups",
        "harness.checks.bias.groups:groups",
        ("predictions", "sensitive", "favourable"),
        "Bias by group",
    ),
    CheckEntry(
        "privacy.membership",
        "harness.checks.privacy.membership:membership",
        ("predictions", "members"),
        "Membership inference",
    ),
    CheckEntry(
        "explainability.attribution",
        "harness.checks.explainability.attribution:attribution",
        ("predictions", "scores", "estimator", "positive"),
        "Attribution (SHAP)",
    ),
    CheckEntry("data.quality", "harness.checks.data.quality:quality", (), "Data quality"),
)


def check_entries() -> dict[str, CheckEntry]:
    """Every known check by name; a third party's is named package/name."""
    found = {entry.name: entry for entry in _BUILT_IN}
    for point in entry_points(group="harness.checks"):
        found[point.name] = CheckEntry(point.name, point.value, ("predictions",), point.name)
    return found


def find_check(name: str, parameters: dict[str, Any]) -> CheckEntry:
    """The check of this name; SuiteError with a did-you-mean, or where a parameter is unknown."""
    known = check_entries()
    if name not in known:
        near = difflib.get_close_matches(name, known, 1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise SuiteError(f"There is no check {name!r}.{hint} Known checks: {', '.join(sorted(known))}.")
    entry = known[name]
    accepted = [key for key in inspect.signature(entry.load()).parameters if key != "evidence"]
    unknown = sorted(set(parameters) - set(accepted))
    if unknown:
        raise SuiteError(
            f"Check {name} has no parameter {', '.join(unknown)}. It takes: {', '.join(accepted) or 'none'}."
        )
    return entry
