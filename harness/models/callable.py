"""The user's own callable, named on the command line only."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.core.audit import ModelInfo
from harness.core.finding import Finding
from harness.core.names import name_of, same_names
from harness.core.predictions import Predictions
from harness.engine.plugins import what_happened
from harness.engine.provenance import sha256_bytes, sha256_file
from harness.errors import ModelError
from harness.models.labels import is_no_answer, map_labels
from harness.models.options import ModelOptions
from harness.models.scores import probabilities

if TYPE_CHECKING:
    import pandas as pd


class CallableModel:
    """Wraps predict(frame) → labels (n,) or probabilities (n, classes); for regression numbers (n,).

    A Series or frame that comes back is read by its index, the columns of a frame by their names; an array by position, its columns in
    the sorted order of the classes.
    """

    def __init__(self, predict: Any, info: ModelInfo, classes: tuple[str, ...], options: ModelOptions) -> None:
        self._predict, self.info, self._classes, self._options = predict, info, classes, options
        ran = "the user's own code answered"
        warning = Finding(measure="model.user_code", value=1, n=1, exact=True, reason=ran)
        self.warnings: tuple[Finding, ...] = (warning,)

    def estimator(self) -> Any:
        """None: a callable shows no structure."""
        return None

    def predict(self, inputs: pd.DataFrame, ids: np.ndarray) -> Predictions:
        """Labels from the callable's labels or probabilities; it is given a copy, so that it can't change the data."""
        with _user_code(self.info.uri, "in predict"):
            answer = self._predict(inputs.copy())
            answer, names = self._in_order(answer, inputs)
            if answer is None or isinstance(answer, str | dict) or np.ndim(answer) == 0:
                wanted = self._wanted if self._classes else f"({len(inputs)},) numbers"
                raise ModelError(f"{self.info.uri} returned a {type(answer).__name__}; wanted {wanted}.")
            return self._predictions(_without_missing(np.asarray(answer)), names, len(inputs))

    def _in_order(self, answer: Any, inputs: pd.DataFrame) -> tuple[Any, list[str] | None]:
        """The answer in the order of the rows, and the names of its columns where it has them."""
        import pandas as pd

        if isinstance(answer, pd.Series | pd.DataFrame):
            index = answer.index
            if not index.equals(inputs.index):
                if len(index) != len(inputs) or not index.is_unique or not index.isin(inputs.index).all():
                    raise ModelError(
                        f"{self.info.uri} returned {len(index)} rows whose index is not that of the {len(inputs)} rows it was given. "
                        "Keep the index, or return a numpy array in the order of the rows."
                    )
                answer = answer.loc[inputs.index]
            if isinstance(answer, pd.DataFrame):
                return answer, [name_of(name) for name in answer.columns]
        elif isinstance(answer, np.ma.MaskedArray):
            mask, answer = np.ma.getmaskarray(answer), answer.data.astype(object)
            answer[mask] = None
        elif hasattr(answer, "detach"):  # a torch tensor that records gradients gives no array
            answer = answer.detach().cpu()
        return answer, None

    def _predictions(self, answer: np.ndarray, names: list[str] | None, rows: int) -> Predictions:
        if not self._classes:
            return Predictions((), self._numbers(answer, rows), None)
        if answer.ndim == 2 and answer.shape[1] == 1 and (_labels_in(answer) or not self._is_class(names)):
            answer = answer[:, 0]
        return self._of_labels(answer) if answer.ndim == 1 else self._of_scores(answer, names)

    def _is_class(self, names: list[str] | None) -> bool:
        """Whether a frame's only column is called as a class is, so that it holds its probability."""
        return names is not None and set(same_names(names, self._classes).values()) <= {
            *self._classes, *self._options.label_map,
        }  # fmt: skip

    def _of_labels(self, answer: np.ndarray) -> Predictions:
        given, uri = self._options.label_map, self.info.uri
        if self._options.scores:
            raise ModelError(
                f"{uri} returned labels, so --scores {self._options.scores} says nothing of it. Leave it out."
            )
        if any(not np.isscalar(value) and not is_no_answer(value) for value in answer):
            kind = type(next(value for value in answer if not np.isscalar(value))).__name__
            raise ModelError(f"{uri} returned a {kind} a row; wanted {self._wanted}.")
        if answer.dtype.kind == "f" and not (answer[np.isfinite(answer)] % 1 == 0).all():
            raise ModelError(f"{uri} returned one number with a fraction a row; wanted {self._wanted}.")
        own = sorted({name_of(value) for value in answer if not is_no_answer(value)} | set(given))
        return map_labels(own or self._classes, self._classes, given, uri).answers(answer, None)

    def _of_scores(self, answer: np.ndarray, names: list[str] | None) -> Predictions:
        given, uri = self._options.label_map, self.info.uri
        if answer.ndim != 2 or (names is None and answer.shape[1] != len(self._classes)):
            raise ModelError(f"{uri} returned an array of shape {answer.shape}; wanted {self._wanted}.")
        try:
            numbers = answer.astype(float)
        except (ValueError, TypeError) as error:
            raise ModelError(f"{uri} returned words beside its probabilities; wanted {self._wanted}.") from error
        labels = map_labels(names or self._classes, self._classes, given, uri)
        if len(labels.own) == 1 and len(self._classes) == 2:  # the other class has the rest
            (k,) = labels.order
            labels = replace(labels, own=(self._classes[1 - k], *labels.own), order=(1 - k, k))
        elif len(labels.own) == 1:
            raise ModelError(f"{uri} returned one column of scores; wanted {self._wanted}.")
        return labels.answers(None, probabilities(numbers, self._options.scores, uri))

    @property
    def _wanted(self) -> str:
        count, names = len(self._classes), ", ".join(self._classes)
        return f"labels (n,) or probabilities (n, {count}), in a frame whose columns are {names}"

    def _numbers(self, answer: np.ndarray, rows: int) -> np.ndarray:
        try:
            return answer.astype(float).reshape(rows)
        except (ValueError, TypeError) as error:
            raise ModelError(
                f"{self.info.uri} returned an array of shape {answer.shape} and type {answer.dtype}; wanted ({rows},) numbers."
            ) from error


def _labels_in(answer: np.ndarray) -> bool:
    """Whether a single column (n, 1) holds words or truth values, which are labels."""
    words = answer.dtype.kind == "O" and any(isinstance(value, str | bool) for value in answer[:, 0])
    return words or answer.dtype.kind in "USb"


def _without_missing(answer: np.ndarray) -> np.ndarray:
    """The answer with None for pandas' marks of what is missing, which are no numbers."""
    if answer.dtype.kind != "O":
        return answer
    marks = np.frompyfunc(lambda value: str(value) in ("<NA>", "NaT"), 1, 1)(answer).astype(bool)
    answer = answer.copy()
    answer[marks] = None
    return answer


def load_callable(
    target: str, uri: str, classes: tuple[str, ...], options: ModelOptions, example: pd.DataFrame | None = None
) -> CallableModel:
    """Imports module:factory and calls the factory, which returns predict; an example row tells whether it gives scores."""
    name, _, factory = target.partition(":")
    if not factory:
        raise ModelError(f"{uri} names no factory. Wanted: python:package.module:factory.")
    sys.path.insert(0, str(Path.cwd()))
    try:
        with _user_code(uri, "while it was loaded"):
            module, predict = _made(name, factory, uri)
    finally:
        sys.path.pop(0)
    source = getattr(module, "__file__", None)
    fingerprint = sha256_file(Path(source)) if source else sha256_bytes(target.encode())
    info = ModelInfo(
        uri=uri,
        kind="callable",
        fingerprint=fingerprint,
        offers=["labels", "train", "scores", "ask"],
    )
    model = CallableModel(predict, info, classes, options)
    if example is not None and len(example) and model.predict(example, np.array([""])).scores is None:
        model.info = info.model_copy(update={"offers": [offer for offer in info.offers if offer != "scores"]})
    return model


def _made(name: str, factory: str, uri: str) -> tuple[ModuleType, Any]:
    try:
        module = importlib.import_module(name)
        return module, getattr(module, factory)()
    except (ImportError, AttributeError) as error:
        raise ModelError(f"{uri} can't be loaded: {error}. Check the module path and the factory's name.") from error


@contextmanager
def _user_code(uri: str, where: str) -> Iterator[None]:
    """Makes a ModelError of whatever the user's code raises, and of sys.exit; an interrupt stays an interrupt."""
    try:
        yield
    except (KeyboardInterrupt, ModelError):
        raise
    except BaseException as error:
        raise ModelError(f"{uri} {what_happened(error, where)}") from error
