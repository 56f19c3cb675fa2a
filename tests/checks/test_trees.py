"""Which trees are read, and how they are: where a row goes is the model's to say."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from xgboost import XGBClassifier

import harness.checks.explainability.trees as module
from harness.checks.explainability.trees import is_tree, raw_outputs, tree_values

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(300, 3))
TRUTH = ROWS.sum(axis=1) + ROWS[:, 0] * ROWS[:, 1] > 0


def misses(model, rows, background):
    values = tree_values(model, [0, 1, 2], rows, background)
    base = raw_outputs(model, background).mean(axis=0)
    return np.abs(base + values.sum(axis=1) - raw_outputs(model, rows)).max()


def test_a_tree_of_one_leaf_gives_nothing_and_a_stump_all_to_its_feature():
    assert (tree_values(DecisionTreeRegressor().fit(ROWS, np.ones(300)), [0, 1, 2], ROWS[:5], ROWS[5:9]) == 0).all()
    stump = DecisionTreeRegressor(max_depth=1).fit(ROWS, ROWS[:, 1] > 0)
    values = tree_values(stump, [0, 1, 2], ROWS[:5], ROWS[5:9])[..., 0]
    assert values[:, 1] == pytest.approx(stump.predict(ROWS[:5]) - stump.predict(ROWS[5:9]).mean())
    assert (values[:, [0, 2]] == 0).all()


def on_thresholds(model):
    """Rows just above a threshold: as the 32-bit number that it rounds up to, else by less than 32 bits can tell."""
    trees = [tree.tree_ for tree in np.ravel(model.estimators_)]
    splits = [(t.feature[k], t.threshold[k]) for t in trees for k in range(t.node_count) if t.feature[k] >= 0]
    near = [(j, cut, float(np.float32(cut))) for j, cut in splits]
    assert {number > cut for _, cut, number in near} == {True, False}
    return np.array([np.eye(3)[j] * (up if up > cut else np.nextafter(cut, np.inf)) for j, cut, up in near])


@pytest.mark.parametrize("model", [GradientBoostingClassifier(random_state=0), RandomForestClassifier(20, random_state=0)])  # fmt: skip
def test_rows_on_a_threshold_are_put_where_the_trees_put_them(model):
    rows = on_thresholds(model.fit(ROWS, TRUTH))
    assert misses(model, rows[:40], rows[40:80]) < 1e-12


@pytest.mark.parametrize("model", [HistGradientBoostingClassifier(), LGBMClassifier(verbose=-1, n_jobs=1)])
def test_trees_that_compare_64_bits_are_followed_at_64_bits(model):
    # Seconds since 1970: 32 bits tell two minutes apart, not two seconds.
    rows = np.column_stack([1.7e9 + np.arange(300), ROWS[:, 1:]])
    model.fit(rows, np.arange(300) % 64 < 32)
    assert misses(model, rows[:50], rows[50:80]) < 1e-9


@pytest.mark.parametrize("unit", [2.0**-8, 2.0**40])
def test_the_unit_of_a_column_changes_nothing(unit):
    scaled = ROWS * [unit, 1, 1]
    plain, other = (DecisionTreeClassifier(random_state=0).fit(rows, TRUTH) for rows in (ROWS, scaled))
    values = [tree_values(m, [0, 1, 2], r[:20], r[20:60]) for m, r in ((plain, ROWS), (other, scaled))]
    assert values[0] == pytest.approx(values[1])


def test_paths_of_more_features_than_a_table_holds(monkeypatch):
    rows = RNG.normal(size=(200, 30))
    model = GradientBoostingClassifier(n_estimators=3, max_depth=18, max_features=1, random_state=0)
    model.fit(rows, rows.sum(axis=1) > 0)
    every = list(range(30))
    wide = tree_values(model, every, rows[:20], rows[20:50])
    base = model.decision_function(rows[20:50]).mean()
    assert base + wide[..., 0].sum(axis=1) == pytest.approx(model.decision_function(rows[:20]))
    monkeypatch.setattr(module, "MOST_BITS", 5)
    assert tree_values(model, every, rows[:20], rows[20:50]) is None


def test_forests_of_too_many_leaves_are_not_read(monkeypatch):
    monkeypatch.setattr(module, "MOST_LEAVES", 100)
    assert tree_values(RandomForestClassifier(20).fit(ROWS, TRUTH), [0, 1, 2], ROWS, ROWS) is None


def test_what_shap_does_not_read_gives_none_and_no_end_of_the_process():
    script = """
import numpy as np
from catboost import CatBoostClassifier
from harness.checks.explainability.trees import is_tree, tree_values
rows = np.random.default_rng(0).normal(size=(60, 3))
model = CatBoostClassifier(iterations=5, verbose=0, allow_writing_files=False).fit(rows, np.arange(60) % 3)
print(is_tree(model), tree_values(model, [0, 1, 2], rows[:5], rows))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "None"]
    several = GradientBoostingClassifier(n_estimators=2).fit(ROWS, np.arange(300) % 3)
    assert tree_values(several, [0, 1, 2], ROWS[:5], ROWS) is None


def test_a_subclass_is_no_known_model():
    class Other(DecisionTreeClassifier):
        pass

    assert is_tree(DecisionTreeClassifier()) and is_tree(CatBoostClassifier()) and not is_tree(Other())


def test_splits_by_categories_are_not_read_as_thresholds():
    rows = np.column_stack([RNG.integers(0, 6, 300), ROWS[:, 1:]])
    odd = rows[:, 0] % 2 == 1
    lightgbm = LGBMClassifier(verbose=-1, n_jobs=1, n_estimators=5).fit(rows, odd, categorical_feature=[0])
    assert tree_values(lightgbm, [0, 1, 2], rows[:20], rows) is None
    histogram = HistGradientBoostingClassifier(categorical_features=[0], max_iter=5).fit(rows, odd)
    assert tree_values(histogram, [0, 1, 2], rows[:20], rows) is None
    frame = pd.DataFrame(rows, columns=list("abc")).astype({"a": int}).astype({"a": "category"})
    xgboost = XGBClassifier(enable_categorical=True, n_jobs=1, n_estimators=5).fit(frame, odd)
    assert tree_values(xgboost, [0, 1, 2], rows[:20], rows) is None
    words = pd.DataFrame(rows, columns=list("abc")).astype({"a": int})
    catboost = CatBoostClassifier(iterations=5, verbose=0, allow_writing_files=False, thread_count=1)
    assert tree_values(catboost.fit(words, odd, cat_features=["a"]), [0, 1, 2], rows[:20], rows) is None
