"""Stored records, read back."""

from __future__ import annotations

from pathlib import Path

from harness.core.audit import Audit
from harness.errors import UserError


def load_audit(path: Path) -> Audit:
    """A stored record, or the record of a run folder."""
    path = path / "audit.json" if path.is_dir() else path
    try:
        return Audit.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} can't be read: {error}. Give an audit.json or a run folder.") from error
    except ValueError as error:
        raise UserError(f"{path} is not an audit record of this harness ({str(error).splitlines()[0]}).") from error
