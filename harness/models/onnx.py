"""An ONNX classifier under ONNX Runtime: columns, or texts where a tokenizer lies beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harness.core.audit import ModelInfo
from harness.core.finding import Finding
from harness.core.names import name_of
from harness.core.predictions import Predictions
from harness.engine.batching import TextSizes
from harness.engine.provenance import sha256_file, sha256_folder
from harness.errors import MissingExtraError, ModelError
from harness.models.labels import OwnLabels, map_labels
from harness.models.onnx_graph import Scores, scores_of
from harness.models.options import ModelOptions, ScoreMeaning
from harness.models.scores import probabilities, text_rows
from harness.models.tokens import Tokens, context_of, own_fill
from harness.models.torch_runtime import BATCH_TOKENS_CPU, load_tokenizer
from harness.models.transformers_classifier import own_labels

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

    def __init__(
        self, session: Any, info: ModelInfo, classes: tuple[str, ...], options: ModelOptions, said: dict[str, Scores]
    ) -> None:
        self._session, self.info, self._classes, self._options, self._said = session, info, classes, options, said
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
        outputs = read_outputs(
            dict(zip((o.name for o in self._session.get_outputs()), found, strict=True)), self.info.uri
        )
        said = self._said.get(outputs.name, Scores())
        scores = probabilities(outputs.scores, self._options.scores or said.meaning, self.info.uri)
        labels = self._labels(outputs, said, scores.shape[1])
        self.warnings = labels.warnings()
        own = _of_columns(outputs.labels, labels.own)
        answers = labels.answers(own, scores)
        if own is not None:
            _refuse_reversed(answers, self.info.uri)
        return answers

    def _labels(self, outputs: Outputs, said: Scores, columns: int) -> OwnLabels:
        """The columns' labels by the graph's word, or output_0, output_1 …, by which --label-map may always name them."""
        unnamed = [f"output_{k}" for k in range(columns)]
        given = self._options.label_map
        if outputs.scores.shape[1] == 1:  # the other column is 1 minus it
            unnamed = ["not output_0", "output_0"]
            if len(self._classes) == 2 and set(given) == {"output_0"} and given["output_0"] in self._classes:
                other = next(name for name in self._classes if name != given["output_0"])
                given = given | {"not output_0": other}
        own = outputs.names or said.labels or tuple(unnamed)
        if len(own) == columns and given and set(given) <= set(unnamed):
            given = {own[unnamed.index(name)]: class_ for name, class_ in given.items()}
        return map_labels(own, self._classes, given, self.info.uri)

    def _feed(self, inputs: pd.DataFrame, wanted: list[Any]) -> dict[str, Any]:
        if len(wanted) == 1:
            return {wanted[0].name: inputs.to_numpy(dtype=_TYPES[wanted[0].type])}
        return {i.name: inputs[[i.name]].to_numpy(dtype=_TYPES[i.type]) for i in wanted}


@dataclass(frozen=True)
class Outputs:
    """What a graph gave for n rows: its own labels (n,) where it gives any, and scores (n, k) with their output and columns' names."""

    name: str
    scores: Floats
    names: tuple[str, ...] | None
    labels: npt.NDArray[Any] | None


def read_outputs(found: dict[str, Any], uri: str) -> Outputs:
    """Which output of a graph holds scores (the last of a matrix, or of a dictionary a row), and which the labels (a column of text or whole numbers)."""
    labels = None
    scores: tuple[str, Floats, tuple[str, ...] | None] | None = None
    for name, output in found.items():
        if isinstance(output, list) and output and isinstance(output[0], dict):
            names = list(output[0])
            table = np.array([[row[own] for own in names] for row in output], dtype=float)
            scores = name, table, tuple(name_of(own) for own in names)
            continue
        array = np.asarray(output)
        column = array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 1)
        if column and array.dtype.kind in "iuOUSb":
            labels = array.reshape(-1)
        elif array.dtype.kind == "f" and array.ndim in (1, 2):
            scores = name, array.reshape(len(array), -1).astype(float), None
    if scores is None:
        shapes = ", ".join(f"{name} {np.shape(output)}" for name, output in found.items())
        raise ModelError(
            f"{uri} gives no class probabilities; its outputs are {shapes}. Export it with its probabilities."
        )
    return Outputs(*scores, labels)


def _refuse_reversed(answers: Predictions, uri: str) -> None:
    """ModelError where the graph's own label of a class goes with lower scores of it: its columns are not in the order of its labels."""
    known = answers.only(answers.answered)
    for k, name in enumerate(known.classes):
        assert known.scores is not None
        chosen, scores = np.asarray(known.labels == name, dtype=bool), known.scores[:, k]
        if chosen.any() and not chosen.all() and np.median(scores[chosen]) < np.median(scores[~chosen]):
            raise ModelError(
                f"{uri} gives the rows that it labels {name!r} lower scores of {name!r} than the others, so its columns of scores are not "
                "in the order of its labels. Export it with probabilities (for an SVM of scikit-learn inside CalibratedClassifierCV), or audit "
                "saved predictions."
            )


def _of_columns(labels: npt.NDArray[Any] | None, own: tuple[str, ...]) -> npt.NDArray[Any] | None:
    """A graph's own labels (n,) by the names of its columns: whole numbers that are no names are positions."""
    if labels is None:
        return None
    names = np.array([name_of(value) for value in labels], dtype=object)
    positions = {str(k) for k in range(len(own))}
    if not set(names) <= set(own) and set(names) <= positions:
        return np.array([own[int(name)] for name in names], dtype=object)
    return names


class OnnxText:
    """Reads the text view: the tokenizer beside the graph, softmax over its logits."""

    batch_tokens, batch_texts = BATCH_TOKENS_CPU, 256

    def __init__(
        self,
        session: Any,
        tokenizer: Any,
        info: ModelInfo,
        classes: tuple[str, ...],
        labels: OwnLabels | None,
        fill: int | None,
        meaning: ScoreMeaning,
    ) -> None:
        self._session, self.info, self.classes, self._labels = session, info, classes, labels
        self._meaning = meaning
        self.warnings: tuple[Finding, ...] = () if labels is None else labels.warnings()
        limit = int(info.card["context_tokens"] or 0)
        self.context: int | None = limit
        self._inputs = {i.name for i in session.get_inputs()}
        # What a graph takes for filling was settled when it was exported; without a mask it can't tell at all.
        self._tokens = Tokens(tokenizer, limit, fill=fill if "attention_mask" in self._inputs else None)
        order = [] if labels is None else list(labels.order)
        self.settings = f"onnx;order={order};{meaning};{self._tokens.settings}"

    def sizes(self, texts: list[str]) -> TextSizes:
        """Tokens of each text, and how many the vocabulary lacks."""
        return self._tokens.sizes(texts)

    def score(self, texts: list[str]) -> Floats:
        """Class position and probabilities of one batch."""
        parts = [texts] if self._tokens.fill is not None else [[text] for text in texts]
        logits = np.concatenate([self._logits(part) for part in parts])
        if self._labels is None:
            return np.column_stack([np.zeros(len(texts)), logits.astype(np.float64).reshape(len(texts))])
        return text_rows(self._labels.spread(probabilities(logits.astype(np.float64), self._meaning, self.info.uri)))

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
        return OnnxTable(session, info, classes, options, scores_of(path))
    return _load_text(path, uri, classes, options, session, shapes)


def _load_text(
    path: Path, uri: str, classes: tuple[str, ...], options: ModelOptions, session: Any, shapes: str
) -> OnnxText:
    from harness.models.torch_runtime import import_transformers

    tokenizer = load_tokenizer(str(path.parent), offline=True)
    config = import_transformers().AutoConfig.from_pretrained(path.parent, local_files_only=True)
    labels = [str(config.id2label[i]) for i in range(config.num_labels)]
    known = own_labels(labels, classes, options, uri)
    said = scores_of(path)[session.get_outputs()[0].name].meaning
    info = ModelInfo(
        uri=uri,
        kind="onnx",
        fingerprint=sha256_folder(path.parent),
        view="text",
        offers=["labels", "train", "ask", *(["scores"] if classes else [])],
        card={
            "inputs": shapes,
            "context_tokens": context_of(config, tokenizer),
            "labels": "" if known is None else str(known),
        },
    )
    return OnnxText(session, tokenizer, info, classes, known, own_fill(config), options.scores or said or "logit")


def _numbers(found: list[Any], rows: int, uri: str) -> Floats:
    array = np.asarray(found[0])
    if array.size != rows or array.dtype.kind not in "fiu":
        raise ModelError(f"{uri} gives an output of shape {array.shape}; wanted one number a row (regression).")
    return array.astype(float).reshape(rows)
