"""Counts pieces of texts, so that a model of columns can read them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd


def piece_counts(inputs: pd.DataFrame, derived: list[tuple[str, str, str]]) -> dict[str, npt.NDArray[np.float64]]:
    """How often each row's text holds each piece (n,), by the new column's name; `derived` lists (name, feature, piece).

    Overlapping occurrences count, upper and lower case differ ("aa" stands in "aaa" twice); NaN where the text is missing.
    """
    found: dict[str, npt.NDArray[np.float64]] = {}
    for column in dict.fromkeys(feature for _, feature, _ in derived):
        own = [(name, piece) for name, feature, piece in derived if feature == column]
        sizes = sorted({len(piece) for _, piece in own})
        rows = [None if text is None or text != text else _pieces(str(text), sizes) for text in inputs[column]]
        for name, piece in own:
            found[name] = np.array([np.nan if row is None else row[piece] for row in rows], dtype=float)
    return found


def _pieces(text: str, sizes: list[int]) -> Counter[str]:
    return Counter(text[start : start + size] for size in sizes for start in range(len(text) - size + 1))
