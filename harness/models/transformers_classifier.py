"""A transformers sequence classifier or regressor: reads the text view, answers class probabilities or a number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.audit import ModelInfo
from harness.core.finding import Finding
from harness.engine.batching import TextSizes
from harness.errors import ModelError
from harness.models.labels import OwnLabels, map_labels
from harness.models.options import ModelOptions
from harness.models.scores import text_rows
from harness.models.tokens import Tokens, context_of, fill_of, fill_with, side_of
from harness.models.torch_runtime import (
    TorchModel,
    architecture_card,
    batch_tokens,
    fingerprint_of,
    import_torch,
    load_model,
    load_tokenizer,
)

Floats = npt.NDArray[np.float64]


class TransformersClassifier(TorchModel):
    """AutoModelForSequenceClassification; softmax over its labels, in the suite's order of classes."""

    batch_texts = 256

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        info: ModelInfo,
        classes: tuple[str, ...],
        labels: OwnLabels | None,
        *,
        window: bool = False,
    ) -> None:
        self._model, self._tokenizer, self.info, self.classes = model, tokenizer, info, classes
        self._labels = labels
        self.warnings: tuple[Finding, ...] = () if labels is None else labels.warnings()
        self._limit = context_of(model.config, tokenizer)
        fill = fill_of(model.config, tokenizer)
        if fill is None and window:
            raise ModelError(
                f"{info.uri} has no padding token of its own, which --window needs. Give its tokenizer one."
            )
        self._tokens = Tokens(tokenizer, self._limit, fill=fill, side=side_of(model.config), keep=not window)
        if fill is None:
            self._parts = math.inf
        else:
            fill_with(model.config, fill)
        self.batch_tokens = batch_tokens(model.device)
        self._window = window
        self.context: int | None = None if window else self._limit  # in windows nothing is cut

    @property
    def settings(self) -> str:
        """The data type, the windows, the label order and what fills batches up."""
        order = [] if self._labels is None else list(self._labels.order)
        return f"{self._model.dtype};window={self._window};order={order};{self._tokens.settings}"

    def sizes(self, texts: list[str]) -> TextSizes:
        """Tokens of each text, special ones included, and how many the vocabulary lacks."""
        return self._tokens.sizes(texts)

    def _score(self, texts: list[str]) -> Floats:
        """Class position and probabilities of one batch; for regression 0 and the number."""
        probabilities = self._windowed(texts) if self._window else self._probabilities(self._tokens.batch(texts))
        if self._labels is None:
            return np.column_stack([np.zeros(len(texts)), probabilities[:, 0]])
        return text_rows(self._labels.spread(probabilities))

    def _windowed(self, texts: list[str]) -> Floats:
        encoded = self._tokenizer(
            texts,
            padding=True,
            truncation=True,
            max_length=self._limit,
            stride=self._limit // 4,
            return_overflowing_tokens=True,
            return_tensors="np",
        )
        owner = encoded.pop("overflow_to_sample_mapping")
        read = encoded["attention_mask"].any(axis=1)
        if not read.any():  # none of the texts gives a token
            return self._probabilities(self._tokens.batch(texts))
        most = max(1, self.batch_tokens // encoded["input_ids"].shape[1])
        found = self._in_parts(
            lambda part: self._probabilities({k: v[part] for k, v in encoded.items()}), len(owner), most
        )
        if not read.all():
            found[~read] = self._probabilities(self._tokens.batch([""]))
        total = np.zeros((len(texts), found.shape[1]))
        np.add.at(total, owner, found)
        return np.asarray(total / np.bincount(owner, minlength=len(texts))[:, None])

    def _probabilities(self, encoded: Any) -> Floats:
        torch = import_torch()
        inputs = {name: torch.from_numpy(value).to(self._model.device) for name, value in encoded.items()}
        if bool(inputs["attention_mask"].all()):
            inputs.pop("attention_mask")
        with torch.inference_mode():
            logits = self._model(**inputs).logits
        found = torch.softmax(logits.double(), dim=-1) if self.classes else logits.double()
        return np.asarray(found.cpu().numpy())


def load_classifier(
    folder: str, uri: str, classes: tuple[str, ...], options: ModelOptions, *, offline: bool = True
) -> TransformersClassifier:
    """Opens a folder (or hub name) that holds a sequence classifier with its tokenizer."""
    tokenizer = load_tokenizer(folder, offline)
    model, warnings = load_model("AutoModelForSequenceClassification", folder, options, offline)
    if classes and model.config.problem_type == "multi_label_classification":
        raise ModelError(
            f"{uri} gives each label a probability of its own (problem_type multi_label_classification), and several may be right; of the "
            "suite's classes one alone is. Give a model of single_label_classification, or audit saved predictions."
        )
    labels = [str(model.config.id2label[i]) for i in range(model.config.num_labels)]
    known = own_labels(labels, classes, options, uri)
    fingerprint = fingerprint_of(folder, model, offline)
    info = ModelInfo(
        uri=uri,
        kind="transformers-classifier",
        fingerprint=fingerprint,
        view="text",
        offers=["labels", "train", "ask", *(["scores"] if classes else [])],
        card={
            **architecture_card(model, options),
            "context_tokens": context_of(model.config, tokenizer),
            "long_texts": "read in windows, averaged" if options.window else "cut to the context",
            "labels": "" if known is None else str(known),
        },
    )
    opened = TransformersClassifier(model, tokenizer, info, classes, known, window=options.window)
    opened.warnings = (*warnings, *opened.warnings)
    return opened


def own_labels(labels: list[str], classes: tuple[str, ...], options: ModelOptions, uri: str) -> OwnLabels | None:
    """The suite's class of each of the model's labels; None for regression, which wants one output."""
    if not classes and len(labels) == 1:
        return None
    if not classes:
        raise ModelError(f"{uri} has {len(labels)} outputs, so it is a classifier; the suite's task is regression.")
    if len(labels) == 1:
        raise ModelError(
            f"{uri} has one output, so it is a regression model; the suite's task has the classes {', '.join(classes)}."
        )
    return map_labels(labels, classes, options.label_map, uri)
