"""Where things lie: the shipped suites and report files (wheel, editable install or checkout), and the cache."""

from __future__ import annotations

import os
from pathlib import Path

from harness.errors import UserError


def resource_folder(name: str) -> Path:
    """The folder of `suites` or `reports`; FileNotFoundError where the installation is broken."""
    package = Path(__file__).resolve().parent
    for folder in (package / f"_{name}", package.parent / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"the installation lacks its {name}; install vertical-harness again")


def cache_folder() -> Path:
    """Where answers and converted models are kept: HARNESS_CACHE, or the user's cache folder; UserError without a home."""
    named = os.environ.get("HARNESS_CACHE")
    if named:
        return Path(named)
    from platformdirs import user_cache_path

    folder = Path(user_cache_path("vertical-harness", appauthor=False))
    if not folder.is_absolute():
        raise UserError("There is no home folder for the cache. Name a folder in HARNESS_CACHE.")
    return folder
