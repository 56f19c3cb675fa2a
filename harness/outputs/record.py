"""The record itself, as JSON with sorted keys."""

from __future__ import annotations

from typing import Any

from harness.core.audit import Audit
from harness.core.comparison import Comparison
from harness.core.safe_text import json_text


def render_record(record: Audit | Comparison) -> str:
    """The audit.json or comparison.json."""
    return json_text(stored_form(record)) + "\n"


def stored_form(record: Audit | Comparison) -> dict[str, Any]:
    """The record's JSON, to which its digests belong: of one from an earlier version without the keys that came since."""
    return record.model_dump(mode="json", by_alias=True, exclude_unset=True)
