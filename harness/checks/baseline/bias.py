"""Paired differences of bias: rates by group, and how far each group lies from the reference."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from harness.checks.baseline.sides import About, Sides, undefined
from harness.checks.bias.groups import MINIMUM_EXPECTED
from harness.core.comparison import Difference
from harness.core.dataset import Strings

Bools = npt.NDArray[np.bool_]
MINIMUM_GROUP = 30


def bias_differences(sides: Sides) -> list[Difference]:
    """Every declared attribute and the intersections that bias.groups is asked for; regression by mean absolute error."""
    minimum, attributes = _asked(sides)
    if sides.suite.task == "regression":
        return [d for name, values in attributes.items() for d in _errors(sides, name, values, minimum)]
    favourable = sides.suite.data.label.favourable
    if favourable is None:
        return []
    deserving = np.asarray(sides.test.labels == favourable, dtype=bool)
    selected = [np.asarray(side.labels == favourable, dtype=bool) for side in (sides.first, sides.second)]
    found: list[Difference] = []
    for name, values in attributes.items():
        names = sorted({str(v) for v in values if v is not None})
        rows = {group: np.asarray(values == group, dtype=bool) for group in names}
        for group in names:
            found += _rates(sides, {name: group}, rows[group], deserving, (selected[0], selected[1]))
        if len(names) > 1:
            found += _against(sides, name, rows, _cells(deserving, selected[0], selected[1]), minimum)
    return found


def _asked(sides: Sides) -> tuple[int, dict[str, Strings]]:
    wanted: dict[str, Any] = {}
    for request in sides.suite.checks:
        if request.name in ("bias.groups", "bias.errors"):
            wanted |= request.parameters
    attributes = {name: sides.test.groups[name] for name in sides.suite.data.sensitive}
    for names in wanted.get("intersections") or []:
        parts = zip(*(sides.test.groups[name] for name in names), strict=True)
        crossed = [None if any(v is None for v in row) else " × ".join(row) for row in parts]
        attributes[" × ".join(names)] = np.array(crossed, dtype=object)
    return int(wanted.get("minimum_group", MINIMUM_GROUP)), attributes


def _cells(deserving: Bools, first: Bools, second: Bools) -> npt.NDArray[np.int64]:
    return deserving.astype(np.int64) * 4 + first * 2 + second


def _rates(
    sides: Sides, group: dict[str, str], rows: Bools, deserving: Bools, selected: tuple[Bools, Bools]
) -> list[Difference]:
    answered = sides.first.answered, sides.second.answered
    right = [(s == deserving) & known for s, known in zip(selected, answered, strict=True)]
    return [
        sides.shares(About("bias.accuracy", group=group), right[0], right[1], rows),
        sides.shares(About("bias.selection_rate", "target", group=group), *selected, rows),
        sides.shares(About("bias.true_positive_rate", group=group), *selected, rows & deserving),
        sides.shares(About("bias.false_positive_rate", "lower", group=group), *selected, rows & ~deserving),
    ]


def _against(
    sides: Sides, attribute: str, rows: dict[str, Bools], cells: npt.NDArray[np.int64], minimum: int
) -> list[Difference]:
    """Impact ratio and signed gaps of each group against the reference."""
    names = list(rows)
    # Of each group: rows that (do not) deserve, by whether the second, and the first, model selects them.
    counts = np.array([np.bincount(cells[mask], minlength=8).reshape(2, 4) for mask in rows.values()])
    sizes = counts.sum(axis=(1, 2))
    named = " × ".join(sides.suite.data.reference.get(part, "") for part in attribute.split(" × "))
    reference = names.index(named) if named in names else max(range(len(names)), key=lambda i: (sizes[i], names[i]))
    found = []
    for k, name in enumerate(names):
        if k == reference:
            continue
        pair, both = counts[[k, reference]], rows[name] | rows[names[reference]]
        for measure, part in (
            ("selection_rate_gap", slice(0, 2)),
            ("true_positive_rate_gap", slice(1, 2)),
            ("false_positive_rate_gap", slice(0, 1)),
        ):
            about = About(f"bias.{measure}", "target", {attribute: name})
            own = pair[:, part].sum(axis=1)
            least = int(own.sum(axis=1).min())
            if least < minimum:
                why = f"insufficient sample: {least} rows in the denominator, {minimum} needed"
                found.append(undefined(about, int(own.sum()), why))
                continue
            found.append(sides.of_groups(about, own, both))
        found.append(
            _ratio(sides, About("bias.impact_ratio", "target", {attribute: name}), pair.sum(axis=1), both, minimum)
        )
    return found


def _ratio(sides: Sides, about: About, pair: npt.NDArray[np.int64], both: Bools, minimum: int) -> Difference:
    n, least = int(pair.sum()), int(pair.sum(axis=1).min())
    if least < minimum:
        return undefined(about, n, f"insufficient sample: {least} rows in the smaller group, {minimum} needed")
    selected = pair.sum(axis=0)
    expected = np.array([selected[2] + selected[3], selected[1] + selected[3]]) / n * least
    if expected.min() < MINIMUM_EXPECTED:
        why = f"insufficient sample: {expected.min():.1f} selections expected in the smaller group, {MINIMUM_EXPECTED} needed"
        return undefined(about, n, why)
    return sides.of_groups(about, pair, both)


def _errors(sides: Sides, attribute: str, values: Strings, minimum: int) -> list[Difference]:
    both = sides.first.answered & sides.second.answered
    found = []
    for name in sorted({str(v) for v in values if v is not None}):
        rows = np.asarray(values == name, dtype=bool) & both
        about = About("bias.mean_absolute_error", "lower", {attribute: name}, unit=sides.suite.data.label.unit)
        if rows.sum() < minimum:
            found.append(undefined(about, int(rows.sum()), f"insufficient sample: {minimum} rows needed"))
            continue
        truth = sides.test.labels[rows].astype(float)
        errors = [np.abs(side.labels[rows].astype(float) - truth) for side in (sides.first, sides.second)]
        found.append(sides.means(about, errors[0], errors[1], sides.clusters(rows)))
    return found
