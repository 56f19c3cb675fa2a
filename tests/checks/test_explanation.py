"""Trees compared with background rows; the other explainers are tested through the attribution check."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.pipeline import Pipeline

import harness.checks.explainability.explanation as module
from harness.checks.explainability.explanation import Method, explain

NAMES = ["a", "b", "c"]
INTERVENTIONAL = Method(seed=0, calls=0, trees="interventional")


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


def on_a_threshold(fitted):
    """Rows just above a threshold: as the 32-bit number that it rounds up to, else by less than 32 bits can tell."""
    trees = [tree.tree_ for tree in np.ravel(fitted[1].estimators_)]
    splits = [(t.feature[k], t.threshold[k]) for t in trees for k in range(t.node_count) if t.feature[k] >= 0]
    near = [(j, cut, float(np.float32(cut))) for j, cut in splits]
    assert {number > cut for _, cut, number in near} == {True, False}
    rows = [np.eye(3)[j] * (number if number > cut else np.nextafter(cut, np.inf)) for j, cut, number in near]
    return pd.DataFrame(rows[: len(rows) // 2 * 2], columns=NAMES)


@pytest.mark.parametrize(("positive", "sign"), [("yes", 1), ("no", -1)])
def test_stumps_values_are_what_each_feature_alone_changes_against_the_background(explained, positive, sign):
    # A sum of stumps has no interactions, so a feature's value is the mean change when it is put into each background row.
    model = GradientBoostingClassifier(n_estimators=40, max_depth=1, random_state=0)
    fitted, rows, background, found = explained(model, drawn(2, 20), drawn(3, 300), positive)
    base = fitted.decision_function(background).mean()
    for j, name in enumerate(NAMES):
        changed = [fitted.decision_function(background.assign(**{name: value})).mean() - base for value in rows[name]]
        assert found.values[:, j] == pytest.approx(sign * np.array(changed), abs=1e-5)
    assert found.base == pytest.approx(np.full(20, sign * base), abs=1e-5)
    assert found.how == "Tree (interventional), log-odds, background 300"


@pytest.mark.parametrize("model", [GradientBoostingClassifier(random_state=0), RandomForestClassifier(20, random_state=0)])  # fmt: skip
def test_rows_on_a_threshold_are_put_where_the_trees_put_them(explained, model):
    *_, found = explained(model, on_a_threshold, on_a_threshold)
    assert found.explainer == "Tree (interventional)"
    assert found.additivity_error < 1e-4


def test_the_background_of_large_forests_is_bounded(explained, monkeypatch):
    monkeypatch.setattr(module, "TREE_STEPS", 20 * 20_000)
    model = RandomForestClassifier(50, random_state=0)
    fitted, *_, found = explained(model, drawn(2, 20), drawn(3, 300))
    nodes = sum(tree.tree_.node_count for tree in fitted[1].estimators_)
    assert found.background == max(10, 20_000 // nodes) < 300


def test_nothing_of_shap_is_compiled_and_a_users_own_functions_still_are():
    script = """
from harness.checks.explainability.explanation import import_shap
import_shap()
import numba
from shap.maskers import _tabular
own = numba.njit(lambda x: x + 1)
print(type(_tabular._delta_masking).__name__, hasattr(own, "py_func"), own(1))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["function", "True", "2"]
