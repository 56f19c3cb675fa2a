"""Which types a .skops file may hold beside those that skops trusts: parts of estimators that hold data, and functions of numbers.

A .skops file names types and functions by module; opening it imports and fills them. Nothing here reads files, calls the network or
runs text as code. A name counts only where it is defined in its module, so that an import of that module is not a way around the
list. The boosting libraries' models are read by their own parsers from bytes that the file holds, as their `load_model` does.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

TYPES = frozenset(
    {
        "catboost.core.CatBoostClassifier",
        "catboost.core.CatBoostRegressor",
        "collections.OrderedDict",
        "lightgbm.basic.Booster",
        "lightgbm.sklearn.LGBMClassifier",
        "lightgbm.sklearn.LGBMRegressor",
        "numpy.dtype",
        "numpy.mean",
        "scipy._lib.array_api_compat.numpy._aliases.asarray",
        "scipy.interpolate._bsplines.BSpline",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.cluster._bisect_k_means._BisectingTree",
        "sklearn.cluster._kmeans._kmeans_single_elkan",
        "sklearn.cluster._kmeans._kmeans_single_lloyd",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
        "sklearn.multiclass._ConstantPredictor",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.tree._tree.Tree",
        "sklearn.utils._bunch.Bunch",
        "xgboost.core.Booster",
        "xgboost.sklearn.XGBClassifier",
        "xgboost.sklearn.XGBRegressor",
        "xgboost.sklearn.XGBRFClassifier",
        "xgboost.sklearn.XGBRFRegressor",
    }
)
MODULES = frozenset(
    {
        "sklearn._loss.link",
        "sklearn._loss.loss",
        "sklearn.feature_selection._univariate_selection",
        "sklearn.gaussian_process.kernels",
        "sklearn.metrics._classification",
        "sklearn.metrics._dist_metrics",
        "sklearn.metrics._ranking",
        "sklearn.metrics._regression",
        "sklearn.metrics._scorer",
        "sklearn.metrics.pairwise",
        "sklearn.model_selection._split",
        "sklearn.neighbors._ball_tree",
        "sklearn.neighbors._kd_tree",
        "sklearn.utils._metadata_requests",
    }
)
"""Modules of which everything that is defined there may stand in a file."""


def refused(names: Iterable[str]) -> list[str]:
    """Those of the names (of types that skops does not trust by itself) that are not allowed, sorted."""
    return sorted(name for name in names if name not in TYPES and not _defined_in_an_allowed_module(name))


def _defined_in_an_allowed_module(name: str) -> bool:
    module, _, own = name.rpartition(".")
    return module in MODULES and getattr(getattr(import_module(module), own, None), "__module__", None) == module
