"""What a model answered, in the order it was asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Strings = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Predictions:
    """Answers for n rows: labels (n,), and scores (n, classes) where the model gives probabilities."""

    classes: tuple[str, ...]
    labels: Strings
    scores: Floats | None

    def positive_scores(self, positive: str) -> Floats | None:
        """The probability of the positive class (n,), or None without scores."""
        if self.scores is None:
            return None
        return self.scores[:, self.classes.index(positive)]
