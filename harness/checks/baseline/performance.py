"""Paired differences of performance: of classes, options and numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.checks.baseline.sides import About, Sides, undefined
from harness.checks.performance.classification import row_losses
from harness.core.comparison import Difference
from harness.stats.bootstrap import resample_sums
from harness.stats.skill import deviations, explained

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def performance_differences(sides: Sides) -> list[Difference]:
    """Of the suite's task: regression, or classes and options."""
    return _numbers(sides) if sides.suite.task == "regression" else _classes(sides)


def _classes(sides: Sides) -> list[Difference]:
    truth, classes = sides.test.labels, sides.data.classes
    right = [np.asarray(side.labels == truth, dtype=bool) for side in (sides.first, sides.second)]
    every = np.ones(len(truth), dtype=bool)
    found = [sides.shares(About("performance.accuracy"), right[0], right[1], every)]
    for name, rows in _slices(sides):
        found.append(sides.shares(About("performance.slice_accuracy", of={"slice": name}), right[0], right[1], rows))
    if sides.suite.task == "choice":
        return found
    for name in classes:
        about = About("performance.recall", of={"class": name})
        found.append(sides.shares(about, right[0], right[1], np.asarray(truth == name, dtype=bool)))
    return [*found, *_of_tables(sides), *_of_scores(sides)]


def _slices(sides: Sides) -> list[tuple[str, Bools]]:
    return [
        (f"{name} = {value}", np.asarray(values == value, dtype=bool))
        for name, values in sides.test.slices.items()
        for value in sorted({str(v) for v in values if v is not None})
    ]


def _of_tables(sides: Sides) -> list[Difference]:
    """What follows from the two confusion tables."""
    size, (truth, *answers) = len(sides.data.classes), sides.cells
    tables = tuple(
        np.bincount(truth * (size + 1) + own, minlength=size * (size + 1)).reshape(size, size + 1).astype(float)
        for own in answers
    )
    found = []
    for place, name in enumerate(sides.data.classes):
        for measure in ("f1", "precision"):
            about = About(f"performance.{measure}", of={"class": name})
            found.append(sides.of_tables(about, f"{measure}:{place}", (tables[0], tables[1])))
    for measure in ("balanced_accuracy", "mcc", "f1_macro"):
        found.append(sides.of_tables(About(f"performance.{measure}"), measure, (tables[0], tables[1])))
    return found


def _of_scores(sides: Sides) -> list[Difference]:
    both = sides.first.answered & sides.second.answered
    positive = sides.data.positive
    abouts = [About("performance.brier", "lower"), About("performance.log_loss", "lower")]
    if positive is not None:
        abouts.insert(0, About("performance.roc_auc"))
    if sides.first.scores is None or sides.second.scores is None:
        return [undefined(about, int(both.sum()), "no access: a model gives no probabilities") for about in abouts]
    found = []
    if positive is not None:
        scores = [side.positive_scores(positive) for side in (sides.first, sides.second)]
        assert scores[0] is not None and scores[1] is not None
        is_positive = np.asarray(sides.test.labels == positive, dtype=bool)
        found.append(sides.ranking(abouts[0], scores[0], scores[1], is_positive, both))
    losses = [row_losses(side.only(both), sides.test.labels[both]) for side in (sides.first, sides.second)]
    for k, about in enumerate(abouts[-2:]):
        found.append(sides.means(about, losses[0][k], losses[1][k], sides.clusters(both)))
    return found


def _numbers(sides: Sides) -> list[Difference]:
    both = sides.first.answered & sides.second.answered
    unit, n = sides.suite.data.label.unit, int(both.sum())
    about = [
        About("performance.mae", "lower", unit=unit),
        About("performance.rmse", "lower", unit=unit),
        About("performance.r2"),
    ]
    if n < 2:
        return [undefined(each, n, "no data: fewer than two rows that both models answered") for each in about]
    truth = sides.test.labels[both].astype(float)
    errors = [side.labels[both].astype(float) - truth for side in (sides.first, sides.second)]
    apart, clusters = deviations(truth), sides.clusters(both)
    sums = np.column_stack([errors[0] ** 2, errors[1] ** 2, apart, apart**2, np.ones(n)])
    drawn = resample_sums(sums, clusters, sides.resamples, sides.rng)
    total = sums.sum(axis=0, keepdims=True)
    found = [sides.means(about[0], np.abs(errors[0]), np.abs(errors[1]), clusters)]
    for each, score in ((about[1], _root), (about[2], _explained)):
        values = float(score(total, 0)[0]), float(score(total, 1)[0])
        worst = float(np.abs(errors).max()) if each.unit else 1.0
        found.append(sides.bootstrapped(each, values, (score(drawn, 0), score(drawn, 1)), n, worst or 1.0))
    return found


def _root(sums: Floats, side: int) -> Floats:
    return np.asarray(np.sqrt(sums[:, side] / sums[:, 4]))


def _explained(sums: Floats, side: int) -> Floats:
    return explained(sums[:, side], sums[:, 2], sums[:, 3], sums[:, 4])
