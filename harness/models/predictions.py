"""Saved predictions as a model: audit without the model itself."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.core.audit import ModelInfo
from harness.core.dataset import SUITE_CALIBRATION, Dataset
from harness.core.finding import Finding
from harness.core.names import same_names, text_of
from harness.core.predictions import Predictions
from harness.core.written_numbers import number_of
from harness.engine.provenance import sha256_file
from harness.errors import ModelError
from harness.models.labels import map_labels, most_probable
from harness.models.options import ModelOptions
from harness.models.scores import probabilities

if TYPE_CHECKING:
    import pandas as pd

_AS_NUMBERS = " It seems that its ids were read as numbers, so what they were written like is lost: read ids as text, such as read_csv(…, dtype={'id': str})."


class SavedPredictions:
    """Answers looked up by row id."""

    def __init__(self, table: pd.DataFrame, info: ModelInfo, classes: tuple[str, ...]) -> None:
        self._table, self.info, self._classes = table, info, classes
        self.warnings: tuple[Finding, ...] = ()

    def estimator(self) -> Any:
        """None: only answers are known."""
        return None

    def predict(self, inputs: pd.DataFrame, ids: np.ndarray) -> Predictions:
        """The saved answers of these ids."""
        called = same_names(ids, self._table.index)  # a table that made numbers of ids writes 7 as 7.0
        absent = [str(i) for i in ids if called[i] not in self._table.index]
        if absent:
            raise ModelError(
                f"{self.info.uri} lacks {len(absent)} of {len(ids)} row ids (first: {absent[0]}). Score every "
                "test row: 'harness rows SUITE --role test -o rows.csv' writes them."
                + (_AS_NUMBERS if _read_as_numbers(absent, self._table.index) else "")
            )
        rows = self._table.loc[[called[i] for i in ids]]
        columns = [f"score:{name}" for name in self._classes]
        labels = rows["label"].to_numpy(dtype=object if self._classes else float)
        if "scores" not in self.info.offers:
            return Predictions(self._classes, labels, None)
        scores = rows[columns].to_numpy(dtype=float, copy=True)
        unknown = ~np.isfinite(scores).all(axis=1) | np.array([label is None for label in labels], dtype=bool)
        labels[unknown], scores[unknown] = None, np.nan
        return Predictions(self._classes, labels, scores)


def load_predictions(path: Path, table: pd.DataFrame, data: Dataset, options: ModelOptions) -> SavedPredictions:
    """Checks a predictions table (columns id, label, score or score:CLASS) against the data."""
    if "label" in table and (missing := int(table["label"].isna().sum())):
        raise ModelError(f"{path.name} lacks {missing} label(s). Every row needs an answer.")
    table = _in_the_suites_words(table, data, options, path)
    if "id" not in table:
        raise ModelError(f"{path.name} has no column 'id'. Wanted: id, label and score:<class> columns (or one score).")
    table["id"] = [text_of(value) for value in table["id"]]
    repeated = table["id"].duplicated()
    if repeated.any():
        raise ModelError(
            f"{path.name} repeats {int(repeated.sum())} id(s) (first: {table['id'][repeated].iloc[0]}). "
            "Give each row once."
        )
    scored = bool(data.classes) and _spread_scores(table, data, options, path)
    if "label" not in table:
        if not scored:
            wanted = "label, score:<class>, or score" if data.classes else "label, the predicted number"
            raise ModelError(f"{path.name} has neither 'label' nor scores. Wanted: {wanted}.")
        scores = table[[f"score:{name}" for name in data.classes]].to_numpy(dtype=float)
        table["label"] = most_probable(
            _positive_first(data), scores[:, [data.classes.index(c) for c in _positive_first(data)]]
        )
    elif not data.classes:
        table["label"] = _numbers(table["label"], "label", path)
    else:
        table["label"] = _called([text_of(value) for value in table["label"]], data.classes)
    table = table.set_index("id")
    table = _of_suite(table, data)
    offers = ["labels"] + (["scores"] if scored else [])
    absent: dict[str, int] = {}
    for role in ("train", "calibration", SUITE_CALIBRATION):
        part = data.splits.get(role)
        if part is None or not len(part):
            continue
        absent[role] = len(set(part.ids) - set(table.index))
        if not absent[role]:
            offers.append(role)
    info = ModelInfo(uri=str(path), kind="predictions", fingerprint=sha256_file(path), offers=offers, absent=absent)
    return SavedPredictions(table, info, data.classes)


def _of_suite(table: pd.DataFrame, data: Dataset) -> pd.DataFrame:
    """The table (by id) with the suite's calibration rows as `suite:ID`; a plain id will do where no test row has it."""
    part = data.splits.get(SUITE_CALIBRATION)
    if part is None:
        return table
    others = set(data.splits["test"].ids) | set(data.splits["train"].ids)
    plain = {name.removeprefix("suite:"): name for name in part.ids if name not in table.index}
    return table.rename(index={name: full for name, full in plain.items() if name not in others})


def _in_the_suites_words(table: pd.DataFrame, data: Dataset, options: ModelOptions, path: Path) -> pd.DataFrame:
    """The table with the user's names of classes (--label-map) in labels and in the names of score columns."""
    table, given = table.copy(), options.label_map
    if not given:
        return table
    labels = [text_of(value) for value in table["label"]] if "label" in table else []
    scored = [str(name).removeprefix("score:").strip() for name in table if str(name).startswith("score:")]
    called = same_names([*labels, *scored], given)
    map_labels(sorted(set(called.values())), data.classes, given, path.name)
    if labels:
        table["label"] = [given.get(called[label], label) for label in labels]
    names = {f"score:{label}": f"score:{given.get(called[label], label)}" for label in scored}
    return table.rename(columns=names)


def _spread_scores(table: pd.DataFrame, data: Dataset, options: ModelOptions, path: Path) -> bool:
    """Whether the table holds scores, which become a column of probabilities for each class."""
    scored = [str(column).removeprefix("score:").strip() for column in table if str(column).startswith("score:")]
    called = {f"score:{name}": f"score:{word}" for name, word in same_names(scored, data.classes).items()}
    table.columns = [called.get(str(column), str(column)) for column in table]
    named = [column for column in table.columns if column.startswith("score:")]
    wanted = [f"score:{name}" for name in data.classes]
    if named:
        if absent := [name for name in wanted if name not in named]:
            raise ModelError(
                f"{path.name} has no column {', '.join(absent)}. Wanted: {', '.join(wanted)}; --label-map OWN=CLASS translates a name."
            )
        scores = np.column_stack([_numbers(table[name], name, path).to_numpy() for name in wanted])
    elif "score" not in table:
        return False
    elif data.positive is None or len(data.classes) != 2:
        raise ModelError(
            f"{path.name} has one 'score' column, but the suite names no positive class. Give score:<class>."
        )
    else:
        other = next(name for name in data.classes if name != data.positive)
        wanted = [f"score:{other}", f"score:{data.positive}"]
        scores = _numbers(table["score"], "score", path).to_numpy()[:, None]
    table[wanted] = probabilities(scores, options.scores, path.name)
    return True


def _called(labels: list[str], classes: tuple[str, ...]) -> list[str]:
    """The labels (n) as the data call the classes, where both write them differently (`1.0` and `1`)."""
    called = same_names(labels, classes)
    return [called[label] for label in labels]


def _read_as_numbers(absent: list[str], names: Iterable[str]) -> bool:
    """Whether a table holds the numbers that ids are which it lacks: `7` for `007`, `30.0` for `3e1`."""
    numbers = {number for name in names if (number := number_of(name)) is not None}
    return any(number_of(name) in numbers for name in absent if number_of(name) is not None)


def _numbers(column: pd.Series[Any], name: str, path: Path) -> pd.Series[Any]:
    try:
        return column.astype(float)
    except (ValueError, TypeError) as error:
        raise ModelError(
            f"{path.name}: the column {name!r} must hold numbers, with the decimal mark of the suite's data.read or with a point ({error})."
        ) from error


def _positive_first(data: Dataset) -> tuple[str, ...]:
    """The classes, of two the positive one first: at a probability of 0.5 it is the label."""
    return (
        tuple(sorted(data.classes, key=lambda name: name != data.positive)) if len(data.classes) == 2 else data.classes
    )
