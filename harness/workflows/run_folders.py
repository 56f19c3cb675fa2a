"""Run folders: written into a hidden folder, which then takes a name made of suite, model and the record's digest."""

from __future__ import annotations

import filecmp
import os
from pathlib import Path

from harness.engine.durable import sync_folder, writing
from harness.errors import UserError

_DIGEST_LENGTHS = (8, 16, 64)


def finish(folder: Path, name: str, digest: str) -> Path:
    """Renames the folder to its name and a short digest of its record; a longer digest where that is another run's.

    A folder that holds the very same files is this run already, and stays.

    Raises:
        UserError: the disk refuses, or even the whole digest is taken, so something damaged lies there.
    """
    for length in _DIGEST_LENGTHS:
        target = folder.parent / f"{name}-{digest.removeprefix('sha256:')[:length]}"
        with writing(target):
            try:
                os.rename(folder, target)
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
