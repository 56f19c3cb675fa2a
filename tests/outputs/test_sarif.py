"""SARIF, against the official schema and against answers worked by hand."""

import json
from pathlib import Path

import jsonschema
import pytest

from harness import audit
from harness.outputs.sarif import render_sarif
from tests.outputs.conftest import decision, found

SCHEMA = json.loads((Path(__file__).parent / "sarif-2.1.0.json").read_text(encoding="utf-8"))


def run_of(record):
    log = json.loads(render_sarif(record))
    jsonschema.Draft7Validator(SCHEMA, format_checker=jsonschema.FormatChecker()).validate(log)
    (run,) = log["runs"]
    return run
