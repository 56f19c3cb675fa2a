"""Batches of texts under a token budget, planned from the whole request."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
# Each new shape of a batch costs memory that oneDNN never gives back; lengths in steps of 4 keep the shapes few.
LENGTH_STEP = 4


class TextSizes(NamedTuple):
    """How large n texts are to a model that reads tokens."""

    tokens: Ints  # (n,)
    unknown: Ints | None  # (n,): those of them that the vocabulary lacks; None where the model does not tell


def padded(length: int) -> int:
    """A batch's length: that of its longest text, rounded up to LENGTH_STEP."""
    return -(-length // LENGTH_STEP) * LENGTH_STEP


def plan_batches(lengths: Ints, budget: int, most: int) -> list[Ints]:
    """Positions of each batch: texts sorted by length, longest first, so that padding is small.

    A batch holds at most `most` texts, and its size times its longest text (rounded up to LENGTH_STEP) stays within
    `budget` tokens (a single text may exceed it). The plan depends on the lengths alone, so a run that goes on after a
    kill forms the same batches.
    """
    lengths = -(-lengths // LENGTH_STEP) * LENGTH_STEP
    order = np.argsort(-lengths, kind="stable")
    batches, start = [], 0
    while start < len(order):
        longest = max(1, int(lengths[order[start]]))
        size = max(1, min(most, budget // longest))
        batches.append(order[start : start + size])
        start += size
    return batches
