"""Finds the rows that are nearly equal: the search of `data.near_duplicates`, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from harness.checks.data.shingles import ROUNDING, Bools, Ints, Shingles, shingles_of
from harness.core.dataset import Split, joined_clusters

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

BLOCK, PAIRS, EXAMPLES = 256, 16_384, 10


@dataclass(frozen=True)
class Kinds:
    """The features by what being near means for them."""

    numbers: list[str]
    texts: list[str]
    categories: list[str]


@dataclass(frozen=True)
class Rows:
    """The test and training rows (r), equal ones of one cluster taken together (n), those with a test row first.

    `own` (r,) is the distinct row of each row. Of each distinct row: `first` its first row, `in_test`, `in_train`, `compared`
    whether it is held against all others, `vector` a
    number that equal features share, `cluster` its cluster, `points` (n, k) its numbers in tolerances and its categories as one
    more number, two apart, and its texts as `shingles`, if it has texts.
    """

    own: Ints
    first: Ints
    in_test: Bools
    in_train: Bools
    compared: Bools
    vector: Ints
    cluster: Ints
    points: Floats
    shingles: Shingles | None


@dataclass
class NearPairs:
    """Of the distinct rows (n): which are near a test or a training row, the set that each belongs to by chains of near
    rows, and a few pairs."""

    near_test: Bools
    near_train: Bools
    sets: Ints
    examples: list[tuple[int, int]] = field(default_factory=list)


def distinct_rows(parts: list[Split], kinds: Kinds, tolerance: float, compared: Ints) -> Rows:
    """The rows of the test split, and of the training split if there is one, made ready for the search of what resembles the
    test rows `compared` (m,)."""
    import pandas as pd

    inputs = pd.concat([part.inputs for part in parts], ignore_index=True)
    vector = _codes(inputs)
    clusters = joined_clusters(parts)
    cluster = vector if clusters is None else pd.factorize(clusters)[0]
    own = pd.factorize(vector * (cluster.max() + 1) + cluster)[0]  # numbered in the order of appearance
    first = np.unique(own, return_index=True)[1]
    tests = np.arange(len(own)) < len(parts[0])
    in_test, in_train, held = (np.bincount(own[part], minlength=len(first)) > 0 for part in (tests, ~tests, compared))
    points = _points(inputs, kinds, tolerance)[first]
    shingles = shingles_of(_texts(inputs[kinds.texts].iloc[first])) if kinds.texts else None
    return Rows(own, first, in_test, in_train, held, vector[first], cluster[first], points, shingles)


def find_near_pairs(rows: Rows, similarity: float) -> NearPairs:
    """Every near pair of a compared row and any row of another cluster is looked at, unless it can change nothing any more."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    n = len(rows.first)
    found = NearPairs(np.zeros(n, dtype=bool), np.zeros(n, dtype=bool), np.arange(n))
    for i, j in _candidates(rows, similarity):
        fresh = ~_settled(rows, found, i, j)
        i, j = _near(rows, i[fresh], j[fresh], similarity)
        if not len(i):
            continue
        for near, inside in ((found.near_test, rows.in_test), (found.near_train, rows.in_train)):
            near[i[inside[j]]] = True
            near[j[inside[i]]] = True
        links = coo_array((np.ones(len(i)), (found.sets[i], found.sets[j])), shape=(n, n))
        found.sets = connected_components(links, directed=False)[1][found.sets]
        left = EXAMPLES - len(found.examples)
        found.examples += zip(i[:left].tolist(), j[:left].tolist(), strict=True)
    return found


def _candidates(rows: Rows, similarity: float) -> Iterator[tuple[Ints, Ints]]:
    """Pairs of a compared row and any row that may be near, each once, a bounded number at a time."""
    compared = np.flatnonzero(rows.compared)
    blocks = [compared[start : start + BLOCK] for start in range(0, len(compared), BLOCK)]
    found = _close(rows, blocks) if rows.shingles is None else rows.shingles.candidates(blocks, similarity)
    for i, j in found:
        kept = ((i < j) | ~rows.compared[j]) & (rows.vector[i] != rows.vector[j]) & (rows.cluster[i] != rows.cluster[j])
        i, j = i[kept], j[kept]
        for start in range(0, len(i), PAIRS):
            yield i[start : start + PAIRS], j[start : start + PAIRS]


def _close(rows: Rows, blocks: list[Ints]) -> Iterator[tuple[Ints, Ints]]:
    from sklearn.neighbors import KDTree

    tree = KDTree(rows.points, metric="chebyshev")
    for block in blocks:
        partners = tree.query_radius(rows.points[block], r=1 + ROUNDING)
        yield np.repeat(block, [len(own) for own in partners]), np.concatenate(partners)


def _settled(rows: Rows, found: NearPairs, i: Ints, j: Ints) -> Bools:
    """Pairs that would tell nothing new: in one set already, and either known to have what the other is."""
    settled: Bools = found.sets[i] == found.sets[j]
    for near, inside in ((found.near_test, rows.in_test), (found.near_train, rows.in_train)):
        settled &= (near[i] | ~inside[j]) & (near[j] | ~inside[i])
    return settled


def _near(rows: Rows, i: Ints, j: Ints, similarity: float) -> tuple[Ints, Ints]:
    if rows.shingles is None:
        return i, j  # the tree has compared the numbers
    close = (np.abs(rows.points[i] - rows.points[j]) <= 1 + ROUNDING).all(axis=1)
    i, j = i[close], j[close]
    alike = rows.shingles.alike(i, j, similarity)
    return i[alike], j[alike]


def _codes(frame: pd.DataFrame) -> Ints:
    """A number (r,) that equal rows share, missing being equal to missing."""
    if not len(frame.columns):
        return np.zeros(len(frame), dtype=np.int64)
    named = frame.set_axis(range(len(frame.columns)), axis=1)
    return np.asarray(named.groupby(list(named.columns), dropna=False, sort=False).ngroup(), dtype=np.int64)


def _points(inputs: pd.DataFrame, kinds: Kinds, tolerance: float) -> Floats:
    """The rows as points (r, k): near ones lie within 1 in every direction."""
    import pandas as pd

    numbers = inputs[kinds.numbers].to_numpy(dtype=float)
    finite = np.isfinite(numbers)
    spreads = np.array([_spread(column[known]) for column, known in zip(numbers.T, finite.T, strict=True)])
    # What is no finite number is a category: missing, or an infinity.
    gaps = pd.DataFrame(np.where(finite, 0.0, numbers))
    categories = _codes(pd.concat([inputs[kinds.categories], gaps], axis=1))
    return np.column_stack([np.where(finite, numbers, 0.0) / (spreads * tolerance), 2.0 * categories])


def _spread(values: Floats) -> float:
    """The interquartile range, the standard deviation where that is 0, and 1 where all are equal."""
    if not len(values):
        return 1.0
    low, high = np.quantile(values, [0.25, 0.75])
    return float(high - low) or float(values.std()) or 1.0


def _texts(frame: pd.DataFrame) -> list[str]:
    rows = frame.itertuples(index=False, name=None)
    return ["\n".join("" if v is None or v != v else str(v) for v in row) for row in rows]
