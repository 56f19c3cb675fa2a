"""What checks see is read-only, and a third party's check sees copies: what it writes reaches nobody else."""

import copy
from dataclasses import fields, is_dataclass

import numpy as np
import pandas as pd
import pytest

from harness.core.dataset import Split
from harness.core.finding import Finding
from harness.core.predictions import Predictions
from harness.engine.evidence import Baseline
from harness.engine.measurement import Measurement
from harness.engine.planner import Plan, Step
from harness.engine.progress import silent
from harness.engine.registry import CheckEntry
from harness.engine.runner import run
from harness.spec.suite import CheckRequest

RULE = {"id": "r", "measure": "performance.accuracy", "at_least": 0.9, "reason": "r", "source": "s"}
COUNT = {"measure": "acme/tamper.count", "value": 1, "n": 1, "exact": True}


class Estimator:
    """A fitted object whose coefficients can be written."""

    def __init__(self):
        self.coef_ = np.ones(2)


@pytest.fixture
def collected(evidence, data, counting):
    """Evidence with predictions, groups, clusters, a baseline and an estimator."""
    model = counting()
    model.fitted = Estimator()
    model.estimator = lambda: model.fitted
    rows = data()
    for role, split in rows.splits.items():
        names = np.array(["a", None] * (len(split) // 2), dtype=object)
        parts = {"groups": {"g": names.copy()}, "slices": {"s": names.copy()}, "clusters": names.copy()}
        rows.splits[role] = Split(
            split.role, split.ids, split.inputs, split.labels, columns=split.columns.copy(), **parts
        )
    found = evidence(model, rows, policy=[RULE])
    found.collect(("test", "train"))
    test = found.predictions("test")
    found.baseline = Baseline("last", Predictions(test.classes, test.labels.copy(), test.scores.copy()), list(found.suite.policy), "-")  # fmt: skip
    return found


def arrays_of(found):
    for split in found.data.splits.values():
        yield from (split.ids, split.labels, split.clusters, *split.groups.values(), *split.slices.values())
    for predictions in (found.predictions("test"), found.predictions("train"), found.baseline.answers):
        yield from (predictions.labels, predictions.scores)


def test_the_arrays_of_the_evidence_are_read_only(collected):
    arrays = list(arrays_of(collected))
    assert len(arrays) == 16
    assert [array.flags.writeable for array in arrays] == [False] * 16
    with pytest.raises(ValueError, match="read-only"):
        collected.split("test").labels[0] = "yes"
    taken = collected.split("test").take([0, 1])
    assert not taken.labels.flags.writeable
    assert not collected.predictions("test").only(np.array([True, False, True, False])).labels.flags.writeable


def writable(array):
    array.setflags(write=True)
    return array


def labels_by_position(seen):
    writable(seen.split("test").labels)[:] = seen.predictions("test").labels


def labels_by_attribute(seen):
    object.__setattr__(seen.split("test"), "labels", seen.predictions("test").labels)


def labels_without_permission(seen):
    seen.split("test").labels[:] = seen.predictions("test").labels


def splits(seen):
    seen.data.splits["train"] = seen.data.splits.pop("test")


def fields_of_the_data(seen):
    object.__setattr__(seen.data, "classes", ("yes", "no"))
    object.__setattr__(seen.data, "members", "unknown")


def groups(seen):
    writable(seen.split("test").groups["g"])[:] = "b"
    seen.split("test").slices.clear()
    writable(seen.split("test").clusters)[:] = "one"


def cells(seen):
    for frame in (seen.split("test").inputs, seen.split("test").columns):
        frame["x"] = 0.0
        frame.iloc[0, 1] = "z"
        frame["new"] = 1


def cells_below_the_frame(seen):
    frame = seen.split("test").inputs
    writable(frame["x"].to_numpy())[:] = 0.0
    writable(frame["k"].to_numpy())[:] = "z"


def names_of_columns(seen):
    frame = seen.split("test").inputs
    names, rows = frame.columns, frame.index
    names.name, rows.name = "other", "row"
    if isinstance(names.values, np.ndarray):
        writable(names.values)[0] = "k"
    frame.columns, frame.index = ["a", "b"], range(1, 5)


def predictions(seen):
    writable(seen.predictions("test").labels)[:] = seen.split("test").labels
    writable(seen.predictions("test").scores)[:] = 0.5
    seen._predictions["test"] = seen._predictions.pop("train")


def predictions_by_attribute(seen):
    object.__setattr__(seen.predictions("test"), "labels", seen.split("test").labels)


def policy(seen):
    seen.suite.policy[0].__dict__["at_least"] = 0.0
    seen.suite.policy.clear()
    object.__setattr__(seen.suite, "seed", 7)


def baseline(seen):
    writable(seen.baseline.answers.labels)[:] = "no"
    seen.baseline.rules.clear()


def model(seen):
    seen.model.offers.clear()
    seen._model.info.__dict__["fingerprint"] = "other"
    seen._model.predict = None
    seen._model = None


def estimator(seen):
    seen.estimator().coef_[:] = 0
    seen.estimator().coef_ = None


def state(seen):
    seen.decision, seen.exhausted, seen._seed = None, "enough", 7


def answers_of_a_question(seen):
    asked = seen.ask(seen.split("test").inputs)
    writable(asked.labels)[:] = "yes"


TAMPERING = [
    *(labels_by_position, labels_by_attribute, labels_without_permission, splits, fields_of_the_data, groups, cells),
    *(
        cells_below_the_frame,
        names_of_columns,
        predictions,
        predictions_by_attribute,
        policy,
        baseline,
        model,
        estimator,
    ),
    *(state, answers_of_a_question),
]


def entry_of(name, check):
    class Entry(CheckEntry):
        def load(self):
            return check

    return Step(CheckRequest(name=name, parameters={"kinds": ["a"]}), Entry(name, "-", ("predictions",), name))


def plain(value):
    """Dataclasses, arrays and frames as lists and mappings, which can be compared."""
    if isinstance(value, pd.DataFrame):
        return value.to_dict("split")
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {key: plain(held) for key, held in value.items()}
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    return copy.deepcopy(value)


def snapshot(found):
    """Everything of the evidence that another check, the judge or the record sees."""
    state = {
        "data": found.data,
        "predictions": {role: found.predictions(role) for role in ("test", "train")},
        "suite": found.suite.model_dump(mode="json"),
        "baseline": found.baseline,
        "model": found.model.model_dump(mode="json"),
        "estimator": found.estimator().coef_,
        "state": (found.decision.point.mode, found.exhausted, found.generator("c").integers(100)),
        "asked": found.ask(found.split("test").inputs),
    }
    return plain(state)


@pytest.mark.parametrize("tamper", TAMPERING, ids=lambda tamper: tamper.__name__)
def test_what_a_check_of_a_third_party_writes_reaches_nobody_else(tamper, collected):
    def check(evidence, *, kinds):
        kinds.append("b")
        tamper(evidence)
        return Measurement([Finding(**COUNT)])

    before, step = snapshot(collected), entry_of("acme/tamper", check)
    (record,) = run(Plan([step], ("test",)), collected, silent)
    assert snapshot(collected) == before
    assert step.request.parameters == record.parameters == {"kinds": ["a"]}
    if tamper is labels_without_permission:
        assert (record.status, record.reason) == ("error", "the check crashed: ValueError: assignment destination is read-only")  # fmt: skip
    else:
        assert record.status == "measured", record.reason


def test_two_checks_of_third_parties_share_nothing(collected):
    seen = []

    def check(evidence, *, kinds):
        seen.append(list(evidence.split("test").labels))
        labels_by_position(evidence)
        return Measurement([Finding(**COUNT)])

    run(Plan([entry_of("acme/tamper", check)] * 2, ("test",)), collected, silent)
    assert seen[0] == seen[1] == ["no", "yes", "no", "yes"]


def test_what_a_check_of_a_third_party_asks_is_counted(collected):
    def check(evidence, *, kinds):
        evidence.ask(evidence.split("test").inputs)
        return Measurement([Finding(**COUNT)])

    before = collected.queries
    (record,) = run(Plan([entry_of("acme/tamper", check)], ("test",)), collected, silent)
    assert (record.queries, collected.queries - before) == (4, 4)


def test_a_finding_that_is_changed_after_it_was_given_is_recorded_as_it_was(collected):
    finding = Finding(**COUNT)
    (record,) = run(Plan([entry_of("acme/tamper", lambda evidence, *, kinds: Measurement([finding]))], ()), collected, silent)  # fmt: skip
    finding.__dict__["value"] = 0
    assert record.findings[0].value == 1


def test_a_finding_that_was_never_validated_is_an_error(collected):
    finding = Finding.model_construct(**COUNT | {"value": float("nan")})
    (record,) = run(Plan([entry_of("acme/tamper", lambda evidence, *, kinds: Measurement([finding]))], ()), collected, silent)  # fmt: skip
    assert record.status == "error"
