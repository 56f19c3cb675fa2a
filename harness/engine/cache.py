"""Answers kept on disk, so that a second run, a new check or a new policy costs no model call."""

from __future__ import annotations

import hashlib
import sqlite3
import weakref
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from harness.engine.durable import make_folder, refusal
from harness.engine.warned import warn

T = TypeVar("T")
Floats = npt.NDArray[np.float64]
_BLOCK = 500


def cache_key(fingerprint: str, settings: str, view: str, text: str) -> bytes:
    """What an answer depends on: the model, its settings (data type, templates, choices), the view and the input."""
    return hashlib.sha256("\x00".join((fingerprint, settings, view, text)).encode()).digest()


def size_key(key: bytes) -> bytes:
    """Where the size of the input behind an answer's key is kept."""
    return hashlib.sha256(b"size\x00" + key).digest()


class AnswerCache:
    """Rows of numbers by key (answers, and sizes of inputs), in one SQLite file; `None` keeps them in memory. Holds hashes of inputs, never inputs.

    Where the file can't be used (a full disk, no permission, no database) the user is warned once, `keeps` is False, and rows are
    kept in memory from then on.

    A `put` is one transaction: after a kill it is there wholly or not at all. Several processes may share the file. Each row
    has a checksum of its key and its bytes: one that does not match is not given back, and its key is noted in `damaged`.
    The checksum finds damage and edits, not a forger who computes it anew. Rows of the table `answers`, which versions
    without a checksum wrote, are not read.
    """

    def __init__(self, path: Path | None) -> None:
        self.damaged: set[bytes] = set()
        self.keeps = path is not None
        self._open(path)

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Floats]:
        """The rows of the keys that are known and undamaged."""
        rows: dict[bytes, Floats] = {}
        for start in range(0, len(keys), _BLOCK):
            part = keys[start : start + _BLOCK]
            for key, row, checksum in self._done(partial(self._stored, part)):
                if isinstance(row, bytes) and checksum == _checksum(key, row):
                    rows[key] = np.frombuffer(row, dtype="<f8")
                else:
                    self.damaged.add(key)
        return rows

    def _stored(self, keys: Sequence[bytes]) -> list[tuple[bytes, object, object]]:
        marks = ",".join("?" * len(keys))
        query = f"SELECT key, row, checksum FROM checked_rows WHERE key IN ({marks})"  # noqa: S608 - only question marks
        return self._database.execute(query, keys).fetchall()

    def put(self, rows: Iterable[tuple[bytes, Floats]]) -> None:
        """Keeps rows; all of them or none."""
        content = [(key, np.ascontiguousarray(row, dtype="<f8").tobytes()) for key, row in rows]
        checked = [(key, row, _checksum(key, row)) for key, row in content]

        def insert() -> None:
            with self._database:
                self._database.executemany("INSERT OR REPLACE INTO checked_rows VALUES (?, ?, ?)", checked)

        self._done(insert)

    def _open(self, path: Path | None) -> None:
        self._path = path
        try:
            if path is not None:
                make_folder(path.parent)
            self._database = sqlite3.connect(path or ":memory:", timeout=60, check_same_thread=False)
            weakref.finalize(self, self._database.close)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=NORMAL")
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS checked_rows (key BLOB PRIMARY KEY, row BLOB, checksum BLOB) WITHOUT ROWID"
            )
        except (OSError, sqlite3.Error) as error:
            self._go_on_in_memory(error)

    def _done(self, work: Callable[[], T]) -> T:
        """What the work on the database gives; on one in memory from the first error on."""
        try:
            return work()
        except sqlite3.Error as error:
            self._go_on_in_memory(error)
            return work()

    def _go_on_in_memory(self, error: Exception) -> None:
        if self._path is None:
            raise error
        said = refusal(error) if isinstance(error, OSError) else str(error)
        warn(not_kept(f"The answer cache in {self._path.parent} can't be used: {said}."))
        self.keeps = False
        self._open(None)


def not_kept(why: object) -> str:
    """The warning where answers can't be kept on disk."""
    return f"{why} Answers are not kept, so another run asks for them again. Name another folder in HARNESS_CACHE."


def _checksum(key: bytes, row: bytes) -> bytes:
    """Of the key too, so that a valid row under another key is noticed."""
    return hashlib.blake2b(row, digest_size=16, key=key).digest()
