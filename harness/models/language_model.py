"""A local causal or sequence-to-sequence language model: chooses by log-likelihood, generates."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from harness.core.audit import ModelInfo
from harness.core.finding import Finding
from harness.engine.batching import TextSizes
from harness.engine.provenance import sha256_bytes
from harness.errors import ModelError
from harness.models.numbers import LONGEST, READING, first_line, number_row
from harness.models.options import ModelOptions
from harness.models.scores import text_rows
from harness.models.tokens import Tokens, context_of
from harness.models.torch_runtime import (
    TorchModel,
    architecture_card,
    batch_tokens,
    fingerprint_of,
    import_torch,
    import_transformers,
    load_model,
    load_tokenizer,
)
from harness.spec.suite import PromptView

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


class LanguageModel(TorchModel):
    """Scores the suite's choices after a prompt; probabilities are the softmax of the choices' log-likelihoods.

    The prompt is read once for all choices (its key/value cache is shared) unless `share_prompt` is off. With a chat
    template the prompt is the user's turn. `normalise` divides by the number of tokens of a choice.
    """

    batch_texts = 64

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        info: ModelInfo,
        classes: tuple[str, ...],
        view: PromptView,
        longest: int = LONGEST,
    ) -> None:
        self._model, self._tokenizer, self.info, self.classes = model, tokenizer, info, classes
        self._view = view
        self.warnings: tuple[Finding, ...] = ()
        self.share_prompt = True
        self._chat = bool(getattr(tokenizer, "chat_template", None))
        words = [view.choices[name].strip() if self._chat else view.choices[name] for name in classes]
        self.choices: list[list[int]] = [tokenizer(word, add_special_tokens=False)["input_ids"] for word in words]
        self._room = max(map(len, self.choices), default=longest)
        limit = context_of(model.config, tokenizer)
        self.context: int | None = limit
        self.batch_tokens = batch_tokens(model.device)
        self._seq2seq = bool(model.config.is_encoder_decoder)
        if tokenizer.pad_token_id is None:
            tokenizer.pad_token = tokenizer.eos_token
        tokenizer.truncation_side = "left"  # the question stands at the end
        self._tokens = Tokens(
            tokenizer,
            limit - self._room,
            fill=tokenizer.pad_token_id or 0,
            side="right" if self._seq2seq else "left",
            special=not self._chat,
        )

    @property
    def settings(self) -> str:
        """The data type, the chat template, the choices and how they are scored."""
        template = sha256_bytes(str(getattr(self._tokenizer, "chat_template", "")).encode())
        read = f"{self.choices};normalise={self._view.normalise}" if self.classes else f"number={READING};{self._room}"
        return f"{self._model.dtype};{template};{read};{self._tokens.settings}"

    def sizes(self, texts: list[str]) -> TextSizes:
        """Tokens of each prompt with its longest choice, and how many of the prompt's the vocabulary lacks."""
        counts = self._tokens.sizes(self._prompts(texts))
        return counts._replace(tokens=counts.tokens + self._room)

    def _score(self, texts: list[str]) -> Floats:
        """Class position and probabilities (softmax over choices) of one batch of prompts; for regression 0 and the number."""
        if not self.classes:
            written = self._written(texts, tokens=self._room, temperature=0.0, seed=0)
            if not self._chat and not self._seq2seq:
                written = [first_line(said, complete=complete) for said, complete in written]
            return np.array([number_row(said, complete=complete) for said, complete in written])
        likelihood = self.log_likelihoods(texts)
        if self._view.normalise:
            likelihood = likelihood / np.array([len(choice) for choice in self.choices])
        return text_rows(special.softmax(likelihood, axis=1))

    def log_likelihoods(self, texts: list[str]) -> Floats:
        """Log-likelihood (n, choices) of each choice's tokens after each prompt, in nats."""
        encoded = self._encode(self._prompts(texts))
        with import_torch().inference_mode():
            if self._seq2seq:
                return self._likelihoods_decoder(encoded)
            return self._likelihoods_shared(encoded) if self.share_prompt else self._likelihoods_apart(encoded)

    def generate(self, texts: list[str], *, tokens: int = 64, temperature: float = 0.0, seed: int = 0) -> list[str]:
        """Free answers to prompts: greedy at temperature 0, else sampled with the seed."""
        return [said for said, _ in self._written(texts, tokens=tokens, temperature=temperature, seed=seed)]

    def _written(self, texts: list[str], *, tokens: int, temperature: float, seed: int) -> list[tuple[str, bool]]:
        """Free answers to prompts, and whether each came to its end within so many tokens."""
        torch = import_torch()
        encoded = self._encode(self._prompts(texts))
        torch.manual_seed(seed)
        how = {"do_sample": True, "temperature": temperature} if temperature > 0 else {"do_sample": False}
        with torch.inference_mode():
            out = self._model.generate(
                **encoded, max_new_tokens=tokens, pad_token_id=self._tokenizer.pad_token_id, **how
            )
        start = 0 if self._seq2seq else encoded["input_ids"].shape[1]
        written = out[:, start:]
        ends = torch.tensor([*_ids(self._model.generation_config.eos_token_id), *_ids(self._tokenizer.eos_token_id)])
        complete = torch.isin(written.cpu(), ends).any(dim=1).tolist()
        said = self._tokenizer.batch_decode(written, skip_special_tokens=True)
        return [(str(text), bool(end)) for text, end in zip(said, complete, strict=True)]

    def _prompts(self, texts: list[str]) -> list[str]:
        if not self._chat:
            return texts
        turns = [[{"role": "user", "content": text}] for text in texts]
        try:
            return [
                str(self._tokenizer.apply_chat_template(turn, tokenize=False, add_generation_prompt=True))
                for turn in turns
            ]
        except Exception as error:
            # transformers renders templates in a sandbox; whatever one tries there ends here.
            raise ModelError(f"The chat template of {self.info.uri} fails: {type(error).__name__}: {error}") from error

    def _encode(self, prompts: list[str]) -> Any:
        torch, encoded = import_torch(), self._tokens.batch(prompts)
        return {
            name: torch.from_numpy(encoded[name]).to(self._model.device) for name in ("input_ids", "attention_mask")
        }

    def _likelihoods_shared(self, encoded: Any) -> Floats:
        torch = import_torch()
        mask = encoded["attention_mask"]
        positions = (mask.cumsum(dim=1) - 1).clamp(min=0)
        longer = self._room > 1
        out = self._model(**encoded, position_ids=positions, use_cache=longer, logits_to_keep=1)
        first = torch.log_softmax(out.logits[:, -1].double(), dim=-1)
        found = torch.stack([first[:, choice[0]] for choice in self.choices], dim=1)
        past = out.past_key_values
        for column, choice in enumerate(self.choices):
            if len(choice) == 1:
                continue
            ids = torch.tensor(choice[:-1], device=mask.device).expand(len(mask), -1)
            more = torch.ones_like(ids)
            step = self._model(
                input_ids=ids,
                attention_mask=torch.cat([mask, more], dim=1),
                position_ids=positions[:, -1:] + more.cumsum(dim=1),
                past_key_values=past,
                use_cache=True,
            )
            found[:, column] += self._taken(step.logits, choice[1:])
            past.crop(-(len(choice) - 1))
        return np.asarray(found.cpu().numpy())

    def _likelihoods_apart(self, encoded: Any) -> Floats:
        """Every prompt read again for each choice: what sharing saves is measured against this."""
        torch = import_torch()
        mask, columns = encoded["attention_mask"], []
        for choice in self.choices:
            ids = torch.tensor(choice, device=mask.device).expand(len(mask), -1)
            whole = torch.cat([mask, torch.ones_like(ids)], dim=1)
            positions = (whole.cumsum(dim=1) - 1).clamp(min=0)
            out = self._model(
                input_ids=torch.cat([encoded["input_ids"], ids], dim=1),
                attention_mask=whole,
                position_ids=positions,
                use_cache=False,
                logits_to_keep=len(choice) + 1,
            )
            columns.append(self._taken(out.logits[:, :-1], choice))
        return np.asarray(torch.stack(columns, dim=1).cpu().numpy())

    def _likelihoods_decoder(self, encoded: Any) -> Floats:
        torch = import_torch()
        seen = self._model.get_encoder()(**encoded)
        columns = []
        start = self._model.config.decoder_start_token_id
        for choice in self.choices:
            ids = torch.tensor([start, *choice[:-1]], device=self._model.device).expand(len(encoded["input_ids"]), -1)
            out = self._model(
                encoder_outputs=seen, attention_mask=encoded["attention_mask"], decoder_input_ids=ids, use_cache=False
            )
            columns.append(self._taken(out.logits, choice))
        return np.asarray(torch.stack(columns, dim=1).cpu().numpy())

    def _taken(self, logits: Any, tokens: list[int]) -> Any:
        """Sum over positions of the log-probability of these tokens: logits (n, tokens, vocabulary) → (n,)."""
        torch = import_torch()
        chosen = torch.tensor(tokens, device=logits.device).expand(len(logits), -1)
        return torch.log_softmax(logits.double(), dim=-1).gather(2, chosen[..., None])[..., 0].sum(dim=1)


def _ids(given: int | list[int] | None) -> list[int]:
    """Ids of the tokens that end an answer; a model has none, one or several."""
    return [] if given is None else [given] if isinstance(given, int) else list(given)


def load_language_model(
    folder: str,
    uri: str,
    classes: tuple[str, ...],
    view: PromptView | None,
    options: ModelOptions,
    *,
    offline: bool = True,
) -> LanguageModel:
    """Opens a folder (or hub name) that holds a generative language model with its tokenizer."""
    view = check_choices(view, classes, uri)
    transformers = import_transformers()
    tokenizer = load_tokenizer(folder, offline)
    config = transformers.AutoConfig.from_pretrained(folder, local_files_only=offline, trust_remote_code=False)
    kind = "AutoModelForSeq2SeqLM" if config.is_encoder_decoder else "AutoModelForCausalLM"
    model, warnings = load_model(kind, folder, options, offline)
    template = str(getattr(tokenizer, "chat_template", "") or "")
    info = ModelInfo(
        uri=uri,
        kind="language-model",
        fingerprint=fingerprint_of(folder, model, offline),
        view="prompt",
        offers=["labels", "train", "zero_shot", *(["scores"] if classes else [])],
        card={
            **architecture_card(model, options),
            "context_tokens": context_of(model.config, tokenizer),
            "chat_template": sha256_bytes(template.encode()) if template else "none",
            "choices": "; ".join(f"{name}: {view.choices[name]!r}" for name in classes),
            "choices_scored_by": ("log-likelihood" + (" per token" if view.normalise else ""))
            if classes
            else "none: the number of a greedy answer",
            **({} if classes else {"max_tokens": options.max_tokens or LONGEST}),
        },
    )
    opened = LanguageModel(model, tokenizer, info, classes, view, options.max_tokens or LONGEST)
    opened.warnings = (*warnings, *opened.warnings)
    return opened


def check_choices(view: PromptView | None, classes: tuple[str, ...], uri: str) -> PromptView:
    """The prompt view; ModelError where there is none, or its choices are not the suite's classes."""
    if view is None:
        raise ModelError(f"{uri} is a language model and reads prompts, but the suite has no views.prompt. Write one.")
    if set(view.choices) != set(classes):
        raise ModelError(
            f"views.prompt.choices names {', '.join(view.choices)}; the classes of the data are {', '.join(classes)}. "
            "Give one choice for each class."
        )
    return view
