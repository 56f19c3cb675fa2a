"""An ONNX classifier under ONNX Runtime: columns, or texts where a tokenizer lies beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harness.core.audit import ModelInfo
from harness.core.finding import Finding
from harness.core.predictions import Predictions
from harness.engine.batching import TextSizes
from harness.engine.provenance import sha256_file, sha256_folder
from harness.errors import MissingExtraError, ModelError
from harness.models.labels import map_labels
from harness.models.options import ModelOptions
from harness.models.tokens import Tokens, context_of, own_fill
from harness.models.torch_runtime import BATCH_TOKENS_CPU, load_tokenizer
from harness.models.transformers_classifier import label_order

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
_TYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(string)": object,
}


class OnnxTable:
    """Reads the columns view: one input a column, or one matrix of all columns in the suite's order."""

    def __init__(self, session: Any, info: ModelInfo, classes: tuple[str, ...], options: ModelOptions) -> None:
        self._session, self.info, self._classes, self._options = session, info, classes, options
        self.warnings: tuple[Finding, ...] = ()

    def estimator(self) -> Any:
        """None: the graph is not read."""
        return None

    def predict(self, inputs: pd.DataFrame, ids: np.ndarray) -> Predictions:
        """Labels and probabilities; ModelError where the inputs or outputs don't fit."""
        wanted = self._session.get_inputs()
        try:
            found = self._session.run(None, self._feed(inputs, wanted))
        except Exception as error:
            raise ModelError(
                f"{self.info.uri} can't read the suite's columns ({str(error).splitlines()[0]}). It wants: "
                + ", ".join(f"{i.name} {i.type} {i.shape}" for i in wanted)
            ) from error
        if not self._classes:
            return Predictions((), _numbers(found, len(inputs), self.info.uri), None)
        names, scores = _probabilities(found, self.info.uri)
        order = map_labels(names or self._unnamed(scores), self._classes, self._options.label_map, self.info.uri)
        ordered = np.empty_like(scores)
        ordered[:, order] = scores
        ordered = ordered / ordered.sum(axis=1, keepdims=True)
        labels = np.array([self._classes[i] for i in ordered.argmax(axis=1)], dtype=object)
        return Predictions(self._classes, labels, ordered)

    def _unnamed(self, scores: Floats) -> list[str]:
        return [f"output_{i}" for i in range(scores.shape[1])]

    def _feed(self, inputs: pd.DataFrame, wanted: list[Any]) -> dict[str, Any]:
        if len(wanted) == 1:
            return {wanted[0].name: inputs.to_numpy(dtype=_TYPES[wanted[0].type])}
        return {i.name: inputs[[i.name]].to_numpy(dtype=_TYPES[i.type]) for i in wanted}


class OnnxText:
    """Reads the text view: the tokenizer beside the graph, softmax over its logits."""

    batch_tokens, batch_texts = BATCH_TOKENS_CPU, 256

    def __init__(
        self,
        session: Any,
        tokenizer: Any,
        info: ModelInfo,
        classes: tuple[str, ...],
        order: list[int],
        fill: int | None,
    ) -> None:
        self._session, self.info, self.classes, self._order = session, info, classes, order
        self.warnings: tuple[Finding, ...] = ()
        limit = int(info.card["context_tokens"] or 0)
        self.context: int | None = limit
        self._inputs = {i.name for i in session.get_inputs()}
        # What a graph takes for filling was settled when it was exported; without a mask it can't tell at all.
        self._tokens = Tokens(tokenizer, limit, fill=fill if "attention_mask" in self._inputs else None)
        self.settings = f"onnx;order={order};{self._tokens.settings}"

    def sizes(self, texts: list[str]) -> TextSizes:
        """Tokens of each text, and how many the vocabulary lacks."""
        return self._tokens.sizes(texts)

    def score(self, texts: list[str]) -> Floats:
        """Class position and probabilities of one batch."""
        parts = [texts] if self._tokens.fill is not None else [[text] for text in texts]
        logits = np.concatenate([self._logits(part) for part in parts])
        if not self.classes:
            return np.column_stack([np.zeros(len(texts)), logits.astype(np.float64).reshape(len(texts))])
        shifted = np.exp(logits.astype(np.float64) - logits.max(axis=1, keepdims=True))
        ordered = np.empty_like(shifted)
        ordered[:, self._order] = shifted / shifted.sum(axis=1, keepdims=True)
        return np.column_stack([ordered.argmax(axis=1), ordered])

    def cost(self) -> float | None:
        """Nothing is charged."""
        return None

    def _logits(self, texts: list[str]) -> npt.NDArray[Any]:
        given = {name: values for name, values in self._tokens.batch(texts).items() if name in self._inputs}
        return np.asarray(self._session.run(None, given)[0])


def load_onnx(path: Path, uri: str, classes: tuple[str, ...], options: ModelOptions) -> OnnxTable | OnnxText:
    """Opens a graph; with tokenizer.json and config.json beside it as a text classifier."""
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError("An ONNX model needs ONNX Runtime: pip install 'vertical-harness[onnx]'.") from error
    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelError(f"{path.name} is not a readable ONNX model: {str(error).splitlines()[0]}") from error
    shapes = ", ".join(f"{i.name} {i.type}" for i in session.get_inputs())
    if not (path.parent / "tokenizer.json").is_file():
        info = ModelInfo(
            uri=uri,
            kind="onnx",
            fingerprint=sha256_file(path),
            offers=["labels", "train", "ask", *(["scores"] if classes else [])],
            card={"inputs": shapes},
        )
        return OnnxTable(session, info, classes, options)
    return _load_text(path, uri, classes, options, session, shapes)


def _load_text(
    path: Path, uri: str, classes: tuple[str, ...], options: ModelOptions, session: Any, shapes: str
) -> OnnxText:
    from harness.models.torch_runtime import import_transformers

    tokenizer = load_tokenizer(str(path.parent), offline=True)
    config = import_transformers().AutoConfig.from_pretrained(path.parent, local_files_only=True)
    labels = [str(config.id2label[i]) for i in range(config.num_labels)]
    order = label_order(labels, classes, options, uri)
    info = ModelInfo(
        uri=uri,
        kind="onnx",
        fingerprint=sha256_folder(path.parent),
        view="text",
        offers=["labels", "train", "ask", *(["scores"] if classes else [])],
        card={
            "inputs": shapes,
            "context_tokens": context_of(config, tokenizer),
            "labels": ", ".join(f"{a} = {classes[i]}" for a, i in zip(labels, order, strict=False)),
        },
    )
    return OnnxText(session, tokenizer, info, classes, order, own_fill(config))


def _numbers(found: list[Any], rows: int, uri: str) -> Floats:
    array = np.asarray(found[0])
    if array.size != rows or array.dtype.kind not in "fiu":
        raise ModelError(f"{uri} gives an output of shape {array.shape}; wanted one number a row (regression).")
    return array.astype(float).reshape(rows)


def _probabilities(found: list[Any], uri: str) -> tuple[list[str] | None, Floats]:
    """Class names where the graph gives them (ZipMap), and probabilities (n, classes)."""
    last = found[-1]
    if isinstance(last, list) and last and isinstance(last[0], dict):
        names = list(last[0])
        return [str(name) for name in names], np.array([[row[name] for name in names] for row in last], dtype=float)
    array = np.asarray(last)
    if array.ndim == 2 and array.shape[1] >= 2:
        return None, array.astype(float)
    raise ModelError(f"{uri} gives no class probabilities; its last output has the shape {array.shape}.")
