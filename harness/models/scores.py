"""What the numbers mean that a model gives its classes, and the probabilities that follow; never guessed from their look."""

from __future__ import annotations

from typing import get_args

import numpy as np
import numpy.typing as npt
from scipy import special

from harness.engine.text_pass import NOT_FINITE
from harness.errors import ModelError
from harness.models.options import ScoreMeaning

Floats = npt.NDArray[np.float64]
MEANINGS: tuple[str, ...] = get_args(ScoreMeaning)
TOLERANCE = 1e-3
"""How far from 1 the probabilities of a row may sum, and one of them lie outside of 0 to 1: 16-bit numbers do not come closer."""


def probabilities(scores: Floats, meaning: ScoreMeaning | None, name: str) -> Floats:
    """Probabilities (n, k) of what a model gives its labels (n, k), by its meaning; rows that are not finite stay so.

    Of logits and decision scores the softmax. A single column is of the second of two labels: of logits and decision scores the
    logistic function, of probabilities 1 minus it and itself; what rounding put outside of 0 to 1 is 0 or 1. Decision scores rank
    rows as the model does, but say nothing of how probable a class is. Without a meaning they must be probabilities as they are.

    Raises:
        ModelError: they are not what they are said to be (probabilities are no logits), or no probabilities where nothing is said.
    """
    finite = np.isfinite(scores).all(axis=1)
    if meaning == "log_probability":
        possible = np.isfinite(scores).any(axis=1) | (scores.shape[1] == 1)  # of several labels one at least
        finite |= (np.isneginf(scores) | np.isfinite(scores)).all(axis=1) & possible
    known, out = scores[finite], np.full((len(scores), max(scores.shape[1], 2)), np.nan)
    if meaning in ("logit", "decision_function"):
        if len(known) and known.shape[1] > 1 and _are_probabilities(known):
            raise ModelError(
                f"{name} gives probabilities (from 0 to 1, each row sums to 1), and they are said to be of the meaning {meaning}. Leave "
                "--scores out, or say --scores probability."
            )
        both = known if known.shape[1] > 1 else np.hstack([np.zeros_like(known), known])
        out[finite] = special.softmax(both, axis=1)
        return out
    stated = np.exp(known) if meaning == "log_probability" else known
    if stated.shape[1] == 1:
        stated = np.hstack([1 - stated, stated])
    if len(stated) and not _are_probabilities(stated):
        raise ModelError(
            f"{name} gives {_look(known)}"
            + ("" if meaning is None else f", and --scores says {meaning}")
            + f". Say what they are: --scores {'|'.join(MEANINGS)}, or let the model give probabilities."
        )
    out[finite] = np.clip(stated, 0, 1)
    return out


def text_rows(scores: Floats) -> Floats:
    """Rows (n, 1 + classes) of a text model with these probabilities: the position of the largest first, or NOT_FINITE."""
    finite = np.asarray(np.isfinite(scores).all(axis=1))
    first = np.where(finite, np.where(finite[:, None], scores, 0.0).argmax(axis=1), NOT_FINITE)
    return np.column_stack([first, scores])


def _are_probabilities(scores: Floats) -> bool:
    """Whether scores (n, k), n ≥ 1, lie from 0 to 1 and each row sums to 1."""
    within = scores.min() >= -TOLERANCE and scores.max() <= 1 + TOLERANCE
    return bool(within and np.abs(scores.sum(axis=1) - 1).max() <= TOLERANCE)


def _look(known: Floats) -> str:
    """What the scores (n, k) are by their look, in words."""
    sums = known.sum(axis=1)
    span = f"scores from {known.min():.4g} to {known.max():.4g} whose rows sum to {sums.min():.4g} to {sums.max():.4g}"
    if known.max() <= 0 and np.abs(np.exp(known).sum(axis=1) - 1).max() <= TOLERANCE:
        return f"{span}, so no probabilities (their exponentials sum to 1, as those of log-probabilities do)"
    if known.min() >= 0 and known.max() <= 1:
        return f"{span}, so no probabilities of labels of which one alone is right"
    return f"{span}, so no probabilities (logits and decision scores look so)"
