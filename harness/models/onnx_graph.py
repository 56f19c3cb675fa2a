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
    normaliser, or a classifier of ONNX-ML with its labels and its transformation.

    Raises:
        MissingExtraError: onnx is not installed.
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingExtraError("An ONNX model needs onnx: pip install 'vertical-harness[onnx]'.") from error
    graph = onnx.load(str(path), load_external_data=False).graph
    makers = {name: node for node in graph.node for name in node.output}
    return {output.name: _traced(output.name, makers) for output in graph.output}


def _traced(output: str, makers: dict[str, Any]) -> Scores:
    """The output followed back to its maker; `makers` are the nodes by the names of what they make."""
    name, labels = output, None
    while (node := makers.get(name)) is not None and node.op_type in _UNCHANGED:
        labels, name = labels or _labels(node), node.input[0]
    if node is None:
        return Scores("logit" if output == LOGITS else None, labels)
    if node.op_type in _CLASSIFIERS:
        return Scores(_of_classifier(node), labels or _labels(node))
    return Scores(_MEANING_OF_OPERATOR.get(node.op_type) or ("logit" if output == LOGITS else None), labels)


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
