"""Which rows of two files, or of two splits, are the same: files share no ids, so rows are compared by all their columns."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from harness.core.dataset import Split


def share_ids(splits: dict[str, Split]) -> None:
    """Gives a training row that is a test row that row's id.

    The files share no ids, so rows are compared by all their columns, and only rows that stand once in each file count.
    Where rows are too coarse to be told apart (equal rows are common by chance) no row is taken for another.
    """
    train, test = splits["train"], splits["test"]
    keys = [_row_keys(split, list(test.columns.columns.intersection(train.columns.columns))) for split in (train, test)]
    single = _told_apart(keys[0], keys[1])
    known = {key: own for key, own in zip(keys[1], test.ids, strict=True) if key in single}
    ids = np.array([known.get(key, own) for key, own in zip(keys[0], train.ids, strict=True)], dtype=object)
    splits["train"] = replace(train, ids=ids)


def trained_rows(part: Split, train: Split, members: str) -> int:
    """How many rows of a split are known to be training rows: by their ids, or in a file of training rows by all their columns."""
    if not len(part) or not len(train):
        return 0
    if members == "train-data":
        shared = sorted(set(part.columns.columns) & set(train.columns.columns))
        return len(_told_apart(_row_keys(train, shared), _row_keys(part, shared)))
    return len(set(part.ids) & set(train.ids)) if members == "fitted" else 0


def rows_in_common(part: Split, other: Split) -> npt.NDArray[np.bool_]:
    """Which rows (n,) of a split are rows of the other one too, by all their columns."""
    columns = sorted(set(part.columns.columns) & set(other.columns.columns))
    keys = [_row_keys(split, columns) for split in (part, other)]
    single = _told_apart(*keys)
    return np.array([key in single for key in keys[0]], dtype=bool)


def _told_apart(train: list[str], others: list[str]) -> set[str]:
    """The keys that stand once in either list; none where that is no more than rows that are equal by chance would give."""
    if not others:
        return set()
    counts = [Counter(part) for part in (train, others)]
    single = {key for key in counts[0] if counts[0][key] == 1 and counts[1][key] == 1}
    twins = 1 - sum(count == 1 for count in counts[1].values()) / len(others)
    return set() if len(single) <= (2 * twins + 0.01) * len(others) else single


def _row_keys(split: Split, columns: list[str]) -> list[str]:
    import pandas as pd

    hashed = pd.util.hash_pandas_object(split.columns[columns].astype(str), index=False).astype(str)
    return [f"{key}:{label}" for key, label in zip(hashed, split.labels, strict=True)]
