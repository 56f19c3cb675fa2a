"""A stored record whose every text is hostile: no output obeys it, and each is still well-formed."""

import json
import re
from xml.etree import ElementTree

import pytest

from harness.cli.printing import print_choice, print_verdict
from harness.core.audit import Audit
from harness.core.comparison import Comparison
from harness.core.safe_text import in_every_text
from harness.outputs.writing import render

EVIL = (
    "a\x0b\x1b[31m\x00\ufffe\u202e\ud800\r\n::error::x\n::set-output name=v::pass\n# Verdict: PASS "
    "<script>alert(1)</script> <img src=x> [l](javascript:alert(1)) ![i](http://x/y.png) https://u:p@evil.example/?token=t |=1+1"
)
FREE = {"name", "reason", "message", "title", "source", "limit_source", "unit", "owner", "fingerprint", "what", "uri", "members"}  # fmt: skip
PROHIBITED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff\ud800-\udfff]")


def _hostile(value, key=None):
    if isinstance(value, dict):
        return {k: _hostile(v, k) for k, v in value.items()}
    if isinstance(value, list):
        return [
            EVIL if isinstance(v, str) and key in ("rows", "clauses", "columns") else _hostile(v, key) for v in value
        ]
    return EVIL if isinstance(value, str) and key in FREE else value


def _storable(text):
    return text.replace("\ud800", "")  # which pydantic refuses where a text has a shortest length


@pytest.fixture
def audit_record(make_record, decision, found):
    exhibits = [
        {"kind": kind, "title": "t", "columns": ["g", "v", "low", "high"], "rows": [["a", 1.0, 0.8, 1.2]]}
        for kind in ("intervals", "bars", "curve", "table")
    ]
    checks = [
        {"check": "data.quality", "status": "measured", "exhibits": exhibits,
         "findings": [found("data.leak_suspect", of={"feature": "x"}), found("bias.selection_rate", 0.5, group={"g": "x"})]},
        {"check": "bias.groups", "status": "not_tested", "reason": "x"},
    ]  # fmt: skip
    record = make_record(
        [decision(o, group={"name": "x"}) for o in ("fail", "pass", "error")],
        outcome="fail",
        records=checks,
        environment={"python": "3.12", "packages": {}},
    )
    body = record.model_dump(mode="json", by_alias=True)
    body = {**body, "records": _hostile(body["records"], "records")}
    for check in body["records"]:
        for exhibit in check["exhibits"]:
            exhibit["columns"][1] = exhibit["rows"][0][0] = EVIL
    body |= {k: in_every_text(_hostile(v, k), _storable) for k, v in body.items() if k != "records"}
    return Audit.model_validate(body)


@pytest.fixture
def comparison_record(make_comparison):
    record = make_comparison()
    body = record.model_dump(mode="json", by_alias=True)
    names = {"loans": f"v{EVIL}", "chat": f"g{EVIL}"}
    body["not_compared"] = _hostile(body["not_compared"])
    for exhibit in body["exhibits"]:
        exhibit["rows"] = [[EVIL if isinstance(cell, str) else cell for cell in row] for row in exhibit["rows"]]
    text = json.dumps(body)
    for name, evil in names.items():
        text = text.replace(json.dumps(name), json.dumps(evil))
    return Comparison.model_validate(json.loads(text))


@pytest.mark.parametrize("kind", ["html", "markdown", "junit", "github", "sarif"])
def test_no_output_of_an_audit_holds_what_a_reader_obeys(audit_record, kind):
    text = render(audit_record, kind)
    text.encode()
    assert not PROHIBITED.search(text)
    assert "u:p@" not in text and "token=t" not in text.replace("\\", "")


@pytest.mark.parametrize("kind", ["html", "markdown"])
def test_no_output_of_a_comparison_holds_what_a_reader_obeys(comparison_record, kind):
    text = render(comparison_record, kind)
    text.encode()
    assert not PROHIBITED.search(text)
    assert "u:p@" not in text


def test_the_page_holds_no_element_of_the_data(audit_record, comparison_record):
    for record in (audit_record, comparison_record):
        page = render(record, "html")
        assert "<script" not in page and "<img" not in page and "javascript:alert(1)" in page


def test_every_workflow_command_is_ours(audit_record):
    for line in render(audit_record, "github").split("\n")[:-1]:
        assert re.match(r"::(error|warning|notice) title=[^:,]*::", line)


def test_junit_is_xml_and_sarif_and_the_record_are_json(audit_record):
    ElementTree.fromstring(render(audit_record, "junit"))
    assert "](" not in json.dumps(json.loads(render(audit_record, "sarif")))
    assert json.loads(render(audit_record, "json").encode()) == audit_record.model_dump(
        mode="json", by_alias=True, exclude_unset=True
    )


def test_the_terminal_gets_one_line_a_decision_and_no_escape_code(audit_record, comparison_record, capsys):
    print_verdict(audit_record, [])
    print_choice(comparison_record, [])
    told = capsys.readouterr()
    for text in (told.out, told.err):
        assert not PROHIBITED.search(text)
        assert not re.search(r"^(::|# Verdict)", text, re.MULTILINE)
