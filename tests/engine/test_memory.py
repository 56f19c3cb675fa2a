"""Freed memory goes back to the system."""

import ctypes
import sys
from pathlib import Path

import pytest

from harness.engine.memory import give_back_freed_memory


def resident_megabytes():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def has_glibc():
    return sys.platform == "linux" and hasattr(ctypes.CDLL(None), "malloc_trim")


@pytest.mark.skipif(not has_glibc(), reason="only glibc keeps freed pages, and only Linux tells the resident ones here")
def test_the_holes_between_living_blocks_are_given_back():
    blocks = [bytearray(b"x" * 60_000) for _ in range(3_000)]  # 180 MB of blocks below the size that is mapped apart
    living = blocks[::100]  # what stays in use between the holes
    before = resident_megabytes()
    del blocks
    give_back_freed_memory()
    assert before - resident_megabytes() > 120
    assert all(block[0] == ord("x") for block in living)
