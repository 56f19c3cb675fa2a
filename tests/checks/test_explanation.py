"""Trees compared with background rows; the other explainers are tested through the attribution check."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.pipeline import Pipeline

from harness.checks.explainability.explanation import Method, explain

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
