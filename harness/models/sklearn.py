"""A fitted scikit-learn model, loaded with skops under an allow-list of types."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harness.core.audit import ModelInfo
from harness.core.dataset import Labels
from harness.core.finding import Finding
from harness.core.names import name_of
from harness.core.predictions import Predictions
from harness.engine.batching import TextSizes
from harness.engine.provenance import sha256_file
from harness.errors import ModelError
from harness.models.skops_content import content_digest

if TYPE_CHECKING:
    import pandas as pd

# Parts of scikit-learn's own estimators that skops does not trust by default: plain data holders, no code paths.
ALLOWED_TYPES = frozenset(
    {
        "numpy.dtype",
        "sklearn.calibration._CalibratedClassifier",
        "sklearn.calibration._SigmoidCalibration",
        "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
        "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
        "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
        "sklearn.tree._tree.Tree",
    }
)


class SklearnModel:
    """Reads the columns view: a frame of the suite's features."""

    def __init__(
        self, estimator: Any, info: ModelInfo, classes: tuple[str, ...], warnings: tuple[Finding, ...] = ()
    ) -> None:
        self._estimator, self.info = estimator, info
        self._classes, self.warnings = classes, warnings

    def estimator(self) -> Any:
        """The fitted object."""
        return self._estimator

    def refitted(self, inputs: pd.DataFrame, labels: Labels) -> SklearnModel:
        """A clone fitted to inputs (n rows of features) with their labels (n,)."""
        names = getattr(self._estimator, "feature_names_in_", None)
        fitted = _fitted_clone(self._estimator, inputs if names is None else inputs[list(names)], labels)
        return SklearnModel(fitted, self.info, _classes_of(fitted) if self._classes else ())

    def predict(self, inputs: pd.DataFrame, ids: np.ndarray) -> Predictions:
        """Labels, and probabilities where the model has them."""
        names = getattr(self._estimator, "feature_names_in_", None)
        if names is not None:
            absent = [name for name in names if name not in inputs.columns]
            if absent:
                raise ModelError(
                    f"{self.info.uri} was fitted on columns that the suite does not give: "
                    f"{', '.join(absent[:8])}. List them under data.features."
                )
            inputs = inputs[list(names)]
        try:
            if not self._classes:
                return Predictions((), np.asarray(self._estimator.predict(inputs), dtype=float).reshape(-1), None)
            labels = np.array([name_of(v) for v in self._estimator.predict(inputs)], dtype=object)
            scores = self._estimator.predict_proba(inputs) if "scores" in self.info.offers else None
        except (ValueError, TypeError, KeyError) as error:
            raise ModelError(f"{self.info.uri} can't read the suite's columns: {_without_values(error)}") from error
        return Predictions(self._classes, labels, None if scores is None else np.asarray(scores, dtype=float))


class SklearnText:
    """A fitted object that reads texts (a vectoriser and a classifier)."""

    context: int | None = None
    batch_tokens, batch_texts = 10**9, 1000

    def __init__(self, opened: SklearnModel, classes: tuple[str, ...]) -> None:
        self._estimator, self.classes, self.warnings = opened.estimator(), classes, opened.warnings
        self.info = opened.info.model_copy(update={"view": "text"})
        self.settings = "sklearn"
        self._order: list[int] = []
        if not classes:
            return
        own = _classes_of(self._estimator)
        if set(own) != set(classes):
            raise ModelError(f"{self.info.uri} knows the classes {', '.join(own)}; the data has {', '.join(classes)}.")
        self._order = [classes.index(name) for name in own]

    def refitted(self, texts: list[str], labels: Labels) -> SklearnText:
        """A clone fitted to texts (n) with their labels (n,)."""
        fitted = _fitted_clone(self._estimator, texts, labels)
        own = _classes_of(fitted) if self.classes else ()
        return SklearnText(SklearnModel(fitted, self.info, own), own)

    def sizes(self, texts: list[str]) -> TextSizes:
        """Characters: order is all that they are used for."""
        return TextSizes(np.array([len(text) for text in texts], dtype=np.int64), None)

    def score(self, texts: list[str]) -> npt.NDArray[np.float64]:
        """Class position, and probabilities where the model has them; for regression 0 and the number."""
        try:
            if not self.classes:
                found = np.asarray(self._estimator.predict(texts), dtype=float).reshape(-1)
                return np.column_stack([np.zeros(len(texts)), found])
            if "scores" not in self.info.offers:
                labels = [self.classes.index(name_of(value)) for value in self._estimator.predict(texts)]
                return np.column_stack([labels, np.full((len(texts), len(self.classes)), np.nan)])
            found = self._estimator.predict_proba(texts)
        except (ValueError, TypeError, AttributeError) as error:
            raise ModelError(
                f"{self.info.uri} can't read texts ({type(error).__name__}). Leave --view out for a table."
            ) from error
        scores = np.empty_like(found)
        scores[:, self._order] = found
        return np.column_stack([scores.argmax(axis=1), scores])

    def cost(self) -> float | None:
        """Nothing is charged."""
        return None


def _learns_again(estimator: Any) -> bool:
    """Whether a clone starts from nothing: no part of it is frozen or fitted before."""
    if not hasattr(estimator, "get_params"):
        return False
    given = estimator.get_params(deep=True)
    if any(name.endswith("prefit") and value is True for name, value in given.items()):
        return False
    return not any(_is_frozen(part) for part in (estimator, *given.values()))


def _is_frozen(part: Any) -> bool:
    if isinstance(part, list | tuple | dict):
        return any(_is_frozen(inner) for inner in (part.values() if isinstance(part, dict) else part))
    return type(part).__name__ == "FrozenEstimator" or (isinstance(part, str) and part == "prefit")


def _fitted_clone(estimator: Any, inputs: Any, labels: Labels) -> Any:
    from sklearn.base import clone

    try:
        return clone(estimator).fit(inputs, labels)
    except ValueError as error:
        raise ModelError(f"The model can't be fitted again to {len(labels)} rows: {_without_values(error)}") from error


def _classes_of(estimator: Any) -> tuple[str, ...]:
    return tuple(name_of(value) for value in getattr(estimator, "classes_", ()))


def load_sklearn(path: Path, uri: str, classes: tuple[str, ...], view: str = "columns") -> SklearnModel | SklearnText:
    """Loads a .skops file whose types skops trusts; ModelError where it is broken or holds other types."""
    import skops.io

    try:
        found = set(skops.io.get_untrusted_types(file=path))
        if untrusted := sorted(found - ALLOWED_TYPES):
            raise ModelError(
                f"{path.name} holds types outside the allow-list: {', '.join(untrusted[:8])}. "
                "Use estimators of scikit-learn, or audit saved predictions instead."
            )
        estimator = skops.io.load(path, trusted=sorted(found))
    except ModelError:
        raise
    except Exception as error:
        raise ModelError(
            f"{path.name} is not a readable skops file ({type(error).__name__}). It may be cut short; "
            "save it again with skops.io.dump(model, path)."
        ) from error
    opened = _opened(estimator, path, uri, (), numbers=not classes)
    opened.info = opened.info.model_copy(update={"fingerprint": content_digest(path)})
    return opened if view == "columns" else SklearnText(opened, classes)


def load_pickle(path: Path, uri: str, reason: str, classes: tuple[str, ...]) -> SklearnModel:
    """Opens a pickled scikit-learn model on the user's own responsibility; the reason becomes a finding."""
    import joblib

    try:
        estimator = joblib.load(path)
    except Exception as error:
        raise ModelError(f"{path.name} can't be opened as a pickle ({type(error).__name__}: {error}).") from error
    if not hasattr(estimator, "predict"):
        raise ModelError(f"{path.name} holds a {type(estimator).__name__}; wanted a fitted model with predict.")
    warning = Finding(measure="model.unsafe_load", value=1, n=1, exact=True, better="lower", reason=reason)
    return _opened(estimator, path, uri, (warning,), numbers=not classes)


def _opened(estimator: Any, path: Path, uri: str, warnings: tuple[Finding, ...], *, numbers: bool) -> SklearnModel:
    from sklearn.base import is_classifier, is_regressor

    if (is_classifier if numbers else is_regressor)(estimator):
        found, wanted = ("classifier", "regression") if numbers else ("regressor", "classification")
        raise ModelError(f"{path.name} holds a {found}; the suite's task is {wanted}. Give a model of that task.")
    classes = tuple(name_of(value) for value in getattr(estimator, "classes_", ()))
    offers = (
        ["labels", "train", "ask"]
        + (["refit"] if _learns_again(estimator) else [])
        + (["scores"] if hasattr(estimator, "predict_proba") else [])
    )
    info = ModelInfo(uri=uri, kind="sklearn", fingerprint=sha256_file(path), offers=offers)
    return SklearnModel(estimator, info, classes, warnings)


def _without_values(error: Exception) -> str:
    """The first line of an error up to what it quotes: cells of people's rows don't belong into messages."""
    first = (str(error).splitlines() or [""])[0]
    return re.sub(r"['\"\[].*", "…", first)
