"""Measures of confusion tables: counts (..., classes, classes + 1), rows the truth, columns the answer, the last "no answer".

Each is a function of shares alone: a table and its multiples have the same value.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Table = npt.NDArray[Any]


def f1_scores(table: Table) -> Floats:
    """F1 of each class (..., classes): 2·TP / (2·TP + FP + FN); NaN where a class has neither rows nor answers."""
    hits, rows, answers = _margins(table)
    total = rows + answers
    return np.asarray(np.divide(2 * hits, total, out=np.full(hits.shape, np.nan), where=total > 0))


def f1_macro(table: Table) -> Floats:
    """Mean F1 over the classes that have rows."""
    return _mean_of_present(f1_scores(table), _margins(table)[1])


def f1_weighted(table: Table) -> Floats:
    """Mean F1, each class by its share of the rows."""
    rows = _margins(table)[1]
    return np.asarray(np.nansum(f1_scores(table) * rows, axis=-1) / rows.sum(axis=-1))


def precisions(table: Table) -> Floats:
    """Precision of each class (..., classes); NaN where it is never answered."""
    hits, _, answers = _margins(table)
    return np.asarray(np.divide(hits, answers, out=np.full(hits.shape, np.nan), where=answers > 0))


def precision_macro(table: Table) -> Floats:
    """Mean precision over the classes that have rows; 0 for one that is never answered."""
    return _mean_of_present(np.nan_to_num(precisions(table)), _margins(table)[1])


def balanced_accuracy(table: Table) -> Floats:
    """Mean recall over the classes that have rows."""
    hits, rows, _ = _margins(table)
    return np.asarray(np.nanmean(np.divide(hits, rows, out=np.full(hits.shape, np.nan), where=rows > 0), axis=-1))


def matthews(table: Table) -> Floats:
    """Matthews correlation (Gorodkin 2004); NaN where truth or answers are of one class only."""
    hits, rows, _ = _margins(table)
    columns = table.sum(axis=-2).astype(float)
    n = rows.sum(axis=-1)
    top = hits.sum(axis=-1) * n - (rows * columns[..., : rows.shape[-1]]).sum(axis=-1)
    bottom = (n**2 - (columns**2).sum(axis=-1)) * (n**2 - (rows**2).sum(axis=-1))
    known = bottom > 1e-12 * n**4
    return np.asarray(np.divide(top, np.sqrt(np.where(known, bottom, 1)), out=np.full_like(top, np.nan), where=known))


MEASURES: dict[str, Callable[[Table], Floats]] = {
    "f1_macro": f1_macro,
    "f1_weighted": f1_weighted,
    "precision_macro": precision_macro,
    "balanced_accuracy": balanced_accuracy,
    "mcc": matthews,
}
"""The measures of a whole table, by name."""


def _margins(table: Table) -> tuple[Floats, Floats, Floats]:
    """Hits, rows and answers of each class (..., classes)."""
    counts = table.astype(float)
    classes = counts.shape[-2]
    return np.diagonal(counts, axis1=-2, axis2=-1), counts.sum(axis=-1), counts.sum(axis=-2)[..., :classes]


def _mean_of_present(values: Floats, rows: Floats) -> Floats:
    present = rows > 0
    return np.asarray(np.where(present, np.nan_to_num(values), 0).sum(axis=-1) / present.sum(axis=-1))
