"""Run folders that appear whole or not at all.

A run is written into a hidden folder `.unfinished-…`, which then takes its name in one rename. The hidden folder is
locked for as long as its process lives: the system drops the lock at the death of the process, however it died, and for
all containers of a machine. So a leftover whose lock can be had is surely dead, and the next run removes it. Where there
are no such locks (Windows, some network disks) leftovers stay; nothing reads them.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.engine.durable import make_folder, sync_folder
from harness.errors import UserError

_PREFIX = ".unfinished-"
_DIGEST_LENGTHS = (8, 16, 64)


@contextmanager
def unfinished_folder(runs: Path) -> Iterator[Path]:
    """A hidden folder of this process, gone at the end unless `finish` gave it a name; dead ones are removed first."""
    try:
        make_folder(runs)
        for leftover in runs.glob(f"{_PREFIX}*"):
            _remove_if_dead(leftover)
        folder, lock = _locked_folder(runs)
    except OSError as error:
        raise UserError(f"{runs} can't be written: {error.strerror}. Name the outputs with -o.") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def finish(folder: Path, name: str, digest: str) -> Path:
    """Renames the folder to its name and a short digest of its record; a longer digest where that is another run's.

    A folder that holds the very same files is this run already, and stays.

    Raises:
        UserError: even the whole digest is taken, so something damaged lies there.
    """
    for length in _DIGEST_LENGTHS:
        target = folder.parent / f"{name}-{digest.removeprefix('sha256:')[:length]}"
        try:
            folder.rename(target)
        except OSError:
            if not target.exists():
                raise
            if _same_files(folder, target):
                return target
            continue
        sync_folder(target.parent)
        return target
    raise UserError(f"{target} exists and holds something else. Move it away and run the audit again.")


def _same_files(folder: Path, target: Path) -> bool:
    names = [path.name for path in folder.iterdir()]
    return target.is_dir() and filecmp.cmpfiles(folder, target, names, shallow=False) == (names, [], [])


def _locked_folder(runs: Path) -> tuple[Path, int | None]:
    while True:
        folder = runs / f"{_PREFIX}{uuid.uuid4().hex[:12]}"
        folder.mkdir()
        try:
            lock = _lock(folder)
        except (BlockingIOError, FileNotFoundError):  # another process took it for dead before it was locked
            continue
        if folder.is_dir():
            return folder, lock
        if lock is not None:
            os.close(lock)


def _remove_if_dead(folder: Path) -> None:
    try:
        lock = _lock(folder)
    except OSError:
        return
    if lock is not None:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _lock(folder: Path) -> int | None:
    """The open folder, locked; None where folders can't be locked. BlockingIOError where another process holds it."""
    if sys.platform == "win32":
        return None
    import fcntl

    opened = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(opened)
        raise
    except OSError:
        os.close(opened)
        return None
    return opened
