"""A regression suite on foreign data (scikit-learn's diabetes) and foreign models, from every kind of model that can answer."""

import json

import numpy as np
import pytest
import skops.io
import yaml
from sklearn.datasets import load_diabetes
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingRegressor

from harness import audit
from harness.datasets.roles import DataOptions, load_dataset
from harness.errors import ModelError, SuiteError
from harness.models.options import ModelOptions
from harness.spec.loading import load_suite
from harness.workflows.fit import fit
from harness.workflows.init import Wishes, init


@pytest.fixture(scope="module")
def diabetes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("diabetes")
    frame = load_diabetes(as_frame=True, scaled=False).frame
    frame["sex"] = frame["sex"].map({1.0: "one", 2.0: "two"})
    frame.to_csv(folder / "d.csv", index=False)
    suite = {
        "name": "own/diabetes", "vertical": "medicine", "task": "regression",
        "data": {
            "source": "d.csv", "label": {"column": "target", "unit": "points"},
            "features": ["age", "bmi", "bp", "s1", "s2", "s3", "s4", "s5", "s6"],
            "sensitive": {"sex": {"column": "sex"}}, "reference": {"sex": "one"},
            "split": {"test": 0.4, "calibration": 0.2},
        },
        "views": {"text": "Body mass index {{ bmi }}, blood pressure {{ bp }}, sugar {{ s6 }}, lipids {{ s5 }}.",
                  "prompt": {"template": "{{ text }}\nHow far will diabetes progress within a year? A number:"}},
        "checks": ["performance.regression", "performance.conformal", "performance.slices", "bias.errors",
                   "privacy.membership", "explainability.attribution",
                   {"explainability.direction": {"expected": {"bmi": "up"}}}, "data.quality", "data.shift"],
        "policy": [{"id": "even", "measure": "bias.mean_error_gap", "group": {"sex": "*"}, "between": [-40, 40],
                    "reason": "r", "source": "s"}],
    }  # fmt: skip
    (folder / "s.yaml").write_text(yaml.safe_dump(suite))
    data = load_dataset(load_suite(folder / "s.yaml"), DataOptions())
    return folder, data


def findings(record, measure):
    return [f for r in record.records for f in r.findings if f.measure == measure]


def test_a_foreign_regressor_is_audited_through_every_check(diabetes, tmp_path):
    folder, data = diabetes
    train = data.splits["train"]
    model = HistGradientBoostingRegressor(max_iter=30, random_state=0).fit(train.inputs, train.labels)
    skops.io.dump(model, tmp_path / "m.skops")
    record = audit(folder / "s.yaml", str(tmp_path / "m.skops"), DataOptions(trained_on_split=True), tmp_path / "run")
    status = {r.check: r.status for r in record.records}
    assert set(status.values()) == {"measured"}, {r.check: r.reason for r in record.records if r.reason}
    test = data.splits["test"]
    error = np.abs(model.predict(test.inputs) - test.labels)
    assert findings(record, "performance.mae")[0].value == pytest.approx(error.mean())
    assert findings(record, "explainability.additivity_error")[0].value < 1e-6
    assert record.verdict.decisions[0].group == {"sex": "two"}
    assert (tmp_path / "run" / "predictions.parquet").is_file()


def test_a_regressor_that_knows_its_rows_is_caught_and_a_ridge_is_not(diabetes, tmp_path):
    folder, data = diabetes
    train = data.splits["train"]
    from sklearn.tree import DecisionTreeRegressor

    skops.io.dump(DecisionTreeRegressor(random_state=0).fit(train.inputs, train.labels), tmp_path / "tree.skops")
    fit(folder / "s.yaml", "sklearn:linear-regression", tmp_path / "ridge")
    caught = audit(folder / "s.yaml", str(tmp_path / "tree.skops"), DataOptions(trained_on_split=True))
    clean = audit(folder / "s.yaml", str(tmp_path / "ridge"))
    assert findings(caught, "privacy.membership_auc")[0].interval.low > 0.9
    assert findings(clean, "privacy.membership_auc")[0].interval.low < 0.55


def test_saved_numbers_give_the_same_errors_and_words_are_refused(diabetes, tmp_path):
    folder, data = diabetes
    test = data.splits["test"]
    rows = [f"{i},{y + 7}" for i, y in zip(test.ids, test.labels, strict=True)]
    (tmp_path / "p.csv").write_text("id,label\n" + "\n".join(rows))
    record = audit(folder / "s.yaml", str(tmp_path / "p.csv"))
    assert findings(record, "performance.mean_error")[0].value == pytest.approx(7)
    (tmp_path / "w.csv").write_text("id,label\n" + "\n".join(f"{i},high" for i in test.ids))
    with pytest.raises(ModelError, match="must hold numbers"):
        audit(folder / "s.yaml", str(tmp_path / "w.csv"))


def test_a_classifier_is_refused_on_regression_and_a_class_base_too(diabetes, tmp_path):
    folder, data = diabetes
    train = data.splits["train"]
    model = DummyClassifier().fit(train.inputs, train.labels > 150)
    skops.io.dump(model, tmp_path / "m.skops")
    with pytest.raises(ModelError, match="holds a classifier; the suite's task is regression"):
        audit(folder / "s.yaml", str(tmp_path / "m.skops"))
    with pytest.raises(ModelError, match="for regression"):
        fit(folder / "s.yaml", "sklearn:logistic-regression", tmp_path / "x")


def test_a_favourable_outcome_of_a_number_is_refused(diabetes):
    folder, _ = diabetes
    body = yaml.safe_load((folder / "s.yaml").read_text())
    body["data"]["label"]["favourable"] = "high"
    (folder / "wrong.yaml").write_text(yaml.safe_dump(body))
    with pytest.raises(SuiteError, match="a regression label is a number"):
        load_suite(folder / "wrong.yaml")


@pytest.mark.slow
def test_a_fine_tuned_encoder_and_a_language_model_answer_numbers(
    diabetes, tmp_path, make_classifier, make_language_model
):
    folder, _data = diabetes
    base = make_classifier(("a", "b"))
    from harness.fitting.text import Recipe

    fit(folder / "s.yaml", str(base), tmp_path / "tuned", Recipe(epochs=1))
    tuned = audit(folder / "s.yaml", str(tmp_path / "tuned"))
    assert findings(tuned, "performance.mae")[0].value < 200
    assert json.loads((tmp_path / "tuned" / "config.json").read_text())["problem_type"] == "regression"
    spoken = audit(folder / "s.yaml", str(make_language_model()), DataOptions(rows=20), model_options=ModelOptions())
    unreadable = findings(spoken, "model.unreadable_answers")[0]
    assert {r.check: r.status for r in spoken.records}["performance.regression"] in ("measured", "not_tested")
    assert 0 <= unreadable.value <= unreadable.n


def test_tfidf_of_numbers_answers_in_the_label_s_unit(diabetes, tmp_path):
    folder, _data = diabetes
    fit(folder / "s.yaml", "sklearn:tfidf", tmp_path / "t")
    record = audit(folder / "s.yaml", str(tmp_path / "t"))
    assert findings(record, "performance.mae")[0].unit == "points"
    assert abs(findings(record, "performance.mean_error")[0].value) < 15


def test_init_makes_a_regression_suite_of_a_column_of_numbers(diabetes, tmp_path):
    folder, _ = diabetes
    starter = init(folder / "d.csv", tmp_path / "own.yaml", Wishes(label="target", sensitive=("sex",)))
    assert "task: regression" in starter.text
    assert any("the number is predicted" in line for line in starter.decide)
    fit(tmp_path / "own.yaml", "sklearn:linear-regression", tmp_path / "m")
    record = audit(tmp_path / "own.yaml", str(tmp_path / "m"))
    assert {r.check: r.status for r in record.records}["bias.errors"] == "measured"
    assert record.verdict.outcome in ("pass", "incomplete")
