"""Evidence made by hand: rows, labels and a fake model's answers, without files."""

from dataclasses import replace
from math import factorial

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from harness.core.audit import ModelInfo
from harness.core.dataset import Dataset, Split
from harness.core.predictions import Predictions
from harness.engine.evidence import Evidence
from harness.spec.suite import Suite


class FakeModel:
    """Gives the answers that were stated by row id, or those of a function of the inputs."""

    def __init__(self, classes, stated, function, estimator):
        self._classes, self._stated, self._function, self._estimator = classes, stated, function, estimator
        kind = "sklearn" if function else "predictions"
        offers = ["labels", "scores", "train", "calibration", *(["refit"] if estimator is not None else [])]
        self.info, self.warnings = ModelInfo(uri="fake", kind=kind, fingerprint="-", offers=offers), ()

    def predict(self, inputs, ids):
        if self._function:
            scores = np.asarray(self._function(inputs))
            return Predictions(self._classes, np.array(self._classes, dtype=object)[scores.argmax(axis=1)], scores)
        labels = np.array([self._stated[i][0] for i in ids], dtype=object)
        scores = [self._stated[i][1] for i in ids]
        return Predictions(self._classes, labels, None if scores[0] is None else np.array(scores, dtype=float))

    def estimator(self):
        return self._estimator

    def refitted(self, inputs, labels):
        fitted = clone(self._estimator).fit(inputs, labels)
        return FakeModel(tuple(fitted.classes_), None, fitted.predict_proba, fitted)


def part_of(role, labels, answers=None, scores=None, inputs=None, groups=None, slices=None):
    """A split, and the answers for its rows by id; `scores` of two classes may be those of the last one alone."""
    n = len(labels)
    inputs = pd.DataFrame({"row": np.arange(n, dtype=float)}) if inputs is None else inputs
    as_text = [{k: np.array(v, dtype=object) for k, v in (named or {}).items()} for named in (groups, slices)]
    ids = np.array([f"{role}{i}" for i in range(n)], dtype=object)
    if scores is not None and np.ndim(scores) == 1:
        scores = np.column_stack([1 - np.asarray(scores), scores])
    answers = labels if answers is None else answers
    given = dict(zip(ids, zip(answers, [None] * n if scores is None else scores, strict=True), strict=True))
    return Split(role, ids, inputs, np.array(labels, dtype=object), *as_text, inputs), given


def build_evidence(labels, *, decision=None, train=None, calibration=None, classes=None, positive="yes", favourable=None, function=None,
                   estimator=None, data=None, seed=0, **test):  # fmt: skip
    """Evidence of a test split, of others where given as keyword dictionaries, and of what the fake model answers."""
    parts = {"test": part_of("test", labels, **test)}
    for role, rows in (("train", train), ("calibration", calibration)):
        if rows is not None:
            parts[role] = part_of(role, **rows)
    splits = {role: split for role, (split, _) in parts.items()}
    stated = {key: answer for _, given in parts.values() for key, answer in given.items()}
    classes = classes or tuple(sorted({label for split in splits.values() for label in split.labels}))
    sensitive = {name: {"column": name} for name in test.get("groups") or {}}
    suite = Suite.model_validate({
        "name": "made", "vertical": "made", "checks": ["data.quality"], "decision": decision,
        "data": {"source": "-", "label": {"column": "y", "positive": positive, "favourable": favourable},
                 "features": list(splits["test"].inputs.columns), "sensitive": sensitive, **(data or {})},
    })  # fmt: skip
    dataset = Dataset(splits, classes, positive, "-", len(labels), 0, {}, "stated")
    evidence = Evidence(suite, dataset, FakeModel(classes, stated, function, estimator), seed)
    evidence.collect(("test", "train", "calibration"))
    return evidence


@pytest.fixture(scope="session")
def build():
    return build_evidence


@pytest.fixture(scope="session")
def find():
    """The one finding of a measure with this `of` or `group`."""

    def only(measurement, measure, about=None):
        found = [f for f in measurement.findings if f.measure == measure and (f.of or f.group) == about]
        assert len(found) == 1, [(f.measure, f.of, f.group) for f in measurement.findings]
        return found[0]

    return only


class FakeRegressor:
    """Gives the stated numbers by row id, or those of a function of the inputs."""

    def __init__(self, stated, function, estimator):
        self._stated, self._function, self._estimator = stated, function, estimator
        kind = "sklearn" if function else "predictions"
        self.info, self.warnings = (
            ModelInfo(uri="fake", kind=kind, fingerprint="-", offers=["labels", "train", "ask"]),
            (),
        )

    def predict(self, inputs, ids):
        numbers = self._function(inputs) if self._function else [self._stated[i] for i in ids]
        return Predictions((), np.asarray(numbers, dtype=float), None)

    def estimator(self):
        return self._estimator


@pytest.fixture(scope="session")
def build_numbers():
    """Evidence of a regression: true numbers, and the numbers answered."""

    def built(labels, answers, *, train=None, calibration=None, inputs=None, groups=None, slices=None, clusters=None,
              function=None, estimator=None, data=None):  # fmt: skip
        parts, stated = {}, {}
        test = {"labels": labels, "answers": answers, "inputs": inputs, "groups": groups, "slices": slices}
        for role, given in (("test", test), ("train", train), ("calibration", calibration)):
            if given is None:
                continue
            answered = given.pop("answers")
            answered = given["labels"] if answered is None else answered
            split, own = part_of(role, answers=answered, **given)
            numbers = np.asarray(split.labels, dtype=float)
            parts[role] = replace(split, labels=numbers, clusters=clusters if role == "test" else None)
            stated |= {key: float(value) for key, (value, _) in own.items()}
        named = {name: {"column": name} for name in groups or {}}
        suite = Suite.model_validate({
            "name": "made", "vertical": "made", "checks": ["data.quality"], "task": "regression",
            "data": {"source": "-", "label": {"column": "y", "unit": "mm"}, "sensitive": named,
                     "features": list(parts["test"].inputs.columns), **(data or {})},
        })  # fmt: skip
        dataset = Dataset(parts, (), None, "-", len(labels), 0, None, "stated")
        evidence = Evidence(suite, dataset, FakeRegressor(stated, function, estimator), 0)
        evidence.collect(("test", "train", "calibration"))
        return evidence

    return built


def exact_values(outputs, sample, background):
    """Shapley values (n, features, k) by all coalitions, absent features taken from each background row in turn."""
    count, size = sample.shape[1], len(background)
    coalitions = [{j for j in range(count) if code >> j & 1} for code in range(2**count)]
    both = pd.concat([sample, background], ignore_index=True)
    values = []
    for i in range(len(sample)):
        others = len(sample) + np.arange(size)
        mixed = {
            name: both[name].array.take(np.concatenate([np.full(size, i) if j in c else others for c in coalitions]))
            for j, name in enumerate(both)
        }
        worth = np.asarray(outputs(pd.DataFrame(mixed)), dtype=float).reshape(2**count, size, -1).mean(axis=1)
        values.append(
            [
                sum(
                    factorial(len(chosen)) * factorial(count - len(chosen) - 1) / factorial(count)
                    * (worth[code | 1 << j] - worth[code])
                    for code, chosen in enumerate(coalitions) if j not in chosen
                )
                for j in range(count)
            ]
        )  # fmt: skip
    return np.array(values)


@pytest.fixture(scope="session")
def enumerated():
    return exact_values
