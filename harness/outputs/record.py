"""The record itself, as JSON with sorted keys."""

from __future__ import annotations

import json
from typing import Any

from harness.core.audit import Audit
from harness.core.comparison import Comparison


def render_record(record: Audit | Comparison) -> str:
    """The audit.json or comparison.json."""
    return json.dumps(stored_form(record), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def stored_form(record: Audit | Comparison) -> dict[str, Any]:
    """The record's JSON, to which its digests belong: of one from an earlier version without the keys that came since."""
    return record.model_dump(mode="json", by_alias=True, exclude_unset=True)
