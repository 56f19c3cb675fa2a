"""The vertical model beside one general model: what a comparison holds of the two."""

from __future__ import annotations

from dataclasses import dataclass

from harness.core.comparison import Choice, ComparedModel, Comparison, Difference
from harness.core.figures import signed_figure
from harness.core.finding import Exhibit
from harness.core.interval import Interval
from harness.engine.judge import selects
from harness.errors import UserError
from harness.outputs.narrative import number
from harness.stats.levels import at_level


@dataclass(frozen=True)
class Pair:
    """Two models, the choice between them, and their differences: on the domain (δ is about `main`) and on a guard set."""

    comparison: Comparison
    choice: Choice
    vertical: ComparedModel
    general: ComparedModel
    differences: list[Difference]
    guard: list[Difference]
    main: Difference | None

    @property
    def models(self) -> tuple[ComparedModel, ComparedModel]:
        """The vertical model, then the general one."""
        return self.vertical, self.general

    @property
    def level(self) -> str:
        """The level of the intervals, as words."""
        return f"{100 * self.comparison.level:g} %"

    def of_family(self, family: str) -> list[Difference]:
        """The differences of measures of one family, in the record's order."""
        return [d for d in self.differences if d.measure.startswith(f"{family}.")]

    def band(self, found: Difference) -> Interval | None:
        """The interval of a gain at the comparison's level."""
        return None if found.gain_interval is None else at_level(found.gain_interval, self.comparison.level)


def pair_of(comparison: Comparison, choice: Choice) -> Pair:
    """The pair that a choice is about; UserError where the record names no such models."""
    vertical = next((m for m in comparison.models if m.role == "vertical"), None)
    general = next((m for m in comparison.models if m.role == "general" and m.name == choice.against), None)
    if vertical is None or general is None:
        raise UserError(
            f"The comparison chooses between a vertical model and {choice.against!r}, and its models are "
            f"{', '.join(f'{m.name!r} ({m.role})' for m in comparison.models) or 'none'}. Make the comparison again."
        )
    every = [d for d in comparison.differences if d.against in (None, choice.against)]
    differences, guard = ([d for d in every if (d.guard_suite is not None) == is_guard] for is_guard in (False, True))
    margin = comparison.margins.superior
    main = next(
        (
            d
            for d in differences
            if d.measure == margin.measure and selects(margin.group, d.group) and selects(margin.of, d.of)
        ),
        None,
    )
    return Pair(comparison, choice, vertical, general, differences, guard, main)


def exhibit_of(comparison: Comparison, start: str) -> Exhibit | None:
    """The first exhibit whose title starts so; None where there is none or it is empty."""
    return next((e for e in comparison.exhibits if e.title.startswith(start) and e.rows), None)


def why_not(comparison: Comparison, *words: str) -> str:
    """Why something that one of these words names was not compared: the record's reason, or that it holds nothing."""
    gaps = comparison.not_compared
    found = next((gap.reason for gap in gaps if any(word in gap.what.lower() for word in words)), None)
    return found.rstrip(".") if found else "the record holds nothing of it for both models"


def amount(value: float) -> str:
    """A cost or a time: whole from 100 on, three significant digits below."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def signed(value: float | None) -> str:
    """With the sign, or a dash where undefined."""
    return number(value) if value is None else signed_figure(value)
