"""A model behind an OpenAI-compatible server: bounded concurrency, retries, and no answer is ever made up."""

from __future__ import annotations

import math
import os
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.audit import ModelInfo
from harness.core.finding import Finding
from harness.engine.batching import TextSizes
from harness.engine.provenance import sha256_bytes
from harness.errors import MissingExtraError, ModelError
from harness.models.language_model import check_choices
from harness.models.numbers import LONGEST, number_row
from harness.models.options import ModelOptions
from harness.spec.suite import PromptView

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
REFUSED, UNREADABLE = -1.0, -2.0
RETRY_STATUS = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
ATTEMPTS, TIMEOUT_SECONDS, LONGEST_WAIT = 6, 60.0, 30.0
KEY_VARIABLES = ("HARNESS_API_KEY", "OPENAI_API_KEY")
_REFUSALS = ("i can't", "i cannot", "i'm sorry", "i am sorry", "i'm unable", "i am unable", "as an ai")


class OpenAIServer:
    """Chat completions, or plain completions where the server has no chat; one request a prompt, temperature 0.

    The class is the choice that the answer begins with. Where the server gives log-probabilities of the first token, the
    probabilities are those of the choices' first words, made to sum to 1, and the class is the likeliest. A refusal or an answer that is none of the
    choices has a code of its own and no class.
    """

    context: int | None = None

    def __init__(
        self, client: Any, info: ModelInfo, classes: tuple[str, ...], view: PromptView, options: ModelOptions
    ) -> None:
        self._client, self.info, self.classes, self._view, self._options = client, info, classes, view, options
        self.warnings: tuple[Finding, ...] = ()
        weakref.finalize(self, client.close)
        self.batch_texts = max(1, options.concurrency) * 2
        self.batch_tokens = 10**9
        self.chat = True
        self.tokens_in = self.tokens_out = 0
        self._lock = threading.Lock()
        self._words = {name: view.choices[name].strip().casefold() for name in classes}

    @property
    def settings(self) -> str:
        """The address, the model's name and the choices."""
        return f"chat={self.chat};{sorted(self._words.items())}"

    def sizes(self, texts: list[str]) -> TextSizes:
        """About the tokens of each text: a quarter of its characters; the server doesn't tell which it lacks."""
        return TextSizes(np.array([len(text) // 4 + 1 for text in texts], dtype=np.int64), None)

    def score(self, texts: list[str]) -> Floats:
        """Answers of one batch, asked side by side, in order."""
        with ThreadPoolExecutor(max_workers=max(1, self._options.concurrency)) as pool:
            return np.array(list(pool.map(self._answer, texts)), dtype=np.float64).reshape(len(texts), -1)

    def cost(self) -> float | None:
        """Cost so far, from the tokens that the server counted and the prices given; None without prices."""
        if self._options.price_in is None and self._options.price_out is None:
            return None
        return (self.tokens_in * (self._options.price_in or 0) + self.tokens_out * (self._options.price_out or 0)) / 1e6

    def learn(self, row: Floats) -> None:
        """Takes from one answer whether the server gives log-probabilities, and so scores."""
        if self.classes and np.isfinite(row[1:]).all() and "scores" not in self.info.offers:
            self.info = self.info.model_copy(update={"offers": [*self.info.offers, "scores"]})

    def _answer(self, text: str) -> list[float]:
        body = self._post(text)
        try:
            choice = body["choices"][0]
            if len(body["choices"]) != 1:
                raise ValueError(f"{len(body['choices'])} choices for one prompt")
            words = choice["message"]["content"] if self.chat else choice["text"]
            refused = bool(self.chat and choice["message"].get("refusal"))
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise ModelError(
                f"{self.info.uri} answered in a form that is not OpenAI's ({type(error).__name__}: {error})."
            ) from error
        with self._lock:
            usage = body.get("usage") or {}
            self.tokens_in += int(usage.get("prompt_tokens") or 0)
            self.tokens_out += int(usage.get("completion_tokens") or 0)
        unknown = [math.nan] * (len(self.classes) or 1)
        said = (words or "").strip().casefold()
        if refused or said.startswith(_REFUSALS):
            return [REFUSED, *unknown]
        if not self.classes:
            return number_row(said)
        label = self._read(said)
        if label is None:
            return [UNREADABLE, *unknown]
        scores = self._probabilities(choice)
        if scores is None:
            return [float(label), *unknown]
        return [float(np.argmax(scores)), *scores]

    def _read(self, said: str) -> int | None:
        """The class whose choice the answer begins with as a whole word; None where no choice or two fit."""
        said = said.lstrip("\"'*`([ ")
        found = [
            name
            for name, word in self._words.items()
            if said.startswith(word) and not said[len(word) : len(word) + 1].isalnum()
        ]
        longest = max((len(self._words[name]) for name in found), default=0)
        found = [name for name in found if len(self._words[name]) == longest]
        return self.classes.index(found[0]) if len(found) == 1 else None

    def _probabilities(self, choice: dict[str, Any]) -> list[float] | None:
        """Probabilities of the classes from the first token's alternatives; None unless each class is among them."""
        given = choice.get("logprobs") or {}
        if self.chat:
            top = ((given.get("content") or [{}])[0] or {}).get("top_logprobs") or []
            options = [(str(item["token"]), float(item["logprob"])) for item in top]
        else:
            options = list(((given.get("top_logprobs") or [{}])[0] or {}).items())
        mass = dict.fromkeys(self.classes, 0.0)
        for token, value in options:
            part = token.strip().casefold()
            fits = [name for name, word in self._words.items() if part and word.startswith(part)]
            if len(fits) == 1:
                mass[fits[0]] += math.exp(value)
        total = sum(mass.values())
        if min(mass.values()) <= 0 or total <= 0:
            return None
        return [mass[name] / total for name in self.classes]

    def _post(self, text: str) -> dict[str, Any]:
        model = self.info.uri.partition("#")[2]
        most = max([4, *(len(word) for word in self._words.values())]) if self.classes else LONGEST
        common = {"model": model, "temperature": 0, "max_tokens": most, "n": 1, "seed": 0}
        if self.chat:
            turn = [{"role": "user", "content": text}]
            status, body = self._request(
                "/chat/completions", {**common, "messages": turn, "logprobs": True, "top_logprobs": 20}
            )
            if status not in (404, 405):
                return body
            self.chat = False
        status, body = self._request("/completions", {**common, "prompt": text, "logprobs": 5})
        if status in (404, 405):
            raise ModelError(
                f"{self.info.uri} has neither /chat/completions nor /completions, or does not know the model {model!r}. "
                "Wanted: https://host/v1#model-name."
            )
        return body

    def _request(self, path: str, payload: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Posts until an answer that can be read comes, at most six times; 404 and 405 are handed back."""
        import httpx
        from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_attempt

        again = Retrying(
            stop=stop_after_attempt(ATTEMPTS), wait=_wait, retry=retry_if_exception_type((_Again, httpx.TransportError))
        )
        try:
            found: tuple[int, dict[str, Any]] = again(self._once, path, payload)
            return found
        except RetryError as error:
            last = error.last_attempt.exception()
            raise ModelError(
                f"{self.info.uri} gave no answer in {ATTEMPTS} attempts (last: {last}). Answers so far are kept: run "
                "again to go on."
            ) from None

    def _once(self, path: str, payload: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        response = self._client.post(path, json=payload)
        if response.status_code in (404, 405):
            return response.status_code, {}
        if response.status_code in (401, 403):
            raise ModelError(
                f"{self.info.uri} refuses the key (HTTP {response.status_code}). Set {' or '.join(KEY_VARIABLES)}."
            )
        if response.status_code in RETRY_STATUS:
            raise _Again(f"HTTP {response.status_code}", response.headers.get("retry-after"))
        if response.status_code >= 400:
            raise ModelError(f"{self.info.uri} refuses the request: HTTP {response.status_code}.")
        try:
            body = response.json()
        except ValueError:
            raise _Again("an answer cut short (not JSON)", None) from None
        if not isinstance(body, dict) or len(body.get("choices") or []) != 1:
            raise _Again("a wrong number of choices", None)
        return response.status_code, body


class _Again(Exception):  # noqa: N818 - a wish to try again
    """The request may succeed later."""

    def __init__(self, message: str, retry_after: str | None) -> None:
        super().__init__(message)
        try:
            self.seconds = float(retry_after) if retry_after is not None else None
        except ValueError:
            self.seconds = None


def _wait(state: Any) -> float:
    """Retry-After where the server says so, else exponential back-off with jitter."""
    from tenacity import wait_random_exponential

    error = state.outcome.exception()
    if isinstance(error, _Again) and error.seconds is not None:
        return min(error.seconds, LONGEST_WAIT)
    return float(wait_random_exponential(multiplier=0.25, max=LONGEST_WAIT)(state))


def load_server(
    uri: str,
    classes: tuple[str, ...],
    view: PromptView | None,
    options: ModelOptions,
    *,
    timeout: float = TIMEOUT_SECONDS,
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
    if not name:
        raise ModelError(f"{uri} names no model. Wanted: https://host/v1#model-name.")
    if "@" in address.partition("//")[2].partition("/")[0]:
        raise ModelError(
            "A key in an address would end in records. Set it in the environment: " + " or ".join(KEY_VARIABLES)
        )
    view = check_choices(view, classes, uri)
    key = next((os.environ[variable] for variable in KEY_VARIABLES if os.environ.get(variable)), None)
    client = httpx.Client(
        base_url=address.rstrip("/"),
        timeout=timeout,
        headers={"Authorization": f"Bearer {key}"} if key else {},
        trust_env=True,
    )
    info = ModelInfo(
        uri=uri,
        kind="openai-server",
        fingerprint=sha256_bytes(f"{address}#{name}".encode()),
        view="prompt",
        offers=["labels", "train", "zero_shot"],
        card={
            "server": address,
            "model": name,
            "note": "the fingerprint is of the address and the name: what answers behind them can change",
            "choices": "; ".join(f"{label}: {view.choices[label]!r}" for label in classes),
        },
    )
    return OpenAIServer(client, info, classes, view, options)
