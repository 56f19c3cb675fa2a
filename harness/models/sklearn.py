"""A fitted scikit-learn model, loaded with skops under an allow-list of types."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harness.core.audit import ModelInfo
from harness.core.dataset import Labels
from harness.core.finding import Cell, Finding
from harness.core.names import name_of
from harness.core.predictions import Predictions
from harness.engine.batching import TextSizes
from harness.engine.provenance import sha256_file
from harness.engine.text_pass import NOT_FINITE
from harness.errors import MissingExtraError, ModelError
from harness.models.allowed_types import refused
from harness.models.labels import OwnLabels, map_labels, refuse_reversed
from harness.models.options import ModelOptions
from harness.models.scores import probabilities
from harness.models.skops_content import content_digest, import_skops

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]


class SklearnModel:
    """Reads the columns view: a frame of the suite's features."""

    def __init__(
        self,
        estimator: Any,
        info: ModelInfo,
        labels: OwnLabels | None,
        options: ModelOptions,
        warnings: tuple[Finding, ...] = (),
    ) -> None:
        self._estimator, self.info, self.labels, self.options = estimator, info, labels, options
        self.warnings = warnings if labels is None else (*warnings, *labels.warnings())

    def estimator(self) -> Any:
        """The fitted object."""
        return self._estimator

    def refitted(self, inputs: pd.DataFrame, labels: Labels) -> SklearnModel:
        """A clone fitted to inputs (n rows of features) with their labels (n,)."""
        fitted = _fitted_clone(self._estimator, self._columns(inputs), labels)
        known = None if self.labels is None else map_labels(_classes_of(fitted), self.labels.classes, {}, self.info.uri)
        return SklearnModel(fitted, self.info, known, self.options)

    def predict(self, inputs: pd.DataFrame, ids: np.ndarray) -> Predictions:
        """Labels, and probabilities where the model has them."""
        return self.answers(self._columns(inputs), "the suite's columns")

    def answers(self, inputs: Any, read: str) -> Predictions:
        """The answers for what the fitted object reads (n)."""
        try:
            said = _one_a_row(np.asarray(self._estimator.predict(inputs)), len(inputs), self.info.uri)
            if self.labels is None:
                return Predictions((), said.astype(float), None)
            scores = self._scores(inputs) if "scores" in self.info.offers else None
        except ModelError:
            raise
        except Exception as error:
            raise ModelError(f"{self.info.uri} can't read {read}: {_without_values(error)}") from error
        answers = self.labels.answers(said, scores)
        if self.options.scores and scores is not None:
            refuse_reversed(answers, self.info.uri)
        return answers

    def _scores(self, inputs: Any) -> Floats:
        """Probabilities (n, labels): the model's, or those of its decision function where the user says so."""
        meaning, kind = self.options.scores, "predict_proba"
        if meaning == "decision_function" or (meaning is not None and not hasattr(self._estimator, kind)):
            kind = "decision_function"
        found = np.asarray(getattr(self._estimator, kind)(inputs), dtype=float)
        return probabilities(found.reshape(len(inputs), -1), meaning, self.info.uri)

    def _columns(self, inputs: pd.DataFrame) -> pd.DataFrame:
        names = _features_of(self._estimator)
        if names is None:
            return inputs
        absent = [name for name in names if name not in inputs.columns]
        if absent:
            raise ModelError(
                f"{self.info.uri} was fitted on columns that the suite does not give: "
                f"{', '.join(absent[:8])}. List them under data.features."
            )
        return inputs[names]


class SklearnText:
    """A fitted object that reads texts (a vectoriser and a classifier)."""

    context: int | None = None
    batch_tokens, batch_texts = 10**9, 1000

    def __init__(self, opened: SklearnModel) -> None:
        self._opened, self.warnings = opened, opened.warnings
        self.classes = () if opened.labels is None else opened.labels.classes
        self.info = opened.info.model_copy(update={"view": "text"})
        self.settings = (
            "sklearn" if opened.labels is None else f"sklearn;order={opened.labels.order};{opened.options.scores}"
        )

    def refitted(self, texts: list[str], labels: Labels) -> SklearnText:
        """A clone fitted to texts (n) with their labels (n,)."""
        fitted = _fitted_clone(self._opened.estimator(), texts, labels)
        known = map_labels(_classes_of(fitted), self.classes, {}, self.info.uri) if self.classes else None
        return SklearnText(SklearnModel(fitted, self._opened.info, known, self._opened.options))

    def sizes(self, texts: list[str]) -> TextSizes:
        """Characters: order is all that they are used for."""
        return TextSizes(np.array([len(text) for text in texts], dtype=np.int64), None)

    def score(self, texts: list[str]) -> Floats:
        """Class position, and probabilities where the model has them; for regression 0 and the number."""
        found = self._opened.answers(texts, "texts (leave --view out for a table)")
        if not self.classes:
            return np.column_stack([np.zeros(len(texts)), found.labels])
        place = {name: float(k) for k, name in enumerate(self.classes)}
        first = [NOT_FINITE if label is None else place[label] for label in found.labels]
        scores = np.full((len(texts), len(self.classes)), np.nan) if found.scores is None else found.scores
        return np.column_stack([first, scores])

    def cost(self) -> float | None:
        """Nothing is charged."""
        return None


def _one_a_row(said: npt.NDArray[Any], rows: int, uri: str) -> npt.NDArray[Any]:
    """What was predicted for each row (n,); ModelError where that is not one label or number."""
    if said.size != rows:
        raise _several(f"{uri} predicts an array of shape {said.shape} for {rows} rows")
    return said.reshape(rows)


def _several(found: str) -> ModelError:
    return ModelError(
        f"{found}; wanted one label or number a row. A model of several outputs is audited one output at a time: of a "
        "MultiOutputClassifier or MultiOutputRegressor save the estimator of the suite's label by itself (model.estimators_[0]); fit any "
        "other model to that label alone."
    )


def _features_of(estimator: Any) -> list[str] | None:
    """The names of the columns that it was fitted to; None where it read none (boosting libraries then make some up)."""
    names = getattr(estimator, "feature_names_in_", getattr(estimator, "feature_names_", None))
    named = None if names is None else [str(name) for name in names]
    return None if named is None or all(_MADE_UP.fullmatch(name) for name in named) else named


_MADE_UP = re.compile(r"(Column_|f)?\d+")


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
    found = getattr(estimator, "classes_", ())
    return () if isinstance(found, list) else tuple(name_of(value) for value in found)


def load_sklearn(
    path: Path, uri: str, classes: tuple[str, ...], options: ModelOptions | None = None, view: str = "columns"
) -> SklearnModel | SklearnText:
    """Loads a .skops file whose types are allowed; ModelError where it is broken or holds other types."""
    skops = import_skops()
    try:
        found = set(skops.get_untrusted_types(file=path))
        _refuse(refused(found), path)
        estimator = skops.load(path, trusted=sorted(found))
    except (ModelError, MissingExtraError):
        raise
    except ImportError as error:
        raise _missing(str(error.name), path) from error
    except Exception as error:
        raise ModelError(
            f"{path.name} is not a readable skops file ({type(error).__name__}). It may be cut short; "
            "save it again with skops.io.dump(model, path)."
        ) from error
    opened = _opened(estimator, path, uri, classes, options or ModelOptions())
    opened.info = opened.info.model_copy(update={"fingerprint": content_digest(path)})
    return opened if view == "columns" else SklearnText(opened)


def load_pickle(path: Path, uri: str, classes: tuple[str, ...], options: ModelOptions) -> SklearnModel:
    """Opens a pickled scikit-learn model on the user's own responsibility; the reason becomes a finding."""
    import joblib

    try:
        estimator = joblib.load(path)
    except Exception as error:
        raise ModelError(f"{path.name} can't be opened as a pickle ({type(error).__name__}: {error}).") from error
    if not hasattr(estimator, "predict"):
        raise ModelError(f"{path.name} holds a {type(estimator).__name__}; wanted a fitted model with predict.")
    reason = options.allow_unsafe_load
    warning = Finding(measure="model.unsafe_load", value=1, n=1, exact=True, better="lower", reason=reason)
    return _opened(estimator, path, uri, classes, options, (warning,))


def _refuse(untrusted: list[str], path: Path) -> None:
    if not untrusted:
        return
    raise ModelError(
        f"{path.name} holds types outside the allow-list: {', '.join(untrusted[:8])}. Allowed are estimators of scikit-learn, XGBoost, "
        "LightGBM and CatBoost, and functions of scikit-learn and numpy that only compute. Of a search over parameters save model.best_estimator_ alone. Or audit the model's answers: 'harness rows "
        "SUITE -o rows.csv' writes the rows to score, and the file of predictions is given as --model."
    )


def _missing(package: str, path: Path) -> MissingExtraError:
    return MissingExtraError(
        f"{path.name} holds a model of {package}, which is not installed. Install it: pip install {package}."
    )


def _opened(
    estimator: Any,
    path: Path,
    uri: str,
    classes: tuple[str, ...],
    options: ModelOptions,
    warnings: tuple[Finding, ...] = (),
) -> SklearnModel:
    from sklearn.base import is_classifier, is_regressor

    if (is_regressor if classes else is_classifier)(estimator):
        found, wanted = ("regressor", "classification") if classes else ("classifier", "regression")
        raise ModelError(f"{path.name} holds a {found}; the suite's task is {wanted}. Give a model of that task.")
    if isinstance(getattr(estimator, "classes_", None), list):
        raise _several(f"{path.name} holds a {type(estimator).__name__} with {len(estimator.classes_)} output(s)")
    own = _classes_of(estimator)
    if classes and not own:
        raise ModelError(
            f"{path.name} holds a {type(estimator).__name__} without classes. Wanted: a fitted classifier."
        )
    labels = map_labels(own, classes, options.label_map, uri) if classes else None
    kinds = ["predict_proba"] + (["decision_function"] if options.scores else [])
    scored = bool(classes) and any(hasattr(estimator, kind) for kind in kinds)
    if options.scores and not scored:
        raise ModelError(f"{uri} gives no scores, so --scores {options.scores} says nothing of it. Leave it out.")
    offers = (
        ["labels", "train", "ask"]
        + (["refit"] if _learns_again(estimator) and not options.label_map else [])
        + (["scores"] if scored else [])
    )
    card: dict[str, Cell] = {"scores": options.scores} if options.scores else {}
    info = ModelInfo(uri=uri, kind="sklearn", fingerprint=sha256_file(path), offers=offers, card=card)
    return SklearnModel(estimator, info, labels, options, warnings)


def _without_values(error: Exception) -> str:
    """The first line of an error up to what it quotes: cells of people's rows don't belong into messages."""
    first = (str(error).splitlines() or [""])[0]
    return re.sub(r"['\"\[].*", "…", first)
