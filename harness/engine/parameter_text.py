"""What is wrong with a parameter's value, in words: what it is, what is wanted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from harness.engine.plugins import did_you_mean
from harness.spec.plain_yaml import advice

_NOUNS = {"integer": "a whole number", "number": "a number", "string": "a text", "boolean": "true or false"}


def problem_of(check: str, key: str, value: object, error: ValidationError, adapter: TypeAdapter[Any]) -> str:
    """One sentence for each thing that is wrong with a value, then what is wanted."""
    wrong = list(dict.fromkeys(_sentence(item) for item in error.errors() if not _is_of_null(item, value)))
    wanted = wanted_text(adapter)
    return f"Check {check}: parameter {key} is {value!r}. {' '.join(wrong)}{f' Wanted: {wanted}.' if wanted else ''}"


def wanted_text(adapter: TypeAdapter[Any]) -> str:
    """What a type takes, in words; empty where it can't be said."""
    try:
        return _described(adapter.json_schema())
    except Exception:  # noqa: BLE001 - a third party's type without a schema still has its error
        return ""


def _is_of_null(item: ErrorDetails, value: object) -> bool:
    """Whether an error is of the alternative null, which nobody meant."""
    return item["type"] == "none_required" and value is not None


def _sentence(item: ErrorDetails) -> str:
    place = "".join(_step(part) for part in item["loc"] if not (isinstance(part, str) and part == "[key]"))
    message = item["msg"].removeprefix("Value error, ").rstrip(".")
    if item["type"] == "literal_error":
        known = re.findall(r"'([^']*)'", str(item["ctx"]["expected"]))
        message += f", got {item['input']!r}.{did_you_mean(str(item['input']), known)}"
    elif place and item["type"] != "value_error":
        message += f", got {item['input']!r}"
    message += advice(item["type"], item["input"])
    end = "" if message.endswith(("?", ".")) else "."
    return f"At {place}: {message}{end}" if place else f"{message}{end}"


def _step(part: int | str) -> str:
    return f"[{part}]"


def _described(schema: Mapping[str, Any]) -> str:
    if "description" in schema:
        return str(schema["description"])
    if "anyOf" in schema:
        parts = [_described(part) for part in schema["anyOf"] if part.get("type") != "null"]
        return " or ".join(parts) if all(parts) else ""
    if "enum" in schema or "const" in schema:
        return "one of " + ", ".join(map(str, schema.get("enum", [schema.get("const")])))
    kind = schema.get("type")
    if kind == "array":
        inner = _described(schema.get("items", {}))
        some = f"{schema['minItems']} or more" if schema.get("minItems", 1) > 1 else "one or more"
        return f"a list of {some}{f', each {inner}' if inner else ''}"
    if kind == "object":
        inner = _described(schema.get("additionalProperties") or {})
        key = _described(schema.get("propertyNames") or {}) or "a name"
        return f"a mapping from {key}" + (f" to {inner}" if inner else "")
    noun = _NOUNS.get(str(kind), "")
    return f"{noun}{_range(schema)}" if noun else ""


def _range(schema: Mapping[str, Any]) -> str:
    ends = [
        *([f"{schema['minimum']:g} or more"] if "minimum" in schema else []),
        *([f"above {schema['exclusiveMinimum']:g}"] if "exclusiveMinimum" in schema else []),
        *([f"at most {schema['maximum']:g}"] if "maximum" in schema else []),
        *([f"below {schema['exclusiveMaximum']:g}"] if "exclusiveMaximum" in schema else []),
    ]
    return f", {' and '.join(ends)}" if ends else ""
