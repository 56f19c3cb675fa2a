"""What a model answered, in the order it was asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.names import same_names

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

    def called(self, classes: tuple[str, ...]) -> Predictions:
        """The answers with the names that the data have for their classes, where the model writes them differently (`1` and `1.0`)."""
        labels = [label for label in self.labels if isinstance(label, str)] if self.classes else []
        names = same_names([*self.classes, *labels], classes)
        if all(name == word for name, word in names.items()):
            return self
        named = np.array([names.get(label, label) for label in self.labels], dtype=object)
        return Predictions(tuple(names[name] for name in self.classes), named, self.scores)

    def only(self, rows: npt.NDArray[np.bool_]) -> Predictions:
        """The answers of some rows (n,)."""
        return Predictions(self.classes, self.labels[rows], None if self.scores is None else self.scores[rows])

    def positive_scores(self, positive: str) -> Floats | None:
        """The probability of the positive class (n,), or None without scores."""
        if self.scores is None:
            return None
        return self.scores[:, self.classes.index(positive)]
