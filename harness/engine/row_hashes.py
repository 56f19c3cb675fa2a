"""What a report calls a row: a keyed hash of its id, so that nobody without the key or the record can tell whose row it is.

HMAC-SHA256 (RFC 2104) of the id, its first 60 bits as twelve letters and digits (RFC 4648, base 32). Of a million rows two share
a hash with a probability below 1 in two million (n² / 2⁶¹). An unkeyed hash would not do: ids are few enough to try them all.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path

from harness.core.finding import Exhibit
from harness.errors import UserError

KEY_NAME = ".id-key"
LEAST_BYTES = 16
_LENGTH = 12
IdKey = Callable[[], bytes]
"""Gives the key when a row id is to be hashed."""


def row_hash(key: bytes, row_id: str) -> str:
    """What reports call the row of this id: twelve letters and digits."""
    digest = hmac.new(key, row_id.encode(errors="surrogatepass"), hashlib.sha256).digest()
    return base64.b32encode(digest).decode().lower()[:_LENGTH]


def row_hashes(id_key: IdKey, exhibits: Iterable[Exhibit]) -> dict[str, str]:
    """The hash of every row id that these exhibits hold; the key is asked for only where there is one."""
    ids = {
        cell
        for exhibit in exhibits
        for place in exhibit.row_id_places
        for row in exhibit.rows
        if isinstance(cell := row[place], str)
    }
    key = id_key() if ids else b""
    return {row_id: row_hash(key, row_id) for row_id in sorted(ids)}


def read_key(path: Path) -> bytes:
    """The key in a file, blanks around it left out; UserError where there is none, or one that could be guessed."""
    try:
        key = path.read_bytes().strip()
    except OSError as error:
        raise UserError(f"--id-key {path} can't be read: {error.strerror}. {_HOW}") from error
    if len(key) < LEAST_BYTES:
        raise UserError(f"--id-key {path} holds {len(key)} bytes; wanted {LEAST_BYTES} or more. {_HOW}")
    return key


def key_beside(runs: Path) -> bytes:
    """The key of a folder of runs, beside the run folders and never in one; made when it is first asked for, for its owner alone.

    Raises:
        UserError: it can't be written or read.
    """
    path = runs / KEY_NAME
    if not path.exists():
        _make(path)
    return read_key(path)


def _make(path: Path) -> None:
    """Makes a key that appears whole; of two processes the first one's stays."""
    partial = path.with_name(f"{KEY_NAME}.{uuid.uuid4().hex[:12]}.part")
    try:
        opened = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(opened, "w", encoding="ascii") as stream:
                stream.write(secrets.token_hex(32) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            os.link(partial, path)
        finally:
            partial.unlink(missing_ok=True)
    except FileExistsError:
        return
    except OSError as error:
        raise UserError(f"{path} can't be written: {error.strerror}. Name a key with --id-key FILE.") from error


_HOW = "Make a key: python -c 'import secrets; print(secrets.token_hex(32))' > FILE"
