"""SHAP values of a model whose structure is known: linear models and trees, behind a pipeline whose columns can be traced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy import special

from harness.checks.explainability.pipelines import Traced, trace
from harness.checks.explainability.shap_library import import_shap
from harness.checks.explainability.trees import is_tree, raw_outputs, tree_values

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

LINEAR = ("LogisticRegression", "LinearRegression", "Ridge")


@dataclass(frozen=True)
class Structural:
    """Values (n, features, k), base values (k,) and outputs (n, k) of a model's k outputs; `answers` (n, k) is what it
    answers where it gives these outputs: probabilities, or numbers."""

    values: Floats
    base: Floats
    output: Floats
    answers: Floats
    explainer: str
    space: str


def by_structure(estimator: Any, sample: pd.DataFrame, reference: pd.DataFrame, number: str) -> Structural | None:
    """The rows of sample (n) against reference (background rows); None where the structure is not known.

    A number predicted is in the space `number`; of boosting of three classes or more each class's log-probability is
    explained, less their mean over the classes.
    """
    traced = trace(estimator, list(sample.columns))
    if traced is None or not (is_tree(traced.model) or _is_linear(traced.model)):
        return None
    given, background = traced.transform(sample), traced.transform(reference)
    try:
        matrices = _dense(given), _dense(background)
    except (ValueError, TypeError):  # words among the columns, which the model reads as categories
        return None
    values = _values(traced, *matrices)
    output, base = (raw_outputs(traced.model, part) for part in (given, background))
    if values is None or values.shape[2] != output.shape[1]:
        return None
    whole = np.zeros((len(values), sample.shape[1], values.shape[2]))
    whole[:, : values.shape[1]] = values
    return _in_space(traced.model, whole, base.mean(axis=0), output, number)


def _is_linear(model: Any) -> bool:
    """Linear models of one output: of several classes each one's log-odds hang on every coefficient, so probabilities are
    asked for."""
    known = type(model).__module__.startswith("sklearn.") and type(model).__name__ in LINEAR
    return known and np.atleast_2d(model.coef_).shape[0] == 1


def _dense(given: Any) -> Floats:
    return np.asarray(given.toarray() if hasattr(given, "toarray") else given, dtype=float)


def _values(traced: Traced, matrix: Floats, background: Floats) -> Floats | None:
    """Values (n, features up to the last one used, outputs)."""
    if is_tree(traced.model):
        return tree_values(traced.model, traced.owners, matrix, background)
    shap, model = import_shap(), traced.model
    # Without max_samples SHAP would take 100 of the rows. The masker gives their mean alone: it compares no values.
    masker = shap.maskers.Independent(background, max_samples=len(background))
    one, intercept = np.ravel(model.coef_), float(np.ravel(model.intercept_)[0])
    values = np.asarray(shap.LinearExplainer((one, intercept), masker)(matrix).values, dtype=float)
    return _summed(values[..., None], traced.owners)


def _in_space(model: Any, values: Floats, base: Floats, output: Floats, number: str) -> Structural:
    """The model's outputs as outputs of each class, and what it answers by them."""
    name = f"{'Tree' if is_tree(model) else 'Linear'} (interventional)"
    if not hasattr(model, "predict_proba"):
        return Structural(values, base, output, output, name, number)
    if not _gives_log_odds(model):
        return Structural(values, base, output, output, name, "probability")
    if output.shape[1] == 1:
        values, base, output = (np.concatenate([-part, part], axis=-1) for part in (values, base, output))
        return Structural(values, base, output, special.softmax(output / 2, axis=1), name, "log-odds")
    values, base, output = (part - part.mean(axis=-1, keepdims=True) for part in (values, base, output))
    return Structural(
        values, base, output, special.softmax(output, axis=1), name, "log-probability less the classes' mean"
    )


def _gives_log_odds(model: Any) -> bool:
    """Boosting and linear models add up log-odds, forests and single trees probabilities."""
    return hasattr(model, "decision_function") or not type(model).__module__.startswith("sklearn.")


def _summed(values: Floats, owners: list[int]) -> Floats:
    total = np.zeros((len(values), max(owners) + 1, values.shape[2]))
    for column, owner in enumerate(owners):
        total[:, owner] += values[:, column]
    return total
