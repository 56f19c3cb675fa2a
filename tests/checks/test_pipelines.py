"""Which feature each column that a model is given was made of."""

import numpy as np
import pandas as pd
import pytest
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_selection import SelectFromModel, SelectKBest, VarianceThreshold
from sklearn.impute import KNNImputer, MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    KBinsDiscretizer,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    SplineTransformer,
    StandardScaler,
    TargetEncoder,
)

from harness.checks.explainability.pipelines import trace

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(RNG.normal(size=(80, 3)), columns=["a", "b", "c"])
FRAME = FRAME.assign(a=FRAME["a"].where(RNG.random(80) > 0.2), k=RNG.choice(["p", "q", "r"], 80), e=np.nan)
TRUTH = np.where(FRAME["b"] > 0, "yes", "no")
NUMBERS, FEATURES = ["a", "b", "c"], list(FRAME.columns)


def moved(traced, frame):
    """For each column that the model is given the features that change it, found by shuffling each feature."""
    plain = traced.transform(frame)
    plain = np.asarray(plain.toarray() if hasattr(plain, "toarray") else plain, dtype=float)
    movers = [set() for _ in range(plain.shape[1])]
    for j, name in enumerate(frame.columns):
        other = traced.transform(frame.assign(**{name: frame[name].to_numpy()[::-1]}))
        other = np.asarray(other.toarray() if hasattr(other, "toarray") else other, dtype=float)
        for column in np.flatnonzero(~np.isclose(plain, other, equal_nan=True).all(axis=0)):
            movers[column].add(j)
    return movers


TRACED = {
    "no pipeline": (NUMBERS, []),
    "nested pipelines": (NUMBERS, [make_pipeline(SimpleImputer(add_indicator=True), "passthrough"), make_pipeline(StandardScaler())]),
    "an empty column": ([*NUMBERS, "e"], [SimpleImputer()]),
    "an empty column kept": ([*NUMBERS, "e"], [SimpleImputer(keep_empty_features=True)]),
    "sparse categories first": (FEATURES, [ColumnTransformer([("k", OneHotEncoder(), ["k"]), ("n", SimpleImputer(), ["c", "a"])], sparse_threshold=1.0)]),
    "remainder, masks and slices": (FEATURES, [ColumnTransformer([("k", OneHotEncoder(), slice(3, 4)), ("e", "drop", ["e"]), ("n", SimpleImputer(), [True, False, False, False, False])], remainder="passthrough")]),
    "columns by type, nested": (FEATURES, [ColumnTransformer([("n", make_pipeline(SimpleImputer(), ColumnTransformer([("x", "passthrough", [1]), ("y", StandardScaler(), [0])])), ["a", "c"]), ("k", OrdinalEncoder(), make_column_selector(pattern="k"))])]),
    "selected columns": (NUMBERS, [SimpleImputer(), VarianceThreshold(), SelectKBest(k=2), SelectFromModel(LogisticRegression(), threshold="mean")]),
    "a union": (NUMBERS, [FeatureUnion([("m", MissingIndicator()), ("i", SimpleImputer())])]),
    "bins": (["b", "c"], [KBinsDiscretizer(3, quantile_method="averaged_inverted_cdf")]),
    "targets": (["k", "b"], [ColumnTransformer([("t", TargetEncoder(), ["k"])], remainder="passthrough")]),
    "an elementwise function": (["b", "c"], [FunctionTransformer(np.exp), FunctionTransformer()]),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:Skipping features without any observed values")
@pytest.mark.parametrize("name", TRACED)
def test_each_column_has_the_feature_that_alone_changes_it(name):
    features, steps = TRACED[name]
    frame = FRAME[features]
    fitted = make_pipeline(*steps, RandomForestClassifier(5)) if steps else RandomForestClassifier(5)
    traced = trace(fitted.fit(frame, TRUTH), features)
    movers = moved(traced, frame)
    assert len(movers) == len(traced.owners)
    assert all(found <= {owner} for found, owner in zip(movers, traced.owners, strict=True))
    assert sum(map(len, movers)) >= len(movers) / 2
    assert type(traced.model) is RandomForestClassifier


@pytest.mark.parametrize(
    "mixing",
    [
        *(PCA(), PolynomialFeatures(), KNNImputer(), Normalizer(), SplineTransformer(n_knots=3)),
        FunctionTransformer(lambda x: x - x.mean(axis=1, keepdims=True)),
    ],
)
def test_a_step_that_mixes_columns_or_may_do_so_is_not_traced(mixing):
    fitted = make_pipeline(SimpleImputer(), mixing, LogisticRegression()).fit(FRAME[NUMBERS], TRUTH)
    assert trace(fitted, NUMBERS) is None


def test_a_model_that_reads_a_column_that_is_no_feature_is_not_traced():
    fitted = make_pipeline(SimpleImputer(), LogisticRegression()).fit(FRAME[NUMBERS], TRUTH)
    assert trace(fitted, ["a", "b"]) is None
    assert trace(fitted, ["c", "b", "a", "k"]).owners == [2, 1, 0]


@pytest.mark.parametrize("model", [LGBMClassifier(verbose=-1, n_jobs=1, n_estimators=2), CatBoostClassifier(iterations=2, verbose=0, allow_writing_files=False)])  # fmt: skip
def test_names_that_a_library_made_up_are_positions(model):
    rows = FRAME[["b", "c"]]
    assert trace(model.fit(rows.to_numpy(), TRUTH), ["b", "c"]).owners == [0, 1]
    assert trace(model.fit(rows, TRUTH), ["c", "k", "b"]).owners == [2, 0]


def test_a_one_hot_column_is_credited_to_its_own_feature_though_anothers_name_begins_alike():
    frame = pd.DataFrame({"x": ["y_z", "b"] * 20, "x_y": ["q", "r", "s", "q"] * 10})
    truth = ["no", "yes"] * 20

    def owners(encoder):
        return trace(make_pipeline(encoder, LogisticRegression()).fit(frame, truth), ["x", "x_y"]).owners

    assert owners(OneHotEncoder()) == [0, 0, 1, 1, 1]
    assert owners(OneHotEncoder(min_frequency=15, drop="if_binary")) == [
        0,
        1,
    ]  # two rare words as one, of two columns one
