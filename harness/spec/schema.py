"""JSON Schemas of what people write and read: suite, policy, audit, comparison."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel

from harness.core.audit import Audit
from harness.core.comparison import Comparison
from harness.errors import UserError
from harness.spec.loading import Policy
from harness.spec.suite import Suite

KINDS: dict[str, type[BaseModel]] = {"suite": Suite, "policy": Policy, "audit": Audit, "comparison": Comparison}


def schema_of(kind: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a kind; UserError where there is none."""
    if kind not in KINDS:
        raise UserError(f"There is no schema {kind!r}. Wanted one of: {', '.join(KINDS)}.")
    body = KINDS[kind].model_json_schema(by_alias=True)
    if kind == "suite":
        body["properties"] |= {
            "extends": {"type": "string", "description": "A suite whose keys hold unless this file gives its own."},
            "policy": {"anyOf": [body["properties"]["policy"], {"type": "string", "description": "A policy file."}]},
        }
        body["required"] = []
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": f"vertical-harness {kind}", **body}


def schema_text(kind: str) -> str:
    """The schema as it is stored in reports/schema."""
    return json.dumps(schema_of(kind), indent=1, sort_keys=True) + "\n"
