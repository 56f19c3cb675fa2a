"""What a server accepts of a request: each parameter that it refuses by name is replaced or left out once, then for good."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

ALTERNATIVES, FEWER_ALTERNATIVES = 20, 5
"""Alternatives of the first token that are asked for, and the most that some servers give."""
_BUDGET = "max_tokens"
_BUDGET_NAMES = ("max_tokens", "max_completion_tokens", "max_new_tokens", "maximum context length", "context_length")


@dataclass(frozen=True)
class Habits:
    """What is sent. `budget` is the name under which the token budget goes, `alternatives` how many of a token are asked for.

    None and 0 mean that nothing of the kind is sent.
    """

    chat: bool = True
    temperature: bool = True
    seed: bool = True
    budget: str | None = _BUDGET
    alternatives: int = ALTERNATIVES

    def parameters(self, max_tokens: int) -> dict[str, object]:
        """The parameters of a request beside the model's name and the prompt."""
        found: dict[str, object] = {}
        if self.temperature:
            found["temperature"] = 0
        if self.seed:
            found["seed"] = 0
        if self.budget is not None:
            found[self.budget] = max_tokens
        if self.alternatives and self.chat:
            found |= {"logprobs": True, "top_logprobs": self.alternatives}
        elif self.alternatives:
            found["logprobs"] = min(self.alternatives, FEWER_ALTERNATIVES)
        return found

    def adapted(self, names: tuple[str, ...], told: str, *, budget_stays: bool) -> Habits | None:
        """The habits without what the server refuses; None where it names nothing that is sent.

        `names` are what it names as the parameter, `told` all that it says. With `budget_stays` (the user gave the budget) the
        budget may get another name, but is not left out.
        """
        named = [change for change in _CHANGES if any(_is_named(word, name) for name in names for word in change.words)]
        named += [change for change in _CHANGES if any(_is_named(word, told) for word in change.words)]
        for change in named:
            changed = change.apply(self)
            if changed != self and not (budget_stays and changed.budget is None):
                return changed
        return None

    def refused(self) -> str:
        """What the server refuses, as the model's card says it; empty where it accepts everything."""
        usual = Habits()
        found = []
        if self.temperature != usual.temperature:
            found.append("temperature 0 (answers are sampled as the server likes, so another run can differ)")
        if self.seed != usual.seed:
            found.append("seed")
        if self.budget != usual.budget:
            found.append(f"{_BUDGET} ({self.budget} is sent instead)" if self.budget else f"{_BUDGET} (its own limit)")
        if self.alternatives != usual.alternatives:
            found.append(
                f"top_logprobs {usual.alternatives} ({self.alternatives} are asked for)"
                if self.alternatives
                else "logprobs (so there are no probabilities)"
            )
        return "; ".join(found)


@dataclass(frozen=True)
class _Change:
    """What to change where a server refuses a parameter by one of these words."""

    words: tuple[str, ...]
    apply: Callable[[Habits], Habits]


def _other_budget(habits: Habits) -> Habits:
    return replace(habits, budget="max_completion_tokens" if habits.chat and habits.budget == _BUDGET else None)


def _fewer_alternatives(habits: Habits) -> Habits:
    fewer = FEWER_ALTERNATIVES if habits.chat and habits.alternatives > FEWER_ALTERNATIVES else 0
    return replace(habits, alternatives=fewer)


_CHANGES = (
    _Change(("temperature",), lambda habits: replace(habits, temperature=False)),
    _Change(("top_logprobs",), _fewer_alternatives),
    _Change(("logprobs",), lambda habits: replace(habits, alternatives=0)),
    _Change(("seed",), lambda habits: replace(habits, seed=False)),
    _Change(_BUDGET_NAMES, _other_budget),
)


def _is_named(word: str, told: str) -> bool:
    return re.search(rf"(?<![A-Za-z_]){re.escape(word)}(?![A-Za-z_])", told, re.IGNORECASE) is not None


def names_in(body: object) -> tuple[tuple[str, ...], str]:
    """What an error body names as the parameter (`param`, the last part of a `loc`), and every word that it says."""
    names: list[str] = []
    told: list[str] = []
    _collect(body, "", names, told)
    error = body.get("error", body) if isinstance(body, Mapping) else None
    if not told and isinstance(error, Mapping):
        told += [word for word in (error.get("type"), error.get("code")) if isinstance(word, str)]
    return tuple(names), "; ".join(dict.fromkeys(told))


_TELLING = frozenset(
    [
        "error",
        "errors",
        "message",
        "msg",
        "detail",
        "details",
        "description",
        "error_description",
        "title",
        "reason",
        "metadata",
        "raw",
        "cause",
        "error_msg",
        "base_resp",
        "status_msg",
        "",
    ]
)


def _collect(body: object, key: str, names: list[str], told: list[str], depth: int = 0) -> None:
    if depth > 8:
        return
    if isinstance(body, str):
        (names if key == "param" else told).append(body)
    elif isinstance(body, Mapping):
        place = body.get("loc")
        if isinstance(place, list):
            names += [part for part in place[-1:] if isinstance(part, str)]
            told.append(".".join(str(part) for part in place if isinstance(part, str | int)))
        for name, value in body.items():
            if name in _TELLING or name == "param":
                _collect(value, str(name), names, told, depth + 1)
    elif isinstance(body, list):
        for value in body:
            _collect(value, key, names, told, depth + 1)
