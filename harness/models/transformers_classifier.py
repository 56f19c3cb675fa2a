"""A transformers sequence classifier or regressor: reads the text view, answers class probabilities or a number."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.audit import ModelInfo
from harness.core.finding import Finding
from harness.engine.batching import LENGTH_STEP, TextSizes
from harness.errors import ModelError
from harness.models.labels import map_labels
from harness.models.options import ModelOptions
from harness.models.torch_runtime import (
    batch_tokens,
    choose_device,
    fingerprint_of,
    import_torch,
    load_model,
    load_tokenizer,
)

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
DEFAULT_CONTEXT = 512
BLOCK = 1000


class TransformersClassifier:
    """AutoModelForSequenceClassification; softmax over its labels, in the suite's order of classes."""

    batch_texts = 256

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        info: ModelInfo,
        classes: tuple[str, ...],
        order: list[int],
        *,
        window: bool = False,
    ) -> None:
        self._model, self._tokenizer, self.info, self.classes = model, tokenizer, info, classes
        self._order = order
        self.warnings: tuple[Finding, ...] = ()
        self._limit = context_of(model.config, tokenizer)
        self.batch_tokens = batch_tokens(model.device)
        self._window = window
        self.context: int | None = None if window else self._limit  # in windows nothing is cut

    @property
    def settings(self) -> str:
        """The data type, the windows and the label order."""
        return f"{self._model.dtype};window={self._window};order={self._order}"

    def sizes(self, texts: list[str]) -> TextSizes:
        """Tokens of each text, special ones included, and how many the vocabulary lacks."""
        return token_counts(self._tokenizer, texts)

    def score(self, texts: list[str]) -> Floats:
        """Class position and probabilities of one batch; for regression 0 and the number."""
        probabilities = self._windowed(texts) if self._window else self._probabilities(self._encode(texts))
        if not self.classes:
            return np.column_stack([np.zeros(len(texts)), probabilities[:, 0]])
        ordered = np.empty_like(probabilities)
        ordered[:, self._order] = probabilities
        return np.column_stack([ordered.argmax(axis=1), ordered])

    def cost(self) -> float | None:
        """Nothing is charged."""
        return None

    def _encode(self, texts: list[str]) -> Any:
        step = LENGTH_STEP if self._limit % LENGTH_STEP == 0 else None
        return self._tokenizer(
            texts,
            padding=True,
            pad_to_multiple_of=step,
            truncation=True,
            max_length=self._limit,
            return_tensors="pt",
        )

    def _windowed(self, texts: list[str]) -> Floats:
        encoded = self._tokenizer(
            texts,
            padding=True,
            truncation=True,
            max_length=self._limit,
            stride=self._limit // 4,
            return_overflowing_tokens=True,
            return_tensors="pt",
        )
        owner = encoded.pop("overflow_to_sample_mapping").numpy()
        size = max(1, self.batch_tokens // encoded["input_ids"].shape[1])
        parts = [
            self._probabilities({k: v[i : i + size] for k, v in encoded.items()}) for i in range(0, len(owner), size)
        ]
        found = np.concatenate(parts)
        total = np.zeros((len(texts), found.shape[1]))
        np.add.at(total, owner, found)
        return np.asarray(total / np.bincount(owner, minlength=len(texts))[:, None])

    def _probabilities(self, encoded: Any) -> Floats:
        torch = import_torch()
        inputs = {name: value.to(self._model.device) for name, value in encoded.items()}
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
    model = load_model(
        "AutoModelForSequenceClassification", folder, options.dtype, choose_device(options.device), offline
    )
    labels = [str(model.config.id2label[i]) for i in range(model.config.num_labels)]
    order = label_order(labels, classes, options, uri)
    fingerprint = fingerprint_of(folder, model, offline)
    info = ModelInfo(
        uri=uri,
        kind="transformers-classifier",
        fingerprint=fingerprint,
        view="text",
        offers=["labels", "train", "ask", *(["scores"] if classes else [])],
        card={
            "architecture": type(model).__name__,
            "parameters": int(model.num_parameters()),
            "dtype": options.dtype,
            "context_tokens": context_of(model.config, tokenizer),
            "long_texts": "read in windows, averaged" if options.window else "cut to the context",
            "labels": ", ".join(f"{a} = {classes[i]}" for a, i in zip(labels, order, strict=False)),
        },
    )
    return TransformersClassifier(model, tokenizer, info, classes, order, window=options.window)


def label_order(labels: list[str], classes: tuple[str, ...], options: ModelOptions, uri: str) -> list[int]:
    """The position among the classes of each of the model's labels; none for regression, which wants one output."""
    if not classes and len(labels) == 1:
        return []
    if not classes:
        raise ModelError(f"{uri} has {len(labels)} outputs, so it is a classifier; the suite's task is regression.")
    if len(labels) == 1:
        raise ModelError(
            f"{uri} has one output, so it is a regression model; the suite's task has the classes {', '.join(classes)}."
        )
    return map_labels(labels, classes, options.label_map, uri)


def token_counts(tokenizer: Any, texts: list[str]) -> TextSizes:
    """Tokens of each text (n,), uncut, and those that stand for what the vocabulary lacks (n,), in blocks so that memory
    stays flat. The latter are 0 where the tokenizer has no sign for them, or its sign has another use (GPT-2's).
    """
    sign = tokenizer.unk_token_id
    if sign in (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id):
        sign = None
    counts = np.zeros((len(texts), 2), dtype=np.int64)
    for start in range(0, len(texts), BLOCK):
        block = texts[start : start + BLOCK]
        tokens = tokenizer(block, truncation=False, return_attention_mask=False, verbose=False)["input_ids"]
        counts[start : start + BLOCK] = [(len(ids), 0 if sign is None else ids.count(sign)) for ids in tokens]
    return TextSizes(counts[:, 0], counts[:, 1])


def context_of(config: Any, tokenizer: Any) -> int:
    """The most tokens that the model reads: the smaller of the tokenizer's and the model's limit."""
    positions = getattr(config, "max_position_embeddings", None) or DEFAULT_CONTEXT
    if getattr(config, "model_type", "") in ("roberta", "xlm-roberta", "camembert"):
        positions -= 2  # their positions start after the padding index
    limit = getattr(tokenizer, "model_max_length", positions) or positions
    return int(min(positions, limit if limit < 10**6 else positions))
