"""Each row's label: a class, a number, or the position of the right option."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harness.core.dataset import Labels, Strings
from harness.core.names import name_of, same_names
from harness.datasets.rows import Rows
from harness.datasets.sources import Source
from harness.errors import DataError
from harness.spec.data import Data, Label, Threshold
from harness.spec.suite import Suite

if TYPE_CHECKING:
    import pandas as pd


def labelled(rows: Rows, label: Label) -> Rows:
    """The rows that have a label, where the suite says that the others are left out; else all rows."""
    if label.column is None or label.missing == "refuse":
        return rows
    known = rows.table[label.column].notna().to_numpy()
    if not known.any():
        raise DataError(f"No row has a label in {label.column!r}. Name the label's column: data.label.column.")
    return rows.only(known)


def labels_of(
    rows: Rows, suite: Suite, source: Source, known: tuple[str, ...] | None = None
) -> tuple[tuple[str, ...], Labels]:
    """The classes (none for regression), and each row's class or number. `known` are the classes of the suite's data.

    A class is called as the suite calls it, where the suite and the data write it differently (`1` and `1.0`).
    """
    label = suite.data.label
    if label.column is None:
        assert suite.views.prompt is not None
        return tuple(sorted(suite.views.prompt.choices)), np.full(len(rows), None, dtype=object)
    column = rows.table[label.column]
    if column.isna().any():
        _refuse_unlabelled(column, label.column, source)
    if suite.task == "regression":
        return (), _numbers(column, label.column, "the task is regression")
    if suite.task == "choice":
        return tuple(str(i) for i in range(len(suite.data.options))), _chosen(rows.table, suite.data, source.name)
    if isinstance(label.positive, Threshold):
        numbers = _numbers(column, label.column, "label.positive is at_least")
        positive, negative = label.names.get("positive", "positive"), label.names.get("negative", "negative")
        values = np.where(numbers >= label.positive.at_least, positive, negative).astype(object)
    else:
        written = rows.names(label.column)
        called = same_names(written, known or suite.class_names)
        values = np.array([called[name] for name in written], dtype=object)
    return _classes(values, label, source.name, known), values


def _refuse_unlabelled(column: pd.Series[Any], name: str, source: Source) -> None:
    words = source.read.words.get(name, {})
    kept = ", ".join(f"{word!r} ({count} rows)" for word, count in words.items())
    raise DataError(
        f"{source.name} lacks {int(column.isna().sum())} label(s) in {name!r}. Fill or drop those rows, "
        "or write data.label.missing: leave_out, and they are left out and counted."
        + (f" If {kept} is a class, write data.read.missing_words without it." if words else "")
    )


def _chosen(table: pd.DataFrame, data: Data, source: str) -> Strings:
    """The 0-based place (as text) of each item's right option, given by place or by its words."""
    found = []
    columns = [str(data.label.column), *data.options]
    for row, (given, *words) in enumerate(table[columns].itertuples(index=False, name=None)):
        own = [None if word is None or word != word else name_of(word) for word in words]
        name = name_of(given)
        place = int(name) if name.isdigit() else (own.index(name) if name in own else -1)
        if not 0 <= place < len(own) or own[place] is None:
            raise DataError(
                f"{source}, row {row}: the label in {data.label.column!r} is no option of the item. Wanted: the 0-based "
                "place of the right option, or its words."
            )
        found.append(str(place))
    return np.array(found, dtype=object)


def _numbers(column: pd.Series[Any], name: str, why: str) -> npt.NDArray[np.float64]:
    import pandas as pd

    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float)
    if not np.isfinite(numbers).all():
        raise DataError(
            f"{name!r} must hold numbers, and finite ones ({why}), got {column[~np.isfinite(numbers)].iloc[0]!r}."
        )
    return np.asarray(numbers)


def _classes(values: Strings, label: Label, source: str, known: tuple[str, ...] | None) -> tuple[str, ...]:
    classes = tuple(sorted(set(values)))
    if known is None and len(classes) < 2:
        raise DataError(
            f"The label {label.column!r} of {source} has one class only ({classes[0]!r}). "
            "Nothing can be told apart; give rows of two classes at least."
        )
    if known is not None:
        return _with_unseen(known, values, label, source)
    for role, name in (("positive", label.positive_name), ("favourable", label.favourable)):
        if name is not None and name not in classes:
            raise DataError(
                f"label.{role} is {name!r}, but {label.column!r} of {source} holds {', '.join(classes[:10])}."
            )
    return classes


def _with_unseen(known: tuple[str, ...], values: Strings, label: Label, source: str) -> tuple[str, ...]:
    """The classes of the suite's data, then those that only these rows have: no answer of a model to such a row is right.

    Raises:
        DataError: there is such a class beside a positive one, so that it can't be said what it is.
    """
    unseen = Counter(str(name) for name in values if name not in known)
    if unseen and label.positive is not None:
        named = ", ".join(f"{name!r} ({count} rows)" for name, count in unseen.most_common(5))
        raise DataError(
            f"{label.column!r} of {source} holds the class(es) {named}, which the suite's data do not have: {', '.join(known)}. "
            f"Correct these labels; or list them under data.missing.{label.column} and write data.label.missing: leave_out, and "
            "those rows are left out and counted."
        )
    return (*known, *sorted(unseen))
