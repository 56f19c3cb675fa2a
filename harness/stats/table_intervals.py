"""Intervals of measures of confusion tables, and of their differences between two models on the same rows; recomputable from counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.interval import Inputs, Interval
from harness.stats.exact import as_count, clopper_pearson
from harness.stats.profile import Cells, Floats, profile_limits
from harness.stats.tables import MEASURES, f1_scores, precisions

Ints = npt.NDArray[np.int64]
OF_CLASS: dict[str, Callable[[Any], Floats]] = {"f1": f1_scores, "precision": precisions}
"""Measures of one class, whose differences are of a table too."""


def table_interval(
    measure: str, counts: Sequence[float], classes: int, effect: float = 1, level: float = 0.95
) -> Interval:
    """Interval of a measure (a name of `MEASURES`) of a confusion table, by `profile_limits`.

    `counts` (classes · (classes + 1),) by row of the table; `effect` is the design effect of clustered rows.
    """
    table = np.asarray(counts, dtype=float)
    strata = np.repeat(np.arange(classes), classes + 1)

    def value(weights: Floats) -> Floats:
        return MEASURES[measure](weights.reshape(-1, classes, classes + 1))

    used = _useful(table, classes)
    cells = Cells(table[used] / effect, strata[used])
    low, high = profile_limits(_spread(value, used, len(table)), cells, level)
    inputs: Inputs = {"counts": [as_count(one) for one in table], "classes": classes, "effect": float(effect)}
    return Interval(low=low, high=high, level=level, method=f"profile_{measure}", inputs=inputs)


def f1_interval(successes: float, n: float, level: float = 0.95) -> Interval:
    """F1 of one class from its `successes` (TP) among the `n` rows that have it or are answered it (TP + FP + FN).

    Clopper and Pearson's interval (1934) of J = TP / n, the Jaccard index; F1 = 2J / (1 + J) rises with it.
    """
    of_index = clopper_pearson(successes, n, level)
    low, high = (2 * end / (1 + end) for end in (of_index.low, of_index.high))
    return Interval(low=low, high=high, level=level, method="clopper_pearson_f1", inputs=of_index.inputs)


def difference_interval(
    measure: str,
    cells: Sequence[Sequence[int]],
    counts: Sequence[float],
    classes: int,
    effect: float = 1,
    level: float = 0.95,
) -> Interval:
    """Interval of the first model's measure minus the second's, by `profile_limits` over the table of both answers by true class.

    `cells` are the truth, the first and the second answer (each (c,), positions of classes; `classes` is "no answer") of the `counts`
    (c,) of rows; `measure` is a name of `MEASURES`, or of `OF_CLASS` with the class's position after a colon. Rows on which only one model is
    right count though there are none: two models without an error have an interval with a width.
    """
    truth, first, second = (np.asarray(one, dtype=np.int64) for one in cells)
    given = np.asarray(counts, dtype=float)
    extra = _discordant(truth, classes)
    every = [np.concatenate([one, more]) for one, more in zip((truth, first, second), extra, strict=True)]
    weights = np.concatenate([given / effect, np.zeros(len(extra[0]))])
    score, size = score_of(measure), classes + 1
    places = [every[0] * size + every[1], every[0] * size + every[2]]

    def table(rows: Floats, place: Ints) -> Floats:
        found = np.zeros((len(rows), classes * size))
        for column, target in enumerate(place):
            found[:, target] += rows[:, column]
        return found.reshape(-1, classes, size)

    def value(rows: Floats) -> Floats:
        return np.asarray(score(table(rows, places[0])) - score(table(rows, places[1])))

    _, strata = np.unique(every[0], return_inverse=True)
    low, high = profile_limits(value, Cells(weights, strata.astype(np.int64)), level)
    inputs: Inputs = {
        "truth": [int(one) for one in truth],
        "first": [int(one) for one in first],
        "second": [int(one) for one in second],
        "counts": [as_count(one) for one in given],
        "classes": classes,
        "effect": float(effect),
    }
    return Interval(low=low, high=high, level=level, method=f"profile_difference_{measure}", inputs=inputs)


def recompute(method: str, inputs: dict[str, Any], level: float) -> Interval:
    """An interval of this module at another level, from its method and inputs."""
    name = method.removeprefix("profile_")
    if not name.startswith("difference_"):
        return table_interval(name, **inputs, level=level)
    cells = [inputs[key] for key in ("truth", "first", "second")]
    rest = {key: inputs[key] for key in ("counts", "classes", "effect")}
    return difference_interval(name.removeprefix("difference_"), cells, **rest, level=level)


def table_estimate(method: str, inputs: dict[str, Any]) -> float:
    """The value that an interval of this module belongs to."""
    classes, counts, name = int(inputs["classes"]), inputs["counts"], method.removeprefix("profile_")
    size = classes + 1
    if not name.startswith("difference_"):
        return float(MEASURES[name](np.asarray(counts, dtype=float).reshape(classes, size)))
    tables = []
    for side in ("first", "second"):
        table = np.zeros((classes, size))
        places = (np.asarray(inputs["truth"], dtype=int), np.asarray(inputs[side], dtype=int))
        np.add.at(table, places, counts)
        tables.append(table)
    score = score_of(name.removeprefix("difference_"))
    return float(score(tables[0][None])[0] - score(tables[1][None])[0])


def score_of(measure: str) -> Callable[[Floats], Floats]:
    """The function of tables that a name stands for: of `MEASURES`, or of `OF_CLASS` with the class's position after a colon."""
    name, _, place = measure.partition(":")
    if not place:
        return MEASURES[name]
    return partial(_of_class, OF_CLASS[name], int(place))


def _of_class(score: Callable[[Any], Floats], place: int, table: Floats) -> Floats:
    return np.nan_to_num(score(table)[..., place])


def _useful(table: Floats, classes: int) -> npt.NDArray[np.bool_]:
    """Cells of classes that have rows; the last column only where a row has no answer."""
    square = table.reshape(classes, classes + 1)
    kept = np.ones_like(square, dtype=bool)
    kept[:, -1] = square[:, -1].sum() > 0
    kept[square.sum(axis=1) == 0] = False
    return kept.ravel()


def _spread(measure: Callable[[Floats], Floats], used: npt.NDArray[np.bool_], size: int) -> Callable[[Floats], Floats]:
    def value(weights: Floats) -> Floats:
        full = np.zeros((len(weights), size))
        full[:, used] = weights
        return measure(full)

    return value


def _discordant(truth: Ints, classes: int) -> tuple[Ints, Ints, Ints]:
    """Cells without rows in which exactly one model is right, for each class that has rows."""
    found = [
        (k, k, j) if right else (k, j, k)
        for k in sorted(set(truth.tolist()))
        for j in range(classes)
        if j != k
        for right in (1, 0)
    ]
    one, two, three = (np.array(column, dtype=np.int64) for column in zip(*found, strict=True))
    return one, two, three
