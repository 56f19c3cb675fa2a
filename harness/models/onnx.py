"""An ONNX classifier under ONNX Runtime: columns, or texts where a tokenizer lies beside it."""

from __future__ import annotations

import re
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
from harness.models.labels import OwnLabels, map_labels, refuse_reversed
from harness.models.onnx_graph import Scores, scores_of
from harness.models.options import ModelOptions, ScoreMeaning
from harness.models.scores import probabilities, text_rows
from harness.models.tokens import Tokens, context_of, own_fill
from harness.models.torch_runtime import BATCH_TOKENS_CPU, load_tokenizer
from harness.models.transformers_classifier import own_labels

if TYPE_CHECKING:
    import pandas as pd

_UNNAMED = re.compile(r"(not )?output_\d+")
Floats = npt.NDArray[np.float64]
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
        named = dict(zip((o.name for o in self._session.get_outputs()), found, strict=True))
        outputs = read_outputs(named, self._said, len(self._classes), self.info.uri)
        scores = probabilities(outputs.scores, self._options.scores or outputs.said.meaning, self.info.uri)
        columns = self._columns(outputs, scores.shape[1])
        self.warnings = columns.warnings()
        labels = None if outputs.labels is None else self._labels(outputs.labels, columns)
        answers = columns.answers(labels, scores)
        if labels is not None:
            refuse_reversed(answers, self.info.uri)
        return answers

    def _columns(self, outputs: Outputs, count: int) -> OwnLabels:
        """The columns' labels by the graph's word, or output_0, output_1 …, by which --label-map may always name them."""
        unnamed = [f"output_{k}" for k in range(count)]
        given = self._options.label_map
        if outputs.scores.shape[1] == 1:  # the other column is 1 minus it
            unnamed = ["not output_0", "output_0"]
            if len(self._classes) == 2 and "output_0" in given and given["output_0"] in self._classes:
                other = next(name for name in self._classes if name != given["output_0"])
                given = {"not output_0": other} | given
        own = outputs.said.labels or tuple(unnamed)
        if len(own) == count:
            given = {own[unnamed.index(name)] if name in unnamed else name: class_ for name, class_ in given.items()}
        if outputs.labels is not None:  # the rest says what the graph's own labels mean
            given = {name: class_ for name, class_ in given.items() if name in own}
        return map_labels(own, self._classes, given, self.info.uri)

    def _labels(self, labels: npt.NDArray[Any], columns: OwnLabels) -> npt.NDArray[Any]:
        """The graph's own labels (n,) by the names of its columns.

        They are these names, or classes of the suite or words that --label-map translates, or whole numbers: the positions of columns.
        """
        if labels.dtype.kind == "b" and len(columns.own) == 2:
            labels = labels.astype(int)
        names = np.array([name_of(value) for value in labels], dtype=object)
        positions = {str(k): name for k, name in enumerate(columns.own)}
        given = {name: class_ for name, class_ in self._options.label_map.items() if name not in columns.own}
        given = {name: class_ for name, class_ in given.items() if not _UNNAMED.fullmatch(name)}
        if set(names) <= set(columns.own):
            map_labels(columns.own, self._classes, given, self.info.uri)
            return names
        if set(names) <= set(positions) and not given and not set(names) <= set(self._classes):
            return np.array([positions[name] for name in names], dtype=object)
        words = map_labels(sorted({*names, *given}), self._classes, given, self.info.uri)
        of_class = dict(zip(columns.order, columns.own, strict=True))
        if unscored := [word for word, k in zip(words.own, words.order, strict=True) if k not in of_class]:
            raise ModelError(
                f"{self.info.uri} labels rows {unscored[0]!r} and has no column of scores for it: {columns}."
            )
        found = {word: of_class[k] for word, k in zip(words.own, words.order, strict=True)}
        return np.array([found[name] for name in names], dtype=object)

    def _feed(self, inputs: pd.DataFrame, wanted: list[Any]) -> dict[str, Any]:
        if len(wanted) == 1:
            return {wanted[0].name: inputs.to_numpy(dtype=_TYPES[wanted[0].type])}
        return {i.name: inputs[[i.name]].to_numpy(dtype=_TYPES[i.type]) for i in wanted}


@dataclass(frozen=True)
class Outputs:
    """What a graph gave for n rows: its own labels (n,) where it gives any, and scores (n, k) with what it says of them."""

    scores: Floats
    said: Scores
    labels: npt.NDArray[Any] | None


def read_outputs(found: dict[str, Any], said: dict[str, Scores], classes: int, uri: str) -> Outputs:
    """Which outputs of a graph hold scores, and which the labels (a column of text or whole numbers).

    Scores are a matrix or a dictionary a row: of several the one with a column a class, then the one that the graph says more of, then the
    last. Without any they are the columns of numbers, each an output with its name.
    """
    labels, columns, whole = None, {}, None
    tables: list[tuple[Floats, Scores]] = []
    for name, output in found.items():
        known = said.get(name, Scores())
        if isinstance(output, list) and output and isinstance(output[0], dict):
            keys = list(output[0])
            table = np.array([[row[key] for key in keys] for row in output], dtype=float)
            tables.append((table, Scores(known.meaning, tuple(name_of(key) for key in keys))))
            continue
        array = np.asarray(output)
        if array.ndim not in (1, 2) or array.dtype.kind not in "iuOUSbf":
            continue
        array = array.reshape(len(array), -1)
        if array.shape[1] == 1 and array.dtype.kind != "f":
            labels = array[:, 0]
        elif array.shape[1] == 1:
            columns[name] = array[:, 0].astype(float)
            whole = array[:, 0] if bool((array % 1 == 0).all()) else whole
        elif array.dtype.kind == "f":
            tables.append((array.astype(float), known))
    if tables:
        best = max(range(len(tables)), key=lambda k: (*_fits(tables[k][0], tables[k][1], classes), k))
        scores, of_scores = tables[best]
        return Outputs(scores, of_scores, whole if labels is None else labels)
    if not columns:
        shapes = ", ".join(f"{name} {np.shape(output)}" for name, output in found.items())
        raise ModelError(
            f"{uri} gives no class probabilities; its outputs are {shapes}. Export it with its probabilities."
        )
    meanings = {said.get(name, Scores()).meaning for name in columns}
    names = said.get(next(iter(columns)), Scores()).labels if len(columns) == 1 else tuple(columns)
    return Outputs(
        np.column_stack(list(columns.values())), Scores(meanings.pop() if len(meanings) == 1 else None, names), labels
    )


def _fits(scores: Floats, said: Scores, classes: int) -> tuple[bool, bool, bool]:
    return scores.shape[1] == classes, said.meaning == "probability", said.meaning is not None


@dataclass(frozen=True)
class TextOutput:
    """The output of a graph that is read, and what its scores are; None where nobody says."""

    name: str
    meaning: ScoreMeaning | None


class OnnxText:
    """Reads the text view: the tokenizer beside the graph, and the output of which the graph says what its scores are."""

    batch_tokens, batch_texts = BATCH_TOKENS_CPU, 256

    def __init__(
        self,
        session: Any,
        tokenizer: Any,
        info: ModelInfo,
        classes: tuple[str, ...],
        labels: OwnLabels | None,
        fill: int | None,
        output: TextOutput,
    ) -> None:
        self._session, self.info, self.classes, self._labels = session, info, classes, labels
        self._output = output
        self.warnings: tuple[Finding, ...] = () if labels is None else labels.warnings()
        limit = int(info.card["context_tokens"] or 0)
        self.context: int | None = limit
        self._inputs = {i.name for i in session.get_inputs()}
        # What a graph takes for filling was settled when it was exported; without a mask it can't tell at all.
        self._tokens = Tokens(tokenizer, limit, fill=fill if "attention_mask" in self._inputs else None)
        order = [] if labels is None else list(labels.order)
        self.settings = f"onnx;order={order};{output.meaning};{self._tokens.settings}"

    def sizes(self, texts: list[str]) -> TextSizes:
        """Tokens of each text, and how many the vocabulary lacks."""
        return self._tokens.sizes(texts)

    def score(self, texts: list[str]) -> Floats:
        """Class position and probabilities of one batch."""
        parts = [texts] if self._tokens.fill is not None else [[text] for text in texts]
        logits = np.concatenate([self._logits(part) for part in parts])
        if self._labels is None:
            return np.column_stack([np.zeros(len(texts)), logits.astype(np.float64).reshape(len(texts))])
        return text_rows(
            self._labels.spread(probabilities(logits.astype(np.float64), self._output.meaning, self.info.uri))
        )

    def cost(self) -> float | None:
        """Nothing is charged."""
        return None

    def _logits(self, texts: list[str]) -> npt.NDArray[Any]:
        given = {name: values for name, values in self._tokens.batch(texts).items() if name in self._inputs}
        found = np.asarray(self._session.run([self._output.name], given)[0])
        columns = 1 if self._labels is None else len(self._labels.own)
        if found.size != len(texts) * columns:
            raise ModelError(
                f"{self.info.uri} gives an output {self._output.name!r} of shape {found.shape} for {len(texts)} text(s); wanted {columns} "
                "number(s) a text, as many as config.json has labels. Export it for sequence classification."
            )
        return found.reshape(len(texts), columns)


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
    said = scores_of(path)
    output = next((name for name, scores in said.items() if scores.meaning), session.get_outputs()[0].name)
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
    read = TextOutput(output, options.scores or said[output].meaning)
    return OnnxText(session, tokenizer, info, classes, known, own_fill(config), read)


def _numbers(found: list[Any], rows: int, uri: str) -> Floats:
    array = np.asarray(found[0])
    if array.size != rows or array.dtype.kind not in "fiu":
        raise ModelError(f"{uri} gives an output of shape {array.shape}; wanted one number a row (regression).")
    return array.astype(float).reshape(rows)
