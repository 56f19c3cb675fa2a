"""Which decision a starter suite gets: where the positive class is rare, the model's own labels would hardly ever find it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.core.names import name_of
from harness.core.required_rules import RARE
from harness.engine.decision import MINIMUM_CALIBRATION
from harness.workflows.survey import Survey

if TYPE_CHECKING:
    import pandas as pd

SENSITIVITY = 0.8
USUAL_SHARE, LARGEST_SHARE = 0.1, 0.3
_SPARE, _SPARE_OF_GROUPS = 1.2, 1.6  # a split by groups does not hit its share exactly


@dataclass(frozen=True)
class StarterDecision:
    """The line of the suite, why it is there, and the share of calibration rows that it needs."""

    line: str
    why: str
    calibration: float


def starter_decision(survey: Survey) -> StarterDecision | None:
    """A decision where the positive class has fewer than 20 % of the rows; None where it has more, or none is positive.

    A sensitivity where the calibration split can hold enough positives for it; else the base rate as a fixed threshold.
    """
    table = _distinct(survey)
    positives, rows = _positives(survey, table), len(table)
    if positives is None or not 0 < positives < RARE * rows:
        return None
    rate, named = positives / rows, survey.outcome.positive.name
    rare = f"{named!r} has {positives:,} of {rows:,} rows ({100 * rate:.2g} %), so a model's own labels hardly ever give it"
    spare = _SPARE_OF_GROUPS if survey.of_role("group") else _SPARE
    share = math.ceil(100 * spare * MINIMUM_CALIBRATION / positives) / 100
    if share <= LARGEST_SHARE:
        why = f"{rare}: the threshold is set where {100 * SENSITIVITY:.0f} of 100 are found on the calibration rows"
        return StarterDecision(f"decision: {{sensitivity: {SENSITIVITY:g}}}", why, max(USUAL_SHARE, share))
    why = f"{rare}; too few for a computed threshold, so it is the base rate: rows that are likelier than most are flagged"
    return StarterDecision(f"decision: {{threshold: {float(f'{rate:.2g}'):g}}}", why, USUAL_SHARE)


def _distinct(survey: Survey) -> pd.DataFrame:
    """The rows that the suite will split: those equal in every column but the id count once."""
    ids = [guess.column for guess in survey.of_role("id")]
    return survey.table.loc[~survey.table.drop(columns=ids).duplicated()]


def _positives(survey: Survey, table: pd.DataFrame) -> int | None:
    outcome, column = survey.outcome, table[survey.label.column]
    if outcome.positive.name is None or len(outcome.classes) != 2:
        return None
    if outcome.threshold is not None:
        return int((column >= outcome.threshold).sum())
    return int((column.map(name_of) == outcome.positive.name).sum())
