"""Reference models for tables: sensible preprocessing and a scikit-learn estimator, trained on the training split only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.core.dataset import Split
from harness.errors import ModelError

if TYPE_CHECKING:
    import pandas as pd

LINEAR = {"classification": "sklearn:logistic-regression", "regression": "sklearn:linear-regression"}
COMMON = 5  # rows that must share a word for it to get a column of its own
BASES = (*LINEAR.values(), "sklearn:gradient-boosting", "sklearn:random-forest")


def fit_tabular(train: Split, base: str, seed: int) -> Any:
    """A fitted pipeline, of a regressor where the labels are numbers; ModelError for a base that does not fit."""
    numbers = train.labels.dtype.kind == "f"
    task, other = ("regression", "classification") if numbers else ("classification", "regression")
    known = [name for name in BASES if name != LINEAR[other]]
    if base not in known:
        raise ModelError(f"There is no base {base!r} for {task}. Wanted one of: {', '.join(known)}.")
    from sklearn.pipeline import Pipeline

    numeric = [column for column in train.inputs.columns if train.inputs[column].dtype.kind == "f"]
    categorical = [column for column in train.inputs.columns if column not in numeric]
    # A text of its own in each row tells no other row anything.
    shared = [name for name in categorical if (train.inputs[name].value_counts() >= COMMON).any()]
    if not numeric and not shared:
        raise ModelError(
            f"{base} learns from numbers and from values that {COMMON} rows share; the column(s) {', '.join(categorical[:5])} hold "
            "neither. If they hold texts: --base sklearn:tfidf, or a transformer to fine-tune (both need views.text)."
        )
    pipeline = Pipeline(
        [
            ("columns", _columns(numeric, shared, train.inputs, base)),
            ("model", _regressor(base, seed) if numbers else _classifier(base, seed)),
        ]
    )
    return pipeline.fit(train.inputs, train.labels)


def _classifier(base: str, seed: int) -> Any:
    if base == "sklearn:logistic-regression":
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(max_iter=2000, C=1.0)
    if base == "sklearn:gradient-boosting":
        from sklearn.ensemble import GradientBoostingClassifier

        # Shallow, slow and subsampled: strong enough to be useful, too weak to memorise its rows.
        return GradientBoostingClassifier(
            n_estimators=60,
            max_depth=2,
            learning_rate=0.08,
            subsample=0.7,
            min_samples_leaf=20,
            random_state=seed,
        )
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(n_estimators=200, min_samples_leaf=15, random_state=seed, n_jobs=1)


def _regressor(base: str, seed: int) -> Any:
    if base == "sklearn:linear-regression":
        from sklearn.linear_model import Ridge

        return Ridge(alpha=1.0)
    if base == "sklearn:gradient-boosting":
        from sklearn.ensemble import GradientBoostingRegressor

        # Deeper than the classifier: a number holds more than a class, and the residual attack still finds little.
        return GradientBoostingRegressor(
            n_estimators=150, max_depth=3, learning_rate=0.08, subsample=0.7, min_samples_leaf=15, random_state=seed
        )
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(n_estimators=200, min_samples_leaf=5, random_state=seed, n_jobs=1)


def _columns(numeric: list[str], categorical: list[str], inputs: pd.DataFrame, base: str) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    steps: list[tuple[str, Any]] = [("impute", SimpleImputer(strategy="median", add_indicator=True))]
    if base in LINEAR.values():
        steps.append(("scale", StandardScaler()))
    parts: list[tuple[str, Any, list[str]]] = []
    if numeric:
        parts.append(("numeric", Pipeline(steps), numeric))
    if categorical:
        # None (missing) is a category of its own for the encoder.
        encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False, min_frequency=COMMON)
        parts.append(("categorical", encoder, categorical))
    return ColumnTransformer(parts, verbose_feature_names_out=False)
