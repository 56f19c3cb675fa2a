"""JUnit XML, against the schema that Jenkins publishes."""

from pathlib import Path

import pytest

from harness import audit
from harness.outputs.junit import render_junit

etree = pytest.importorskip("lxml.etree")
SCHEMA = etree.XMLSchema(etree.parse(str(Path(__file__).parent / "junit-10.xsd")))


def tree_of(record):
    tree = etree.fromstring(render_junit(record).encode())
    SCHEMA.assertValid(tree)
    return tree


def test_a_decision_is_a_case_and_only_what_blocks_is_a_failure_or_an_error(every_outcome):
    told = {case.get("name"): [child.tag for child in case] for case in tree_of(every_outcome).iter("testcase")}
    assert len(told) == 12
    assert told["r-pass-block"] == told["r-pass-warn"] == []
    assert told["r-fail-block"] == ["failure"]
    assert {tuple(told[f"r-{o}-block"]) for o in ("inconclusive", "not_tested", "error")} == {("error",)}
    assert {tuple(t) for name, t in told.items() if name.endswith("warn") and "pass" not in name} == {("skipped",)}


def test_the_counts_are_those_of_the_cases(every_outcome):
    (suite,) = tree_of(every_outcome).iter("testsuite")
    assert {k: suite.get(k) for k in ("tests", "failures", "errors", "skipped")} == {
        "tests": "12", "failures": "1", "errors": "3", "skipped": "6",
    }  # fmt: skip


def test_a_control_character_in_a_name_leaves_valid_xml(make_record, decision):
    record = make_record([decision("fail", group={"g": "a\x07b\x00 <&>\ud800"}, message="\x1b[31m")], outcome="fail")
    (case,) = tree_of(record).iter("testcase")
    assert case.get("name") == r"r-fail-block g: a\x07b\x00 <&>\ud800"


def test_a_real_record_is_valid(credit_model):
    record = audit("finance/credit-risk", str(credit_model))
    assert len(list(tree_of(record).iter("testcase"))) == len(record.verdict.decisions)
