"""Copies of what checks see, for a third party's check: what it writes, by any attribute, reaches nobody else.

A built-in check sees the evidence itself, with read-only arrays. Code that searches closures or the interpreter's frames, or
replaces the harness's functions, is not held back here.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from harness.core.dataset import Dataset, Labels, Split, Strings
from harness.core.predictions import Predictions

if TYPE_CHECKING:
    import pandas as pd

    from harness.engine.evidence import Model, Refittable


def copied_data(data: Dataset) -> Dataset:
    """The data set, every array and frame copied."""
    return replace(
        data, splits={role: _split(split) for role, split in data.splits.items()}, card=copy.deepcopy(data.card)
    )


def copied_predictions(predictions: Predictions) -> Predictions:
    """The predictions, every array copied."""
    scores = None if predictions.scores is None else predictions.scores.copy()
    return Predictions(predictions.classes, predictions.labels.copy(), scores)


class IsolatedModel:
    """A model that answers as the given one does; all else about it is a copy."""

    def __init__(self, model: Model) -> None:
        self.info = model.info.model_copy(deep=True)
        self.warnings = tuple(finding.model_copy(deep=True) for finding in model.warnings)
        # Closures, so that no attribute leads to the model or its cache.
        self._predict: Callable[[pd.DataFrame, np.ndarray], Predictions] = lambda inputs, ids: model.predict(
            _frame(inputs), ids.copy()
        )
        self._estimator: Callable[[], Any] = lambda: copy.deepcopy(model.estimator())
        self._refitted: Callable[[pd.DataFrame, Labels], Model] = lambda inputs, labels: cast(
            "Refittable", model
        ).refitted(_frame(inputs), labels.copy())
        uncached = getattr(model, "answer_again", None)
        self.answer_again = None if uncached is None else (lambda inputs: uncached(_frame(inputs)))

    def predict(self, inputs: pd.DataFrame, ids: np.ndarray) -> Predictions:
        """Answers for copies of the rows."""
        return copied_predictions(self._predict(inputs, ids))

    def estimator(self) -> Any:
        """A copy of the fitted scikit-learn object, or None."""
        return self._estimator()

    def refitted(self, inputs: pd.DataFrame, labels: Labels) -> Model:
        """A clone fitted to copies of the rows; only where the model offers `refit`."""
        return self._refitted(inputs, labels)


def _split(split: Split) -> Split:
    return Split(
        split.role,
        split.ids.copy(),
        _frame(split.inputs),
        split.labels.copy(),
        _arrays(split.groups),
        _arrays(split.slices),
        _frame(split.columns),
        None if split.clusters is None else split.clusters.copy(),
    )


def _arrays(named: dict[str, Strings]) -> dict[str, Strings]:
    return {name: values.copy() for name, values in named.items()}


def _frame(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its cells and its names copied, which DataFrame.copy shares."""
    copied = frame.copy()
    copied.columns, copied.index = frame.columns.copy(deep=True), frame.index.copy(deep=True)
    return copied
