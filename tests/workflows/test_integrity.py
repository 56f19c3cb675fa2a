"""An edited record, and edited predictions, are refused by every verb that reads them, and the part that differs is named."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from harness.cli.app import app
from harness.core.audit import Audit
from harness.engine import provenance
from harness.engine.records import open_audit
from harness.spec.loading import Policy
from harness.workflows.audit import rejudge

DAY = pd.Timestamp("2026-10-01").date()


def harness(*arguments):
    """Exit code, stdout and stderr of a command in the working folder."""
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    return done.exit_code, done.stdout, " ".join(done.stderr.split())


def body_of(run):
    return json.loads((run / "audit.json").read_text(encoding="utf-8"))


def write(run, body):
    (run / "audit.json").write_text(json.dumps(body), encoding="utf-8")


def a_number(run):
    body = body_of(run)
    finding = next(f for r in body["records"] for f in r["findings"] if f["measure"] == "performance.accuracy")
    finding["value"] = 0.99
    write(run, body)


def a_verdict(run):
    body = body_of(run)
    decision = next(d for d in body["verdict"]["decisions"] if d["rule_id"] == "useful")
    decision["outcome"] = "fail" if decision["outcome"] == "pass" else "pass"
    write(run, body)


def a_prediction(run):
    path = run / "predictions.parquet"
    table = pd.read_parquet(path)
    first = table.index[table["role"] == "test"][0]
    table.loc[first, ["score:yes", "score:no"]] = [0.999, 0.001]
    table.to_parquet(path, index=False)


def an_evidence_digest(run):
    body = body_of(run)
    body["evidence_digest"] = "sha256:" + "0" * 64
    body["digest"] = provenance.record_digest(body)
    write(run, body)


VERBS = {
    "judge": ("judge", "{run}"),
    "report": ("report", "{run}", "-o", "again.html"),
    "history": ("history", "runs"),
    "trend": ("history", "runs", "--measure", "performance.accuracy"),
    "verify": ("verify", "{run}"),
    "baseline": ("audit", "checked.yaml", "--model", "model", "--baseline", "{run}", "-o", "new.json"),
    "audit": ("audit", "checked.yaml", "--model", "{run}/predictions.parquet", "-o", "new.json"),
    "compare": ("compare", "checked.yaml", "--vertical", "model", "--general", "{run}/predictions.parquet", "-o", "c.json"),
}  # fmt: skip


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("edit", "names"),
    [
        (a_number, ["digest", "evidence_digest"]),
        (a_verdict, ["digest"]),
        (a_prediction, ["predictions.parquet"]),
        (an_evidence_digest, ["evidence_digest"]),
    ],
)
def test_an_edit_is_refused_by_every_verb_that_reads_it(run_folder, verb, edit, names):
    edit(run_folder)
    code, out, error = harness(*(part.format(run=run_folder) for part in VERBS[verb]))
    assert code == 4, error
    told = out + error
    assert f"its {' and its '.join(names)} do" in told.replace("\n", " ")
    assert not Path("new.json").exists() and not Path("again.html").exists()


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in ("baseline", "audit", "compare")])
def test_an_untouched_record_is_read(run_folder, verb):
    code, _, error = harness(*(part.format(run=run_folder) for part in VERBS[verb]))
    assert code == 0, error


def test_predictions_that_were_edited_after_the_index_was_made_are_noticed(run_folder):
    assert harness("history", "runs")[0] == 0
    a_prediction(run_folder)
    assert harness("history", "runs")[0] == 4


def test_predictions_that_the_record_beside_them_does_not_name_are_nobodys(run_folder):
    answers = pd.read_parquet(run_folder / "predictions.parquet").query("role == 'test'")
    answers.to_csv(run_folder / "own.csv", index=False)
    a_number(run_folder)  # the record is damaged, and says nothing of this file
    assert harness("audit", "checked.yaml", "--model", run_folder / "own.csv", "-o", "new.json")[0] == 0


def test_a_record_that_was_moved_alone_is_judged_and_drawn(run_folder):
    (run_folder / "predictions.parquet").unlink()
    for verb in ("judge", "report", "history"):
        assert harness(*(part.format(run=run_folder) for part in VERBS[verb]))[0] == 0


def old_definition(run):
    """The record as earlier versions wrote it: its evidence digest covers policy and verdict."""
    body = body_of(run)
    for key in ("digest_version", "earlier_audits", "rejudged_from"):
        body.pop(key)
    body["evidence_digest"] = provenance.evidence_digest(body)
    body["digest"] = provenance.record_digest(body)
    write(run, body)
    return body


def test_a_record_of_the_old_definition_is_read_and_its_edit_detected(run_folder):
    now, before = body_of(run_folder)["evidence_digest"], old_definition(run_folder)["evidence_digest"]
    assert now != before
    for verb in ("judge", "report", "history", "verify"):
        assert harness(*(part.format(run=run_folder) for part in VERBS[verb]))[0] == 0
    a_verdict(run_folder)
    code, _, error = harness("judge", run_folder)
    assert code == 4
    assert "its digest and its evidence_digest do" in error  # the old definition covers the verdict


def test_an_old_record_that_is_written_again_keeps_its_digest(run_folder):
    body = old_definition(run_folder)
    assert harness("report", run_folder, "-o", "again.json")[0] == 0
    assert json.loads(Path("again.json").read_text(encoding="utf-8")) == body
    assert harness("judge", "again.json")[0] == 0


def test_a_record_of_a_later_definition_is_not_guessed_at(run_folder):
    body = body_of(run_folder)
    body["digest_version"] = 99
    body["digest"] = provenance.record_digest(body)
    write(run_folder, body)
    code, _, error = harness("judge", run_folder)
    assert code == 2
    assert "digest_version 99" in error


def test_a_second_policy_keeps_the_evidence_digest(run_folder):
    stored = open_audit(run_folder)
    stricter = [rule.model_copy(update={"at_least": 0.99, "at_most": None}) for rule in stored.policy.rules[:1]]
    judged = rejudge(stored, Policy(policy=stricter), DAY)
    assert (judged.verdict.outcome, stored.verdict.outcome) == ("fail", "pass")
    assert judged.evidence_digest == stored.evidence_digest
    assert judged.digest != stored.digest
    assert judged.digest_version == 2


def test_every_number_of_a_finding_is_evidence(run_folder):
    body = body_of(run_folder)
    digest = provenance.evidence_digest(body)
    for key, value in (("value", 0.5), ("n", 3), ("group", {"a": "b"})):
        changed = json.loads(json.dumps(body))
        changed["records"][0]["findings"][0][key] = value
        assert provenance.evidence_digest(changed) != digest


def test_a_comparison_that_was_edited_is_refused(run_folder):
    shutil.copy(run_folder / "predictions.parquet", "other.parquet")
    made = harness("compare", "checked.yaml", "--vertical", "model", "--general", "other.parquet", "-o", "c.json")
    assert made[0] == 0, made[2]
    body = json.loads(Path("c.json").read_text(encoding="utf-8"))
    body["decision"]["outcome"] = "choose_vertical"
    Path("c.json").write_text(json.dumps(body), encoding="utf-8")
    for verb in (("report", "c.json", "-o", "c.html"), ("verify", "c.json")):
        code, _, error = harness(*verb)
        assert code == 4
        assert "its digest and its evidence_digest do" in error


def test_a_judged_again_record_names_the_one_that_it_came_from(run_folder):
    source = body_of(run_folder)["digest"]
    run = Path("runs/again")
    outputs = [f"{run}/audit.json", f"{run}/report.html", f"{run}/summary.md"]
    assert harness("judge", run_folder, *(x for o in outputs for x in ("-o", o)))[0] == 0
    assert body_of(run)["rejudged_from"] == source
    assert body_of(run_folder)["rejudged_from"] is None
    for name in ("report.html", "summary.md"):
        assert "judged again from record" in (run / name).read_text(encoding="utf-8").lower()
        assert source[7:15] in (run / name).read_text(encoding="utf-8")
    listed = harness("history", "runs")[1].splitlines()[1:]
    assert {line.split()[0]: f"judged again from {source[7:15]}" in line for line in listed} == {
        "again": True, run_folder.name: False
    }  # fmt: skip
    assert harness("judge", run)[0] == harness("verify", run)[0] == 0


CODE = """
import sys
from pathlib import Path
from harness import audit
from harness.workflows.fit import fit
fit(sys.argv[1], sys.argv[2], Path("twin"))
print(audit(sys.argv[1], "twin").evidence_digest)
"""


@pytest.mark.parametrize("base", ["sklearn:gradient-boosting", "sklearn:random-forest", "sklearn:tfidf"])
def test_two_fits_of_one_recipe_have_one_evidence(base, tmp_path):
    suite = "extends: finance/credit-risk\nname: twin\ndecision: null\nchecks: [performance.classification]\n"
    policy = "policy: [{id: u, measure: performance.roc_auc, at_least: 0.6, reason: r, source: s}]\n"
    digests = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        folder.mkdir()
        (folder / "twin.yaml").write_text(suite + policy, encoding="utf-8")
        done = subprocess.run(
            [sys.executable, "-c", CODE, "twin.yaml", base],
            capture_output=True, text=True, cwd=folder, env={**os.environ, "PYTHONHASHSEED": seed},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        digests.append(done.stdout.strip())
    assert (tmp_path / "1/twin/model.skops").read_bytes() != (tmp_path / "2/twin/model.skops").read_bytes()
    assert digests[0] == digests[1]


def test_the_records_own_json_is_the_model_of_it(run_folder):
    assert Audit.model_validate(body_of(run_folder)) == open_audit(run_folder)
