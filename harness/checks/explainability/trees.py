"""SHAP values of tree models against background rows (interventional; Lundberg et al. 2020, algorithm 3), exactly.

SHAP's TreeExplainer reads the trees. The values are worked out here, since SHAP's own shares credit among the columns of
a one-hot encoding as if each could be absent alone, keeps thresholds in 32 bits and node numbers in 16, and ends the
process for some models. A leaf counts for the features that lead a row to it and against those that lead it away: with
the background row's value for absent features, it is reached by coalitions that hold all of the a features of which the
background row's value leads elsewhere, and none of the b features of which the row's own does; (a - 1)! b! / (a + b)!
and -a! (b - 1)! / (a + b)! of the leaf's value are theirs. Missing values go the way that each split has learnt.

Not read: CatBoost of several classes, AdaBoost, Bagging, scikit-learn's gradient boosting of several classes, splits by
categories, and forests of more than 200,000 leaves. These give None.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.checks.explainability.shap_library import import_shap

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.uint64]

TREES = {
    "sklearn": frozenset(
        {"DecisionTreeClassifier", "DecisionTreeRegressor", "RandomForestClassifier", "RandomForestRegressor"}
        | {"ExtraTreesClassifier", "ExtraTreesRegressor", "GradientBoostingClassifier", "GradientBoostingRegressor"}
        | {"HistGradientBoostingClassifier", "HistGradientBoostingRegressor"}
    ),
    "xgboost": frozenset({"XGBClassifier", "XGBRegressor", "XGBRFClassifier", "XGBRFRegressor"}),
    "lightgbm": frozenset({"LGBMClassifier", "LGBMRegressor"}),
    "catboost": frozenset({"CatBoostClassifier", "CatBoostRegressor"}),
}
MOST_LEAVES = 200_000
# What SHAP raises of trees that it can't read: it has few types of its own, asserts, and trips over forms that it does not know.
_UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, AssertionError, NotImplementedError)


def is_tree(model: Any) -> bool:
    """Whether a model is one of trees that this module can try to explain."""
    return type(model).__name__ in TREES.get(_library(model), ())


def raw_outputs(model: Any, given: Any) -> Floats:
    """The number or numbers a row that trees add up to (n, outputs): log-odds of boosting, probabilities of forests, or
    the number predicted."""
    if _library(model) == "xgboost":
        found = model.predict(given, output_margin=True)
    elif _library(model) == "lightgbm":
        found = model.predict(given, raw_score=True)
    elif _library(model) == "catboost":
        found = model.predict(given, prediction_type="RawFormulaVal")
    elif hasattr(model, "decision_function"):
        found = model.decision_function(given)
    else:
        found = model.predict_proba(given) if hasattr(model, "predict_proba") else model.predict(given)
    return np.asarray(found, dtype=float).reshape(len(found), -1)


def tree_values(model: Any, owners: list[int], matrix: Floats, background: Floats) -> Floats | None:
    """Values (n, features, outputs) of the rows of matrix (n, columns) against those of background (m, columns), where
    column k was made of feature owners[k]; None where SHAP can't read the trees."""
    trees = _read(model)
    if trees is None:
        return None
    as_compared = np.float64 if _compares_64_bits(model) else np.float32
    with np.errstate(over="ignore"):
        matrix, background = (part.astype(as_compared).astype(float) for part in (matrix, background))
    total = np.zeros((max(owners) + 1, len(matrix), trees.values.shape[2]))
    for k in range(len(trees.children_left)):
        tree = _Tree(trees, k, np.asarray(owners))
        try:
            tree.add(matrix, background, total)
        except OverflowError:  # more features on a path than a code has bits
            return None
    return np.moveaxis(total, 0, 1)


def _library(model: Any) -> str:
    return type(model).__module__.partition(".")[0]


def _compares_64_bits(model: Any) -> bool:
    """The others round a row to 32 bits before they compare it with a threshold."""
    return _library(model) == "lightgbm" or type(model).__name__.startswith("HistGradientBoosting")


def _read(model: Any) -> Any:
    """SHAP's reading of these trees, all in arrays (trees, nodes); None where it reads them not, or not rightly."""
    if _by_categories(model) or (_library(model) == "catboost" and len(getattr(model, "classes_", ())) > 2):
        return None
    try:
        trees = import_shap().TreeExplainer(model, feature_perturbation="tree_path_dependent").model
    except _UNREADABLE:
        return None
    if trees.trees is None or bool((trees.threshold_types > 0).any()):
        return None
    return trees if int(trees.num_nodes.sum()) < 2 * MOST_LEAVES else None


def _by_categories(model: Any) -> bool:
    """Whether columns may be split by categories: SHAP would read these splits as thresholds, or not at all."""
    if _library(model) == "xgboost":
        return "c" in (model.get_booster().feature_types or ())
    if _library(model) == "catboost":
        return bool(model.get_cat_feature_indices())
    categorical = getattr(model, "is_categorical_", None)  # of histogram boosting
    return categorical is not None and bool(np.any(categorical))


MOST_BITS = 60


def _weights(count: int) -> Floats:
    """(a - 1)! b! / (a + b)! for a and b of so many features (count + 1, count + 1); 0 where a is 0."""
    return np.array(
        [
            [factorial(a - 1) * factorial(b) / factorial(a + b) if a else 0.0 for b in range(count + 1)]
            for a in range(count + 1)
        ]
    )


WEIGHTS = _weights(MOST_BITS)
BITS = np.uint64(1) << np.arange(MOST_BITS, dtype=np.uint64)


@dataclass(frozen=True)
class _Tree:
    """One of the trees, and the feature of each column."""

    trees: Any
    number: int
    owners: npt.NDArray[np.int64]

    def add(self, matrix: Floats, background: Floats, total: Floats) -> None:
        """Adds the values of this tree's leaves to total (features, n, outputs).

        On the way down a row's code has a bit for each feature of the path, set where the row's value leads elsewhere.
        """
        trees, k = self.trees, self.number
        left, right, column = trees.children_left[k], trees.children_right[k], trees.features[k]
        goes_left = self._goes_left(np.concatenate([matrix, background]))
        stack: list[tuple[int, list[int], Codes]] = [(0, [], np.zeros(goes_left.shape[1], np.uint64))]
        while stack:
            node, path, codes = stack.pop()
            if left[node] < 0:
                _add_leaf(trees.values[k, node], path, codes, total)
                continue
            feature = int(self.owners[column[node]])
            path = path if feature in path else [*path, feature]
            if len(path) > MOST_BITS:
                raise OverflowError
            bit = np.uint64(1 << path.index(feature))
            stack.append((int(left[node]), path, codes | ~goes_left[node] * bit))
            stack.append((int(right[node]), path, codes | goes_left[node] * bit))

    def _goes_left(self, rows: Floats) -> Bools:
        """Whether each row goes left at each node (nodes, rows)."""
        trees, k = self.trees, self.number
        values = rows[:, np.maximum(trees.features[k], 0)].T
        found: Bools = values <= trees.thresholds[k][:, None]
        missing_left = trees.children_default[k] == trees.children_left[k]
        found |= np.isnan(values) & missing_left[:, None]
        return found


def _add_leaf(value: Floats, path: list[int], codes: Codes, total: Floats) -> None:
    """Adds a leaf's values to total (features, n, outputs); codes are of the n rows, then of the background rows. Equal codes are worked out once."""
    if not path:
        return
    size = total.shape[1]
    rows, back, _ = _distinct(codes[:size], len(path))
    others, _, counts = _distinct(codes[size:], len(path))
    bits = BITS[: len(path)]
    ours, theirs = others[:, None] & bits != 0, rows[:, None] & bits != 0
    i, j = np.nonzero(rows[:, None] & others == 0)
    share, a, b = counts[j] / (len(codes) - size), ours.sum(axis=1)[j], theirs.sum(axis=1)[i]
    towards = np.zeros((len(rows), len(others)))
    towards[i, j] = share * WEIGHTS[a, b]
    away = np.bincount(i, share * WEIGHTS[b, a], minlength=len(rows))
    parts = towards @ ours.astype(float) - away[:, None] * theirs
    total[path] += parts.T[:, back, None] * value


def _distinct(codes: Codes, bits: int) -> tuple[Codes, npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """The distinct codes, where each code is among them, and how often each comes: as np.unique, and faster for few bits."""
    if bits > 12:
        distinct, back, counts = np.unique(codes, return_inverse=True, return_counts=True)
        return distinct, back, counts
    every = np.bincount(codes.astype(np.intp))
    known = np.flatnonzero(every)
    place = np.zeros(len(every), np.intp)
    place[known] = np.arange(len(known))
    return known.astype(np.uint64), place[codes.astype(np.intp)], every[known]
