import json
import shutil
from datetime import date, timedelta

import pandas as pd
import pytest
from typer.testing import CliRunner

from harness.cli.app import app
from harness.core.comparison import Margin, release_rules
from harness.engine.provenance import evidence_digest, record_digest
from harness.errors import DataError, IntegrityError, SuiteError
from harness.outputs.narrative import not_tested
from harness.spec.loading import load_suite
from harness.workflows.audit import AuditRequest, run_audit
from harness.workflows.fit import fit

SUITE = """
extends: finance/credit-risk
decision: null
name: small
checks: [performance.classification, bias.groups]
policy: [{id: useful, measure: performance.roc_auc, at_least: 0.7, reason: r, source: s}]
"""


AUC_ONLY = "release: [{measure: performance.roc_auc, by: 0.02, reason: r, source: s}]"


def invoke(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A suite, a fitted model, its audit as the last release, and a worse model: the same answers, a tenth turned round."""
    folder = tmp_path_factory.mktemp("release")
    (folder / "small.yaml").write_text(SUITE, encoding="utf-8")
    fit("finance/credit-risk", "sklearn:logistic-regression", folder / "model")
    assert (
        invoke(
            "audit", folder / "small.yaml", "--model", folder / "model", "-o", folder / "last" / "audit.json"
        ).exit_code
        == 0
    )
    (saved,) = (folder / "last").glob("predictions*.parquet")
    answers = pd.read_parquet(saved).query("role == 'test'")
    good = pd.DataFrame({"id": answers["id"], "score": answers["score:yes"]})
    good.to_csv(folder / "same.csv", index=False)
    turned = good["score"].where(good.index % 5 != 0, 1 - good["score"])
    good.assign(score=turned).to_csv(folder / "worse.csv", index=False)
    return folder


def test_the_same_answers_pass_and_worse_ones_fail_that_very_rule(released):
    last = released / "last" / "audit.json"
    same = invoke(
        "audit",
        released / "small.yaml",
        "--model",
        released / "same.csv",
        "--baseline",
        last,
        "-o",
        released / "s.json",
    )
    assert same.exit_code == 0, same.stdout
    worse = invoke(
        "audit",
        released / "small.yaml",
        "--model",
        released / "worse.csv",
        "--baseline",
        last,
        "-o",
        released / "w.json",
    )
    assert worse.exit_code == 1
    record = json.loads((released / "w.json").read_text(encoding="utf-8"))
    failed = {d["rule_id"] for d in record["verdict"]["decisions"] if d["outcome"] == "fail"}
    assert "release-roc-auc" in failed
    turned = next(r for r in record["records"] if r["check"] == "baseline.paired")
    counts = {f["measure"]: f["value"] for f in turned["findings"] if f["exact"]}
    table = next(e for e in turned["exhibits"] if e["title"].startswith("Newly failing"))
    assert counts["baseline.newly_failing"] == len(table["rows"]) > 50


WAIVER = """
waivers:
  - {rule: release-roc-auc, of: {measure: performance.roc_auc}, owner: A. Owner, reason: The new law,
     compensating_control: A person looks at each, expires: %s}
  - {rule: better-than-guessing, owner: A. Owner, reason: So much worse that it is not shown to beat guessing,
     compensating_control: A person looks at each, expires: %s}
"""


@pytest.mark.parametrize(("ends", "code", "told"), [(30, 0, "covers 1 decision"), (-1, 1, "the rule applies again")])
def test_a_release_margin_can_be_waived_until_a_day_like_any_rule(released, ends, code, told):
    suite, out = released / f"waived{ends}.yaml", released / f"waived{ends}.json"
    waiver = WAIVER % (date.today() + timedelta(days=ends), date.today() + timedelta(days=40))
    suite.write_text(SUITE.replace("0.7,", "0.5,") + AUC_ONLY + waiver, encoding="utf-8")
    asked = ["audit", suite, "--model", released / "worse.csv", "--baseline", released / "last", "-o", out]
    found = invoke(*asked, "-o", out.with_suffix(".md"))
    assert found.exit_code == code, found.stdout
    assert told in out.with_suffix(".md").read_text(encoding="utf-8")


def test_margins_on_several_groups_make_rules_of_their_own():
    def margin(measure, **more):
        return Margin(measure=measure, by=0.05, reason="r", source="s", **more)

    made = release_rules([
        margin("performance.roc_auc"), margin("bias.impact_ratio", group={"race": "black"}),
        margin("bias.impact_ratio", group={"race": "*"}), margin("bias.impact_ratio", group={"性别": "女"}),
        margin("performance.recall", of={"class": "yes"}),
    ])  # fmt: skip
    assert [rule.id for rule in made] == [
        *("release-roc-auc", "release-impact-ratio-race-black", "release-impact-ratio-race"),
        *("release-impact-ratio-性别-女", "release-recall-class-yes"),
    ]
    assert made[1].group == {"race": "black"} and made[1].of == {"measure": "bias.impact_ratio"}
    assert made[4].of == {"measure": "performance.recall", "class": "yes"} and made[4].at_least == -0.05


def test_two_margins_on_the_same_thing_are_refused(tmp_path):
    twice = "{measure: performance.roc_auc, by: 0.02, reason: r, source: s}"
    (tmp_path / "s.yaml").write_text(f"{SUITE}release: [{twice}, {twice}]\n", encoding="utf-8")
    with pytest.raises(SuiteError, match="share an id: release-roc-auc"):
        load_suite(tmp_path / "s.yaml")
    alike = [
        f'{{measure: performance.recall, of: {{class: "{name}50K"}}, by: 0.1, reason: r, source: s%s}}'
        for name in ("<=", ">")
    ]
    (tmp_path / "s.yaml").write_text(f"{SUITE}release: [{', '.join(alike)}]\n".replace("%s", ""), encoding="utf-8")
    with pytest.raises(SuiteError, match="share an id: release-recall-class-50k"):
        load_suite(tmp_path / "s.yaml")
    named = f"{SUITE}release: [{alike[0] % ', id: little'}, {alike[1] % ', id: much'}]\n"
    (tmp_path / "s.yaml").write_text(named, encoding="utf-8")
    assert [rule.id for rule in release_rules(load_suite(tmp_path / "s.yaml").suite.release)] == ["little", "much"]


def test_a_policy_loosened_since_the_baseline_is_shown_everywhere(released):
    loose = released / "loose.yaml"
    loose.write_text(SUITE.replace("0.7,", "0.68,"), encoding="utf-8")
    out = [released / f"loose.{kind}" for kind in ("json", "html")]
    found = invoke(
        "audit",
        loose,
        "--model",
        released / "model",
        "--baseline",
        released / "last",
        *[x for o in out for x in ("-o", o)],
    )
    assert found.exit_code == 0
    for file in out:
        assert "relaxed by 0.02" in file.read_text(encoding="utf-8")


def test_a_suite_without_release_margins_is_told_that_nothing_was_judged(released):
    bare = released / "bare.yaml"
    bare.write_text(SUITE + "release: []\n", encoding="utf-8")
    asked = [
        "audit",
        bare,
        "--model",
        released / "worse.csv",
        "--baseline",
        released / "last",
        "-o",
        released / "b.json",
    ]
    assert "nothing was judged against the baseline" in " ".join(invoke(*asked).stderr.split())


def test_without_a_baseline_release_margins_do_not_apply(released):
    record = run_audit(AuditRequest(str(released / "small.yaml"), str(released / "model"))).record
    assert all(not d.rule_id.startswith("release-") for d in record.verdict.decisions)
    assert all(r.check != "baseline.paired" for r in record.records)


def request(released, baseline, **more):
    return AuditRequest(str(released / "small.yaml"), str(released / "model"), baseline=baseline, **more)


def test_a_changed_record_or_changed_predictions_are_refused(released, tmp_path):
    shutil.copytree(released / "last", tmp_path / "last")
    record = tmp_path / "last" / "audit.json"
    text = record.read_text(encoding="utf-8")
    record.write_text(text.replace('"performance.accuracy"', '"performance.acuracy"', 1), encoding="utf-8")
    with pytest.raises(IntegrityError, match="its digest and its evidence_digest do not match"):
        run_audit(request(released, record))
    record.write_text(text, encoding="utf-8")
    (saved,) = (tmp_path / "last").glob("predictions*.parquet")
    pd.read_parquet(saved).iloc[::-1].to_parquet(saved, index=False)
    with pytest.raises(IntegrityError, match=r"its predictions-\w+\.parquet does not match"):
        run_audit(request(released, record))
    saved.unlink()
    with pytest.raises(DataError, match="not beside its record"):
        run_audit(request(released, record))
    assert invoke("audit", released / "small.yaml", "--model", released / "model", "--baseline", record).exit_code == 2


def test_a_record_of_an_earlier_harness_is_a_baseline_too(released, tmp_path):
    """Keys that were added since are absent from it, and its digest is of what it says."""
    shutil.copytree(released / "last", tmp_path / "last")
    file = tmp_path / "last" / "audit.json"
    body = json.loads(file.read_text(encoding="utf-8"))
    for key in ("usage", "digest_version", "earlier_audits", "rejudged_from"):
        del body[key]
    del body["policy"]["waivers"]
    body["evidence_digest"] = evidence_digest(body)
    body["digest"] = record_digest(body)
    file.write_text(json.dumps(body), encoding="utf-8")
    found = run_audit(request(released, file)).record
    assert any(r.check == "baseline.paired" and r.status == "measured" for r in found.records)
    with pytest.raises(DataError, match="There is no record"):
        run_audit(request(released, tmp_path / "nowhere.json"))


def test_a_baseline_of_another_suite_is_refused(released):
    with pytest.raises(DataError, match="is an audit of small; wanted"):
        run_audit(AuditRequest("finance/credit-risk", str(released / "model"), baseline=released / "last"))


def test_a_policy_file_brings_its_margins(released, tmp_path):
    margin = "{measure: performance.roc_auc, by: 0.02, reason: r, source: s}"
    rule = "{id: useful, measure: performance.roc_auc, at_least: 0.7, reason: r, source: s}"
    (tmp_path / "policy.yaml").write_text(
        f"policy: [{rule}]\ncompare: {{superior: {margin}}}\nrelease: [{margin}]\n", encoding="utf-8"
    )
    suite = load_suite("finance/credit-risk").path.read_text(encoding="utf-8")
    head = suite[: suite.index("policy:\n")].replace("source: ", f"source: {load_suite('finance/credit-risk').folder}/")
    head = head.replace("card: ", f"card: {load_suite('finance/credit-risk').folder}/")
    (tmp_path / "own.yaml").write_text(head + "policy: policy.yaml\n", encoding="utf-8")
    read = load_suite(tmp_path / "own.yaml").suite
    assert read.compare.superior.by == 0.02 and [m.measure for m in read.release] == ["performance.roc_auc"]
    # Judged again, the margins of a policy file hold only where the audit had a baseline.
    out = tmp_path / "with.json"
    invoke(
        "audit", released / "small.yaml", "--model", released / "worse.csv", "--baseline", released / "last", "-o", out
    )
    again = invoke("judge", out, "--policy", tmp_path / "policy.yaml")
    assert again.exit_code == 1 and "release-roc-auc" in again.stdout
    alone = invoke("judge", released / "last" / "audit.json", "--policy", tmp_path / "policy.yaml")
    assert alone.exit_code == 0 and "release" not in alone.stdout


def test_what_is_missing_by_nature_is_no_gap(released):
    """A rate without a good direction has no gain, and a rule that can't be foretold is judged all the same."""
    suite = released / "power.yaml"
    suite.write_text(SUITE.replace("bias.groups]", "bias.groups, data.power]"), encoding="utf-8")
    found = run_audit(AuditRequest(str(suite), str(released / "model"), baseline=released / "last")).record
    gaps = [aspect for gap in not_tested(found) for aspect in gap.aspects]
    assert not [a for a in gaps if "bias.selection_rate," in a or "to pass" in a]
    forecast = next(r for r in found.records if r.check == "data.power")
    assert any(f.value is None for f in forecast.findings)
