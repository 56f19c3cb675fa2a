"""Waivers on every output: a real audit, judged again on days that a test gives."""

import json
from datetime import date
from xml.etree import ElementTree

import jsonschema
import pytest

from harness import audit
from harness.core.rule import Rule
from harness.core.waiver import Waiver
from harness.engine.run_index import RunIndex
from harness.outputs.narrative import conformity, not_tested, summary
from harness.outputs.writing import render, write
from harness.resources import resource_folder
from harness.spec.loading import Policy
from harness.workflows.audit import rejudge
from harness.workflows.run_diff import run_differences

DAY, LAST, AFTER = date(2026, 6, 30), date(2026, 12, 31), date(2027, 1, 1)
HIGH = Rule(id="high", measure="performance.accuracy", at_least=0.99, reason="r", source="the model's owner")
EASY = Rule(id="easy", measure="performance.accuracy", at_least=0.5, reason="r", source="s")
UNSEEN = Rule(id="unseen", measure="performance.recall", of={"class": "none"}, at_least=0.5, reason="r", source="s")


def waiver(rule, **keys):
    said = {"owner": "Head of <credit>", "reason": "Pilot in one branch", "expires": LAST, "ticket": "R-12"}
    return Waiver.model_validate({"rule": rule, "compensating_control": "A person reads each denial", **said, **keys})


@pytest.fixture(scope="module")
def stored(credit_model):
    return audit("finance/credit-risk", str(credit_model))


@pytest.fixture
def judged(stored):
    def made(*waivers, rules=(HIGH, EASY), day=DAY):
        return rejudge(stored, Policy(policy=list(rules), waivers=list(waivers)), day)

    return made


def case_of(record, name):
    suite = ElementTree.fromstring(render(record, "junit")).find("testsuite")
    case = next(c for c in suite.findall("testcase") if c.get("name") == name)
    return [p.get("value") for p in suite.iter("property")], case


def test_a_pass_that_needs_a_waiver_never_says_that_it_conforms(judged):
    record = judged(waiver("high"))
    assert record.verdict.outcome == "pass"
    said = summary(record)
    assert "passes with waivers only: 1 of 3 blocking requirements of the policy are not met and waived" in said
    assert "high (performance.accuracy): fail, waived until 2026-12-31 by Head of <credit>" in said
    assert "conforms to all" not in said
    assert "conforms to all 2 blocking" in summary(judged(waiver("easy"), rules=[EASY]))


def test_the_words_count_waivers_and_not_the_decisions_that_they_cover(judged):
    parity = Rule(id="p", measure="bias.selection_rate", group={"race": "*"}, at_least=0.999, reason="r", source="s")
    record = judged(waiver("p", group={"race": "*"}), rules=[parity, EASY])
    assert record.verdict.waived == 2
    assert "Pass with 1 waiver\n" in render(record, "markdown")
    both = judged(waiver("p", group={"race": "black"}), waiver("p", group={"race": "other"}), rules=[parity, EASY])
    assert "Pass with 2 waivers\n" in render(both, "markdown")


@pytest.mark.parametrize("kind", ["html", "markdown", "junit", "github", "sarif"])
@pytest.mark.parametrize(
    ("rule", "day", "state"),
    [
        ("high", LAST, "in force, covers 1 decision"),
        ("high", AFTER, "expired on 2026-12-31; the rule applies again"),
        ("easy", LAST, "unused: the rule&#39;s outcome is pass"),
        ("easy", AFTER, "expired on 2026-12-31"),
        ("high", date(2025, 1, 1), "not in force before 2025-12-30"),
    ],
)
def test_every_output_prints_every_waiver_with_its_state(kind, rule, day, state, judged):
    page = render(judged(waiver(rule), day=day), kind).partition('<script type="application/json"')[0]
    for text in (state, "Pilot in one branch", "A person reads each denial", "R-12"):
        assert (text if kind == "html" else text.replace("&#39;", "'")) in page
    assert ("Head of <credit>" in page) == (kind in ("github", "sarif"))
    assert ("Head of &lt;credit" in page) == (kind in ("html", "markdown", "junit"))


def test_a_waived_fail_is_skipped_in_junit_and_an_expired_one_fails(judged):
    (_, *properties), case = case_of(judged(waiver("high")), "high")  # the first one is the summary
    skipped = case.find("skipped").get("message")
    assert "fail (block)" in skipped
    assert "waived until 2026-12-31 by Head of <credit>: Pilot in one branch" in skipped
    assert len(properties) == 1
    assert "compensating control: A person reads each denial" in properties[0]
    _, case = case_of(judged(waiver("high"), day=AFTER), "high")
    assert "expired on 2026-12-31, so the rule applies again" in case.find("failure").get("message")


def test_a_waived_fail_is_a_suppressed_note_in_sarif_and_a_notice_on_github(judged):
    def told(record):
        (run,) = json.loads(render(record, "sarif"))["runs"]
        (result,) = [r for r in run["results"] if r["ruleId"] == "high"]
        return run["properties"], result, render(record, "github")

    properties, result, commands = told(judged(waiver("high")))
    assert (properties["verdict"], properties["waived"], len(properties["waivers"])) == ("pass", 1, 1)
    assert result["level"] == "note"
    assert [s["status"] for s in result["suppressions"]] == ["accepted"]
    assert "Pilot in one branch" in result["suppressions"][0]["justification"]
    assert "::notice title=finance/credit-risk%3A Pass with 1 waiver::" in commands
    assert "::error" not in commands
    _, result, commands = told(judged(waiver("high"), day=AFTER))
    assert (result["level"], result["suppressions"]) == ("error", [])
    assert "::error title=high::" in commands


def test_history_tells_a_pass_with_waivers_from_a_pass_and_an_ended_waiver_from_a_new_one(judged, tmp_path):
    before, after = judged(waiver("high")), judged(waiver("high", expires=AFTER), day=AFTER)
    write(before, str(tmp_path / "a" / "audit.json"))
    write(judged(rules=[EASY]), str(tmp_path / "b" / "audit.json"))
    assert {run.folder: run.verdict for run in RunIndex(tmp_path).runs()} == {"a": "pass, 1 waived", "b": "pass"}
    said = [text for _, text in run_differences(before, after).rows]
    assert said == ["waiver of high, until 2026-12-31: ended", "waiver of high, until 2027-01-01: new"]
    expired = [text for _, text in run_differences(before, rejudge(before, None, AFTER)).rows]
    assert expired[0] == "Pass with 1 waiver → Fail"
    assert "expired on 2026-12-31, so the rule applies again" in expired[1]
    assert len(expired) == 2


def test_the_report_of_a_pass_with_waivers_is_not_green_and_a_fail_stays_red(judged):
    page = render(judged(waiver("high")), "html")
    assert '<section id="decision" class="decision waived"' in page
    assert "<strong>Pass with 1 waiver</strong>" in page
    other = HIGH.model_copy(update={"id": "other"})
    failing = render(judged(waiver("high"), rules=[HIGH, other]), "html")
    assert '<section id="decision" class="decision fail"' in failing
    assert "<strong>Fail</strong>" in failing


def test_an_open_rule_that_is_waived_says_so_where_it_is_told(judged):
    record = judged(waiver("unseen", of={"class": "none"}), rules=[UNSEEN, EASY])
    gap = next(g for g in not_tested(record) if g.aspects == ["rule unseen"])
    assert gap.consequence == "The rule is waived"
    decision = next(d for d in record.verdict.decisions if d.rule_id == "unseen")
    assert conformity(decision).endswith("(waived until 2026-12-31 by Head of <credit>: Pilot in one branch).")


def test_a_waiver_that_only_an_error_meets_says_that_it_cannot_be_waived(stored):
    crash = [
        r.model_copy(update={"status": "error", "reason": "crashed", "findings": [], "exhibits": []})
        if r.check == "performance.classification"
        else r
        for r in stored.records
    ]
    broken = stored.model_copy(update={"records": crash})
    record = rejudge(broken, Policy(policy=[HIGH], waivers=[waiver("high")]), DAY)
    assert record.verdict.outcome == "incomplete"
    assert "unused: an error can't be waived" in render(record, "markdown")


def test_a_record_with_waivers_fits_the_schema_and_is_read_back(judged):
    record = judged(waiver("high"))
    text = render(record, "json")
    schema = json.loads((resource_folder("reports") / "schema" / "audit-1.json").read_text(encoding="utf-8"))
    jsonschema.validate(json.loads(text), schema)
    assert type(record).model_validate_json(text) == record


def test_the_policys_digest_covers_the_waivers(judged):
    digests = {judged(*given).policy.digest for given in ([], [waiver("high")], [waiver("high", expires=AFTER)])}
    assert len(digests) == 3


def test_a_judgement_on_another_day_or_by_another_policy_keeps_the_evidence(judged):
    first, after, other = judged(waiver("high")), judged(waiver("high"), day=AFTER), judged(rules=[EASY])
    assert len({record.verdict.outcome for record in (first, after)}) == 2
    assert first.evidence_digest == after.evidence_digest == other.evidence_digest
    assert len({record.digest for record in (first, after, other)}) == 3
    assert judged(day=DAY).digest == judged(day=AFTER).digest


def test_a_record_judged_again_without_a_policy_keeps_its_waivers_and_looks_at_the_day(judged):
    record = judged(waiver("high"))
    assert rejudge(record, None, LAST).verdict.outcome == "pass"
    assert rejudge(record, None, AFTER).verdict.outcome == "fail"
