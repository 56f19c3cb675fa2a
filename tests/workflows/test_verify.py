"""harness verify: what was recomputed is told, and what somebody edited is found even where every digest was computed anew."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
import yaml
from typer.testing import CliRunner

from harness.cli.app import app
from harness.core.audit import Audit
from harness.datasets.roles import load_dataset
from harness.engine import provenance
from harness.engine.progress import silent
from harness.engine.records import open_audit
from harness.outputs.writing import write as write_record
from harness.spec.loading import Policy, load_policy, load_suite
from harness.stats.exact import clopper_pearson
from harness.workflows.audit import AuditRequest, rejudge
from harness.workflows.runs import audit_and_write

COMPARED = ("compare", "checked.yaml", "--vertical", "model", "--general", "other.csv", "-o", "c.json")


def harness(*arguments):
    """Exit code, stdout and stderr of a command in the working folder."""
    done = CliRunner().invoke(app, [str(a) for a in arguments])
    return done.exit_code, done.stdout, " ".join(done.stderr.split())


def body_of(run, name="audit.json"):
    return json.loads((run / name).read_text(encoding="utf-8"))


def resealed(run, body):
    """Writes an edited audit with digests that match, as somebody determined would."""
    body["evidence_digest"] = provenance.evidence_digest(body)
    body["digest"] = provenance.record_digest(body)
    (run / "audit.json").write_text(json.dumps(body), encoding="utf-8")


def finding(body, measure, **about):
    found = (f for r in body["records"] for f in r["findings"] if f["measure"] == measure)
    return next(f for f in found if all((f["of"] or f["group"] or {}).get(k) == v for k, v in about.items()))


def decision(body, rule):
    return next(d for d in body["verdict"]["decisions"] if d["rule_id"] == rule)


def check(body, name):
    return next(r for r in body["records"] if r["check"] == name)


def test_what_was_recomputed_and_what_was_not_is_told(run_folder):
    code, out, error = harness("verify", run_folder)
    assert code == 0, error
    lines = out.splitlines()
    assert lines[0] == "Verified        digest, evidence_digest and predictions.parquet"
    body = body_of(run_folder)
    count = sum(f["interval"] is not None for r in body["records"] for f in r["findings"])
    count += sum(d["interval"] is not None for d in body["verdict"]["decisions"])
    assert lines[1] == f"Verified        {count} intervals, from their inputs"
    assert lines[2] == "Verified        6 decisions and the verdict, from the findings and the policy"
    assert lines[3].startswith("Verified        7 of 9 checks, from the data and the saved predictions: performance.")
    assert lines[4:6] == [
        "Not recomputed  explainability.direction: it asks the model for further answers",
        "Not recomputed  model.loading: it tells how the model was loaded",
    ]
    assert lines[6] == f"{run_folder}/audit.json: what was recomputed agrees; 2 parts were not recomputed."


def outcome(body):
    decision(body, "useful")["outcome"] = "fail"


def verdict(body):
    body["verdict"]["outcome"] = "fail"


def p_fail(body):
    decision(body, "useful")["p_fail"] = 0.25


def message(body):
    decision(body, "useful")["message"] = "all is well"


def needed(body):
    decision(body, "fair")["n_needed"] = 7


def an_end_of_an_interval(body):
    finding(body, "performance.accuracy")["interval"]["low"] = 0.5


def an_end_in_both_places(body):
    for part in (finding(body, "performance.roc_auc"), decision(body, "useful")):
        part["interval"]["low"] = 0.75


def a_value(body):
    finding(body, "performance.recall", **{"class": "yes"})["value"] = 0.9


def a_value_with_its_interval(body):
    """Ten more successes, everywhere."""
    found = finding(body, "performance.accuracy")
    found["interval"] = exact_of(found["interval"]["inputs"]["successes"] + 10, found["n"])
    found["value"] = found["interval"]["inputs"]["successes"] / found["n"]


def exact_of(successes, n):
    return clopper_pearson(successes, n).model_dump()


def a_count(body):
    finding(body, "data.duplicate_rate")["value"] = 0.25


def a_finding_left_out(body):
    check(body, "bias.groups")["findings"].pop()


def a_bar(body):
    exhibit = check(body, "performance.classification")["exhibits"][0]
    row = next(r for r in exhibit["rows"] if isinstance(r[-1], int | float))
    row[-1] += 1


def a_check_left_out(body):
    body["records"] = [r for r in body["records"] if r["check"] != "data.quality"]


def a_status(body):
    check(body, "privacy.membership").update(status="not_tested", reason="no", findings=[], exhibits=[])


def other_rows(body):
    body["data"]["splits"][1]["ids_digest"] = "sha256:" + "0" * 64


def a_rule(body):
    """A rule relaxed, and all judged by it as if it had been so."""
    record = rejudge_with(body, lambda rules: [rules[0].model_copy(update={"at_least": 0.6}), *rules[1:]])
    body["policy"], body["verdict"] = record["policy"], record["verdict"]


def rejudge_with(body, change):
    stored = Audit.model_validate(body)
    judged = rejudge(stored, Policy(policy=change(stored.policy.rules)), datetime.now(UTC).date())
    return judged.model_dump(mode="json", by_alias=True)


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (outcome, "decision useful, performance.roc_auc: outcome: the record says 'fail', recomputed 'pass'"),
        (verdict, "verdict, outcome: the record says 'fail', recomputed 'pass'"),
        (p_fail, "decision useful, performance.roc_auc: p_fail: the record says 0.25, recomputed 0.5"),
        (message, "decision useful, performance.roc_auc: message: the record says 'all is well', recomputed '0."),
        (needed, "decision fair, bias.impact_ratio (race: black): n_needed: the record says 7, recomputed "),
        (
            an_end_of_an_interval,
            "performance.classification, performance.accuracy, interval: low: the record says 0.5,",
        ),
        (
            an_end_in_both_places,
            "performance.classification, performance.roc_auc, interval: low: the record says 0.75,",
        ),
        (
            a_value,
            "performance.classification, performance.recall (class: yes), value by the interval's inputs: the record says 0.9,",
        ),
        (a_value_with_its_interval, "performance.classification, performance.accuracy: value: the record says 0."),
        (a_count, "data.quality, data.duplicate_rate: value: the record says 0.25, recomputed 0."),
        (a_finding_left_out, "bias.groups, number of findings: the record says "),
        (a_bar, "performance.classification, "),
        (a_check_left_out, "checks: length: the record says 8, recomputed 9"),
        (a_status, "privacy.membership, status: the record says 'not_tested', recomputed 'measured'"),
        (other_rows, "data, test rows, digest of their ids: the record says 'sha256:0000"),
        (a_rule, "policy, rules: 1 at_least: the record says 0.6, recomputed 0.7"),
    ],
)
def test_an_edit_under_new_digests_is_found_and_the_place_named_with_both_values(run_folder, edit, told):
    body = body_of(run_folder)
    assert body["data"]["splits"][1]["role"] == "test"
    edit(body)
    resealed(run_folder, body)
    assert harness("judge", run_folder)[0] != 4
    code, _, error = harness("verify", run_folder)
    assert code == 4
    assert f"Error: {run_folder}/audit.json: {told}" in error


@pytest.mark.parametrize("role", ["test", "train"])
def test_predictions_edited_under_new_digests_no_longer_give_the_measures(run_folder, role):
    path = run_folder / "predictions.parquet"
    table = pd.read_parquet(path)
    rows = table.index[table["role"] == role]
    table.loc[rows, ["score:yes", "score:no"]] = table.loc[rows, ["score:no", "score:yes"]].to_numpy()
    table.to_parquet(path, index=False)
    body = body_of(run_folder)
    body["predictions"]["sha256"] = provenance.sha256_file(path)
    resealed(run_folder, body)
    code, _, error = harness("verify", run_folder)
    assert code == 4
    assert {"test": "performance.classification, performance.", "train": "privacy.membership, privacy."}[role] in error


def test_a_second_copy_of_a_row_with_another_answer_is_found(run_folder):
    """Rows of equal inputs are asked once, so the measures follow from the first of them alone."""
    text = (
        Path("checked.yaml")
        .read_text(encoding="utf-8")
        .replace(", {explainability.direction: {expected: {pirat: up}}}", "")
    )
    Path("few.yaml").write_text(f"{text}\ndata: {{features: [chist, mhist]}}\nviews: null", encoding="utf-8")
    assert harness("fit", "few.yaml", "--base", "sklearn:logistic-regression", "-o", "few")[0] == 0
    run = audited("few.yaml", "few", "few-run")
    assert harness("verify", run)[0] == 0
    test = load_dataset(load_suite("few.yaml")).splits["test"]
    twin = test.ids[test.inputs.duplicated()][0]
    path = next(run.glob("*.parquet"))
    table = pd.read_parquet(path)
    table.loc[(table["id"] == twin) & (table["role"] == "test"), ["score:yes", "score:no"]] = [0.5, 0.5]
    table.to_parquet(path, index=False)
    body = body_of(run)
    body["predictions"]["sha256"] = provenance.sha256_file(path)
    resealed(run, body)
    code, _, error = harness("verify", run)
    assert code == 4
    assert f"predictions, test row {twin}" in error


def test_without_its_suite_a_records_intervals_and_decisions_are_verified(run_folder):
    shutil.move("checked.yaml", "kept.yaml")
    code, out, error = harness("verify", run_folder)
    assert code == 0, error
    assert "6 decisions and the verdict" in out
    assert (
        "Not recomputed  the measures: the suite checked with the recorded digest is not at hand (--suite PATH)" in out
    )
    assert "7 of 9 checks" in harness("verify", run_folder, "--suite", "kept.yaml")[1]
    text = Path("kept.yaml").read_text(encoding="utf-8")
    Path("kept.yaml").write_text(text.replace("0.70", "0.60"), encoding="utf-8")
    code, _, error = harness("verify", run_folder, "--suite", "kept.yaml")
    assert code == 2
    assert "--suite kept.yaml is not the suite of the record" in error


def test_without_the_predictions_the_checks_of_the_data_are_recomputed(run_folder):
    (run_folder / "predictions.parquet").unlink()
    shutil.move("model", "gone")
    code, out, error = harness("verify", run_folder)
    assert code == 0, error
    assert "Verified        2 of 9 checks, from the data and the saved predictions: data.quality, data.power\n" in out
    assert "Not recomputed  bias.groups: the saved predictions are not beside the record, or lack rows" in out
    assert "Not recomputed  predictions.parquet: not beside the record" in out


def audited(suite, model, name, *more):
    code, _, error = harness("audit", suite, "--model", model, "-o", f"{name}/audit.json", *more)
    assert code in (0, 1, 3), error
    return Path(name)


@pytest.fixture
def own_rows(run_folder):
    """The suite's own rows as two files: to test on, and to train on."""
    table = pd.read_csv(load_suite("finance/credit-risk").folder / "hmda_boston.csv")
    table.iloc[:1000].to_csv("test.csv", index=False)
    table.iloc[1000:].to_csv("train.csv", index=False)


@pytest.mark.usefixtures("own_rows")
def test_a_record_of_other_data_is_verified_with_these(run_folder):
    run = audited("checked.yaml", "model", "other", "--data", "test.csv", "--train-data", "train.csv")
    without = harness("verify", run)
    assert without[0] == 0
    assert "Not recomputed  the measures: the rows that the model was trained on are not at hand" in without[1]
    half = harness("verify", run, "--train-data", "train.csv")
    assert half[0] == 0
    assert "the suite's data are not those of the audit (sha256 differs): --data FILE names others" in half[1]
    code, out, error = harness("verify", run, "--data", "test.csv", "--train-data", "train.csv")
    assert code == 0, error
    assert "Verified        7 of 9 checks" in out
    code, _, error = harness("verify", run, "--data", "train.csv", "--train-data", "train.csv")
    assert code == 2
    assert "--data train.csv is not the data of the record" in error


@pytest.mark.usefixtures("run_folder")
def test_a_sample_saved_predictions_and_a_model_without_known_rows_are_verified():
    source = load_suite("finance/credit-risk").folder / "hmda_boston.csv"
    pd.read_parquet(next(Path("runs").glob("*/predictions.parquet"))).query("role == 'test'").to_csv(
        "p.csv", index=False
    )
    runs = {
        "sampled": audited("checked.yaml", "model", "sampled", "--rows", "300"),
        "saved": audited("checked.yaml", "p.csv", "saved"),
        "stated": audited("checked.yaml", "model/model.skops", "stated", "--trained-on-split"),
        "unknown": audited("checked.yaml", "model/model.skops", "unknown"),
        "own data": audited("checked.yaml", "model/model.skops", "own", "--data", source),
    }
    for name, run in runs.items():
        code, out, error = harness("verify", run)
        assert code == 0, (name, error)
        # Where the training rows are not known, membership was not tested, and that is recomputed too.
        assert "Verified        7 of 9 checks" in out or "Verified        8 of 9 checks" in out, (name, out)


def test_a_fitted_model_whose_answers_for_its_training_rows_were_not_saved(run_folder):
    text = Path("checked.yaml").read_text(encoding="utf-8").replace(" privacy.membership,", "")
    Path("less.yaml").write_text(text, encoding="utf-8")
    run = audited("less.yaml", "model", "less")
    assert set(pd.read_parquet(next(run.glob("*.parquet")))["role"]) == {"test"}
    for _ in range(2):
        assert "Verified        6 of 8 checks" in harness("verify", run)[1]
        shutil.rmtree("model", ignore_errors=True)  # its rows are those of the suite's split


def test_waivers_are_laid_on_as_of_the_recorded_day(run_folder):
    stored = open_audit(run_folder)
    rules = [{**stored.policy.rules[0].model_dump(exclude_none=True), "at_least": 0.99}]
    day = datetime.now(UTC).date() - timedelta(days=40)
    waiver = {
        "rule": "useful",
        "owner": "o",
        "reason": "r",
        "compensating_control": "c",
        "expires": day,
        "granted": day,
    }
    Path("p.yaml").write_text(yaml.safe_dump({"policy": rules, "waivers": [waiver]}), encoding="utf-8")
    run = Path("waived")
    write_record(rejudge(stored, load_policy(Path("p.yaml")), day), "waived/audit.json")
    assert body_of(run)["verdict"]["outcome"] == "pass"
    code, out, error = harness("verify", run)
    assert code == 0, error
    assert "Not recomputed  the policy: the record was judged again" in out
    body = body_of(run)
    body["verdict"]["judged_on"] = str(day + timedelta(days=1))
    resealed(run, body)
    code, _, error = harness("verify", run)
    assert code == 4
    assert "waiver_state: the record says 'active', recomputed 'expired'" in error


def test_a_folder_of_runs_is_verified_run_by_run_and_the_worst_code_counts(run_folder):
    shutil.copytree(run_folder, "runs/spoilt")
    body = body_of(Path("runs/spoilt"))
    outcome(body)
    resealed(Path("runs/spoilt"), body)
    (Path("runs") / "notes").mkdir()
    code, out, error = harness("verify", "runs")
    assert code == 4
    assert f"{run_folder}/audit.json: what was recomputed agrees" in out
    assert "runs/spoilt/audit.json: decision useful" in error
    assert harness("verify", "model")[0] == 2
    assert harness("verify", "nowhere")[0] == 2


def test_a_baseline_is_not_at_hand_and_its_rules_are_the_suites(run_folder):
    release = "release: [{measure: performance.roc_auc, by: 0.02, reason: r, source: s}]\n"
    Path("again.yaml").write_text(Path("checked.yaml").read_text(encoding="utf-8") + release, encoding="utf-8")
    run = audited("again.yaml", "model", "against", "--baseline", run_folder)
    code, out, error = harness("verify", run)
    assert code == 0, error
    assert "Verified        7 of 10 checks" in out
    assert "Not recomputed  baseline.paired: it compares with the saved predictions of an earlier release" in out


def a_p_value(body):
    next(d for d in body["differences"] if d["test"])["test"]["p"] = 0.25


def a_difference(body):
    next(d for d in body["differences"] if d["measure"] == "performance.accuracy")["value"] = 0.2


def a_models_value(body):
    next(d for d in body["differences"] if d["measure"] == "performance.accuracy")["first"] = 0.99


def a_gains_interval(body):
    next(d for d in body["differences"] if d["gain_interval"])["gain_interval"]["high"] = 0.9


def a_choice(body):
    body["choices"][0]["outcome"] = "choose_general"


def the_decision(body):
    body["decision"]["outcome"] = "choose_general"


def a_margin(body):
    body["margins"]["superior"]["by"] = 0.9


@pytest.fixture(scope="module")
def compared(checked, tmp_path_factory):
    """A comparison of the fitted model with answers of which some are turned round."""
    folder = tmp_path_factory.mktemp("compared")
    shutil.copytree(checked[0], folder / "work")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder / "work")
        answers = pd.read_parquet(checked[1] / "predictions.parquet").query("role == 'test'")
        answers["score"] = answers["score:yes"].where(answers.index % 11 != 0, 1 - answers["score:yes"])
        answers[["id", "score"]].to_csv("other.csv", index=False)
        assert harness(*COMPARED)[0] == 0
    return folder / "work" / "c.json"


def test_a_comparison_is_recomputed_but_for_its_measures(compared):
    code, out, error = harness("verify", compared)
    assert code == 0, error
    assert "1 choice and the decision, from the differences and the margins" in out
    assert "Not recomputed  the measures of each model: a comparison keeps no predictions" in out


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (a_p_value, "p-value by "),
        (
            a_difference,
            "difference of performance.accuracy against other.csv, value by the interval's inputs: the record says 0.2,",
        ),
        (a_models_value, "difference of performance.accuracy against other.csv, value: the record says "),
        (a_gains_interval, "interval: high: the record says 0.9, recomputed "),
        (a_choice, "choice against other.csv: outcome: the record says 'choose_general', recomputed 'inconclusive'"),
        (the_decision, "decision: outcome: the record says 'choose_general', recomputed 'inconclusive'"),
        (a_margin, "choice against other.csv: "),
    ],
)
def test_an_edit_of_a_comparison_under_new_digests_is_found(compared, tmp_path, edit, told):
    body = body_of(compared.parent, "c.json")
    edit(body)
    body["evidence_digest"] = provenance.comparison_digest(body)
    body["digest"] = provenance.record_digest(body)
    (tmp_path / "c.json").write_text(json.dumps(body), encoding="utf-8")
    assert harness("report", tmp_path / "c.json", "-o", tmp_path / "c.md")[0] == 0
    code, _, error = harness("verify", tmp_path / "c.json")
    assert code == 4
    assert told in error


def test_earlier_audits_of_the_same_rows_are_counted(run_folder):
    assert body_of(run_folder)["earlier_audits"] == {"audits": 0, "models": 0}
    assert harness("judge", run_folder, "-o", "runs/judged/audit.json")[0] == 0
    shutil.copytree(run_folder, "runs/copy")
    pd.read_parquet(run_folder / "predictions.parquet").query("role == 'test'").to_csv("p.csv", index=False)
    second, _ = audit_and_write(AuditRequest("checked.yaml", "p.csv"), [], silent)
    assert second.earlier_audits.model_dump() == {"audits": 1, "models": 1}
    third, written = audit_and_write(
        AuditRequest("checked.yaml", "p.csv"), ["out/audit.json", "out/r.html", "out/s.md"], silent
    )
    assert third.earlier_audits.model_dump() == {"audits": 2, "models": 2}
    assert third.evidence_digest == second.evidence_digest
    told = "These 950 test rows were used in 2 earlier audits of 2 models."
    for path in written[1:]:
        assert told in path.read_text(encoding="utf-8")
    assert told in harness("audit", "checked.yaml", "--model", "p.csv", "-o", "out/again.json")[2]
    sampled = harness("audit", "checked.yaml", "--model", "p.csv", "--rows", "300", "-o", "sampled/audit.json")
    assert sampled[0] in (0, 3)
    assert body_of(Path("sampled"))["earlier_audits"] == {"audits": 0, "models": 0}
    listed = harness("history", "runs", "-o", "h.json")
    assert listed[0] == 0
    table = json.loads(Path("h.json").read_text(encoding="utf-8"))
    assert [row["earlier_audits"] for row in table] == [0, 0, 0, 1]


def test_without_a_runs_folder_nothing_is_counted(run_folder):
    shutil.move("runs", "elsewhere")
    record, _ = audit_and_write(AuditRequest("checked.yaml", "model"), ["out/audit.json"], silent)
    assert record.earlier_audits is None
    assert not Path("runs").exists()
