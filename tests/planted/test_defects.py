"""Real models with a planted defect, and clean twins."""

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from harness import audit, load_suite
from harness.datasets.roles import DataOptions, load_dataset
from harness.fitting.tabular import fit_tabular

SUITE = "finance/credit-risk"


def outcomes(record, rule):
    return {str(d.of or d.group): d.outcome for d in record.verdict.decisions if d.rule_id == rule}


@pytest.fixture(scope="module")
def train():
    return load_dataset(load_suite(SUITE)).splits["train"]


def save(model, folder):
    skops.io.dump(model, folder / "model.skops")
    return str(folder / "model.skops")


def test_an_unpruned_forest_fails_the_membership_rule_and_a_logistic_regression_passes(train, tmp_path):
    words = [c for c in train.inputs if train.inputs[c].dtype.kind != "f"]
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    columns = ColumnTransformer([("words", encoder, words)], remainder="passthrough")
    forest = Pipeline([("c", columns), ("m", RandomForestClassifier(200, random_state=0))]).fit(
        train.inputs, train.labels
    )
    stated = DataOptions(trained_on_split=True)
    assert outcomes(audit(SUITE, save(forest, tmp_path), stated), "members")["{'attack': 'loss'}"] == "fail"
    clean = fit_tabular(train, "sklearn:logistic-regression", 0)
    assert set(outcomes(audit(SUITE, save(clean, tmp_path), stated), "members").values()) == {"pass"}


def test_a_model_of_shuffled_labels_fails_performance(train, tmp_path):
    shuffled = np.random.default_rng(1).permutation(train.labels)
    model = Pipeline([
        ("c", ColumnTransformer([("n", "passthrough", ["pirat", "hirat", "lvrat"])])),
        ("m", RandomForestClassifier(100, min_samples_leaf=10, random_state=0)),
    ]).fit(train.inputs, shuffled)  # fmt: skip
    assert outcomes(audit(SUITE, save(model, tmp_path)), "useful") == {"None": "fail"}


def test_a_split_that_differs_by_construction_makes_membership_not_tested(train, tmp_path):
    data = load_dataset(load_suite(SUITE))
    test = data.splits["test"].columns
    shifted = train.columns.assign(lvrat=train.columns["lvrat"] + 0.3)
    test.to_csv(tmp_path / "test.csv", index=False)
    shifted.to_csv(tmp_path / "train.csv", index=False)
    model = save(fit_tabular(train, "sklearn:gradient-boosting", 0), tmp_path)
    record = audit(SUITE, model, DataOptions(data=tmp_path / "test.csv", train_data=tmp_path / "train.csv"))
    privacy = next(r for r in record.records if r.check == "privacy.membership")
    assert privacy.status == "not_tested"
    assert "not exchangeable" in privacy.reason
    assert set(outcomes(record, "members").values()) == {"not_tested"}
    blind = next(f for f in privacy.findings if f.measure == "privacy.blind_auc")
    assert isinstance(blind.value, float)
    assert blind.value > 0.9


def test_a_column_that_gives_the_label_away_is_named(tmp_path):
    frame = pd.read_csv(load_suite(SUITE).folder / "hmda_boston.csv")
    leaked = frame.assign(hschool=frame["deny"].map({"yes": "a", "no": "b"}))
    leaked.to_csv(tmp_path / "data.csv", index=False)
    scores = pd.DataFrame({"id": range(len(frame)), "score": np.linspace(0.01, 0.99, len(frame))})
    scores.to_csv(tmp_path / "p.csv", index=False)
    record = audit(SUITE, str(tmp_path / "p.csv"), DataOptions(data=tmp_path / "data.csv"))
    assert outcomes(record, "no-leak") == {"None": "fail"}
    quality = next(r for r in record.records if r.check == "data.quality")
    assert [f.of for f in quality.findings if f.measure == "data.leak_suspect"] == [{"feature": "hschool"}]


def test_the_reasons_of_one_nearest_neighbour_change_and_those_of_a_logistic_regression_do_not(train, tmp_path):
    numbers = [c for c in train.inputs if train.inputs[c].dtype.kind == "f"]
    steps = [("c", ColumnTransformer([("n", StandardScaler(), numbers)])), ("m", KNeighborsClassifier(1))]
    nearest = Pipeline(steps).fit(train.inputs, train.labels)
    assert outcomes(audit(SUITE, save(nearest, tmp_path)), "reasons-stable") == {"None": "fail"}
    clean = fit_tabular(train, "sklearn:logistic-regression", 0)
    assert outcomes(audit(SUITE, save(clean, tmp_path)), "reasons-stable") == {"None": "pass"}


def test_marital_status_among_the_reasons_is_told_and_a_model_that_is_not_shown_it_passes(train, tmp_path):
    assert "single" in train.inputs
    for more, wanted in ((["single"], "fail"), ([], "pass")):
        words = ["phist", "insurance", *more]
        columns = ColumnTransformer([("n", "passthrough", ["pirat", "chist", "lvrat"]), ("w", OneHotEncoder(), words)])
        model = Pipeline([("c", columns), ("m", LogisticRegression(max_iter=2000))]).fit(train.inputs, train.labels)
        assert outcomes(audit(SUITE, save(model, tmp_path)), "no-protected-reason") == {"None": wanted}
