"""SARIF, against the official schema and against answers worked by hand."""

import json
from pathlib import Path

import jsonschema
import pytest

from harness import audit
from harness.engine.registry import check_entries
from harness.outputs import narrative
from harness.outputs.sarif import render_sarif

SCHEMA = json.loads((Path(__file__).parent / "sarif-2.1.0.json").read_text(encoding="utf-8"))


def run_of(record):
    log = json.loads(render_sarif(record))
    jsonschema.Draft7Validator(SCHEMA, format_checker=jsonschema.FormatChecker()).validate(log)
    (run,) = log["runs"]
    return run


def uri(result):
    return result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]


def test_an_error_is_what_the_policy_blocks_and_what_passed_is_no_result(every_outcome):
    levels = {r["ruleId"]: r["level"] for r in run_of(every_outcome)["results"]}
    open_ones = ("inconclusive", "not_tested", "error")
    assert levels == (
        {"r-fail-block": "error", "r-fail-warn": "warning"}
        | {f"r-{outcome}-block": "warning" for outcome in open_ones}
        | {f"r-{outcome}-warn": "note" for outcome in open_ones}
    )


def test_the_worst_comes_first_and_points_at_its_rule(every_outcome):
    run = run_of(every_outcome)
    assert run["results"][0]["ruleId"] == "r-fail-block"
    rules = run["tool"]["driver"]["rules"]
    assert [rules[r["ruleIndex"]]["id"] for r in run["results"]] == [r["ruleId"] for r in run["results"]]
    assert len(rules) == 12


def test_a_rule_says_its_reason_its_source_and_its_clauses(every_outcome):
    rule = next(r for r in run_of(every_outcome)["tool"]["driver"]["rules"] if r["id"] == "r-fail-block")
    assert rule["fullDescription"]["text"] == "Below this the score adds little"
    assert rule["properties"]["limitSource"] == "expert: owner"
    assert rule["properties"]["clauses"] == ["eu.ai-act.15-1"]
    assert rule["defaultConfiguration"]["level"] == "error"


def test_a_defect_of_the_data_points_at_the_suite_and_one_of_the_model_at_the_model(make_record, found):
    leak = found("data.leak_suspect", of={"feature": "outcome code"}, reason="alone it tells the label with AUC 1.000")
    results = run_of(make_record(findings=[found("model.unsafe_load", reason="our own"), leak]))["results"]
    assert [(r["ruleId"], r["level"], uri(r)) for r in results] == [
        ("data.leak_suspect", "note", "suites/loans.yaml"),
        ("model.unsafe_load", "note", "models/loans.skops"),
    ]
    assert "outcome code" in results[0]["message"]["text"]
    assert "our own" in results[1]["message"]["text"]


def test_a_defect_that_is_absent_judged_or_a_matter_of_degree_is_no_result(make_record, decision, found):
    judged = decision("pass", measure="data.duplicate_rate", rule="d")
    findings = [found("data.duplicate_rate", 0.1), found("model.empty_texts", 0), found("data.missing_rate", 0.4)]
    assert run_of(make_record([judged], findings))["results"] == []
    failed = {**judged, "outcome": "fail"}
    (result,) = run_of(make_record([failed], findings))["results"]
    assert (result["level"], uri(result)) == ("error", "suites/loans.yaml")


def test_no_path_of_a_machine_shows_and_a_path_with_a_space_is_a_valid_uri(make_record, decision):
    def place(given):
        model = {"uri": given, "kind": "sklearn", "fingerprint": "sha256:6"}
        return uri(run_of(make_record([decision("fail")], model=model))["results"][0])

    assert place("/home/anna/models/my model.skops") == "my%20model.skops"
    assert place("C:\\Users\\anna\\m.onnx") == "m.onnx"
    assert place("out/50% #1.csv") == "out/50%25%20%231.csv"
    assert place("https://host/v1#name") == "https://host/v1#name"


def test_fingerprints_tell_decisions_apart_and_stay_when_the_numbers_change(make_record, decision):
    def prints(observed):
        both = [decision("fail", group={"race": name}, observed=observed) for name in ("a", "b")]
        return [r["partialFingerprints"] for r in run_of(make_record(both))["results"]]

    first, second = prints(0.5)
    assert first != second
    assert prints(0.6) == [first, second]


def test_what_was_not_tested_is_a_notification(make_record):
    record = make_record(records=[{"check": "privacy.membership", "status": "not_tested", "reason": "members unknown"}])
    (note,) = run_of(record)["invocations"][0]["toolExecutionNotifications"]
    assert note["message"]["text"] == "privacy.membership: Not tested: members unknown"


@pytest.mark.parametrize("view", ["folder", "file"])
def test_a_real_record_is_valid(credit_model, view):
    run = run_of(audit("finance/credit-risk", str(credit_model / ("model.skops" if view == "file" else ""))))
    assert {r["ruleId"] for r in run["results"]} >= {"four-fifths"}
    assert str(credit_model.parent) not in json.dumps(run["results"])


def test_the_schema_catches_a_level_that_sarif_does_not_know(every_outcome):
    log = json.loads(render_sarif(every_outcome))
    log["runs"][0]["results"][0]["level"] = "fatal"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(log, SCHEMA)


def test_every_defect_is_a_measure_that_a_check_gives():
    assert [m for m in narrative.DEFECTS if not any(entry.gives(m) for entry in check_entries().values())] == []
