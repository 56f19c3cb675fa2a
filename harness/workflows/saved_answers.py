"""The predictions that a run saved beside its record: a row for each id and role, with a label and scores by class."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness.core.audit import Audit
from harness.core.predictions import Predictions

if TYPE_CHECKING:
    import pandas as pd


DECIDED = "decision"


def saved_answers(record: Audit, folder: Path) -> pd.DataFrame | None:
    """The table that the record names, columns `id`, `role`, `label`, `decision` and `score:<class>`; None where it is not in the folder."""
    import pandas as pd

    path = folder / record.predictions.path if record.predictions else None
    return None if path is None or not path.is_file() else pd.read_parquet(path)


def answers_in(table: pd.DataFrame, classes: tuple[str, ...], column: str = "label") -> Predictions:
    """The answers in rows of that table (n,), in their order; a missing label is a row without an answer.

    `column` is `label`, the model's own label, or DECIDED, the answer at the decision, which is left out where that is the label.
    """
    column = column if column in table.columns else "label"
    if not classes:
        return Predictions((), table["label"].to_numpy(dtype=float), None)
    labels = np.array([None if value != value else value for value in table[column]], dtype=object)
    columns = [f"score:{name}" for name in classes]
    scores = table[columns].to_numpy(dtype=float) if set(columns) <= set(table.columns) else None
    return Predictions(classes, labels, scores)
