"""Lazy targets: built-in ones here, third parties' through entry points; nothing is imported before it is used."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Mapping
from importlib.metadata import entry_points
from typing import Any


def targets(group: str, built_in: Mapping[str, str]) -> dict[str, str]:
    """Every name of a group with its `module:attribute`; a third party's name is package/name and can't replace ours."""
    found = {point.name: point.value for point in entry_points(group=group)}
    return {**found, **built_in}


def load_target(target: str) -> Any:
    """Imports `module:attribute`."""
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(module), name)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """' Did you mean …?' for the nearest known name, or nothing."""
    near = difflib.get_close_matches(name, list(known), 1)
    return f" Did you mean {near[0]}?" if near else ""


def what_happened(error: BaseException, where: str) -> str:
    """What code that is not ours did: 'raised ValueError in predict: no weights', or 'called sys.exit(0) in predict'."""
    if isinstance(error, SystemExit):
        code = "" if error.code is None else repr(error.code)
        return f"called sys.exit({code}) {where}. It must return or raise an error instead of ending the process"
    return f"raised {type(error).__name__} {where}: {error}"
