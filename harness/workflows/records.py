"""Stored records, read back."""

from __future__ import annotations

import json
from pathlib import Path

from harness.core.audit import Audit
from harness.core.comparison import Comparison
from harness.errors import UserError


def load_audit(path: Path) -> Audit:
    """A stored audit, or the audit of a run folder; UserError for anything else."""
    record = load_record(path)
    if isinstance(record, Comparison):
        raise UserError(f"{path} is a comparison, and what is asked for needs one model's audit. Give an audit.json.")
    return record


def load_record(path: Path) -> Audit | Comparison:
    """A stored audit or comparison (its key `schema` tells), or the record of a run folder."""
    if path.is_dir():
        names = (path / name for name in ("audit.json", "comparison.json"))
        path = next((name for name in names if name.exists()), path / "audit.json")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} can't be read: {error}. Give an audit.json or a run folder.") from error
    kind: type[Audit] | type[Comparison] = Comparison if _is_comparison(text) else Audit
    try:
        return kind.model_validate_json(text)
    except ValueError as error:
        name = "a comparison" if kind is Comparison else "an audit record"
        raise UserError(f"{path} is not {name} of this harness ({str(error).splitlines()[0]}).") from error


def _is_comparison(text: str) -> bool:
    try:
        body = json.loads(text)
    except ValueError:
        return False
    return isinstance(body, dict) and str(body.get("schema")).startswith("vertical-harness/comparison/")
