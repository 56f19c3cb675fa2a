"""SHAP values of a model of which only the answers are known, by coalitions of features (Lundberg & Lee 2017).

A coalition is a set of features that keep the explained row's values while the others take those of a background row. The
worth of a coalition is the mean output over the background rows (interventional). Of up to eight features every coalition
is asked, which is exact; of more features, permutations are sampled: each background row has its own, read forwards and
backwards, in cyclic shifts, so that every feature comes at every place alike.

Rows are put together by position, never by comparing values: what a column is measured in can't change a share.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

MOST_EXACT_FEATURES, FEWEST_EXACT_ROWS, MOST_ROWS = 8, 10, 100
BATCH = 20_000


@dataclass(frozen=True)
class Plan:
    """How many rows are explained against how many background rows, by every coalition or by `passes` permutations a
    background row."""

    kind: Literal["exact", "permutation"]
    rows: int
    background: int
    passes: int = 1

    @property
    def explainer(self) -> str:
        """The name for the record."""
        return "Exact (interventional)" if self.kind == "exact" else "Permutation (interventional)"


def plan_coalitions(rows: int, features: int, background: int, calls: int) -> Plan:
    """What so many model calls allow: every coalition where that explains ten rows at least (or as many as permutations
    would), else permutations of 100 rows at most, repeated as often as the calls allow."""
    rows = min(rows, MOST_ROWS)
    if features <= MOST_EXACT_FEATURES:
        exact = min(rows, _affordable(calls, 2**features - 2, background))
        if exact >= min(rows, FEWEST_EXACT_ROWS):
            return Plan("exact", exact, background)
    masks = 2 * (features - 1)
    count = min(rows, _affordable(calls, masks, background))
    passes = (calls - background) // max(1, count) // max(1, masks * background)
    return Plan("permutation", count, background, max(1, passes))


def _affordable(calls: int, masks: int, background: int) -> int:
    """The rows explained by so many calls: each row is asked as it is twice, and once a mask and background row."""
    return max(0, (calls - background) // (masks * background + 2))


def by_coalitions(
    sample: pd.DataFrame, reference: pd.DataFrame, plan: Plan, seed: int, outputs: Callable[[pd.DataFrame], Floats]
) -> tuple[Floats, Floats, Floats]:
    """Values (n, features, k), base values and outputs (n, k); the outputs of m rows are (m, k)."""
    sample, reference = sample.iloc[: plan.rows], reference.iloc[: plan.background]
    asked = _Asked(sample, reference, outputs)
    none = outputs(reference)
    rng = np.random.default_rng(seed)
    count, size = sample.shape[1], len(reference)
    step = max(1, BATCH // (size * (2**count if plan.kind == "exact" else 2 * count)))
    parts = []
    for start in range(0, len(sample), step):
        rows = np.arange(start, min(start + step, len(sample)))
        if plan.kind == "exact":
            parts.append(_exact(asked, rows, none))
        else:
            parts.append(np.mean([_permuted(asked, rows, none, rng) for _ in range(plan.passes)], axis=0))
    # The output is asked for by itself, so that a model that answers otherwise the second time does not add up.
    output = outputs(sample)
    return np.concatenate(parts), np.broadcast_to(none.mean(axis=0), output.shape), output


@dataclass(frozen=True)
class _Asked:
    """The rows explained, the background rows, and the model."""

    sample: pd.DataFrame
    reference: pd.DataFrame
    outputs: Callable[[pd.DataFrame], Floats]

    def __call__(self, rows: Ints, present: Bools) -> Floats:
        """The outputs (r, masks, background, k) for r of the sample's rows, with these features present
        (r, masks, background, features)."""
        import pandas as pd

        both = pd.concat([self.sample, self.reference], ignore_index=True)
        positions = len(self.sample) + np.arange(len(self.reference))
        taken = np.where(present, rows[:, None, None, None], positions[:, None])
        shape = taken.shape[:-1]
        taken = taken.reshape(-1, taken.shape[-1])
        mixed = {name: both[name].array.take(taken[:, j]) for j, name in enumerate(both.columns)}
        return self.outputs(pd.DataFrame(mixed)).reshape(*shape, -1)

    def whole(self, rows: Ints) -> Floats:
        """The outputs (r, k) for these rows as they are."""
        return self.outputs(self.sample.iloc[rows].reset_index(drop=True))


def _exact(asked: _Asked, rows: Ints, none: Floats) -> Floats:
    """Values (r, features, k) by every coalition; `none` is the output of the background rows (background, k)."""
    count, size, outputs = asked.sample.shape[1], len(none), none.shape[1]
    codes = np.arange(2**count)
    found = np.empty((len(rows), 2**count, size, outputs))
    found[:, 0], found[:, -1] = none, asked.whole(rows)[:, None]
    if count > 1:
        present = (codes[1:-1, None, None] >> np.arange(count)) & 1 == 1
        found[:, 1:-1] = asked(rows, np.broadcast_to(present, (len(rows), 2**count - 2, size, count)))
    worth: Floats = found.mean(axis=2)
    weights = np.array([1 / (count * comb(count - 1, others)) for others in range(count)])
    values = np.empty((len(rows), count, outputs))
    for j in range(count):
        without = codes[(codes >> j) & 1 == 0]
        # The gains first, so that a feature that changes nothing has exactly nothing.
        gains = worth[:, without | 1 << j] - worth[:, without]
        values[:, j] = np.einsum("rck,c->rk", gains, weights[np.bitwise_count(without)])
    return values


def _permuted(asked: _Asked, rows: Ints, none: Floats, rng: np.random.Generator) -> Floats:
    """Values (r, features, k) by one permutation of each row and background row, read forwards and backwards."""
    count, size = asked.sample.shape[1], len(none)
    place = np.stack([_places(count, size, rng) for _ in rows])
    whole = np.broadcast_to(asked.whole(rows)[:, None], (len(rows), size, none.shape[1]))
    total = np.zeros((len(rows), size, count, none.shape[1]))
    steps = np.arange(1, count)[:, None, None]
    present = np.concatenate([place[:, None] < steps, (count - 1 - place)[:, None] < steps], axis=1)
    inner = asked(rows, present) if count > 1 else np.empty((len(rows), 0, size, none.shape[1]))
    for way, order in enumerate((place, count - 1 - place)):
        chain = np.concatenate(
            [
                np.broadcast_to(none, (len(rows), 1, *none.shape)),
                inner[:, way * (count - 1) : (way + 1) * (count - 1)],
                whole[:, None],
            ],
            axis=1,
        )
        gains = np.moveaxis(np.diff(chain, axis=1), 1, 2)
        total += np.take_along_axis(gains, order[..., None], axis=2) / 2
    values: Floats = total.mean(axis=1)
    return values


def _places(count: int, size: int, rng: np.random.Generator) -> Ints:
    """For each of `size` background rows the place of each feature in its permutation (size, features)."""
    drawn = [rng.permutation(count) for _ in range(-(-size // count))]
    shifted = [(one + shift) % count for one in drawn for shift in range(count)]
    return np.array(shifted[:size], dtype=np.int64)
