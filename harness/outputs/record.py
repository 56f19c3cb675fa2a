"""The record itself, as JSON with sorted keys."""

from __future__ import annotations

import json

from harness.core.audit import Audit


def render_record(audit: Audit) -> str:
    """The audit.json."""
    return json.dumps(audit.model_dump(mode="json", by_alias=True), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
