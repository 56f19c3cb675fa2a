"""Runs an audit and writes what was asked for; without a wish, a run folder with everything."""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import replace
from functools import partial
from pathlib import Path

from harness.core.audit import Audit
from harness.core.comparison import Comparison
from harness.core.safe_text import without_credentials
from harness.engine.durable import require_writable, unfinished_folder, write_file
from harness.engine.progress import Progress
from harness.engine.provenance import sha256_bytes
from harness.engine.row_hashes import IdKey, key_beside, read_key
from harness.errors import UserError
from harness.outputs.writing import kind_of, path_of, write
from harness.workflows.audit import AuditRequest, keep_in, run_audit
from harness.workflows.compare import CompareRequest, compare
from harness.workflows.run_folders import finish

RUNS = Path("runs")
_LONGEST = 80
COMPARISON_OUTPUTS = ("comparison.json", "comparison.html", "comparison.md")
OUTPUTS = ("audit.json", "report.html", "junit.xml", "summary.md")


def audit_and_write(request: AuditRequest, targets: list[str], progress: Progress) -> tuple[Audit, list[Path]]:
    """The record, and the files written. A run folder is named for suite, model and evidence; it appears whole.

    Earlier audits of the same test rows are counted in the folder of runs, where there is one.
    """
    request = replace(request, runs=RUNS, id_key=request.id_key or _id_key(targets))
    kinds = [kind_of(target) for target in targets]
    _require_writable(targets)
    if targets:
        beside = sorted({path_of(target).parent for target, kind in zip(targets, kinds, strict=True) if kind == "json"})
        keep = partial(_keep_beside, beside) if beside else None
        record = run_audit(request, keep, progress).record
        progress("writing")
        return record, [write(record, target) for target in targets]
    with unfinished_folder(RUNS) as folder:
        record = run_audit(request, partial(keep_in, folder), progress).record
        progress("writing")
        for name in OUTPUTS:
            write(record, str(folder / name))
        run = finish(
            folder, f"{_slug(record.suite.name)}-{_slug(Path(without_credentials(request.model)).stem)}", record.digest
        )
    return record, [run / name for name in OUTPUTS]


def compare_and_write(request: CompareRequest, targets: list[str], progress: Progress) -> tuple[Comparison, list[Path]]:
    """The comparison, and the files written; without a wish, a folder of its own that appears whole."""
    for target in targets:
        kind_of(target, Comparison)
    request = replace(request, id_key=request.id_key or _id_key(targets))
    _require_writable(targets)
    if targets:
        found = compare(request, progress)
        progress("writing")
        return found, [write(found, target) for target in targets]
    with unfinished_folder(RUNS) as folder:
        found = compare(request, progress)
        progress("writing")
        for name in COMPARISON_OUTPUTS:
            write(found, str(folder / name))
        run = finish(folder, f"compare-{_slug(found.suite.name)}", found.digest)
    return found, [run / name for name in COMPARISON_OUTPUTS]


def _require_writable(targets: list[str]) -> None:
    for target in targets:
        require_writable(path_of(target))


def key_from(path: Path | None, targets: list[str]) -> IdKey | None:
    """The key in a file for the hashes of row ids; None without one. UserError where it lies among the outputs."""
    if path is None:
        return None
    if path.resolve().parent in {path_of(target).resolve().parent for target in targets}:
        raise UserError(
            f"--id-key {path} lies in a folder of outputs, and would be handed on with them. Move it elsewhere."
        )
    key = read_key(path)
    return lambda: key


def _id_key(targets: list[str]) -> IdKey:
    """The key of the folder of runs; outside one a key that nobody keeps, so that the hashes are this record's alone."""
    if targets and not (RUNS.is_dir() and os.access(RUNS, os.W_OK)):
        return partial(secrets.token_bytes, 32)
    return partial(key_beside, RUNS)


def _keep_beside(folders: list[Path], content: bytes) -> str:
    """Named for their content: other records in the folder, and the one to be replaced, keep their own predictions."""
    name = f"predictions-{sha256_bytes(content).removeprefix('sha256:')[:16]}.parquet"
    for folder in folders:
        write_file(folder / name, content)
    return name


def _slug(text: str) -> str:
    """A text as a part of a folder's name, of which a file system takes 255 characters."""
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-").lower()[:_LONGEST].rstrip("-")
