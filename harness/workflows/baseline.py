"""Brings an earlier release's record into an audit: its answers for the same rows, and the margins that it sets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.core.audit import Audit
from harness.core.comparison import release_rules
from harness.core.dataset import Dataset
from harness.core.predictions import Predictions
from harness.engine.evidence import Baseline
from harness.engine.records import open_audit, record_path
from harness.errors import DataError
from harness.spec.loading import LoadedSuite
from harness.spec.suite import CheckRequest
from harness.workflows.saved_answers import DECIDED, answers_in, saved_answers

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
    if record.suite.name != loaded.suite.name:
        raise DataError(f"{path} is an audit of {record.suite.name}; wanted one of {loaded.suite.name}.")
    answers = _answers(record, file.parent, data)
    name = f"{record.suite.name} of {record.started[:10]}, record {record.digest[7:15]}"
    return with_release_rules(loaded), Baseline(name, answers, list(record.policy.rules), record.digest)


def with_release_rules(loaded: LoadedSuite) -> LoadedSuite:
    """The suite with the paired check, and its release margins as blocking rules."""
    suite = loaded.suite
    checks = suite.checks if any(c.name == CHECK for c in suite.checks) else [*suite.checks, CheckRequest(name=CHECK)]
    judged = suite.model_copy(update={"policy": [*suite.policy, *release_rules(suite.release)], "checks": checks})
    return replace(loaded, suite=judged)


def _answers(record: Audit, folder: Path, data: Dataset) -> Predictions:
    table = saved_answers(record, folder)
    if table is None:
        raise DataError(
            f"The baseline's predictions {record.predictions.path if record.predictions else ''} are not beside its record. "
            "Keep the run folder whole, or audit the last release again with -o audit.json."
        )
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
    return answers_in(table.loc[ids], data.classes, DECIDED)
