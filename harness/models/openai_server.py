"""A model behind an OpenAI-compatible server: bounded concurrency, retries, and no answer is ever made up."""

from __future__ import annotations

import math
import os
import threading
import weakref
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.audit import ModelInfo
from harness.core.finding import Finding
from harness.core.safe_text import without_credentials
from harness.engine.batching import TextSizes
from harness.engine.provenance import sha256_bytes
from harness.engine.text_pass import CUT, REFUSED, UNREADABLE, more_tokens
from harness.errors import MissingExtraError, ModelError
from harness.models.choices import READING, ChoiceReader, is_refusal
from harness.models.language_model import check_choices
from harness.models.numbers import LONGEST, first_line, number_row
from harness.models.numbers import READING as NUMBERS_READING
from harness.models.options import ModelOptions
from harness.models.server_connection import KEY_VARIABLES, Connection, Refused
from harness.models.server_habits import Habits
from harness.models.server_replies import MalformedReply, Reply, read_reply
from harness.spec.suite import PromptView

Floats = npt.NDArray[np.float64]
_KEY_IN_PATH = f"what looks like a key in the address's path is left out here: a key belongs into {KEY_VARIABLES[0]}"
MAX_TOKENS = 4096
"""Tokens that an answer may take: what a reasoning model writes before it answers. A model that does not reason stops after
its answer, so that the budget costs nothing there."""
_BEGINNING = 16
"""Tokens of a plain completion: a base model does not stop, and only the beginning is read."""
_SILENCE_SECONDS, _TOKENS_A_SECOND = 60.0, 10
"""An answer is sent when it is whole, so that a slow server is silent for as long as its whole budget takes."""


class OpenAIServer:
    """Chat completions, or plain completions where the server has no chat; one request a prompt, temperature 0.

    The class is the choice that the answer names (`ChoiceReader`). Where the answer begins with it, and the server gives
    log-probabilities of the first token, the probabilities are those of the choices' first words, made to sum to 1; another
    class may then have the largest. A refusal, an answer that is none of the choices, and one that the token budget cut have
    codes of their own and no class. What the server refuses of a request is left out from then on (`Habits`), and on the card.
    """

    context: int | None = None

    def __init__(
        self, connection: Connection, info: ModelInfo, classes: tuple[str, ...], view: PromptView, options: ModelOptions
    ) -> None:
        self._connection, self._info, self.classes, self._options = connection, info, classes, options
        self.warnings: tuple[Finding, ...] = ()
        self.batch_texts = max(1, options.concurrency) * 2
        self.batch_tokens = 10**9
        self.tokens_in: int | None = 0
        self.tokens_out: int | None = 0
        self._lock = threading.Lock()
        self._habits = Habits()
        self._has_chatted = self._only_reasons = False
        self._words = {name: view.choices[name] for name in classes}
        self._reader = ChoiceReader(list(self._words.values()))

    @property
    def info(self) -> ModelInfo:
        """The model's card, with what the server has refused so far."""
        refused = self._habits.refused()
        card = {**self._info.card, "max_tokens": self._budget}
        return self._info.model_copy(update={"card": {**card, "server_refuses": refused} if refused else card})

    @info.setter
    def info(self, info: ModelInfo) -> None:
        self._info = info

    @property
    def chat(self) -> bool:
        """Whether the server chats."""
        return self._habits.chat

    @property
    def settings(self) -> str:
        """The choices, how answers are read, the token budget, and what the server accepts of a request."""
        sent = sorted(self._habits.parameters(self._max_tokens(self._habits)).items())
        return f"reading={READING}.{NUMBERS_READING};chat={self.chat};{sent};{sorted(self._words.items())}"

    def sizes(self, texts: list[str]) -> TextSizes:
        """About the tokens of each text: a quarter of its characters; the server doesn't tell which it lacks."""
        return TextSizes(np.array([len(text) // 4 + 1 for text in texts], dtype=np.int64), None)

    def score(self, texts: list[str]) -> Floats:
        """Answers of one batch, asked side by side, in order; all of them with the same parameters."""
        answers: dict[int, tuple[Habits, list[float]]] = {}
        with ThreadPoolExecutor(max_workers=max(1, self._options.concurrency)) as pool:
            while stale := [i for i in range(len(texts)) if i not in answers or answers[i][0] != self._habits]:
                answers |= dict(zip(stale, pool.map(self._answer, [texts[i] for i in stale]), strict=True))
        return np.array([answers[i][1] for i in range(len(texts))], dtype=np.float64).reshape(len(texts), -1)

    def cost(self) -> float | None:
        """Cost so far, from the tokens that the server counted and the prices given; None without either."""
        prices = (self._options.price_in, self._options.price_out)
        if prices == (None, None) or self.tokens_in is None or self.tokens_out is None:
            return None
        return (self.tokens_in * (prices[0] or 0) + self.tokens_out * (prices[1] or 0)) / 1e6

    def learn(self, row: Floats) -> None:
        """Takes from the first answer whether the server gives log-probabilities, and so scores.

        Raises:
            ModelError: it was cut off, or holds reasoning alone: the others would too, each at the price of a whole answer.
        """
        if row[0] == CUT:
            raise ModelError(
                f"{self.info.uri}: the first answer was cut off before its end (finish_reason length), so that it is no "
                "answer of the model; a reasoning model can use the whole budget before it answers. "
                f"{more_tokens(self._budget)}."
            )
        if row[0] == UNREADABLE and self._only_reasons:
            raise ModelError(
                f"{self.info.uri}: the first answer holds reasoning and nothing else. Let the server give what follows the reasoning as "
                "the content of the message (its reasoning parser may not fit the model), or turn the reasoning off there."
            )
        if not self.classes:
            return
        scored = bool(np.isfinite(row[1:]).all())
        offers = [*self._info.offers, *(["scores"] if scored and "scores" not in self._info.offers else [])]
        source = "the first token's log-probabilities" if scored else "none: no usable log-probabilities of each choice"
        card = {**self._info.card, "probabilities": source}
        self._info = self._info.model_copy(update={"offers": offers, "card": card})

    @property
    def _budget(self) -> int | str:
        return self._max_tokens(self._habits) if self._habits.budget else "the server's own"

    def _max_tokens(self, habits: Habits) -> int:
        if self._options.max_tokens is not None:
            return self._options.max_tokens
        if habits.chat:
            return MAX_TOKENS
        return max([_BEGINNING, *(len(word) for word in self._words.values())]) if self.classes else LONGEST

    def _answer(self, text: str) -> tuple[Habits, list[float]]:
        habits, body = self._asked(text)
        try:
            reply = read_reply(body, chat=habits.chat)
        except MalformedReply as error:
            raise self._malformed(error) from error
        self._count(reply)
        self._only_reasons = reply.reasoned and not reply.text
        if not habits.chat:
            line, complete = first_line(reply.text, complete=not reply.truncated)
            reply = replace(reply, text=line, truncated=not complete)
        return habits, self._row(reply, habits)

    def _row(self, reply: Reply, habits: Habits) -> list[float]:
        unknown = [math.nan] * (len(self.classes) or 1)
        spent = reply.tokens_out is not None and reply.tokens_out >= self._max_tokens(habits)
        truncated = reply.truncated or (spent and reply.reasoned and not reply.text)
        if truncated and habits.chat:
            return [CUT, *unknown]
        if reply.refused or is_refusal(reply.text):
            return [REFUSED, *unknown]
        if not self.classes:
            return number_row(reply.text, complete=not truncated)
        label = self._reader.read(reply.text)
        if label is None:
            return [CUT if truncated else UNREADABLE, *unknown]
        scores = self._probabilities(reply)
        return [float(label), *(unknown if scores is None else scores)]

    def _probabilities(self, reply: Reply) -> list[float] | None:
        """Probabilities of the classes from the first token's alternatives.

        None where the answer does not begin with a choice, a class is not among the alternatives, or one is not finite.
        """
        begins = self._reader.begins_with_choice(reply.text)
        if reply.reasoned or not begins or any(math.isnan(value) for _, value in reply.alternatives):
            return None
        if reply.first is not None and not any(self._reader.begun_by(reply.first)):
            return None
        mass = [0.0] * len(self.classes)
        for token, value in reply.alternatives:
            fits = [i for i, begun in enumerate(self._reader.begun_by(token)) if begun]
            if len(fits) == 1:
                mass[fits[0]] += math.exp(value)
        total = sum(mass)
        return [part / total for part in mass] if min(mass) > 0 else None

    def _count(self, reply: Reply) -> None:
        with self._lock:
            if reply.tokens_in is None or reply.tokens_out is None:
                self.tokens_in = self.tokens_out = None
            elif self.tokens_in is not None and self.tokens_out is not None:
                self.tokens_in += reply.tokens_in
                self.tokens_out += reply.tokens_out
        if self.tokens_in is None and self._options.max_cost is not None:
            raise ModelError(
                f"{self.info.uri} does not count its tokens (usage), so --max-cost can't be kept. Give --max-calls instead."
            )

    def _asked(self, text: str) -> tuple[Habits, Mapping[str, Any]]:
        """The body that answers a prompt, and the habits that it was asked with, less whatever the server refuses by name."""
        while True:
            habits = self._habits
            path = "/chat/completions" if habits.chat else "/completions"
            turn = ("messages", [{"role": "user", "content": text}]) if habits.chat else ("prompt", text)
            asked = {"model": self._model, **habits.parameters(self._max_tokens(habits)), turn[0]: turn[1]}
            try:
                body = self._connection.post(path, asked)
                self._has_chatted = self._has_chatted or habits.chat
                return habits, body
            except MalformedReply as error:
                raise self._malformed(error) from error
            except Refused as refusal:
                self._adapt(habits, refusal)

    def _adapt(self, habits: Habits, refusal: Refused) -> None:
        """Changes the habits that were refused, unless another request has; ModelError where nothing is left to change."""
        with self._lock:
            if self._habits != habits:
                return
            changed = (
                replace(habits, chat=False)
                if habits.chat
                and not self._has_chatted
                and (refusal.status in (404, 405) or "chat template" in refusal.told)
                else habits.adapted(refusal.names, refusal.told, budget_stays=self._options.max_tokens is not None)
            )
            if changed is None:
                raise self._refused(refusal)
            self._habits = changed

    def _refused(self, refusal: Refused) -> ModelError:
        uri, status = self.info.uri, refusal.status
        told = f" It says: {refusal}" if str(refusal) else " It gives no reason."
        if status in (401, 403):
            return ModelError(f"{uri} refuses the key (HTTP {status}). Set {' or '.join(KEY_VARIABLES)}.{told}")
        if status in (404, 405):
            return ModelError(
                f"{uri} has neither /chat/completions nor /completions, or does not know the model {self._model!r}. "
                f"Wanted: https://host/v1#model-name.{told}"
            )
        given = self._options.max_tokens
        budget = "" if given is None else f" The budget is yours: --max-tokens {given}."
        return ModelError(f"{uri} refuses the request (HTTP {status}).{told}{budget}")

    def _malformed(self, error: MalformedReply) -> ModelError:
        return ModelError(f"{self.info.uri} answered in a form that is not OpenAI's: {error}.")

    @property
    def _model(self) -> str:
        return self._info.uri.partition("#")[2]


def load_server(
    uri: str,
    classes: tuple[str, ...],
    view: PromptView | None,
    options: ModelOptions,
    *,
    timeout: float | None = None,
) -> OpenAIServer:
    """Opens https://host/v1#model-name; the key comes from an environment variable and goes nowhere else."""
    try:
        import httpx
        import tenacity  # noqa: F401 - asked for here so that the message comes before any request
    except ImportError as error:
        raise MissingExtraError(
            "A server needs httpx and tenacity. Install them: pip install 'vertical-harness[server]'."
        ) from error
    address, _, name = uri.partition("#")
    if "?" in uri:
        raise ModelError(
            "An address with a query (?…) can't be used, and a key in it would end in records. Wanted: https://host/v1#model-name, "
            "and the key in the environment: " + " or ".join(KEY_VARIABLES)
        )
    if "@" in address.partition("//")[2].partition("/")[0]:
        raise ModelError(
            "A key in an address would end in records. Set it in the environment: " + " or ".join(KEY_VARIABLES)
        )
    uri = without_credentials(uri)  # what follows is told: in messages, in the record, in every report
    place = uri.partition("#")[0]
    if not name:
        raise ModelError(f"{uri} names no model. Wanted: https://host/v1#model-name.")
    view = check_choices(view, classes, uri)
    if classes:
        _require_distinct(view, classes)
    key = _key()
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    seconds = timeout or _SILENCE_SECONDS + (options.max_tokens or MAX_TOKENS) / _TOKENS_A_SECOND
    patience = httpx.Timeout(seconds, connect=timeout or _SILENCE_SECONDS)
    try:
        client = httpx.Client(base_url=address.rstrip("/"), timeout=patience, headers=headers, trust_env=True)
    except httpx.InvalidURL as error:
        raise ModelError(f"{place} is no address ({error}). Wanted: https://host/v1#model-name.") from None
    info = ModelInfo(
        uri=uri,
        kind="openai-server",
        fingerprint=sha256_bytes(uri.encode()),
        view="prompt",
        offers=["labels", "train", "zero_shot"],
        card={
            "server": place,
            "model": name,
            "note": "the fingerprint is of the address and the name: what answers behind them can change"
            + (f"; {_KEY_IN_PATH}" if place != address else ""),
            "choices": "; ".join(f"{label}: {view.choices[label]!r}" for label in classes),
        },
    )
    server = OpenAIServer(Connection(client, uri, key), info, classes, view, options)
    weakref.finalize(server, client.close)
    return server


def _require_distinct(view: PromptView, classes: tuple[str, ...]) -> None:
    """ModelError where two choices would be read alike, so that no answer could be told."""
    choices = [view.choices[name] for name in classes]
    unread = [choices[i] for i in ChoiceReader(choices).unreadable()]
    if unread:
        raise ModelError(
            f"views.prompt.choices: the answer {', '.join(map(repr, unread))} can't be read as one choice, since another reads the "
            "same or it says nothing. Write choices that differ in more than case, blanks and punctuation."
        )


def _key() -> str | None:
    """The first key of the environment; ModelError, without the key, where no header can hold it."""
    variable = next((name for name in KEY_VARIABLES if os.environ.get(name, "").strip()), None)
    if variable is None:
        return None
    key = os.environ[variable].strip()
    if not (key.isascii() and key.isprintable()):
        raise ModelError(f"{variable} holds characters that no HTTP header may have. Set it to the key alone.")
    return key
