"""Names the groups of a column: values, bins or quantiles."""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.core.dataset import Strings
from harness.core.names import name_of, same_names
from harness.errors import DataError
from harness.spec.data import Sensitive

if TYPE_CHECKING:
    import pandas as pd


def group_names(
    column: pd.Series[Any], how: Sensitive, learned: pd.Series[Any] | None = None, words: Collection[str] = ()
) -> Strings:
    """Group names (n,) of a sensitive column: renamed values, bins [45, 60) such as 45-60, or quantiles such as
    `0-25% (below 45)`, cut as in the column of the training rows (the column itself without one); None where missing.

    `words` are what the suite calls groups: a value that it writes differently (`1` for 1.0) is called so.
    """
    import pandas as pd

    if how.quantiles is not None:
        return _quantile_names(column, how, column if learned is None else learned)
    if how.bins is not None:
        numbers = pd.to_numeric(column, errors="coerce")
        names = [f"{low:g}-{high:g}" for low, high in zip(how.bins[:-1], how.bins[1:], strict=True)]
        cut = pd.cut(numbers, bins=[float(b) for b in how.bins], labels=names, right=False)
        return np.array([None if pd.isna(value) else str(value) for value in cut], dtype=object)
    groups = np.array([None if pd.isna(value) else name_of(value) for value in column], dtype=object)
    found, renamed = {name for name in groups if name is not None}, how.values or {}
    called = same_names(sorted(found), renamed)
    if renamed and found and not set(called.values()) & set(renamed):
        raise DataError(
            f"values of {how.column!r} renames {', '.join(renamed)}, but the column holds {', '.join(sorted(found)[:8])}. "
            "Write the values as they stand in the data."
        )
    renaming = {name: renamed.get(value, name) for name, value in called.items()}
    told = same_names(renaming.values(), words)
    return np.array([None if name is None else told[renaming[name]] for name in groups], dtype=object)


def _quantile_names(column: pd.Series[Any], how: Sensitive, learned: pd.Series[Any]) -> Strings:
    import pandas as pd

    known = pd.to_numeric(learned, errors="coerce").to_numpy(dtype=float)
    known = known[np.isfinite(known)]
    if not len(known):
        raise DataError(
            f"quantiles of {how.column!r} need numbers in the training rows, and there is none. Use values, or another column."
        )
    edges: dict[float, float] = {}  # the last share that lies at an edge: equal edges are one
    for share in how.shares:
        edges[float(np.quantile(known, share))] = share
    # Nothing lies below the smallest number: a cut there parts nothing.
    cuts = [(edge, share) for edge, share in edges.items() if edge > known.min()]
    ends = [0.0, *[share for _, share in cuts], 1.0]
    words = [f"{edge:.4g}" for edge, _ in cuts]
    sides = (
        [f"below {words[0]}", *[f"{a} to {b}" for a, b in pairwise(words)], f"{words[-1]} and above"]
        if cuts
        else ["all"]
    )
    names = [f"{100 * a:g}-{100 * b:g}% ({side})" for (a, b), side in zip(pairwise(ends), sides, strict=True)]
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float)
    place = np.searchsorted([edge for edge, _ in cuts], numbers, side="right")
    return np.array([names[k] if np.isfinite(v) else None for k, v in zip(place, numbers, strict=True)], dtype=object)
