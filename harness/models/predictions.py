"""Saved predictions as a model: audit without the model itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.core.audit import ModelInfo
from harness.core.dataset import SUITE_CALIBRATION, Dataset
from harness.core.finding import Finding
from harness.core.names import same_names, text_of
from harness.core.predictions import Predictions
from harness.engine.provenance import sha256_file
from harness.errors import ModelError

if TYPE_CHECKING:
    import pandas as pd


_AS_NUMBERS = " It seems that its ids were read as numbers, so their zeros are lost: read ids as text, such as read_csv(…, dtype={'id': str})."


class SavedPredictions:
    """Answers looked up by row id."""

    def __init__(
        self, table: pd.DataFrame, info: ModelInfo, classes: tuple[str, ...], warnings: tuple[Finding, ...]
    ) -> None:
        self._table, self.info, self._classes, self.warnings = table, info, classes, warnings

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
                + (_AS_NUMBERS if any(_number(i) in self._table.index for i in absent) else "")
            )
        rows = self._table.loc[[called[i] for i in ids]]
        columns = [f"score:{name}" for name in self._classes]
        scores = rows[columns].to_numpy(dtype=float) if "scores" in self.info.offers else None
        return Predictions(self._classes, rows["label"].to_numpy(dtype=object if self._classes else float), scores)


def load_predictions(path: Path, table: pd.DataFrame, data: Dataset) -> SavedPredictions:
    """Checks a predictions table (columns id, label, score or score:CLASS) against the data."""
    table = table.copy()
    if "id" not in table:
        raise ModelError(f"{path.name} has no column 'id'. Wanted: id, label and score:<class> columns (or one score).")
    table["id"] = [text_of(value) for value in table["id"]]
    repeated = table["id"].duplicated()
    if repeated.any():
        raise ModelError(
            f"{path.name} repeats {int(repeated.sum())} id(s) (first: {table['id'][repeated].iloc[0]}). "
            "Give each row once."
        )
    scored = bool(data.classes) and _spread_scores(table, data, path)
    if "label" not in table:
        if not scored:
            wanted = "label, score:<class>, or score" if data.classes else "label, the predicted number"
            raise ModelError(f"{path.name} has neither 'label' nor scores. Wanted: {wanted}.")
        table["label"] = _labels_from_scores(table, data)
    elif table["label"].isna().any():
        raise ModelError(f"{path.name} lacks {int(table['label'].isna().sum())} label(s). Every row needs an answer.")
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
    contrary = int((table["label"] != _labels_from_scores(table, data)).sum()) if scored else 0
    warning = Finding(
        measure="model.label_contradicts_score",
        value=contrary,
        n=len(table),
        exact=True,
        better="lower",
        unit="rows",
        reason="the label is not the choice that its scores make" if contrary else None,
    )
    info = ModelInfo(uri=str(path), kind="predictions", fingerprint=sha256_file(path), offers=offers, absent=absent)
    return SavedPredictions(table, info, data.classes, (warning,))


def _of_suite(table: pd.DataFrame, data: Dataset) -> pd.DataFrame:
    """The table (by id) with the suite's calibration rows as `suite:ID`; a plain id will do where no test row has it."""
    part = data.splits.get(SUITE_CALIBRATION)
    if part is None:
        return table
    others = set(data.splits["test"].ids) | set(data.splits["train"].ids)
    plain = {name.removeprefix("suite:"): name for name in part.ids if name not in table.index}
    return table.rename(index={name: full for name, full in plain.items() if name not in others})


def _spread_scores(table: pd.DataFrame, data: Dataset, path: Path) -> bool:
    scores = [str(column).removeprefix("score:").strip() for column in table if str(column).startswith("score:")]
    called = {f"score:{name}": f"score:{word}" for name, word in same_names(scores, data.classes).items()}
    table.columns = [called.get(str(column), str(column)) for column in table]
    named = [column for column in table.columns if column.startswith("score:")]
    if named:
        absent = [name for name in data.classes if f"score:{name}" not in named]
        if absent:
            raise ModelError(
                f"{path.name} has no score for {', '.join(absent)}. Wanted: "
                + ", ".join(f"score:{name}" for name in data.classes)
                + "."
            )
        for column in named:
            table[column] = _numbers(table[column], column, path)
        return True
    if "score" not in table:
        return False
    if data.positive is None or len(data.classes) != 2:
        raise ModelError(
            f"{path.name} has one 'score' column, but the suite names no positive class. Give score:<class>."
        )
    other = next(name for name in data.classes if name != data.positive)
    table["score"] = _numbers(table["score"], "score", path)
    table[f"score:{data.positive}"] = table["score"]
    table[f"score:{other}"] = 1 - table["score"]
    return True


def _called(labels: list[str], classes: tuple[str, ...]) -> list[str]:
    """The labels (n) as the data call the classes, where both write them differently (`1.0` and `1`)."""
    called = same_names(labels, classes)
    return [called[label] for label in labels]


def _number(name: str) -> str | None:
    """A name as a table writes it that took it for a whole number: `7` for `007`; None where it is no such number."""
    return str(int(name)) if name.isascii() and name.isdigit() else None


def _numbers(column: pd.Series[Any], name: str, path: Path) -> pd.Series[Any]:
    try:
        return column.astype(float)
    except (ValueError, TypeError) as error:
        raise ModelError(f"{path.name}: the column {name!r} must hold numbers ({error}).") from error


def _labels_from_scores(table: pd.DataFrame, data: Dataset) -> list[str]:
    if data.positive is not None and len(data.classes) == 2:
        other = next(name for name in data.classes if name != data.positive)
        return [data.positive if score >= 0.5 else other for score in table[f"score:{data.positive}"].astype(float)]
    scores = table[[f"score:{name}" for name in data.classes]].to_numpy(dtype=float)
    return [data.classes[i] for i in scores.argmax(axis=1)]
