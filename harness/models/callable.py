"""The user's own callable, named on the command line only."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.core.audit import ModelInfo
from harness.core.finding import Finding
from harness.core.names import name_of
from harness.core.predictions import Predictions
from harness.engine.plugins import what_happened
from harness.engine.provenance import sha256_bytes, sha256_file
from harness.errors import ModelError

if TYPE_CHECKING:
    import pandas as pd


class CallableModel:
    """Wraps predict(frame) → labels (n,) or probabilities (n, classes) in the sorted class order; for regression numbers (n,)."""

    def __init__(self, predict: Any, info: ModelInfo, classes: tuple[str, ...]) -> None:
        self._predict, self.info, self._classes = predict, info, classes
        ran = "the user's own code answered"
        warning = Finding(measure="model.user_code", value=1, n=1, exact=True, reason=ran)
        self.warnings: tuple[Finding, ...] = (warning,)

    def estimator(self) -> Any:
        """None: a callable shows no structure."""
        return None

    def predict(self, inputs: pd.DataFrame, ids: np.ndarray) -> Predictions:
        """Labels from the callable's labels or probabilities; it is given a copy, so that it can't change the data."""
        with _user_code(self.info.uri, "in predict"):
            return self._predictions(np.asarray(self._predict(inputs.copy())), len(inputs))

    def _predictions(self, answer: np.ndarray, rows: int) -> Predictions:
        if not self._classes:
            return Predictions((), self._numbers(answer, rows), None)
        if answer.ndim == 1:
            return Predictions(self._classes, np.array([name_of(v) for v in answer], dtype=object), None)
        if answer.ndim != 2 or answer.shape[1] != len(self._classes):
            raise ModelError(
                f"{self.info.uri} returned an array of shape {answer.shape}; wanted (n,) labels or "
                f"(n, {len(self._classes)}) probabilities for {', '.join(self._classes)}."
            )
        labels = np.array([self._classes[i] for i in answer.argmax(axis=1)], dtype=object)
        return Predictions(self._classes, labels, answer.astype(float))

    def _numbers(self, answer: np.ndarray, rows: int) -> np.ndarray:
        try:
            return answer.astype(float).reshape(rows)
        except (ValueError, TypeError) as error:
            raise ModelError(
                f"{self.info.uri} returned an array of shape {answer.shape} and type {answer.dtype}; wanted ({rows},) numbers."
            ) from error


def load_callable(
    target: str, uri: str, classes: tuple[str, ...], example: pd.DataFrame | None = None
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
    model = CallableModel(predict, info, classes)
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
