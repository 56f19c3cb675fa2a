"""Measures an audit again without its model: the suite, its data, and the saved predictions as the model's answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harness.core.audit import Audit, ModelInfo
from harness.core.dataset import SUITE_CALIBRATION, Dataset
from harness.core.finding import CheckRecord, Finding
from harness.core.predictions import Predictions
from harness.datasets.roles import DataOptions, load_dataset
from harness.engine import provenance
from harness.engine.evidence import Evidence
from harness.engine.planner import LOADING, Plan, Step, plan
from harness.engine.policy_facts import policy_facts, with_required_rules
from harness.engine.progress import Progress
from harness.engine.runner import run
from harness.errors import HarnessError, IntegrityError, SuiteError, UserError
from harness.spec.loading import LoadedSuite, load_suite
from harness.workflows.baseline import CHECK, with_release_rules
from harness.workflows.recomputing import ABSOLUTE, RELATIVE, Gap, require_equal
from harness.workflows.saved_answers import DECIDED, answers_in, saved_answers

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Material:
    """What a record is measured again from, where it is not found by the record itself: `harness audit` takes the same."""

    suite: str | None = None
    data: str | None = None
    train_data: str | None = None


class NotAtHandError(Exception):
    """Something that the audit was made from is not here, or is not the same; the message says what."""


def rebuilt_suite(record: Audit, folder: Path, material: Material) -> LoadedSuite:
    """The suite of a record: the one that is named, or by the recorded path (as it is, or beside the record) or name.

    Raises:
        NotAtHandError: none of these has the recorded digest.
        UserError: the one that is named has another digest.
    """
    if material.suite is not None:
        loaded = load_suite(material.suite)
        if loaded.digest != record.suite.digest:
            raise UserError(
                f"--suite {material.suite} is not the suite of the record: its digest is {loaded.digest}, the record's "
                f"{record.suite.digest}. Give the suite as it was at the audit."
            )
        return loaded
    uri = record.suite.uri
    for place in (*((uri, folder / uri) if uri else ()), record.suite.name):
        try:
            loaded = load_suite(place)
        except SuiteError:
            continue
        if loaded.digest == record.suite.digest:
            return loaded
    raise NotAtHandError(f"the suite {record.suite.name} with the recorded digest is not at hand (--suite PATH)")


def rebuilt_data(record: Audit, loaded: LoadedSuite, folder: Path, material: Material) -> Dataset:
    """The data of a record with the very rows of its splits.

    Raises:
        NotAtHandError: the data or the training rows are not here.
        UserError: the data that are named are others.
        IntegrityError: the same data give other numbers of rows, or other test or calibration rows.
    """
    wanted = {split.role: split.ids_digest for split in record.data.splits}
    first: Dataset | None = None
    for options in _options(record, loaded, folder, material):
        data = _loaded(record, loaded, options, material)
        if _row_digests(data) == wanted:
            return replace(data, members=record.data.members)
        first = first or data
    if first is None:
        raise NotAtHandError("the rows that the model was trained on are not at hand (--train-data FILE)")
    require_equal("data", {"rows": record.data.rows}, {"rows": first.rows})
    found = _row_digests(first)
    learned = record.data.members in ("fitted", "train-data")
    always = ("test", "calibration", SUITE_CALIBRATION)
    for role in always if learned else (*always, "train"):
        require_equal(f"data, {role} rows, digest of their ids", wanted.get(role), found.get(role))
    raise NotAtHandError("the training rows at hand are not those of the audit")


def _loaded(record: Audit, loaded: LoadedSuite, options: DataOptions, material: Material) -> Dataset:
    try:
        data = load_dataset(loaded, options)
    except UserError as error:
        if material.data is not None or material.train_data is not None:
            raise
        raise NotAtHandError(f"the data can't be read: {error}") from error
    if data.fingerprint == record.data.fingerprint:
        return data
    if material.data is not None:
        raise UserError(
            f"--data {material.data} is not the data of the record: its sha256 differs. Give the file as it was."
        )
    raise NotAtHandError("the suite's data are not those of the audit (sha256 differs): --data FILE names others")


def _options(record: Audit, loaded: LoadedSuite, folder: Path, material: Material) -> Iterator[DataOptions]:
    """How the data may have been opened, the likeliest first."""
    rows = record.data.sampled_rows
    if record.data.members == "train-data" and material.train_data is None:
        return
    given = DataOptions(material.data, material.train_data, None, record.data.members == "stated", rows)
    if record.data.members == "fitted":
        for ids in _trained_ids(record, folder):
            yield replace(given, trained_ids=ids)
    yield given
    own = loaded.folder / loaded.suite.data.source
    if material.data is None and own.is_file():  # the suite's own file, given as --data: every row is a test row
        yield replace(given, data=own)


def _trained_ids(record: Audit, folder: Path) -> Iterator[tuple[str, ...]]:
    """The training rows of a fitted model: those whose answers were saved, or those on the card in the model's folder."""
    table = saved_answers(record, folder)
    if table is not None and (table["role"] == "train").any():
        yield tuple(table.loc[table["role"] == "train", "id"])
    try:
        card = json.loads((Path(record.model.uri) / "harness-model.json").read_text(encoding="utf-8"))
        yield tuple(card["training_ids"])
    except (OSError, ValueError, KeyError, TypeError):
        return


def _row_digests(data: Dataset) -> dict[str, str]:
    return {role: provenance.sha256_texts(list(part.ids)) for role, part in data.splits.items() if len(part)}


class ReplayedModel:
    """Answers the rows whose answers were saved, by their id; `asked` says that a check wanted others."""

    warnings: tuple[Finding, ...] = ()

    def __init__(self, info: ModelInfo, table: pd.DataFrame, classes: tuple[str, ...]) -> None:
        self.info, self._classes = info, classes
        self._table = table.drop_duplicates("id").set_index("id")
        self.asked = False

    def estimator(self) -> Any:
        """None: only answers are known."""
        return None

    def predict(self, inputs: pd.DataFrame, ids: np.ndarray) -> Predictions:
        """The saved answers of these ids; LookupError for any other row."""
        if not set(ids) <= set(self._table.index):
            self.asked = True
            raise LookupError("only the saved answers are known")
        return answers_in(self._table.loc[list(ids)], self._classes)


def replay(
    record: Audit, loaded: LoadedSuite, data: Dataset, table: pd.DataFrame | None, progress: Progress
) -> tuple[list[tuple[CheckRecord, CheckRecord]], list[Gap]]:
    """Pairs of a check's stored record and the one that was measured again; and the checks that were not, with why.

    Raises:
        IntegrityError: the record has other checks than its suite, or the saved predictions contradict themselves.
    """
    if any(check.check == CHECK and check.status != "not_tested" for check in record.records):
        loaded = with_release_rules(loaded)
    facts = policy_facts(loaded.suite, data, record.model)
    loaded = replace(loaded, suite=with_required_rules(loaded.suite, facts))
    try:
        steps = plan(loaded.suite, data, record.model)
    except HarnessError as error:
        raise NotAtHandError(f"the suite's checks can't be planned here: {error}") from error
    wanted = [(step.request.name, dict(step.request.parameters)) for step in steps.steps]
    require_equal("checks", [check.check for check in record.records], [name for name, _ in wanted])
    require_equal("parameters", [check.parameters for check in record.records], [given for _, given in wanted])
    known = None if table is None else _with_every_row(table, steps, data)
    model = ReplayedModel(record.model, *(known if known is not None else (_no_rows(), ())))
    evidence = Evidence(loaded.suite, data, model, loaded.suite.seed)
    if known is not None:
        _collect(evidence, known[0], steps)
        _same_decision(record, evidence)
    pairs, gaps = [], []
    for step, stored in zip(steps.steps, record.records, strict=True):
        why = _why_not(step, stored, known is not None)
        if why is None:
            (again,) = run(Plan([step], steps.roles), evidence, progress)
            why = "it asks the model for further answers" if model.asked else None
            model.asked = False
        if why is None:
            pairs.append((stored, again))
        else:
            gaps.append(Gap(stored.check, why))
    return pairs, gaps


def _why_not(step: Step, stored: CheckRecord, answers: bool) -> str | None:
    if stored.check == LOADING:
        return "it tells how the model was loaded"
    if stored.check == CHECK and stored.status == "measured":
        return "it compares with the saved predictions of an earlier release"
    if stored.check.startswith("efficiency."):
        return "it measures time"
    if step.status is not None:
        return None
    if {"ask", "refit"} & set(step.entry.needs):
        return "it asks the model for further answers"
    if "predictions" in step.entry.needs and not answers:
        return "the saved predictions are not beside the record, or lack rows"
    if stored.status == "error":
        return f"it was not measured in the audit: {stored.reason}"
    return None


def _with_every_row(table: pd.DataFrame, steps: Plan, data: Dataset) -> tuple[pd.DataFrame, tuple[str, ...]] | None:
    """The table and its classes in the model's order; None where it lacks rows of a role that is needed."""
    for role in steps.roles:
        part = data.splits.get(role)
        if part is not None and not set(part.ids) <= set(table.loc[table["role"] == role, "id"]):
            return None
    scored = tuple(name.removeprefix("score:") for name in table.columns if name.startswith("score:"))
    return table, scored or data.classes


def _no_rows() -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({"id": [], "role": [], "label": []})


def _collect(evidence: Evidence, table: pd.DataFrame, steps: Plan) -> None:
    """The shared pass; IntegrityError where rows of equal inputs, or one row in two roles, have different saved answers."""
    try:
        evidence.collect(steps.roles)
    except UserError as error:
        raise IntegrityError(f"predictions: {error}") from error
    for role in steps.roles:
        part = evidence.split(role)
        if part is None:
            continue
        rows = table.loc[table["role"] == role].set_index("id").loc[list(part.ids)]
        for column, answers in (("label", evidence.own_predictions(role)), (DECIDED, evidence.predictions(role))):
            saved = answers_in(rows, answers.classes, column)
            for at in np.flatnonzero(_differ(saved, answers))[:1]:
                where = f"predictions, {role} row {part.ids[at]}"
                require_equal(f"{where}, {column}", saved.labels[at], answers.labels[at])
                if saved.scores is not None and answers.scores is not None:
                    require_equal(f"{where}, scores", saved.scores[at].tolist(), answers.scores[at].tolist())


def _same_decision(record: Audit, evidence: Evidence) -> None:
    """The operating point, computed again from the calibration rows."""
    if record.decision is not None:
        require_equal(
            "decision", record.decision.model_dump(mode="json"), evidence.decision.point.model_dump(mode="json")
        )


def _differ(one: Predictions, other: Predictions) -> npt.NDArray[np.bool_]:
    """Which rows (n,) have other labels or scores."""
    if not one.classes:
        numbers = one.labels.astype(float), other.labels.astype(float)
        return np.asarray(~np.isclose(*numbers, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True), dtype=bool)
    differ = np.asarray(one.labels != other.labels, dtype=bool)
    if one.scores is None or other.scores is None:
        return differ
    near = np.isclose(one.scores, other.scores, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True).all(axis=1)
    return np.asarray(differ | ~near, dtype=bool)
