"""Several classes, on the shipped suite: a model that reads a leaking column and one that is too sure are caught, a sound one is not."""

import numpy as np
import pandas as pd
import pytest
import yaml

from harness import audit, load_suite
from harness.datasets.readers import open_table
from harness.datasets.roles import load_dataset
from harness.workflows.fit import fit

SUITE = "manufacturing/failure-diagnosis"


def outcomes(record, rule):
    return {d.outcome for d in record.verdict.decisions if d.rule_id == rule}


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A fitted model's folder, and its audit."""
    folder = tmp_path_factory.mktemp("sound")
    fit(SUITE, "sklearn:gradient-boosting", folder)
    return folder, audit(SUITE, str(folder))


def test_a_sound_model_of_several_classes_passes_every_rule_and_is_tested_by_every_layer(sound):
    record = sound[1]
    assert {d.rule_id for d in record.verdict.decisions if d.outcome != "pass"} == set()
    measured = {r.check for r in record.records if r.status == "measured"}
    assert {"performance.calibration", "explainability.attribution", "explainability.direction"} <= measured


def test_a_model_that_reads_a_leaking_column_is_caught_by_its_attribution(tmp_path):
    shipped = load_suite(SUITE)
    data = shipped.suite.data
    table = open_table(shipped.folder / data.source, data.read).frame
    codes = pd.factorize(table[data.label.column], sort=True)[0]
    table["repair code"] = codes + np.random.default_rng(0).normal(0, 0.05, len(table))
    table.to_csv(tmp_path / "leaking.csv", index=False)
    body = {"extends": SUITE, "name": "leaking", "data": {"source": "leaking.csv", "card": None, "features": [*data.features, "repair code"]}}  # fmt: skip
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(body))
    fit(tmp_path / "s.yaml", "sklearn:gradient-boosting", tmp_path / "model")
    record = audit(tmp_path / "s.yaml", str(tmp_path / "model"))
    failed = [d.of for d in record.verdict.decisions if d.rule_id == "no-single-column" and d.outcome == "fail"]
    assert failed == [{"feature": "repair code"}]


def test_a_model_of_several_classes_that_is_too_sure_is_caught_by_its_calibration(tmp_path):
    data = load_dataset(load_suite(SUITE))
    test, rng, classes = data.splits["test"], np.random.default_rng(0), np.array(data.classes)
    said = np.where(rng.random(len(test)) < 0.15, rng.permutation(test.labels), test.labels)
    said = np.where(rng.random(len(test)) < 0.15, rng.choice(classes, len(test)), said)
    sure = rng.uniform(0.95, 0.999, len(test))
    scores = np.where(said[:, None] == classes, sure[:, None], (1 - sure[:, None]) / (len(classes) - 1))
    frame = pd.DataFrame(scores, columns=[f"score:{c}" for c in classes]).assign(id=test.ids)
    frame.to_csv(tmp_path / "p.csv", index=False)
    record = audit(SUITE, str(tmp_path / "p.csv"))
    assert outcomes(record, "not-too-sure") == outcomes(record, "alarm-as-sure-as-right") == {"fail"}
    # A sound model passes both: the first test.
