"""What a model answered, in the order it was asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Predictions:
    """Answers for n rows: labels (n,), and scores (n, classes) where the model gives probabilities.

    A row that the model did not answer (a refusal, an answer that can't be read) has the label None and NaN scores. For
    regression there are no classes: labels are numbers, NaN without an answer. The arrays become read-only.
    """

    classes: tuple[str, ...]
    labels: Labels
    scores: Floats | None

    def __post_init__(self) -> None:
        self.labels.setflags(write=False)
        if self.scores is not None:
            self.scores.setflags(write=False)

    @property
    def answered(self) -> npt.NDArray[np.bool_]:
        """Which rows have an answer (n,)."""
        if not self.classes:
            return np.asarray(np.isfinite(self.labels.astype(float)))
        return np.array([label is not None for label in self.labels], dtype=bool)

    def only(self, rows: npt.NDArray[np.bool_]) -> Predictions:
        """The answers of some rows (n,)."""
        return Predictions(self.classes, self.labels[rows], None if self.scores is None else self.scores[rows])

    def positive_scores(self, positive: str) -> Floats | None:
        """The probability of the positive class (n,), or None without scores."""
        if self.scores is None:
            return None
        return self.scores[:, self.classes.index(positive)]
