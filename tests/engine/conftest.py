"""A small data set, a suite for it, and a model that counts what it is asked."""

import numpy as np
import pandas as pd
import pytest

from harness.core.audit import ModelInfo
from harness.core.dataset import Dataset, Split
from harness.core.predictions import Predictions
from harness.engine.evidence import Evidence
from harness.spec.suite import Suite

CLASSES = ("no", "yes")


class CountingModel:
    """Says yes above 0.5 of x; `spoil` changes its answers."""

    def __init__(self, offers=("labels", "scores", "train", "estimator"), kind="sklearn", spoil=None):
        self.info, self.warnings = ModelInfo(uri="fake", kind=kind, fingerprint="-", offers=list(offers)), ()
        self.asked, self._spoil = [], spoil

    def predict(self, inputs, ids):
        self.asked.append(inputs)
        score = inputs["x"].to_numpy(dtype=float)
        labels = np.where(score >= 0.5, "yes", "no").astype(object)
        answers = Predictions(CLASSES, labels, np.column_stack([1 - score, score]))
        return self._spoil(answers) if self._spoil else answers

    def estimator(self):
        return None


def split_of(role, x, kind=None, ids=None):
    inputs = pd.DataFrame({"x": np.array(x, dtype=float), "k": np.array(kind or ["a"] * len(x), dtype=object)})
    labels = np.array([CLASSES[i % 2] for i in range(len(x))], dtype=object)
    ids = np.array(ids or [f"{role}{i}" for i in range(len(x))], dtype=object)
    return Split(role, ids, inputs, labels, {}, {}, inputs)


@pytest.fixture
def counting():
    return CountingModel


@pytest.fixture
def suite():
    """A suite whose checks and data block the keywords complete."""

    def made(checks=("data.quality",), task="classification", not_applicable=None, policy=(), **data):
        label = {"column": "y"}
        if task != "regression":
            label |= {"positive": "yes", "favourable": "yes"}
        block = {"source": "-", "label": label, "features": ["x", "k"], **data}
        return Suite.model_validate(
            {
                "name": "s",
                "vertical": "v",
                "task": task,
                "checks": list(checks),
                "data": block,
                "not_applicable": not_applicable or {},
                "policy": list(policy),
            }
        )

    return made


@pytest.fixture
def data():
    """A data set of these splits, each given as arguments of a split."""

    def made(members="stated", positive="yes", **splits):
        splits = splits or {"test": {"x": [0.1, 0.2, 0.8, 0.9]}, "train": {"x": [0.3, 0.6]}}
        parts = {role: split_of(role, **rows) for role, rows in splits.items()}
        return Dataset(parts, CLASSES, positive, "-", 6, 0, {}, members)

    return made


@pytest.fixture
def evidence(suite, data, counting):
    """Evidence over those, not yet collected."""

    def made(model=None, rows=None, seed=1, **of_suite):
        return Evidence(suite(**of_suite), rows or data(), model or counting(), seed)

    return made
