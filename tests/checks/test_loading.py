"""How a model was opened: labels against their own scores, rows without a number."""

import numpy as np
import pandas as pd
import pytest

from harness.checks.model.loading import loading
from harness.core.audit import ModelInfo
from harness.core.dataset import Dataset, Split
from harness.core.predictions import Predictions
from harness.engine.evidence import Evidence
from harness.spec.loading import load_suite

CLASSES = ("no", "yes")
SUITE = load_suite("finance/credit-risk").suite
SCORES = np.array([[0.9, 0.1], [0.3, 0.7], [0.5, 0.5], [0.2, 0.8]])


class Answering:
    """A model with these labels and scores."""

    warnings = ()
    info = ModelInfo(uri="m", kind="sklearn", fingerprint="sha256:0", offers=["labels", "scores"])

    def __init__(self, labels, scores):
        self.answers = Predictions(CLASSES, np.array(labels, dtype=object), scores)

    def estimator(self):
        return None

    def predict(self, inputs, ids):
        return self.answers


def measured(labels, scores):
    inputs = pd.DataFrame({"x": range(len(labels))})
    test = Split(
        "test",
        np.array([str(i) for i in inputs.x], dtype=object),
        inputs,
        np.array(["no"] * len(labels), dtype=object),
        {},
        {},
        inputs,
    )
    data = Dataset({"test": test}, CLASSES, "yes", "-", len(labels), 0, {}, "stated")
    evidence = Evidence(SUITE.model_copy(update={"decision": None}), data, Answering(labels, scores), 0)
    evidence.collect(("test",))
    return {finding.measure.removeprefix("model."): finding for finding in loading(evidence).findings}


@pytest.mark.parametrize(
    ("labels", "contrary"),
    [(["no", "yes", "no", "yes"], 0), (["no", "yes", "yes", "yes"], 0), (["no", "no", "no", "no"], 2)],
)
def test_labels_with_a_smaller_probability_are_counted(labels, contrary):
    found = measured(labels, SCORES)["label_contradicts_score"]
    assert (found.value, found.n) == (contrary, 4)
    assert (found.reason is None) == (contrary == 0)


def test_rows_without_a_number_are_counted_and_contradict_nothing():
    scores = SCORES.copy()
    scores[1] = np.nan
    found = measured(["no", None, "no", "yes"], scores)
    assert (found["not_finite_answers"].value, found["not_finite_answers"].n) == (1, 4)
    assert (found["label_contradicts_score"].value, found["label_contradicts_score"].n) == (0, 3)
    assert measured(["no", "yes", "no", "yes"], SCORES)["not_finite_answers"].value == 0
