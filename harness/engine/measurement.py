"""What a check hands back, and helpers for its findings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from harness.core.finding import Exhibit, Finding, Status

Check = TypeVar("Check", bound=Callable[..., object])


@dataclass(frozen=True)
class Measurement:
    """A check's findings and exhibits; or why there are none."""

    findings: list[Finding] = field(default_factory=list)
    exhibits: list[Exhibit] = field(default_factory=list)
    status: Status = "measured"
    reason: str | None = None


def not_tested(
    reason: str, findings: list[Finding] | None = None, exhibits: list[Exhibit] | None = None
) -> Measurement:
    """A measurement that could not be made; findings that explain why may come with it."""
    return Measurement(findings or [], exhibits or [], "not_tested", reason)


def undefined(measure: str, n: int, reason: str, **about: dict[str, str] | None) -> Finding:
    """A finding without a value, and the reason."""
    return Finding(measure=measure, value=None, n=n, reason=reason, **about)  # type: ignore[arg-type]


def measures(*names: str) -> Callable[[Check], Check]:
    """Declares every measure that a third party's check can give, by name without the check's own `package/name.`."""
    if wrong := [name for name in names if "." in name or "/" in name]:
        last = wrong[0].rpartition(".")[2]
        raise ValueError(f"@measures got {wrong[0]!r}. Wanted: names without the name of the check: {last}")

    def declare(check: Check) -> Check:
        check.measures = names  # type: ignore[attr-defined]  # read by the registry
        return check

    return declare
