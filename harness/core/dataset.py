"""The data of an audit: rows, labels and groups, split by role."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harness.core.datacard import DataCard
from harness.core.names import name_of

if TYPE_CHECKING:
    import pandas as pd

Strings = npt.NDArray[np.object_]
Labels = npt.NDArray[Any]


@dataclass(frozen=True)
class Split:
    """One part of the data. `ids` (n,) text, `inputs` the feature columns, `labels` (n,) class names or, for regression,
    numbers, `groups` attribute → (n,) group names (None where unknown), `slices` likewise, `columns` every column as read,
    `clusters` (n,) names of the clusters of the observations (None where they are independent). The arrays become read-only."""

    role: str
    ids: Strings
    inputs: pd.DataFrame
    labels: Labels
    groups: dict[str, Strings]
    slices: dict[str, Strings]
    columns: pd.DataFrame
    clusters: Strings | None = None

    def __post_init__(self) -> None:
        clusters = () if self.clusters is None else (self.clusters,)
        for values in (self.ids, self.labels, *self.groups.values(), *self.slices.values(), *clusters):
            values.setflags(write=False)

    def __len__(self) -> int:
        return len(self.ids)

    def names(self, column: str) -> Strings:
        """The values of a column (n,) as names; None where missing."""
        return np.array(
            [None if value != value or value is None else name_of(value) for value in self.columns[column]],
            dtype=object,
        )

    def take(self, rows: Sequence[int]) -> Split:
        """The rows at these positions, in this order."""
        at = list(rows)
        return Split(
            self.role,
            self.ids[at],
            self.inputs.iloc[at].reset_index(drop=True),
            self.labels[at],
            {name: values[at] for name, values in self.groups.items()},
            {name: values[at] for name, values in self.slices.items()},
            self.columns.iloc[at].reset_index(drop=True),
            None if self.clusters is None else self.clusters[at],
        )


def joined_clusters(parts: Iterable[Split]) -> Strings | None:
    """The clusters of several splits' rows, one after the other; None where rows stand alone in any of them."""
    known = [part.clusters for part in parts]
    return None if any(own is None for own in known) else np.concatenate([own for own in known if own is not None])


SUITE_CALIBRATION = "suite_calibration"


@dataclass(frozen=True)
class Dataset:
    """Every split of one data set, its classes (none for regression), and where it came from.

    `members` says how training members are known: fitted, train-data, stated, or unknown. `origin` is what was loaded, where
    it was loaded by name (`hf:org/name@commit#config/split`); None for a file. `unlabelled` counts the rows that were left out
    because they have no label (`label.missing: leave_out`); they are among `rows`. `trained_calibration_rows` are the calibration
    rows that the model is known to have been trained on; `no_calibration` says why there are none where the suite has some.
    Where other data than the suite's are audited, the suite's own calibration rows are the split SUITE_CALIBRATION: they set the
    threshold of the decision, and no check looks at them. `of_suite` says that these are all rows of the suite's own data, so that a
    rule's class or group that no row has is a mistake.

    Of the cells as read, by column: `stripped` counts those with blanks around them, which were cut off, and `missing_words`
    (column → word → cells) those of labels and groups that were taken as missing because of a word. `unseen` counts the rows of each class
    that the suite's own data do not have. `own_types` says why the types of columns and the classes are those of the rows at hand,
    where the suite's own data, which have them, can't be read.
    """

    splits: dict[str, Split]
    classes: tuple[str, ...]
    positive: str | None
    fingerprint: str
    rows: int
    duplicates_dropped: int
    card: DataCard | None
    members: str
    sampled_rows: int | None = None
    origin: str | None = None
    unlabelled: int = 0
    trained_calibration_rows: int = 0
    no_calibration: str | None = None
    of_suite: bool = True
    stripped: dict[str, int] = field(default_factory=dict)
    missing_words: dict[str, dict[str, int]] = field(default_factory=dict)
    unseen: dict[str, int] = field(default_factory=dict)
    own_types: str | None = None

    @property
    def threshold_role(self) -> str:
        """The split that sets the threshold of the decision."""
        return SUITE_CALIBRATION if SUITE_CALIBRATION in self.splits else "calibration"
