"""How long work tells of itself: a text, and how much of it is done."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told now and then; `total` is 0 where the end is not known."""

    def __call__(self, text: str, done: int = 0, total: int = 0) -> None:
        """Shows the text, and a bar where there is a total."""
        ...


def silent(text: str, done: int = 0, total: int = 0) -> None:
    """Tells nobody."""
