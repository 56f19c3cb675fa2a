"""Requests to a server: what is tried again, what is told to the user, and that no secret is in it."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from harness.errors import ModelError
from harness.models.server_habits import names_in
from harness.models.server_replies import MalformedReply, body_of

RETRY_STATUS = frozenset((408, 409, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529))
ATTEMPTS, LONGEST_WAIT, LONGEST_REASON = 6, 30.0, 400
KEY_VARIABLES = ("HARNESS_API_KEY", "OPENAI_API_KEY")
_SECRETS = re.compile(
    r"(?P<label>\b(?:api[-_ ]?key|authorization|access[-_ ]?token|secret|password)\b[\"']?\s*[:=]\s*[\"']?(?:(?:bearer|basic)\s+)?"
    r"|\b(?:bearer|basic)\s+)[^\s\"',;}]+"
    r"|\b(?:sk|pk|rk|gsk|hf|xai|nvapi|ghp|glpat|xox[a-z]|key)[-_][A-Za-z0-9_*-]{6,}"
    r"|\b(?:AKIA|AIza|eyJ)[A-Za-z0-9_.*-]{8,}"
    r"|(?<![A-Za-z0-9])(?=[A-Za-z0-9]*[0-9])(?=[A-Za-z0-9]*[A-Za-z])[A-Za-z0-9]{24,}(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_UNSUPPORTED = re.compile(r"not (?:yet )?(?:support|implement)|unsupported|unimplemented", re.IGNORECASE)


class Refused(Exception):  # noqa: N818 - the caller may ask in another way
    """The server refuses the request: with which status, the parameters that it names, and all that it says.

    Its text is the reason without secrets.
    """

    def __init__(self, status: int, names: tuple[str, ...], told: str, reason: str) -> None:
        super().__init__(reason)
        self.status, self.names, self.told = status, names, told


class Connection:
    """Posts to one server; `name` is what messages call it, `secret` the key that no message repeats."""

    def __init__(self, client: Any, name: str, secret: str | None) -> None:
        self._client, self._name, self._secret = client, name, secret

    def post(self, path: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        """The body of an answer to one request, tried six times at most.

        Raises:
            Refused: the server answers, and not with an answer; another request may do.
            ModelError: it gives no answer, refuses the key, or sends to another place.
        """
        import httpx
        from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_attempt

        again = Retrying(
            stop=stop_after_attempt(ATTEMPTS), wait=_wait, retry=retry_if_exception_type((_Again, httpx.RequestError))
        )
        try:
            found: Mapping[str, Any] = again(self._once, path, payload)
            return found
        except RetryError as error:
            last = error.last_attempt.exception()
            raise ModelError(
                f"{self._name} gave no answer in {ATTEMPTS} attempts (last: {self.without_secrets(str(last))}). Answers "
                "so far are kept: run again to go on."
            ) from None

    def without_secrets(self, text: str) -> str:
        """The text without the key and whatever looks like one, on one line, at most 400 characters."""
        if self._secret and len(self._secret) > 3:
            text = text.replace(self._secret, "…")
        text = _SECRETS.sub(lambda found: f"{found['label'] or ''}…", " ".join(text.split()))
        return text if len(text) <= LONGEST_REASON else text[:LONGEST_REASON] + " …"

    def _once(self, path: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        response = self._client.post(path, json=payload)
        status, retry_after = response.status_code, response.headers.get("retry-after")
        if 300 <= status < 400:
            raise ModelError(self._redirected(response, path))
        try:
            body = body_of(response.text)
        except ValueError as error:
            if status < 400:
                raise self._unreadable(response.text, error) from None
            body = {"message": "" if _is_page(response.text) else response.text}
        if status < 400 and (problem := _error_in(body)) is not None:
            body, status = {"error": problem}, _status_in(problem)
        if status >= 400 and _is_filtered(body):
            return {"choices": [{"finish_reason": "content_filter", "message": {}, "text": ""}]}
        if status >= 400:
            raise self._error(status, body, payload, retry_after)
        if not isinstance(body, Mapping):
            raise MalformedReply(
                f"the body is {'a list' if isinstance(body, list) else 'a bare value'}; wanted an object"
            )
        if body.get("choices") is None or (isinstance(body["choices"], list) and len(body["choices"]) != 1):
            raise _Again("a wrong number of choices", None)
        return body

    def _error(self, status: int, body: object, payload: Mapping[str, Any], retry_after: str | None) -> Exception:
        names, told = names_in(body)
        for prompt in (payload.get("prompt"), *(turn["content"] for turn in payload.get("messages", ()))):
            told = _without_rows(told, prompt) if prompt else told
        reason = self.without_secrets(told)
        if status in RETRY_STATUS and not (status == 500 and _UNSUPPORTED.search(told)):
            return _Again(f"HTTP {status}{f': {reason}' if reason else ''}", retry_after)
        return Refused(status, names, told, reason)

    def _redirected(self, response: Any, path: str) -> str:
        """Where the server would send the request; what a query or a user's name in that address holds is not repeated."""
        import httpx

        said = f"{self._name} redirects (HTTP {response.status_code})"
        try:
            url = response.url.join(response.headers["location"])
        except (KeyError, httpx.InvalidURL):
            return (
                f"{said} without saying where to. Rows are sent to no place that you did not name: check the address."
            )
        place = self.without_secrets(f"{url.scheme}://{url.netloc.decode()}{url.path}")
        return (
            f"{said} to {place}, and rows are sent to no place that you did not name. If that place is right, name it: "
            f"--model {place.rstrip('/').removesuffix(path)}#model-name."
        )

    def _unreadable(self, text: str, error: ValueError) -> Exception:
        if _is_page(text):
            return ModelError(
                f"{self._name} answers with a web page, not with JSON. Wanted the address of the API: "
                "https://host/v1#model-name."
            )
        return _Again("an answer cut short (a stream without its end)" if "stream" in str(error) else _CUT_SHORT, None)


_CUT_SHORT = "an answer cut short (not JSON)"


def _without_rows(told: str, prompt: str) -> str:
    """What a server says without what it repeats of a prompt, which holds a row: as it is or escaped, whole or in parts."""
    for escaped, sign in _ESCAPED.items():
        told = told.replace(escaped, sign)
    told = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), told[:_TOLD])
    told, prompt = " ".join(told.split()), " ".join(prompt.split())
    length = min(_REPEATED, len(prompt))
    repeated = [False] * len(told)
    for start in range(len(told) - length + 1):
        if told[start : start + length] in prompt:
            repeated[start : start + length] = [True] * length
    parts = itertools.groupby(zip(told, repeated, strict=True), key=lambda pair: pair[1])
    return "".join("…" if hidden else "".join(sign for sign, _ in part) for hidden, part in parts)


_TOLD, _REPEATED = 4000, 12
_ESCAPED = {r"\n": "\n", r"\r": "\n", r"\t": " ", r"\"": '"', r"\'": "'", r"\/": "/"}


def _is_page(text: str) -> bool:
    return text.lstrip("\ufeff \r\n\t")[:1] == "<"


def _is_filtered(body: object) -> bool:
    """Whether an error says that the server's filter of contents refuses this prompt: a refusal, as a model's is."""
    error = body.get("error") if isinstance(body, Mapping) else None
    return isinstance(error, Mapping) and error.get("code") in ("content_filter", "content_policy_violation")


def _error_in(body: object) -> object | None:
    """What went wrong by a body of HTTP 200, in place of an answer or of its end; None where it says nothing of the kind."""
    if not isinstance(body, Mapping):
        return None
    choices = body.get("choices")
    if not choices:
        return (body.get("error") or body) if names_in(body)[1] else None
    choice = choices[0] if isinstance(choices, list) else None
    if not isinstance(choice, Mapping) or not (choice.get("error") or choice.get("finish_reason") == "error"):
        return None
    error = choice.get("error") or "finish_reason error"
    return {"code": 502, **error} if isinstance(error, Mapping) else {"code": 502, "message": error}


def _status_in(error: object) -> int:
    """The HTTP status that an error in a body of HTTP 200 gives; 400 where it gives none."""
    code = error.get("code", error.get("status")) if isinstance(error, Mapping) else None
    if isinstance(code, str) and code.isdecimal() and len(code) == 3:
        code = int(code)
    return code if isinstance(code, int) and 400 <= code < 600 else 400


class _Again(Exception):  # noqa: N818 - a wish to try again
    """The request may succeed later."""

    def __init__(self, message: str, retry_after: str | None) -> None:
        super().__init__(message)
        self.seconds = seconds_of(retry_after, datetime.now(UTC))


def seconds_of(retry_after: str | None, now: datetime) -> float | None:
    """The seconds that Retry-After asks for, from 0 to the longest wait; None where it says nothing that can be read."""
    if retry_after is None:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            day = parsedate_to_datetime(retry_after)
        except (TypeError, ValueError, OverflowError):
            return None
        seconds = ((day if day.tzinfo else day.replace(tzinfo=UTC)) - now).total_seconds()
    return min(max(seconds, 0.0), LONGEST_WAIT) if math.isfinite(seconds) else None


def _wait(state: Any) -> float:
    """Retry-After where the server says so, else exponential back-off with jitter."""
    from tenacity import wait_random_exponential

    error = state.outcome.exception()
    if isinstance(error, _Again) and error.seconds is not None:
        return error.seconds
    return float(wait_random_exponential(multiplier=0.25, max=LONGEST_WAIT)(state))
