"""Runs an audit and writes what was asked for; without a wish, a run folder with everything."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from harness.core.audit import Audit
from harness.datasets.roles import DataOptions
from harness.engine.progress import Progress
from harness.models.options import ModelOptions
from harness.outputs.writing import kind_of, write
from harness.workflows.audit import audit

OUTPUTS = ("audit.json", "report.html", "junit.xml", "summary.md")


def audit_and_write(
    suite: str,
    model: str,
    options: DataOptions,
    targets: list[str],
    progress: Progress,
    model_options: ModelOptions | None = None,
) -> tuple[Audit, list[Path]]:
    """The record, and the files written. A run folder is named for suite, model and evidence."""
    for target in targets:
        kind_of(target)
    if targets:
        beside = Path(targets[0].rpartition("=")[2]).parent
        record = audit(suite, model, options, beside if _saves(targets) else None, progress, model_options)
        progress("writing")
        return record, [write(record, target) for target in targets]
    Path("runs").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir="runs", prefix=".unfinished-") as held:
        record = audit(suite, model, options, Path(held), progress, model_options)
        progress("writing")
        for name in OUTPUTS:
            write(record, str(Path(held) / name))
        folder = Path("runs") / f"{_slug(record.suite.name)}-{_slug(Path(model).stem)}-{record.digest[7:15]}"
        folder.mkdir(parents=True, exist_ok=True)
        for file in sorted(Path(held).iterdir()):
            file.replace(folder / file.name)
    return record, [folder / name for name in OUTPUTS]


def _saves(targets: list[str]) -> bool:
    return any(target.endswith(".json") for target in targets)


def _slug(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-").lower()
