"""A text encoder without a head: the class whose description is nearest in meaning, for comparison with a fitted model."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from harness.core.audit import ModelInfo
from harness.core.finding import Finding
from harness.engine.batching import TextSizes
from harness.errors import ModelError
from harness.models.options import ModelOptions
from harness.models.scores import text_rows
from harness.models.tokens import Tokens, context_of
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
TEMPERATURE = 0.05


class ZeroShotEncoder(TorchModel):
    """Cosine similarity of mean-pooled token states to each class's description; softmax at temperature 0.05.

    The probabilities are no calibrated ones: the threshold comes from the calibration split.
    """

    batch_texts = 256

    def __init__(
        self, model: Any, tokenizer: Any, info: ModelInfo, classes: tuple[str, ...], described: dict[str, str]
    ) -> None:
        self._model, self.info, self.classes = model, info, classes
        self.warnings: tuple[Finding, ...] = ()
        limit = context_of(model.config, tokenizer)
        self.context: int | None = limit
        masked = "attention_mask" in tokenizer.model_input_names
        self._tokens = Tokens(tokenizer, limit, fill=(tokenizer.pad_token_id or 0) if masked else None)
        if not masked:
            self._parts = math.inf
        self.batch_tokens = batch_tokens(model.device)
        self.settings = f"{model.dtype};{sorted(described.items())};{self._tokens.settings}"
        said = [described[name] for name in classes]
        self._targets = self._in_parts(lambda part: self._embed(said[part]), len(said))

    def sizes(self, texts: list[str]) -> TextSizes:
        """Tokens of each text, special ones included, and how many the vocabulary lacks."""
        return self._tokens.sizes(texts)

    def _score(self, texts: list[str]) -> Floats:
        """Class position and pseudo-probabilities of one batch."""
        similarity = self._embed(texts) @ self._targets.T / TEMPERATURE
        return text_rows(special.softmax(similarity, axis=1))

    def _embed(self, texts: list[str]) -> Floats:
        torch = import_torch()
        encoded = self._tokens.batch(texts)
        inputs = {name: torch.from_numpy(value).to(self._model.device) for name, value in encoded.items()}
        with torch.inference_mode():
            states = self._model(**inputs).last_hidden_state.double()
        weights = inputs["attention_mask"][..., None].double()
        mean = (states * weights).sum(dim=1) / weights.sum(dim=1)
        return np.asarray(torch.nn.functional.normalize(mean, dim=1).cpu().numpy())


def load_encoder(
    folder: str,
    uri: str,
    classes: tuple[str, ...],
    described: dict[str, str],
    options: ModelOptions,
    *,
    offline: bool = True,
) -> ZeroShotEncoder:
    """Opens an encoder for zero-shot use; ModelError where the suite describes other classes than the data has."""
    if not classes:
        raise ModelError(
            f"{uri} is an encoder: similarity of texts gives classes, and the suite's task is regression. Fine-tune it: harness "
            f"fit SUITE --base {uri} -o DIR."
        )
    if set(described) != set(classes):
        raise ModelError(
            f"{uri} is an encoder without a classifier. Fine-tune it (harness fit SUITE --base {uri} -o DIR), or describe "
            f"each of the classes {', '.join(classes)} under views.zero_shot to use it by the similarity of texts."
        )
    tokenizer = load_tokenizer(folder, offline)
    # Its pooler and heads are not asked: the states of its tokens are averaged.
    model, warnings = load_model("AutoModel", folder, options, offline, whole=False)
    info = ModelInfo(
        uri=uri,
        kind="zero-shot-encoder",
        fingerprint=fingerprint_of(folder, model, offline),
        view="text",
        offers=["labels", "scores", "train", "ask", "zero_shot"],
        card={
            **architecture_card(model, options),
            "classes_described": "; ".join(f"{name}: {described[name]}" for name in classes),
        },
    )
    opened = ZeroShotEncoder(model, tokenizer, info, classes, described)
    opened.warnings = (*warnings, *opened.warnings)
    return opened
