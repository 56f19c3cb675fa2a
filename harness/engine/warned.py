"""What went wrong and cost only a convenience (an answer kept, an index): told on the logger `harness` and noted for the record."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

_logger = logging.getLogger("harness")
_notes: list[list[str]] = []
"""One list for each `warned` block that is open, outermost first."""


def warn(text: str) -> None:
    """Tells the user, once within the outermost `warned` block, and notes it for every block that is open."""
    if not _notes or text not in _notes[0]:
        _logger.warning("%s", text)
    for noted in _notes:
        if text not in noted:
            noted.append(text)


@contextmanager
def warned() -> Iterator[list[str]]:
    """The warnings of what the block does, in order, each once."""
    noted: list[str] = []
    _notes.append(noted)
    try:
        yield noted
    finally:
        _notes.pop()
