"""Every kind of model against all coalitions of eight features, with missing values and one-hot columns."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from catboost import CatBoostClassifier, CatBoostRegressor
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from xgboost import XGBClassifier, XGBRegressor

from harness.checks.explainability.explanation import Method, explain, explain_classes

NUMBERS, WORDS = ["a", "b", "c", "d", "e", "f"], ["k", "g"]


def frame(seed, n):
    """Numbers of three scales, two columns with missing values, and two of words."""
    rng = np.random.default_rng(seed)
    rows = pd.DataFrame(rng.normal(size=(n, 6)), columns=NUMBERS) * [1e-9, 1, 1, 1, 1000, 1] + [0, 1e6, 0, 0, 0, 0]
    for name in "ce":
        rows[name] = rows[name].where(rng.random(n) > 0.15)
    return rows.assign(k=rng.choice(["p", "q", "r"], n).astype(object), g=rng.choice(["u", "v"], n).astype(object))


def truth(rows):
    level = rows["a"] * 1e9 + (rows["b"] - 1e6) * rows["c"].fillna(1) + (rows["k"] == "p") * rows["d"]
    return level + 0.5 * (rows["g"] == "u") + rows["e"].fillna(0) / 2000


TRAIN, SAMPLE, BACKGROUND = frame(1, 300), frame(2, 6), frame(3, 15)


def pipeline(model, imputed):
    numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()) if imputed else "passthrough"
    columns = ColumnTransformer([("w", OneHotEncoder(sparse_output=False), WORDS), ("n", numbers, NUMBERS)])
    return make_pipeline(columns, VarianceThreshold(), model)


def fitted(model, target, imputed=True):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pipeline(model, imputed).fit(TRAIN, target)


SMALL = {"random_state": 0}
FEW = {"n_estimators": 12, **SMALL}
CATBOOST = {"iterations": 12, "random_seed": 0, "verbose": 0, "allow_writing_files": False}
TREE, LINEAR, EXACT = "Tree (interventional)", "Linear (interventional)", "Exact (interventional)"
CLASSIFIERS = {
    "logistic regression": (LogisticRegression(), True, LINEAR, EXACT),
    "random forest": (RandomForestClassifier(**FEW), False, TREE, TREE),
    "extra trees": (ExtraTreesClassifier(**FEW), False, TREE, TREE),
    "decision tree": (DecisionTreeClassifier(max_depth=5, **SMALL), False, TREE, TREE),
    "gradient boosting": (GradientBoostingClassifier(**FEW), True, TREE, EXACT),
    "histogram boosting": (HistGradientBoostingClassifier(max_iter=12, **SMALL), False, TREE, TREE),
    "xgboost": (XGBClassifier(n_jobs=1, **FEW), False, TREE, TREE),
    "lightgbm": (LGBMClassifier(verbose=-1, n_jobs=1, **FEW), False, TREE, TREE),
    "catboost": (CatBoostClassifier(thread_count=1, **CATBOOST), False, TREE, EXACT),
    "adaboost": (AdaBoostClassifier(**FEW), True, EXACT, EXACT),
    "bagging": (BaggingClassifier(**FEW), False, EXACT, EXACT),
    "perceptron": (MLPClassifier((16,), max_iter=150, **SMALL), True, EXACT, EXACT),
}
REGRESSORS = {
    "ridge": (Ridge(), True, LINEAR),
    "random forest": (RandomForestRegressor(**FEW), False, TREE),
    "extra trees": (ExtraTreesRegressor(**FEW), False, TREE),
    "decision tree": (DecisionTreeRegressor(max_depth=5, **SMALL), False, TREE),
    "gradient boosting": (GradientBoostingRegressor(**FEW), True, TREE),
    "histogram boosting": (HistGradientBoostingRegressor(max_iter=12, **SMALL), False, TREE),
    "histogram boosting of counts": (HistGradientBoostingRegressor(loss="poisson", max_iter=12, **SMALL), False, EXACT),
    "xgboost": (XGBRegressor(n_jobs=1, **FEW), False, TREE),
    "xgboost of counts": (XGBRegressor(objective="count:poisson", n_jobs=1, **FEW), False, EXACT),
    "lightgbm": (LGBMRegressor(verbose=-1, n_jobs=1, **FEW), False, TREE),
    "catboost": (CatBoostRegressor(thread_count=1, **CATBOOST), False, TREE),
    "perceptron": (MLPRegressor(hidden_layer_sizes=(16,), max_iter=150, **SMALL), True, EXACT),
}
METHOD = Method(seed=0, calls=300_000)


def in_space(answers, space):
    """Probabilities (m, k) as what an explainer says that it explains."""
    if space == "probability":
        return answers
    logs = np.log(answers)
    return logs - logs.mean(axis=1, keepdims=True) if "mean" in space else logs[:, ::-1] * -1 + logs


def faults(explained, wanted):
    """What keeps an explanation from being the wanted values (rows, features), word for word."""
    bounds = 1e-5 * np.maximum(1, np.abs(explained.output))
    right = {
        "correlation": np.corrcoef(explained.values.ravel(), wanted.ravel())[0, 1] >= 0.999,
        "values": np.abs(explained.values - wanted).max() < 1e-3 * explained.output.std(),
        "sums": explained.gap is None and bool((explained.missed <= bounds).all()),
        "background": explained.background == len(BACKGROUND),
    }
    return [name for name, holds in right.items() if not holds]


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_two_classes(build, enumerated, name):
    model, imputed, wanted, _ = CLASSIFIERS[name]
    target = (truth(TRAIN) > 0).to_numpy()
    ready = fitted(model, target.astype(int) if name == "xgboost" else np.where(target, "yes", "no"), imputed)
    evidence = build(["no", "yes"] * 3, inputs=SAMPLE, function=ready.predict_proba, estimator=ready)
    explained = explain(evidence, SAMPLE, BACKGROUND, METHOD)
    assert explained.explainer == wanted
    exact = enumerated(lambda f: in_space(ready.predict_proba(f).astype(float), explained.space), SAMPLE, BACKGROUND)
    assert faults(explained, exact[..., 1]) == []


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_three_classes(build, enumerated, name):
    model, imputed, _, wanted = CLASSIFIERS[name]
    target = np.digitize(truth(TRAIN), [-0.5, 0.7])
    ready = fitted(model, target if name == "xgboost" else np.array(["p", "q", "r"])[target], imputed)
    labels = ["p", "q", "r"] * 2
    evidence = build(labels, inputs=SAMPLE, positive=None, function=ready.predict_proba, estimator=ready)
    explained = explain_classes(evidence, SAMPLE, BACKGROUND, METHOD)
    assert {one.explainer for one in explained} == {wanted}
    space = explained[0].space
    exact = enumerated(lambda f: in_space(ready.predict_proba(f).astype(float), space), SAMPLE, BACKGROUND)
    assert [faults(one, exact[..., k]) for k, one in enumerate(explained)] == [[], [], []]


@pytest.mark.parametrize("name", REGRESSORS)
def test_numbers(build_numbers, enumerated, name):
    model, imputed, wanted = REGRESSORS[name]
    target = truth(TRAIN)
    ready = fitted(model, np.exp(target / 2) if "counts" in name else target, imputed)
    evidence = build_numbers([0.0] * 6, None, inputs=SAMPLE, function=ready.predict, estimator=ready)
    explained = explain(evidence, SAMPLE, BACKGROUND, METHOD)
    assert explained.explainer == wanted and explained.space == "mm"
    assert faults(explained, enumerated(ready.predict, SAMPLE, BACKGROUND)[..., 0]) == []


def test_a_graph_of_onnx(build, enumerated):
    import onnxruntime
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType

    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    columns = ColumnTransformer([("w", OneHotEncoder(sparse_output=False), WORDS), ("n", numbers, NUMBERS)])
    ready = make_pipeline(columns, MLPClassifier((16,), max_iter=150, **SMALL))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ready.fit(TRAIN, np.where(truth(TRAIN) > 0, "yes", "no"))
    inputs = [(n, (StringTensorType if n in WORDS else FloatTensorType)([None, 1])) for n in [*NUMBERS, *WORDS]]
    graph = convert_sklearn(ready, initial_types=inputs, options={"zipmap": False}, target_opset=17)
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])

    def answers(rows):
        given = {n: rows[[n]].to_numpy(dtype=object if n in WORDS else np.float32) for n in rows}
        return session.run(["probabilities"], given)[0].astype(float)

    evidence = build(["no", "yes"] * 3, inputs=SAMPLE, function=answers)
    explained = explain(evidence, SAMPLE, BACKGROUND, METHOD)
    assert explained.explainer == EXACT
    assert faults(explained, enumerated(answers, SAMPLE, BACKGROUND)[..., 1]) == []


def test_a_function(build, enumerated):
    def answers(rows):
        level = np.tanh(truth(rows).to_numpy()) * np.where(rows["g"] == "u", 1, rows["f"] > 0)
        return np.column_stack([0.5 - level / 3, 0.5 + level / 3])

    evidence = build(["no", "yes"] * 3, inputs=SAMPLE, function=answers)
    assert faults(explain(evidence, SAMPLE, BACKGROUND, METHOD), enumerated(answers, SAMPLE, BACKGROUND)[..., 1]) == []


def test_a_sum_and_a_product_are_shared_as_worked_out_by_hand(build, enumerated):
    """Of 0.05 d + 0.2 u v, with u whether g is "u" and v whether f is above 0, d has 0.05 (d - E d). Of the product u has the mean of
    what it adds alone, u E v - E uv, and after v, uv - v E u; and v likewise."""

    def parts(rows):
        return rows["d"].to_numpy(), (rows["g"] == "u").to_numpy(float), (rows["f"] > 0).to_numpy(float)

    def answers(rows):
        d, u, v = parts(rows)
        level = 0.05 * d + 0.2 * u * v
        return np.column_stack([0.5 - level, 0.5 + level])

    (d, u, v), (other_d, other_u, other_v) = parts(SAMPLE), parts(BACKGROUND)
    both = (other_u * other_v).mean()
    wanted = np.zeros(SAMPLE.shape)
    wanted[:, list(SAMPLE).index("d")] = 0.05 * (d - other_d.mean())
    wanted[:, list(SAMPLE).index("g")] = 0.1 * (u * other_v.mean() - both + u * v - v * other_u.mean())
    wanted[:, list(SAMPLE).index("f")] = 0.1 * (v * other_u.mean() - both + u * v - u * other_v.mean())
    assert len(set(u)) == len(set(v)) == 2
    assert enumerated(answers, SAMPLE, BACKGROUND)[..., 1] == pytest.approx(wanted, abs=1e-12)
    evidence = build(["no", "yes"] * 3, inputs=SAMPLE, function=answers)
    explained = explain(evidence, SAMPLE, BACKGROUND, METHOD)
    assert explained.values == pytest.approx(wanted, abs=1e-12)
    assert faults(explained, wanted) == []
    assert faults(explained, wanted[:, ::-1]) == ["correlation", "values"]
    assert faults(replace(explained, base=explained.base + 0.01, background=50), wanted) == ["sums", "background"]
