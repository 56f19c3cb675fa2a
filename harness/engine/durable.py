"""Files that appear whole and stay: after a kill or a power cut a name holds its old content or its new, never a mixture."""

from __future__ import annotations

import os
import sys
import uuid
from contextlib import suppress
from pathlib import Path

from harness.errors import UserError


def write_file(path: Path, content: bytes) -> Path:
    """Writes under a hidden name beside the path, waits for the disk, then takes the name in one step.

    Missing folders are made. A kill may leave the hidden file behind, which nothing reads.

    Raises:
        UserError: the folder can't be written, or the disk is full; the path is then as it was.
    """
    # Process ids repeat in containers that share a disk; a fresh name does not.
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.part")
    try:
        make_folder(path.parent)
        try:
            _write_through(partial, content)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise UserError(f"{path} can't be written: {error.strerror}.") from error
    return path


def make_folder(folder: Path) -> None:
    """Makes a folder and those above it, each lasting from then on."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Waits until the names in a folder are on the disk, where the system can be asked: not Windows, not every network disk."""
    if sys.platform == "win32":
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            os.fsync(opened)
    finally:
        os.close(opened)


def _write_through(path: Path, content: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
