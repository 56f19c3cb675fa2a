"""How a cell's value becomes a name: of a class, a group or a row."""

from __future__ import annotations

from pathlib import PurePosixPath, PureWindowsPath
from typing import Any


def name_of(value: Any) -> str:
    """`1` for 1.0, `true` for True, the text itself otherwise: one value has one name whatever file it came from."""
    if hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, str) and value in ("True", "False"):
        return value.lower()
    return str(value)


def portable(path: str) -> str:
    """A path or URI as it was given; of an absolute path only the last part, which tells nothing of the machine."""
    absolute = PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute()
    return PureWindowsPath(path).name if absolute else path
