"""Every scikit-learn classifier and regressor, and the boosting libraries' own, fitted to a small table: what tests and docs go through."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

RNG = np.random.default_rng(0)
ROWS = 120
FRAME = pd.DataFrame(np.abs(RNG.normal(size=(ROWS, 3))), columns=["a", "b", "c"])
NUMBERS = FRAME["a"].to_numpy() + RNG.uniform(0.1, 0.5, ROWS)
CLASSES = np.where(np.median(NUMBERS) < NUMBERS, "yes", "no")


def every(kind: str) -> Iterator[tuple[str, Any]]:
    """Name and class of each of scikit-learn's estimators of a kind (classifier, regressor), then of the boosting libraries'."""
    import catboost
    import lightgbm
    import xgboost
    from sklearn.utils import all_estimators

    yield from all_estimators(type_filter=kind)
    ending = kind.capitalize()
    for name, module in (("XGB", xgboost), ("XGBRF", xgboost), ("LGBM", lightgbm), ("CatBoost", catboost)):
        yield f"{name}{ending}", getattr(module, f"{name}{ending}")


def fitted(name: str, estimator: Any, kind: str) -> Any:
    """One of them, fitted; several outputs where it wants several."""
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    own = inspect.signature(estimator).parameters
    tree, line = (
        (DecisionTreeClassifier(max_depth=2), LogisticRegression())
        if kind == "classifier"
        else (DecisionTreeRegressor(max_depth=2), Ridge())
    )
    given: dict[str, Any] = {}
    if "estimators" in own:
        given["estimators"] = [("line", line), ("tree", tree)]
    elif "estimator" in own:
        given["estimator"] = tree if name.startswith(("AdaBoost", "Bagging")) else line
    for few in ("iterations", "n_estimators", "max_iter"):
        if (
            few in own
            and not given.keys() & {"iterations"}
            and name.startswith(("XGB", "LGBM", "CatBoost", "Gradient", "HistGradient", "Random", "Extra"))
        ):
            given[few] = 8
    given |= {"verbose": {"LGBM": -1, "CatB": 0}[name[:4]]} if name[:4] in ("LGBM", "CatB") else {}
    given |= {"allow_writing_files": False} if name.startswith("CatBoost") else {}
    labels: Any = NUMBERS if kind == "regressor" else CLASSES
    if name.startswith(("XGB", "SelfTraining")) and kind == "classifier":
        labels = (labels == "yes").astype(int)
    if name.startswith(("MultiOutput", "MultiTask", "ClassifierChain", "RegressorChain")):
        other = FRAME["b"].to_numpy()
        labels = np.column_stack([NUMBERS, other] if kind == "regressor" else [NUMBERS > 0.7, other > 0.7])
        labels = labels.astype(float if kind == "regressor" else int)
    inputs = FRAME["a"] if name == "IsotonicRegression" else FRAME
    given |= {"n_components": 1} if name in ("CCA", "PLSCanonical", "PLSRegression") else {}
    given |= {"min_samples": 10} if name == "RANSACRegressor" else {}
    return estimator(**given).fit(inputs, labels)
