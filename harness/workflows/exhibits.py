"""What a comparison shows beside its differences: disagreements, errors and their cost, power."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from harness.checks.baseline.sides import About, Sides
from harness.core.comparison import Difference, Margin
from harness.core.finding import Cell, Exhibit
from harness.engine.evidence import Evidence
from harness.engine.views import render_view
from harness.errors import UserError
from harness.stats.intervals import normal_quantile
from harness.stats.power import superiority_power

LISTED = 200
SHOWN_CHARACTERS = 300
TRUE_GAINS = (0.0, 0.01, 0.02, 0.03, 0.05, 0.08, 0.1, 0.15, 0.2)


@dataclass(frozen=True)
class Costs:
    """What a missed positive and a false alarm cost, in one unit; UserError where one is negative."""

    missed: float
    false_alarm: float

    def __post_init__(self) -> None:
        if min(self.missed, self.false_alarm) < 0:
            raise UserError(f"Costs are 0 or more, got missed={self.missed:g}, false-alarm={self.false_alarm:g}.")


def cost_difference(sides: Sides, costs: Costs) -> Difference | None:
    """Cost of errors per 1,000 rows, paired by row; None where no class is positive."""
    positive = sides.data.positive
    if positive is None or sides.suite.task != "classification":
        return None
    truth = sides.test.labels == positive
    own = [
        1000
        * (
            costs.missed * (truth & (side.labels != positive))
            + costs.false_alarm * (~truth & (side.labels == positive))
        )
        for side in (sides.first, sides.second)
    ]
    about = About("performance.expected_cost", "lower", of={"at": "own answers"}, unit="per 1,000 rows")
    return sides.means(about, own[0].astype(float), own[1].astype(float), sides.test.clusters)


def errors_table(evidence: list[Evidence], names: list[str], costs: Costs | None) -> Exhibit | None:
    """Missed positives and false alarms per 1,000 rows, and their cost where the user gave costs."""
    data, test = evidence[0].data, evidence[0].data.splits["test"]
    if data.positive is None or evidence[0].suite.task != "classification" or not len(test):
        return None
    truth = test.labels == data.positive
    rows: list[list[Cell]] = []
    for one, name in zip(evidence, names, strict=True):
        said = one.predictions("test").labels == data.positive
        missed, alarms = 1000 * float((truth & ~said).mean()), 1000 * float((~truth & said).mean())
        cost = None if costs is None else missed * costs.missed + alarms * costs.false_alarm
        rows.append([name, round(missed, 2), round(alarms, 2), None if cost is None else round(cost, 2)])
    title = "Errors per 1,000 rows and what they cost"
    if costs is not None:
        title += f" (missed {costs.missed:g}, false alarm {costs.false_alarm:g})"
    return Exhibit(kind="table", title=title, columns=["model", "missed", "false alarms", "cost"], rows=rows)


def disagreements(evidence: list[Evidence], names: list[str]) -> Exhibit | None:
    """The items that the models answer differently, by id; texts only where the suite allows it."""
    data, suite = evidence[0].data, evidence[0].suite
    test = data.splits["test"]
    if not data.classes:
        return None
    labels = [one.predictions("test").labels for one in evidence]
    apart = np.zeros(len(test), dtype=bool)
    for other in labels[1:]:
        apart |= np.asarray(labels[0] != other, dtype=bool)
    chosen = np.flatnonzero(apart)[:LISTED]
    columns = ["id", "truth", *names]
    rows: list[list[Cell]] = [
        [str(test.ids[i]), _shown(test.labels[i]), *(_shown(own[i]) for own in labels)] for i in chosen
    ]
    if suite.data.texts_in_reports and suite.views.text and len(chosen):
        texts = render_view(suite, "text", test.inputs.iloc[chosen])
        columns, rows = (
            [*columns, "text"],
            [[*row, text[:SHOWN_CHARACTERS]] for row, text in zip(rows, texts, strict=True)],
        )
    title = f"Where the models disagree ({int(apart.sum())} of {len(test)} items, {len(chosen)} shown)"
    return Exhibit(kind="table", title=title, columns=columns, rows=rows)


def power_table(margin: Margin, differences: list[Difference]) -> Exhibit | None:
    """The chance that these rows show superiority, by how much better the vertical model truly is."""
    main = next((d for d in differences if d.measure == margin.measure and d.gain_interval is not None), None)
    if main is None or main.gain_interval is None:
        return None
    band = main.gain_interval
    error = (band.high - band.low) / (2 * normal_quantile(0.5 + band.level / 2))
    if not math.isfinite(error) or error == 0:
        return None
    scale = 1.0 if main.unit is None else error / 0.01
    rows: list[list[Cell]] = [
        [
            float(f"{margin.by + gain * scale:.4g}"),
            round(superiority_power(margin.by + gain * scale, margin.by, error), 3),
        ]
        for gain in TRUE_GAINS
    ]
    return Exhibit(
        kind="table",
        title=f"Power: the chance that {main.n:,} rows show a gain in {margin.measure} beyond {margin.by:g}",
        columns=["true gain", "power"],
        rows=rows,
    )


def _shown(label: object) -> Cell:
    return "no answer" if label is None else str(label)
