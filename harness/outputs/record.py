"""The record itself, as JSON with sorted keys."""

from __future__ import annotations

import json

from harness.core.audit import Audit
from harness.core.comparison import Comparison


def render_record(record: Audit | Comparison) -> str:
    """The audit.json or comparison.json."""
    body = record.model_dump(mode="json", by_alias=True)
    return json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
