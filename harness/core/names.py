"""How a cell's value becomes a name (of a class, a group or a row), and which names written differently are the same one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

_WHOLE = re.compile(r"(-?[0-9]+)\.0*")


def text_of(value: Any) -> str:
    """A value as it is written: `10.0` for 10.0, `true` for True, a text as it is."""
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def name_of(value: Any) -> str:
    """As `text_of`, but `1` for 1.0: gaps make floats of a column of whole numbers."""
    if hasattr(value, "item"):
        value = value.item()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else text_of(value)


def same_names(given: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """For each given name the known one that is the same: itself, else the only one that is written differently.

    `1` and `1.0` are one name, and so are `true`, `True` and `TRUE`; `01` and `1` are two. A name without such a known one
    stands for itself, in the plainest way where a known one is written so (`0` for `0.0` beside a known `1` for `1.0`). So do two
    names that would become one.
    """
    names, words = list(dict.fromkeys(given)), list(dict.fromkeys(known))
    exact = set(words)
    free: dict[str, list[str]] = {}
    for word in words:
        free.setdefault(plain_name(word), []).append(word)
    found = {}
    for name in names:
        alike = free.get(plain_name(name), [])
        found[name] = alike[0] if name not in exact and len(alike) == 1 else name
    if any(word != name and word == plain_name(name) for name, word in found.items()):
        found = {name: word if word in exact else plain_name(name) for name, word in found.items()}
    often = Counter(found.values())
    return {name: word if often[word] == 1 else name for name, word in found.items()}


def plain_name(name: str) -> str:
    """The plainest way to write a name: `1` for `1.0`, `true` for `True`, others as they are."""
    whole = _WHOLE.fullmatch(name)
    return whole[1] if whole else (name.lower() if name.lower() in ("true", "false") else name)


def portable(path: str) -> str:
    """A path or URI as it was given; of an absolute path only the last part, which tells nothing of the machine."""
    absolute = PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute()
    return PureWindowsPath(path).name if absolute else path
