"""Answers kept on disk, so that a second run, a new check or a new policy costs no model call."""

from __future__ import annotations

import hashlib
import sqlite3
import weakref
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.errors import UserError

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

    A `put` is one transaction: after a kill it is there wholly or not at all. Several processes may share the file. Each row
    has a checksum of its key and its bytes: one that does not match is not given back, and its key is noted in `damaged`.
    The checksum finds damage and edits, not a forger who computes it anew. Rows of the table `answers`, which versions
    without a checksum wrote, are not read.
    """

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self.damaged: set[bytes] = set()
        with self._usable():
            self._database = sqlite3.connect(path or ":memory:", timeout=60, check_same_thread=False)
            weakref.finalize(self, self._database.close)
            self._database.execute("PRAGMA journal_mode=WAL")
            self._database.execute("PRAGMA synchronous=NORMAL")
            self._database.execute(
                "CREATE TABLE IF NOT EXISTS checked_rows (key BLOB PRIMARY KEY, row BLOB, checksum BLOB) WITHOUT ROWID"
            )

    def get(self, keys: Sequence[bytes]) -> dict[bytes, Floats]:
        """The rows of the keys that are known and undamaged."""
        rows: dict[bytes, Floats] = {}
        for start in range(0, len(keys), _BLOCK):
            part = keys[start : start + _BLOCK]
            marks = ",".join("?" * len(part))
            query = f"SELECT key, row, checksum FROM checked_rows WHERE key IN ({marks})"  # noqa: S608 - only question marks
            with self._usable():
                stored = self._database.execute(query, part).fetchall()
            for key, row, checksum in stored:
                if isinstance(row, bytes) and checksum == _checksum(key, row):
                    rows[key] = np.frombuffer(row, dtype="<f8")
                else:
                    self.damaged.add(key)
        return rows

    def put(self, rows: Iterable[tuple[bytes, Floats]]) -> None:
        """Keeps rows; all of them or none."""
        content = [(key, np.ascontiguousarray(row, dtype="<f8").tobytes()) for key, row in rows]
        with self._usable(), self._database:
            self._database.executemany(
                "INSERT OR REPLACE INTO checked_rows VALUES (?, ?, ?)",
                [(key, row, _checksum(key, row)) for key, row in content],
            )

    @contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise UserError(
                f"The answer cache {self._path} can't be used ({error}). Delete it, or name another folder in HARNESS_CACHE."
            ) from error


def _checksum(key: bytes, row: bytes) -> bytes:
    """Of the key too, so that a valid row under another key is noticed."""
    return hashlib.blake2b(row, digest_size=16, key=key).digest()
