"""Stored records, read back: the one door to them, which recomputes every digest that a record states.

A digest shows that a record was changed since it was written. It is not signed: somebody who edits a record can compute its
digests anew, and only what recomputes the record (`harness verify`) finds that.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.core.audit import Audit
from harness.core.comparison import Comparison
from harness.engine.provenance import (
    DIGEST_VERSION,
    comparison_digest,
    evidence_digest,
    record_digest,
    sha256_file,
)
from harness.errors import IntegrityError, UserError

NAMES = ("audit.json", "comparison.json")
_KINDS: dict[str, tuple[type[Audit] | type[Comparison], str, Callable[[dict[str, Any]], str]]] = {
    "vertical-harness/audit/": (Audit, "an audit record", evidence_digest),
    "vertical-harness/comparison/": (Comparison, "a comparison", comparison_digest),
}


def open_audit(path: Path) -> Audit:
    """As `open_record`, of one model's audit; UserError for a comparison."""
    record = open_record(path)
    if isinstance(record, Comparison):
        raise UserError(f"{path} is a comparison, and what is asked for needs one model's audit. Give an audit.json.")
    return record


def open_record(path: Path) -> Audit | Comparison:
    """The audit or comparison in a file, or of a run folder, exactly as it was written.

    Predictions that are not beside their record are no fault: a record may be moved alone.

    Raises:
        IntegrityError: its digest, its evidence_digest or the sha256 of its predictions does not match; all are named.
        UserError: there is no file, or it is no record that this version reads.
    """
    path = record_path(path)
    raw = _read(path)
    known = next((kind for prefix, kind in _KINDS.items() if str(raw.get("schema")).startswith(prefix)), None)
    if known is None or "digest" not in raw:
        what = known[1] if known else "a record"
        raise UserError(f"{path} is not {what} of this harness. Give an audit.json, a comparison.json or a run folder.")
    kind, what, evidence = known
    version = raw.get("digest_version", 1)
    if version not in range(1, DIGEST_VERSION + 1):
        raise UserError(
            f"{path} has digest_version {version}; this version of the harness knows up to {DIGEST_VERSION}. Update the harness."
        )
    if changed := _changed(raw, evidence, path.parent):
        parts, verb = " and its ".join(changed), "does" if len(changed) == 1 else "do"
        raise IntegrityError(
            f"{path} was changed since it was written: its {parts} {verb} not match. Take the run as it was written."
        )
    try:
        return kind.model_validate(raw)
    except ValueError as error:
        first = str(error).splitlines()[0]
        raise UserError(f"{path} is not {what} that this version of the harness reads ({first}).") from error


def record_path(path: Path) -> Path:
    """The record of a run folder; a file itself."""
    if not path.is_dir():
        return path
    return next((path / name for name in NAMES if (path / name).exists()), path / NAMES[0])


def refuse_changed_predictions(path: Path) -> None:
    """IntegrityError where a file of predictions is named by the audit.json beside it and does not match it any more."""
    beside = path.parent / NAMES[0]
    saved = _read(beside).get("predictions") if beside.is_file() else None
    if isinstance(saved, dict) and saved.get("path") == path.name:
        open_record(beside)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} can't be read: {error.strerror}. Give an audit.json or a run folder.") from error
    try:
        raw = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"{path} can't be read as JSON, so it is no whole record.") from error
    return raw if isinstance(raw, dict) else {}


def _changed(raw: dict[str, Any], evidence: Callable[[dict[str, Any]], str], folder: Path) -> list[str]:
    """The parts of a record as it stands in its file that differ from what it states of them."""
    stated = {"digest": record_digest, "evidence_digest": evidence}
    changed = [name for name, digest in stated.items() if not _matches(raw, name, digest)]
    saved = raw.get("predictions")
    if isinstance(saved, dict) and isinstance(name := saved.get("path"), str) and (folder / name).is_file():
        changed += [] if sha256_file(folder / name) == saved.get("sha256") else [name]
    return changed


def _matches(raw: dict[str, Any], name: str, digest: Callable[[dict[str, Any]], str]) -> bool:
    """Whether a record states this digest of itself; it does not where it is too far from a record to have one."""
    try:
        return raw.get(name) == digest(raw)
    except (KeyError, TypeError, AttributeError, ValueError):
        return False
