"""A pipeline taken apart: what its last model is given, and which feature each of those columns was made of.

Attributions of a transformed column may be added to a feature only where the column was made of that feature alone. So a
step is known by its type: one that mixes columns (principal components, polynomials, imputation by neighbours, a function
of the user's) can't be traced, and its model is explained through its answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

Owners = list[int]

# Transformers that give each column back as one column, in order.
COLUMNWISE = frozenset(
    {"StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler", "QuantileTransformer", "PowerTransformer"}
    | {"OrdinalEncoder", "Binarizer"}
)


@dataclass(frozen=True)
class Traced:
    """The last model of a pipeline, what it is given for m rows of the features (m, columns), and for each of these columns
    the position of the feature that it was made of."""

    model: Any
    transform: Callable[[pd.DataFrame], Any]
    owners: Owners


def trace(estimator: Any, features: list[str]) -> Traced | None:
    """A fitted scikit-learn pipeline or a model without one, of these features; None where a column can't be traced."""
    names = _columns(estimator, features)
    if not set(names) <= set(features):
        return None
    steps = _steps(estimator)
    owners: Owners | None = [features.index(name) for name in names]
    for step in steps[:-1]:
        owners = _owners(step, owners)
        if owners is None:
            return None
    assert owners is not None

    def transform(frame: pd.DataFrame) -> Any:
        found = frame[names]
        for step in steps[:-1]:
            found = step.transform(found)
        return found

    return Traced(steps[-1], transform, owners)


def _columns(estimator: Any, features: list[str]) -> list[str]:
    """The features that an estimator reads, in its order: by the names that it was fitted on, else all by position.

    CatBoost has names under another name; it and LightGBM make some up (`0`, `Column_0`) where they were given none.
    """
    names = list(getattr(estimator, "feature_names_in_", getattr(estimator, "feature_names_", features)))
    unnamed = len(names) == len(features) and set(names).isdisjoint(features)
    return features if unnamed else names


def _steps(part: Any) -> list[Any]:
    """A pipeline's steps in order, those of pipelines inside it among them; steps that pass everything on left out."""
    if not _is(part, "pipeline", "Pipeline"):
        return [part]
    steps = [part[k] for k in range(len(part.steps))]
    return [inner for step in steps if not _passes(step) for inner in _steps(step)]


def _passes(part: Any) -> bool:
    return part is None or (isinstance(part, str) and part == "passthrough")


def _is(part: Any, module: str, *names: str) -> bool:
    """Whether a part is of these types of scikit-learn itself: a subclass may do anything."""
    return type(part).__module__.startswith(f"sklearn.{module}") and type(part).__name__ in names


def _owners(part: Any, given: Owners | None) -> Owners | None:
    """The owner of each column that a fitted transformer makes of columns with these owners."""
    if given is None:
        return None
    if _passes(part):
        return given
    if _is(part, "pipeline", "Pipeline"):
        for step in _steps(part):
            given = _owners(step, given)
        return given
    if _is(part, "compose", "ColumnTransformer"):
        return _of_columns(part, given)
    if _is(part, "pipeline", "FeatureUnion"):
        return _joined([_owners(one, given) for _, one in part.transformer_list if one != "drop"])
    if _is(part, "feature_selection", *SELECTORS):
        return [given[k] for k in part.get_support(indices=True)]
    return _of_one(part, given)


SELECTORS = (
    *("SelectKBest", "SelectPercentile", "SelectFpr", "SelectFdr", "SelectFwe", "GenericUnivariateSelect"),
    *("VarianceThreshold", "SelectFromModel", "RFE", "RFECV", "SequentialFeatureSelector"),
)


def _of_columns(part: Any, given: Owners) -> Owners | None:
    """Each transformer's own columns, in order."""
    indices = part._transformer_to_input_indices  # the one place where names, masks and slices are positions
    return _joined(
        [
            _owners(one, [given[k] for k in indices[name]])
            for name, one, _ in part.transformers_
            if not (isinstance(one, str) and one == "drop") and len(indices[name])
        ]
    )


def _joined(parts: list[Owners | None]) -> Owners | None:
    owners: Owners = []
    for part in parts:
        if part is None:
            return None
        owners += part
    return owners


def _of_one(part: Any, given: Owners) -> Owners | None:
    """Transformers that make each of their columns of one column."""
    if _is(part, "preprocessing", *COLUMNWISE):
        return given
    if _is(part, "preprocessing", "OneHotEncoder"):
        return _repeated(given, _one_hot_widths(part, len(given)))
    if _is(part, "preprocessing", "KBinsDiscretizer"):
        return given if part.encode == "ordinal" else _repeated(given, [int(n) for n in part.n_bins_])
    if _is(part, "preprocessing", "TargetEncoder"):
        several = len(part.classes_) if part.target_type_ == "multiclass" else 1
        return _repeated(given, [several] * len(given))
    if _is(part, "preprocessing", "FunctionTransformer"):
        # Identity, or one of numpy's functions of a single number. A user's function may mix columns.
        return given if part.func is None or (isinstance(part.func, np.ufunc) and part.func.nin == 1) else None
    if _is(part, "impute", "MissingIndicator"):
        return [given[k] for k in part.features_]
    if _is(part, "impute", "SimpleImputer"):
        return _of_imputer(part, given)
    return None


def _repeated(given: Owners, widths: list[int]) -> Owners:
    return [owner for owner, width in zip(given, widths, strict=True) for _ in range(width)]


def _one_hot_widths(part: Any, count: int) -> list[int]:
    """How many columns each encoded column makes: its categories, rare ones as one, less one that is dropped."""
    rare = getattr(part, "infrequent_categories_", None) or [None] * count
    dropped = [None] * count if part.drop_idx_ is None else part.drop_idx_
    return [
        len(part.categories_[k]) - (0 if rare[k] is None else len(rare[k]) - 1) - int(dropped[k] is not None)
        for k in range(count)
    ]


def _of_imputer(part: Any, given: Owners) -> Owners:
    """The columns that had a value to learn from, then the indicators of missing values."""
    empty = [isinstance(value, float) and np.isnan(value) for value in part.statistics_]
    filled = [owner for owner, nothing in zip(given, empty, strict=True) if part.keep_empty_features or not nothing]
    return filled + ([given[k] for k in part.indicator_.features_] if part.add_indicator else [])
