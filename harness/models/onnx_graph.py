"""What an ONNX graph says of its outputs: which is the label, which the scores, what these mean and whose they are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import MissingExtraError
from harness.models.options import ScoreMeaning

_UNCHANGED = {"Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze", "ZipMap"}
_MEANING_OF_OPERATOR: dict[str, ScoreMeaning] = {
    "Softmax": "probability",
    "LogSoftmax": "log_probability",
    "Normalizer": "probability",
}
_CLASSIFIERS = {"LinearClassifier", "SVMClassifier", "TreeEnsembleClassifier"}
_MEANING_OF_TRANSFORM: dict[str, ScoreMeaning] = {"LOGISTIC": "probability", "SOFTMAX": "probability"}
LOGITS = "logits"
"""The name by which transformers and torch export what comes before the softmax."""


@dataclass(frozen=True)
class Scores:
    """What an output of scores holds: its meaning, and the labels of its columns; None where the graph does not say."""

    meaning: ScoreMeaning | None = None
    labels: tuple[str, ...] | None = None


def scores_of(path: Path) -> dict[str, Scores]:
    """By name, what the graph says of each of its outputs.

    The output is followed back through operators that change no value to the one that made it: a softmax, a log-softmax, a
    normaliser, or a classifier of ONNX-ML with its labels and its transformation. Its columns have the labels of a classifier before
    it, or those from which its largest column picks the graph's label.

    Raises:
        MissingExtraError: onnx is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("An ONNX model needs onnx: pip install 'vertical-harness[onnx]'.") from error
    graph = onnx.load(str(path), load_external_data=False).graph
    makers = {name: node for node in graph.node for name in node.output}
    return {output.name: _traced(output.name, makers, graph) for output in graph.output}


def _traced(output: str, makers: dict[str, Any], graph: Any) -> Scores:
    """Back from the output to what gives it a meaning, and on to what names its columns."""
    name, path = output, [output]
    while (node := makers.get(name)) is not None and node.op_type in (*_UNCHANGED, *_MEANING_OF_OPERATOR):
        name = node.input[0]
        path.append(name)
    column = None
    if node is not None and node.op_type == "ArrayFeatureExtractor":
        column, node = _constant(graph, node.input[1]), makers.get(node.input[0])
    steps = [makers[tensor] for tensor in path[:-1]] + ([] if node is None else [node])
    end = next((step for step in steps if step.op_type not in _UNCHANGED), None)
    meaning: ScoreMeaning | None = None
    if end is not None:
        meaning = _of_classifier(end) if end.op_type in _CLASSIFIERS else _MEANING_OF_OPERATOR.get(end.op_type)
    named = _by_argmax(makers, graph)
    labels = next((found for step in steps if (found := _labels(step))), None) or next(
        (named[tensor] for tensor in path if tensor in named), None
    )
    if column is not None:
        labels = _with_its_other(labels, column)
    return Scores(meaning or ("logit" if output == LOGITS else None), labels)


def _by_argmax(makers: dict[str, Any], graph: Any) -> dict[str, tuple[str, ...]]:
    """Of each tensor whose largest column picks one of some constant labels: these labels."""
    named = {}
    for node in graph.node:
        if node.op_type == "ArrayFeatureExtractor" and (picked := makers.get(node.input[1])) is not None:
            labels = _constant(graph, node.input[0])
            if picked.op_type == "ArgMax" and labels:
                named[picked.input[0]] = tuple(labels)
    return named


def _constant(graph: Any, name: str) -> list[str] | None:
    """The values of a constant tensor as texts; None where it is none."""
    from onnx import numpy_helper

    found = next((one for one in graph.initializer if one.name == name), None)
    if found is None:
        return None
    values = numpy_helper.to_array(found).reshape(-1).tolist()
    return [value.decode() if isinstance(value, bytes) else str(value) for value in values]


def _with_its_other(labels: tuple[str, ...] | None, column: list[str]) -> tuple[str, ...] | None:
    """Of one column that was taken out of two: the label of the other, then its own."""
    if labels is None or len(labels) != 2 or column not in (["0"], ["1"]):
        return None
    return labels if column == ["1"] else labels[::-1]


def _of_classifier(node: Any) -> ScoreMeaning | None:
    """By its transformation; of an SVM without probabilities its scores are those of its decision function."""
    attributes = {attribute.name: attribute for attribute in node.attribute}
    transform = attributes["post_transform"].s.decode() if "post_transform" in attributes else "NONE"
    if transform in _MEANING_OF_TRANSFORM:
        return _MEANING_OF_TRANSFORM[transform]
    without_probabilities = node.op_type == "SVMClassifier" and not list(
        attributes["prob_a"].floats if "prob_a" in attributes else []
    )
    return "decision_function" if without_probabilities else None


def _labels(node: Any) -> tuple[str, ...] | None:
    """The labels that a classifier of ONNX-ML, or a ZipMap, holds."""
    for attribute in node.attribute:
        if attribute.name in ("classlabels_strings", "classlabels_int64s", "classlabels_ints"):
            labels = [text.decode() for text in attribute.strings] or [str(number) for number in attribute.ints]
            if labels:
                return tuple(labels)
    return None
