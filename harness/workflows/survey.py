"""What was found out about the user's own table, as a starter suite needs it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from harness.checks.data.quality import sentinels
from harness.datasets.column_roles import Guess, LabelChoice, Role
from harness.datasets.outcomes import Outcome
from harness.datasets.reading import Reading
from harness.datasets.vocabulary import REGULATED, words_of
from harness.errors import DataError
from harness.workflows.leaks import Leak

if TYPE_CHECKING:
    import pandas as pd

MINIMUM_GROUP = 30
SMALL_TABLE = 1000
_TYPICAL_SENTINELS = {-1, -9, -99, -999, -9999, 99, 999, 9999, 99999, 0}


@dataclass(frozen=True)
class Attribute:
    """A sensitive column under the key that it gets in the suite; bins for a column of many numbers, else None."""

    key: str
    guess: Guess
    bins: tuple[float, ...] | None
    groups: int
    small: int


@dataclass(frozen=True)
class Survey:
    """The labelled rows, how they were read, what each column seems to be, and what looks wrong with them."""

    source: str
    read: Reading
    table: pd.DataFrame
    unlabelled: int
    label: LabelChoice
    outcome: Outcome
    guesses: list[Guess]
    leaks: dict[str, Leak]
    remarks: tuple[str, ...] = ()

    def of_role(self, *roles: Role) -> list[Guess]:
        """Guesses of these roles whose columns give nothing away."""
        return [g for g in self.guesses if g.role in roles and g.column not in self.leaks]

    @property
    def test_share(self) -> float:
        """The share of test rows: half of a small table."""
        return 0.5 if len(self.table) < SMALL_TABLE else 0.4

    @cached_property
    def texts(self) -> list[Guess]:
        """Columns that the model reads as texts: only where no other column tells anything of a case."""
        if self.of_role("feature"):
            return []
        return self.of_role("text") or ([] if self.of_role("sensitive") else self.of_role("code"))

    @cached_property
    def features(self) -> list[Guess]:
        """What the model sees.

        Raises:
            DataError: nothing is left.
        """
        found = self.texts or self.of_role("feature", "sensitive")
        if not found:
            left_out = "; ".join(f"{g.column!r}: {self.leaks[g.column].how if g.column in self.leaks else g.reason}" for g in self._others())  # fmt: skip
            raise DataError(
                f"No column is left that a model could learn {self.label.column!r} from ({left_out or 'the file has no other column'}). "
                "Name another label: --label COLUMN, or give a file with a column of properties of the case."
            )
        return found

    @cached_property
    def sensitive(self) -> list[Attribute]:
        """Every sensitive column, each under a key of its own: the attribute's usual name, the column's where two hold one attribute."""
        found = [g for g in self.guesses if g.role == "sensitive"]
        usual = Counter(g.attribute for g in found)
        wanted = [
            str(g.attribute) if usual[g.attribute] == 1 else words_of(g.column).replace(" ", "_") or "group"
            for g in found
        ]
        return [self._attribute(key, guess) for key, guess in zip(distinct_names(wanted), found, strict=True)]

    @cached_property
    def missing(self) -> list[tuple[str, float]]:
        """Numbers that usually mean "missing" and stand apart, in columns that the suite uses."""
        used = [g.column for g in self.of_role("feature", "sensitive")]
        numbers = self.table[used].select_dtypes("number").astype(float)
        if not numbers.shape[1]:
            return []
        return [(column, value) for column, value, *_ in sentinels([numbers]) if value in _TYPICAL_SENTINELS]

    def _others(self) -> list[Guess]:
        return [g for g in self.guesses if g.role != "label"]

    def _attribute(self, key: str, guess: Guess) -> Attribute:
        values = self.table[guess.column].dropna()
        values = values[~values.isin([value for column, value in self.missing if column == guess.column])]
        if values.dtype.kind in "iuf" and values.nunique() > 6 and not _are_codes(guess, values):
            return Attribute(key, guess, _thirds(values), 3, 0)
        counts = values.value_counts()
        return Attribute(key, guess, None, len(counts), int((counts * self.test_share < MINIMUM_GROUP).sum()))


def distinct_names(names: Iterable[str]) -> list[str]:
    """The names, those that stood before with a number behind: a, a → a, a_2."""
    found: list[str] = []
    for name in names:
        number, own = 2, name
        while own in found:
            own, number = f"{name}_{number}", number + 1
        found.append(own)
    return found


def _are_codes(guess: Guess, values: pd.Series[float]) -> bool:
    """Whether whole numbers name groups: those of any regulated attribute but the age."""
    return guess.attribute in REGULATED and guess.attribute != "age" and bool((values % 1 == 0).all())


def _thirds(values: pd.Series[float]) -> tuple[float, ...]:
    """Edges that cut numbers (n,) in three parts about equal, or fewer where many values are the same."""
    low, high = float(np.floor(values.min())), float(np.floor(values.max()) + 1)
    edges = sorted({low, *(float(round(q)) for q in np.quantile(values, [1 / 3, 2 / 3])), high})
    edges = [edge for edge in edges if low <= edge <= high]
    if len(edges) == 2:  # two thirds and more hold the lowest value
        above = float(values[values > values.min()].min())
        edges = sorted({low, above, high})
    return tuple(edges)
