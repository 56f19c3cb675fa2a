"""Brings an earlier release's record into an audit: its answers for the same rows, and the margins that it sets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from harness.core.audit import Audit
from harness.core.comparison import release_rules
from harness.core.dataset import Dataset
from harness.core.predictions import Predictions
from harness.datasets.readers import read_table
from harness.engine.evidence import Baseline
from harness.engine.records import open_audit, record_path
from harness.errors import DataError
from harness.spec.loading import LoadedSuite
from harness.spec.suite import CheckRequest

if TYPE_CHECKING:
    import pandas as pd

CHECK = "baseline.paired"


def against_baseline(loaded: LoadedSuite, data: Dataset, path: Path) -> tuple[LoadedSuite, Baseline]:
    """The suite with the paired check and its release margins as blocking rules, and the earlier release.

    Raises:
        DataError: the baseline is of another suite, has no saved predictions, or other test rows.
        IntegrityError: the record or its predictions were changed since they were written.
    """
    file = record_path(path)
    if not file.is_file():
        raise DataError(f"There is no record {file}. Give the last release's audit.json or its run folder.")
    record = open_audit(file)
    suite = loaded.suite
    if record.suite.name != suite.name:
        raise DataError(f"{path} is an audit of {record.suite.name}; wanted one of {suite.name}.")
    answers = _answers(record, file.parent, data)
    checks = suite.checks if any(c.name == CHECK for c in suite.checks) else [*suite.checks, CheckRequest(name=CHECK)]
    judged = suite.model_copy(update={"policy": [*suite.policy, *release_rules(suite.release)], "checks": checks})
    name = f"{record.suite.name} of {record.started[:10]}, record {record.digest[7:15]}"
    return replace(loaded, suite=judged), Baseline(name, answers, list(record.policy.rules), record.digest)


def _answers(record: Audit, folder: Path, data: Dataset) -> Predictions:
    saved = record.predictions
    path = folder / saved.path if saved and saved.path else None
    if saved is None or path is None or not path.is_file():
        raise DataError(
            f"The baseline's predictions {saved.path if saved else ''} are not beside its record. Keep the run folder whole, "
            "or audit the last release again with -o audit.json."
        )
    table = read_table(path)
    table = table.loc[table["role"] == "test"].set_index("id")
    ids = list(data.splits["test"].ids)
    if absent := [i for i in ids if i not in table.index]:
        raise DataError(
            f"The baseline did not answer {len(absent)} of the {len(ids)} test rows, so they can't be compared item by "
            "item. Audit the last release again on these data."
        )
    if record.data.fingerprint != data.fingerprint:
        raise DataError(
            "The baseline was measured on other data (sha256 differs). Audit the last release again on these."
        )
    return _predictions(table.loc[ids], data)


def _predictions(table: pd.DataFrame, data: Dataset) -> Predictions:
    if not data.classes:
        return Predictions((), table["label"].to_numpy(dtype=float), None)
    labels = np.array([None if value != value else value for value in table["label"]], dtype=object)
    columns = [f"score:{name}" for name in data.classes]
    scores = table[columns].to_numpy(dtype=float) if set(columns) <= set(table.columns) else None
    return Predictions(data.classes, labels, scores)
