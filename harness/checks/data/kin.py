"""Kin across a split without a declared cluster: rows equal in all features but one (the same mix at another age).

A test row has kin if a training or calibration row equals it in all features but `differ` of them and differs in these. In few or
coarse columns honest rows do so too, so the same is counted with every column shuffled for itself over all rows, for each set of
columns that may differ. Sets count from the rarest kin by chance on, as long as together they make kin for one test row in a hundred
at most; where none is left, equality tells nothing and the rate is undefined. Limitations: columns that go together make more
kin than shuffled ones, so look at the columns named; kin that differ in more columns are not seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from harness.core.dataset import Split
from harness.core.finding import Cell, Exhibit, Finding
from harness.engine.measurement import undefined
from harness.stats.design_effect import share_interval

if TYPE_CHECKING:
    import pandas as pd

Hashes = npt.NDArray[np.uint64]
Bools = npt.NDArray[np.bool_]
Columns = tuple[int, ...]

MEASURE, COARSE, SHUFFLES, SHOWN = "data.kin_rate", 0.01, 10, 10


def kin(test: Split, others: list[Split], differ: int, rng: np.random.Generator) -> tuple[Finding, list[Exhibit]]:
    """The share of test rows that have kin among the other splits' rows, and by which columns."""
    import pandas as pd

    names, n = [str(name) for name in test.inputs.columns], len(test)
    if len(names) <= differ:
        return undefined(MEASURE, n, f"no data: {len(names)} feature(s), of which {differ} may differ"), []
    hashes = _hashes(pd.concat([part.inputs for part in (test, *others)], ignore_index=True))
    chances = _chances(hashes, n, differ, rng)
    used = _rare(chances)
    if not used:
        least = min(chances.values())
        why = f"too few or too coarse features: with each column shuffled for itself {least:.1%} of the test rows have kin at least (in all features but {differ})"
        return undefined(MEASURE, n, why), []
    found = {columns: has for columns, has in kin_by_columns(hashes, n, differ) if columns in used}
    any_of = np.logical_or.reduce(list(found.values()))
    ranked = sorted(found, key=lambda columns: (-int(found[columns].sum()), columns))
    top = [columns for columns in ranked if found[columns].any()][:SHOWN]
    rows: list[list[Cell]] = [
        [
            ", ".join(names[i] for i in columns),
            int(found[columns].sum()),
            float(found[columns].mean()),
            chances[columns],
        ]
        for columns in top
    ]
    chance = sum(chances[columns] for columns in used)
    why = (
        f"{int(any_of.sum())} test row(s) equal a training or calibration row in all features but {differ}; "
        f"{chance:.1%} at most do with shuffled columns"
    )
    why += f"; most differ in {rows[0][0]} ({rows[0][1]})" if rows else ""
    why += (
        f"; {len(chances) - len(used)} of {len(chances)} such sets of columns are too coarse to tell"
        if len(used) < len(chances)
        else ""
    )
    band = share_interval(any_of, test.clusters)
    finding = Finding(measure=MEASURE, value=float(any_of.mean()), n=n, interval=band, better="lower", reason=why)
    headings = ["differ in", "test rows", "share", "share with shuffled columns"]
    title = "Test rows that equal a training or calibration row in all other columns"
    return finding, [Exhibit(kind="table", title=title, columns=headings, rows=rows)] if rows else []


def kin_by_columns(hashes: Hashes, n_test: int, differ: int) -> Iterator[tuple[Columns, Bools]]:
    """For each set of `differ` columns: which of the first `n_test` rows (n, k) equal a later row in all others, and differ in these."""
    whole = hashes.sum(axis=1, dtype=np.uint64)
    first = np.unique(whole[n_test:], return_index=True)[1]  # copies of one row count once
    copied = np.isin(whole[:n_test], whole[n_test:])
    for columns in combinations(range(hashes.shape[1]), differ):
        left = whole - hashes[:, columns].sum(axis=1, dtype=np.uint64)
        rest, counts = np.unique(left[n_test:][first], return_counts=True)
        place = np.minimum(np.searchsorted(rest, left[:n_test]), len(rest) - 1)
        alike = np.where(rest[place] == left[:n_test], counts[place], 0)
        yield columns, alike > copied  # its own copies are data.quality's


def _chances(hashes: Hashes, n_test: int, differ: int, rng: np.random.Generator) -> dict[Columns, float]:
    chances: dict[Columns, float] = {}
    for _ in range(SHUFFLES):
        for columns, has in kin_by_columns(rng.permuted(hashes, axis=0), n_test, differ):
            chances[columns] = chances.get(columns, 0.0) + float(has.mean()) / SHUFFLES
    return chances


def _rare(chances: dict[Columns, float]) -> set[Columns]:
    used: set[Columns] = set()
    total = 0.0
    for columns in sorted(chances, key=lambda one: (chances[one], one)):
        total += chances[columns]
        if total > COARSE:
            break
        used.add(columns)
    return used


def _hashes(inputs: pd.DataFrame) -> Hashes:
    """A number (n, k) for each cell that equal cells of a column share; rows are compared by their sums modulo 2^64."""
    import pandas as pd

    return np.column_stack(
        [
            pd.util.hash_array(np.array([f"{place}:{value}" for value in column], dtype=object))
            for place, (_, column) in enumerate(inputs.items())
        ]
    )
