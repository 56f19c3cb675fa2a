"""Freed memory, given back to the system."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache


@cache
def _trim() -> Callable[[int], int] | None:
    try:
        found: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
    return found


def give_back_freed_memory() -> None:
    """Returns freed heap pages to the system; about 3 ms. Does nothing where the C library is not glibc.

    A batch of another shape leaves holes into which the next one's buffers do not fit, so the heap grows by some 12 MB with
    each new shape (MiniLM, 2,048 tokens); given back now and then, the holes cost nothing.
    """
    trim = _trim()
    if trim is not None:
        trim(0)
