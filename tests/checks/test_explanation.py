"""Which explainer a model gets, and when its values add up."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import SplineTransformer

from harness.checks.explainability.explanation import Explanation, Method, explain
from harness.core.audit import ModelInfo
from harness.engine.evidence import Evidence
from harness.models.labels import map_labels
from harness.models.options import ModelOptions
from harness.models.sklearn import SklearnModel

NAMES = ["a", "b", "c"]
INTERVENTIONAL = Method(seed=0, calls=0)


@pytest.fixture
def explained(build):
    """A fitted model, and its explanation of rows against background rows."""

    def made(model, rows, background, positive="yes"):
        rng = np.random.default_rng(1)
        train = pd.DataFrame(rng.normal(size=(200, 3)), columns=NAMES)
        truth = np.where(train.sum(axis=1) + rng.normal(size=200) > 0, "yes", "no")
        fitted = Pipeline([("c", ColumnTransformer([("n", "passthrough", NAMES)])), ("m", model)]).fit(train, truth)
        rows, background = rows(fitted), background(fitted)
        evidence = build(["no", "yes"] * (len(rows) // 2), inputs=rows, estimator=fitted, function=fitted.predict_proba, positive=positive)  # fmt: skip
        return fitted, rows, background, explain(evidence, rows, background, INTERVENTIONAL)

    return made


def drawn(seed, n):
    return lambda _: pd.DataFrame(np.random.default_rng(seed).normal(size=(n, 3)), columns=NAMES)


@pytest.mark.parametrize(("positive", "sign"), [("yes", 1), ("no", -1)])
def test_stumps_values_are_what_each_feature_alone_changes_against_the_background(explained, positive, sign):
    # A sum of stumps has no interactions, so a feature's value is the mean change when it is put into each background row.
    model = GradientBoostingClassifier(n_estimators=40, max_depth=1, random_state=0)
    fitted, rows, background, found = explained(model, drawn(2, 20), drawn(3, 300), positive)
    base = fitted.decision_function(background).mean()
    for j, name in enumerate(NAMES):
        changed = [fitted.decision_function(background.assign(**{name: value})).mean() - base for value in rows[name]]
        assert found.values[:, j] == pytest.approx(sign * np.array(changed), abs=1e-9)
    assert found.base == pytest.approx(np.full(20, sign * base), abs=1e-9)
    assert found.how == "Tree (interventional), log-odds, background 300"


def test_nothing_of_shap_is_compiled_and_a_users_own_functions_still_are():
    script = """
from harness.checks.explainability.shap_library import import_shap
import_shap()
import numba
from shap.maskers import _tabular
own = numba.njit(lambda x: x + 1)
print(type(_tabular._delta_masking).__name__, hasattr(own, "py_func"), own(1))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["function", "True", "2"]


def test_a_model_that_answers_other_probabilities_than_its_structure_gives_is_asked(build):
    train = drawn(1, 60)(None)
    fitted = LogisticRegression().fit(train, np.where(train["a"] + train["b"] > 0, "yes", "no"))
    rows, background = drawn(2, 12)(None), drawn(3, 20)(None)

    def sharper(frame):
        found = fitted.predict_proba(frame) ** 2
        return found / found.sum(axis=1, keepdims=True)

    def explainer(function):
        evidence = build(["no", "yes"] * 6, inputs=rows, estimator=fitted, function=function)
        return explain(evidence, rows, background, Method(0, 300_000)).explainer

    assert explainer(fitted.predict_proba) == "Linear (interventional)"
    assert explainer(sharper) == "Exact (interventional)"


@pytest.mark.parametrize("step", [PCA(2), SplineTransformer(n_knots=3)])
def test_a_pipeline_that_mixes_columns_is_asked_and_adds_up(build, step):
    train = drawn(1, 60)(None)
    fitted = make_pipeline(step, GradientBoostingClassifier(n_estimators=10)).fit(
        train, np.where(train["a"] > 0, "yes", "no")
    )
    rows, background = drawn(2, 12)(None), drawn(3, 20)(None)
    evidence = build(["no", "yes"] * 6, inputs=rows, estimator=fitted, function=fitted.predict_proba)
    found = explain(evidence, rows, background, Method(0, 300_000))
    assert found.explainer == "Exact (interventional)" and found.gap is None


@pytest.mark.parametrize("model", [LGBMClassifier(verbose=-1, n_jobs=1, n_estimators=10), CatBoostClassifier(iterations=10, verbose=0, allow_writing_files=False)])  # fmt: skip
def test_boosting_libraries_are_read_through_the_model_of_an_audit(build, model):
    train = drawn(1, 60)(None)[["c", "a", "b"]]  # fitted on another order of columns
    fitted = model.fit(train, np.where(train["a"] > 0, "yes", "no"))
    rows, background = drawn(2, 12)(None), drawn(3, 20)(None)
    evidence = build(["no", "yes"] * 6, inputs=rows, function=lambda f: fitted.predict_proba(f[["c", "a", "b"]]))
    info = ModelInfo(uri="-", kind="sklearn", fingerprint="-", offers=["labels", "scores", "train", "ask"])
    names = map_labels(["no", "yes"], ["no", "yes"], {}, "-")
    opened = Evidence(evidence.suite, evidence.data, SklearnModel(fitted, info, names, ModelOptions()), 0)
    found = explain(opened, rows, background, Method(0, 0))
    assert found.how == "Tree (interventional), log-odds, background 20" and found.gap is None
    assert NAMES[np.abs(found.values).mean(axis=0).argmax()] == "a"


def test_what_adds_up_is_judged_by_the_output_and_by_how_it_varies():
    def explanation(output, error):
        values = np.zeros((3, 2))
        values[:, 0] = output - 0.5 * output[0]
        return Explanation(values, np.full(3, 0.5 * output[0]), output + error * np.array([0, 1, 0]), "-", "mm", 1)

    tens = np.array([10.0, 20.0, 30.0])
    assert explanation(tens, 1e-4).gap is None
    assert "miss the model's output by 0.01 (mm) in a row whose output is 20" in explanation(tens, 1e-2).gap
    assert explanation(tens * 1e-9, 1e-13).gap is None
    assert explanation(tens * 1e-9, 1e-9).gap is not None  # far below 1e-5, and a tenth of the standard deviation
    assert explanation(tens, np.nan).gap is not None
