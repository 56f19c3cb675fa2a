"""Where the shipped suites and report files lie: in a wheel, an editable install or a bare checkout."""

from __future__ import annotations

from pathlib import Path


def resource_folder(name: str) -> Path:
    """The folder of `suites` or `reports`; FileNotFoundError where the installation is broken."""
    package = Path(__file__).resolve().parent
    for folder in (package / f"_{name}", package.parent / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"the installation lacks its {name}; install vertical-harness again")
