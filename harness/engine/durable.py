"""Files and folders that appear whole and stay: after a kill or a power cut a name holds its old content or its new, never a mixture.

Everything that the harness writes is written here. It lies under a hidden name `.unfinished-…` first, beside the place that it
is for, and takes that place in one rename. The hidden name is locked for as long as its process lives: the system drops the
lock at the death of the process, however it died, and for all containers of a machine. So a leftover whose lock can be had is
surely dead, and the next that is written beside it removes it. Where there are no such locks (Windows, some network disks)
leftovers stay; nothing reads them.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from harness.errors import UserError

_PREFIX = ".unfinished-"
_FAILED_DISK = (errno.EIO, errno.ENOSPC, errno.EDQUOT)
_HERE, _EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of linux/fcntl.h and linux/fs.h
_unfinished: set[Path] = set()
"""The hidden names of this process, for `remove_unfinished`."""


def write_file(path: Path, content: bytes) -> Path:
    """Writes a whole file, as `written_file` does."""
    with written_file(path) as stream:
        stream.write(content)
    return path


@contextmanager
def written_file(path: Path) -> Iterator[BinaryIO]:
    """A stream whose content takes the path's name in one step when the block ends, after the disk has it.

    Missing folders are made, and a link keeps pointing. What is no plain file (a device, a named pipe, this process's own
    output) is written to, never replaced.

    Raises:
        UserError: the disk refuses; the path is then as it was.
    """
    with writing(path):
        device = _device(path)
        with _replacing(path) if device is None else device as stream:
            yield stream


@contextmanager
def unfinished_folder(parent: Path) -> Iterator[Path]:
    """A hidden folder of this process, gone at the end unless `take_place` gave it a name; dead ones are removed first.

    Raises:
        UserError: the parent can't be written.
    """
    with writing(parent):
        make_folder(parent)
        hidden, lock = _hidden(parent, os.mkdir)
    try:
        yield hidden
    finally:
        _give_up(hidden, lock)


def take_place(folder: Path, target: Path) -> None:
    """Gives a finished hidden folder its name in one step, after the disk has its files; a folder of that name is gone then.

    Raises:
        UserError: the disk refuses; the target is then as it was.
    """
    with writing(target):
        target = Path(os.path.realpath(target))
        for path in folder.rglob("*"):
            _sync(path)
        _sync(folder)
        try:
            os.rename(folder, target)
        except OSError:
            if not target.is_dir():
                raise
            _exchange(folder, target)
        sync_folder(target.parent)


def require_writable(path: Path) -> None:
    """UserError where a file can't be written at the path, told before the work whose result it is to hold."""
    with writing(path):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "it is a folder")
        if not os.path.lexists(path):
            target = Path(os.path.realpath(path))
            make_folder(target.parent)
            _give_up(*_hidden(target.parent, Path.touch))


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Tells what the disk refuses within the block as a UserError that names the path."""
    try:
        yield
    except BrokenPipeError:  # who reads the output has read enough
        raise
    except OSError as error:
        raise UserError(f"{path} can't be written: {refusal(error)}.") from error


def refusal(error: OSError) -> str:
    """What the system refused, and what helps against it."""
    advice = {
        errno.ENOSPC: "Free some space, or name a place on another disk",
        errno.EDQUOT: "Free some space, or name a place on another disk",
        errno.EROFS: "Name a place on another disk",
        errno.EACCES: "Name a place that you may write",
        errno.ENAMETOOLONG: "Give a shorter name",
        errno.ENOTDIR: "A part of the path is a file: name another folder",
        errno.EISDIR: "Give another name",
    }.get(error.errno or 0)
    said = error.strerror or str(error) or type(error).__name__
    return f"{said}. {advice}" if advice else said


def make_folder(folder: Path) -> None:
    """Makes a folder and those above it, each lasting from then on."""
    if folder.is_dir():
        return
    if folder.name.startswith(_PREFIX):
        raise FileNotFoundError(errno.ENOENT, "the folder was removed while it was written")
    if folder.exists():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Waits until the names in a folder are on the disk, where the system can be asked: not Windows, not every network disk."""
    if sys.platform == "win32":
        return
    try:
        _sync(folder)
    except OSError as error:
        if error.errno in _FAILED_DISK:
            raise


def remove_unfinished() -> None:
    """Removes what this process has not finished; for a process that ends without ending its blocks."""
    for path in list(_unfinished):
        _remove(path)


def _device(path: Path) -> BinaryIO | None:
    """A stream to what can't be replaced; None for a plain file, a folder or nothing."""
    try:
        there = path.stat()
    except FileNotFoundError:
        return None
    for output in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # closed, or no file
            if os.path.samestat(there, os.fstat(output.fileno())):
                output.flush()
                return os.fdopen(os.dup(output.fileno()), "wb")
    return None if stat.S_ISREG(there.st_mode) or stat.S_ISDIR(there.st_mode) else path.open("wb")


@contextmanager
def _replacing(path: Path) -> Iterator[BinaryIO]:
    target = Path(os.path.realpath(path))
    make_folder(target.parent)
    hidden, lock = _hidden(target.parent, Path.touch)
    try:
        with hidden.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        if target.exists():
            hidden.chmod(stat.S_IMODE(target.stat().st_mode))
        os.replace(hidden, target)
        sync_folder(target.parent)
    finally:
        _give_up(hidden, lock)


def _exchange(folder: Path, target: Path) -> None:
    """Swaps two folders in one step, where the system can; else there is none of the name for a moment."""
    if sys.platform == "linux":
        import ctypes

        swap = getattr(ctypes.CDLL(None), "renameat2", None)
        if swap and swap(_HERE, os.fsencode(folder), _HERE, os.fsencode(target), _EXCHANGE) == 0:
            return
    aside = folder.with_name(f"{folder.name}-replaced")
    os.rename(target, aside)
    try:
        os.rename(folder, target)
    except OSError:
        os.rename(aside, target)
        raise
    _remove(aside)


def _hidden(parent: Path, make: Callable[[Path], None]) -> tuple[Path, int | None]:
    """A new hidden file or folder, and the open lock on it; what dead processes left beside it is removed first."""
    for leftover in parent.glob(f"{_PREFIX}*"):
        _remove_if_dead(leftover)
    while True:
        # Process ids repeat in containers that share a disk; a fresh name does not.
        path = parent / f"{_PREFIX}{uuid.uuid4().hex[:12]}"
        _unfinished.add(path)
        try:
            make(path)
        except BaseException:
            _give_up(path, None)
            raise
        lock = None
        with suppress(BlockingIOError, FileNotFoundError):
            lock = _lock(path)
            if path.exists():
                return path, lock
        _give_up(path, lock)  # another process took it for dead before it was locked


def _give_up(path: Path, lock: int | None) -> None:
    _remove(path)
    _unfinished.discard(path)
    if lock is not None:
        os.close(lock)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _remove_if_dead(path: Path) -> None:
    try:
        lock = _lock(path)
    except OSError:
        return
    if lock is not None:
        _give_up(path, lock)


def _lock(path: Path) -> int | None:
    """The open file or folder, locked; None where it can't be locked. BlockingIOError where another process holds it."""
    if sys.platform == "win32":
        return None
    import fcntl

    opened = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(opened)
        raise
    except OSError:
        os.close(opened)
        return None
    return opened


def _sync(path: Path) -> None:
    if sys.platform == "win32" and path.is_dir():
        return
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
