"""Reads what a server sent back: an ordinary body or a stream, content as a text or in parts, and how the answer ended."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_CUT = frozenset(("length", "max_tokens", "max_output_tokens", "max_completion_tokens", "model_length", "incomplete"))
_FILTERED = frozenset(("content_filter", "refusal", "safety"))
_THOUGHT = re.compile(
    r"<(think|thinking|thought|reasoning)>.*?</\1>|\[THINK\].*?\[/THINK\]|◁think▷.*?◁/think▷", re.DOTALL | re.IGNORECASE
)
_BEFORE = re.compile(
    r"^.*(?:</(?:think|thinking|thought|reasoning)>|\[/THINK\]|◁/think▷|<\|channel\|>final<\|message\|>)",
    re.DOTALL | re.IGNORECASE,
)
_OPEN = re.compile(r"(?:<(?:think|thinking|thought|reasoning)>|\[THINK\]|◁think▷|<\|channel\|>analysis)", re.IGNORECASE)
_SPECIAL = re.compile(r"<\|[^|<>]*\|>")
_REASONING = ("reasoning_content", "reasoning", "thinking", "reasoning_details")


class MalformedReply(Exception):  # noqa: N818 - becomes a ModelError that names the server
    """The reply has no form that is known; says what is where."""


@dataclass(frozen=True)
class Reply:
    """One answer: its visible text, how it ended, the alternatives of its first token, and the tokens that were counted.

    `alternatives` are (token, log-probability), `first` is the first token itself; `tokens_in` and `tokens_out` are None where
    the server counts none.
    """

    text: str
    refused: bool = False
    truncated: bool = False
    reasoned: bool = False
    first: str | None = None
    alternatives: list[tuple[str, float]] = field(default_factory=list)
    tokens_in: int | None = None
    tokens_out: int | None = None


def body_of(text: str) -> object:
    """The body of a response: JSON, or the answer that a stream of events adds up to.

    Raises:
        ValueError: it is neither, or a stream without its end.
    """
    if re.match(r"\s*(data|event|id|retry|):", text):
        return _assembled(text)
    try:
        return json.loads(text.removeprefix("\ufeff"))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def read_reply(body: Mapping[str, Any], *, chat: bool) -> Reply:
    """The one answer of a body.

    Raises:
        MalformedReply: it is not of OpenAI's form.
    """
    choice = _one_choice(body)
    message = _mapping(choice.get("message"), "choices[0].message") if chat else choice
    content, reasoning, refusal = _parts(message.get("content") if chat else choice.get("text"))
    reasoned = bool(reasoning) or any(message.get(name) for name in _REASONING)
    text, thought = without_thinking(content)
    ended = str(choice.get("finish_reason") or choice.get("stop_reason") or "").casefold()
    usage = body.get("usage")
    counted = usage if isinstance(usage, Mapping) else {}
    first, alternatives = _first_token(choice.get("logprobs"), chat=chat)
    return Reply(
        text=text,
        refused=bool(refusal or (chat and message.get("refusal")) or ended in _FILTERED),
        truncated=ended in _CUT or (not ended and not text and (reasoned or thought)),
        reasoned=reasoned or thought,
        first=first,
        alternatives=alternatives,
        tokens_in=_count(counted.get("prompt_tokens")),
        tokens_out=_count(counted.get("completion_tokens")),
    )


def without_thinking(text: str) -> tuple[str, bool]:
    """The text without what a reasoning model wrote for itself, and whether it wrote any.

    Thinking that has no end leaves nothing; an end without a beginning (the prompt's template began it) leaves what follows.
    """
    left = _BEFORE.sub("", _THOUGHT.sub("", text))
    opened = _OPEN.search(left)
    left = _SPECIAL.sub("", left[: opened.start()] if opened else left).strip()
    return left, left != text.strip()


def _one_choice(body: Mapping[str, Any]) -> Mapping[str, Any]:
    choices = body.get("choices")
    if not isinstance(choices, list):
        raise MalformedReply(f"choices is {_kind(choices)}; wanted a list")
    if len(choices) != 1:
        raise MalformedReply(f"{len(choices)} choices for one prompt")
    return _mapping(choices[0], "choices[0]")


def _mapping(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise MalformedReply(f"{where} is {_kind(value)}; wanted an object")
    return value


def _parts(content: object) -> tuple[str, str, str]:
    """Visible text, reasoning and refusal of a content: a text, nothing, a part or a list of parts."""
    if content is None or isinstance(content, str):
        return content or "", "", ""
    if isinstance(content, Mapping):
        content = [content] if {"type", "text"} & content.keys() else json.dumps(content, ensure_ascii=False)
        return _parts(content)
    if not isinstance(content, list):
        raise MalformedReply(f"the content is {_kind(content)}; wanted a text or a list of parts")
    found = {"text": "", "reasoning": "", "refusal": ""}
    for part in content:
        kind, text = ("text", part) if isinstance(part, str) else _part(part)
        found[kind] += text
    return found["text"], found["reasoning"], found["refusal"]


def _part(part: object) -> tuple[str, str]:
    if not isinstance(part, Mapping):
        raise MalformedReply(f"a part of the content is {_kind(part)}; wanted an object or a text")
    kind = str(part.get("type") or "text")
    if kind in ("thinking", "reasoning", "redacted_thinking"):
        return "reasoning", "hidden"
    if kind == "refusal":
        return "refusal", str(part.get("refusal") or "refused")
    text = part.get("text")
    if isinstance(text, Mapping):
        text = text.get("value")
    if kind not in ("text", "output_text") or text is None:
        return "text", ""
    if not isinstance(text, str):
        raise MalformedReply(f"the text of a part is {_kind(text)}; wanted a text")
    return "text", text


def _first_token(given: object, *, chat: bool) -> tuple[str | None, list[tuple[str, float]]]:
    """The first token and its alternatives; none where the form is another, or a log-probability is not one."""
    if not isinstance(given, Mapping):
        return None, []
    tokens = given.get("content") if chat else given.get("top_logprobs")
    first = tokens[0] if isinstance(tokens, list) and tokens else None
    if not isinstance(first, Mapping):
        return None, []
    said = first.get("token") if chat else None
    top = first.get("top_logprobs") if chat else [{"token": name, "logprob": value} for name, value in first.items()]
    items = [item for item in top if isinstance(item, Mapping)] if isinstance(top, list) else []
    found = [(str(item.get("token")), _log_probability(item.get("logprob"))) for item in items]
    return said if isinstance(said, str) else None, found


def _log_probability(value: object) -> float:
    """NaN where it is no number, or no logarithm of a probability."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return math.nan
    try:
        found = float(value)
    except OverflowError:
        return math.nan
    return found if math.isfinite(found) and found <= 1e-3 else math.nan


def _count(value: object) -> int | None:
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 19:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63 else None


def _kind(value: object) -> str:
    names = {type(None): "missing", str: "a text", bool: "true or false", list: "a list", int: "a number"}
    return names.get(type(value), "an object" if isinstance(value, Mapping) else "a number")


def _assembled(stream: str) -> dict[str, Any]:
    """The body that the events of a stream (server-sent events) add up to."""
    message: dict[str, Any] = {"content": ""}
    body: dict[str, Any] = {}
    choice: dict[str, Any] = {"message": message, "text": "", "finish_reason": None}
    done = False
    for line in re.split(r"\r\n|\r|\n", stream):
        data = line.partition(":")[2].strip() if line.startswith("data:") else ""
        if data == "[DONE]":
            done = True
        elif data:
            event = json.loads(data)
            if not isinstance(event, Mapping):
                raise ValueError("an event that is no object")
            body |= {name: event[name] for name in ("usage", "error") if event.get(name)}
            _add(choice, message, event.get("choices"))
    if "error" not in body:
        if not done and choice["finish_reason"] is None:
            raise ValueError("a stream without its end")
        body["choices"] = [choice]
    return body


def _add(choice: dict[str, Any], message: dict[str, Any], choices: object) -> None:
    for part in choices if isinstance(choices, list) else []:
        if not isinstance(part, Mapping) or part.get("index"):
            continue
        choice["finish_reason"] = part.get("finish_reason") or choice["finish_reason"]
        choice["text"] += part["text"] if isinstance(part.get("text"), str) else ""
        given = part.get("logprobs")
        if given and "logprobs" not in choice:
            choice["logprobs"] = given
        told = part.get("delta") or part.get("message")
        if isinstance(told, Mapping):
            message["content"] += _parts(told.get("content"))[0]
            for name in (*_REASONING, "refusal"):
                if told.get(name):
                    message[name] = told[name]
