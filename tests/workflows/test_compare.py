import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from harness import compare
from harness.cli.app import app
from harness.errors import DataError, ModelError, SuiteError
from harness.workflows.compare import CompareRequest, overall
from harness.workflows.exhibits import Costs
from harness.workflows.fit import fit
from harness.workflows.listing import write_rows

SUITE = """
extends: finance/credit-risk
decision: null
name: small
checks: [performance.classification, bias.groups, privacy.membership]
policy: [{id: useful, measure: performance.roc_auc, at_least: 0.7, reason: r, source: s}]
release: []
"""
# Whoever guesses is fair by chance alone, so here a choice must not hang on bias.
PLAIN = SUITE + "compare: {not_inferior: [{measure: performance.brier, by: 0.01, reason: r, source: s}]}\n"


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A small suite, two fitted models, and saved predictions of a planted harmful and of a random model."""
    folder = tmp_path_factory.mktemp("compare")
    (folder / "small.yaml").write_text(PLAIN, encoding="utf-8")
    (folder / "fair.yaml").write_text(SUITE, encoding="utf-8")
    for name, base in (("boosted", "gradient-boosting"), ("logistic", "logistic-regression")):
        fit("finance/credit-risk", f"sklearn:{base}", folder / name)
    write_rows("finance/credit-risk", "test", folder / "rows.csv")
    rows = pd.read_csv(folder / "rows.csv")
    rng = np.random.default_rng(0)
    pd.DataFrame({"id": rows["id"], "score": rng.uniform(0.2, 0.8, len(rows))}).to_csv(
        folder / "random.csv", index=False
    )
    return folder


def run(work, vertical="boosted", general=("logistic",), suite="small.yaml", **more):
    names = [str(work / name) if (work / name).exists() else name for name in (vertical, *general)]
    return compare(CompareRequest(str(work / suite), names[0], tuple(names[1:]), **more))


@pytest.fixture(scope="module")
def clear(work):
    """A real model against one that guesses."""
    return run(work, general=("random.csv",), learning_curve=True)


def test_a_real_model_is_chosen_over_one_that_guesses(clear):
    assert clear.decision.outcome == "choose_vertical"
    main = next(d for d in clear.differences if d.measure == "performance.roc_auc")
    assert main.gain_interval.low > 0.1 and main.test.name == "inverted_interval" and main.test.p < 1e-5
    assert [leg.name for leg in clear.decision.legs if leg.outcome == "not_tested"] == ["guard"]
    assert clear.margins_source == "suite" and clear.level == 0.95


def test_the_mirror_image_chooses_the_general_model(work):
    found = run(work, vertical="random.csv", general=("boosted",))
    assert found.decision.outcome == "choose_general"


def test_two_good_models_are_not_told_apart_and_the_rows_needed_are_said(work):
    found = run(work)
    assert found.decision.outcome == "inconclusive" and found.decision.n_needed > 950


def test_a_model_against_itself_is_no_different(work):
    found = run(work, general=("boosted",))
    assert found.decision.outcome == "no_difference"
    assert all(d.value == 0 for d in found.differences if d.paired and d.value is not None)
    assert [m.name for m in found.models] == ["boosted", "boosted (2)"]


def test_a_better_model_that_takes_loans_from_one_group_is_not_chosen(work):
    """Planted: the true answers for all but half of the black applicants, who are denied."""
    from harness.datasets.roles import load_dataset
    from harness.spec.loading import load_suite

    test = load_dataset(load_suite("finance/credit-risk")).splits["test"]
    truth, black = test.labels == "yes", test.groups["race"] == "black"
    rng = np.random.default_rng(1)
    for name, harmed in (("harmful", black & (rng.random(len(truth)) < 0.5)), ("harmless", np.zeros(len(truth), bool))):
        score = np.where(truth | harmed, 0.9, 0.1) + rng.uniform(-0.02, 0.02, len(truth))
        pd.DataFrame({"id": test.ids, "score": score}).to_csv(work / f"{name}.csv", index=False)
    found = run(work, vertical="harmful.csv", suite="fair.yaml")
    assert found.decision.outcome == "trade_off"
    assert any("bias.impact_ratio (race: black)" in reason and "worse" in reason for reason in found.decision.reasons)
    assert run(work, vertical="harmless.csv", suite="fair.yaml").decision.outcome != "trade_off"


def test_several_general_models_are_compared_at_a_stricter_level(work):
    found = run(work, general=("random.csv", "logistic"))
    assert found.level == 0.975 and [c.outcome for c in found.choices] == ["choose_vertical", "inconclusive"]
    assert found.decision.outcome == "inconclusive" == overall(found.choices).outcome
    assert {d.against for d in found.differences} == {"random.csv", "logistic"}


def test_families_that_the_suite_does_not_measure_are_listed(clear):
    assert {"explainability", "robustness"} <= {n.what for n in clear.not_compared}
    privacy = next(n for n in clear.not_compared if n.what == "privacy")
    assert "random.csv" in privacy.reason  # whose training rows nobody knows


def test_what_is_shown_beside_the_differences(clear):
    titles = [e.title for e in clear.exhibits]
    curve = next(e for e in clear.exhibits if e.title.startswith("Learning curve"))
    sizes, values = [row[0] for row in curve.rows], [row[1] for row in curve.rows]
    assert sizes == [53, 107, 214, 428, 748, 1069] and values[-1] > values[0]
    assert values[-1] == next(d.first for d in clear.differences if d.measure == "performance.roc_auc")
    apart = next(e for e in clear.exhibits if e.title.startswith("Where the models disagree"))
    assert apart.columns == ["id", "truth", "boosted", "random.csv"] and all(row[2] != row[3] for row in apart.rows)
    assert any(t.startswith("Power") for t in titles)
    assert clear.models[0].seconds_per_1000 > 0 and clear.models[1].seconds_per_1000 is None


def test_texts_are_shown_only_where_the_suite_allows_it(work):
    allowed = work / "texts.yaml"
    allowed.write_text(SUITE + "data: {texts_in_reports: true}\n", encoding="utf-8")
    found = compare(CompareRequest(str(allowed), str(work / "boosted"), (str(work / "logistic"),)))
    apart = next(e for e in found.exhibits if e.title.startswith("Where the models disagree"))
    assert apart.columns[-1] == "text" and apart.rows[0][-1].startswith("Mortgage application")


def test_costs_are_paired_by_row(work):
    found = run(work, costs=Costs(missed=5, false_alarm=1))
    table = next(e for e in found.exhibits if e.title.startswith("Errors per 1,000"))
    one, other = (dict(zip(table.columns, row, strict=True)) for row in table.rows)
    assert one["cost"] == pytest.approx(5 * one["missed"] + one["false alarms"], abs=0.05)
    cost = next(d for d in found.differences if d.measure == "performance.expected_cost")
    assert cost.value == pytest.approx(one["cost"] - other["cost"], abs=0.02) and cost.gain == -cost.value


def test_two_runs_share_the_evidence_digest(work):
    assert run(work).evidence_digest == run(work).evidence_digest


def test_a_guard_suite_is_a_leg(work):
    guard = work / "guard.yaml"
    guard.write_text(PLAIN.replace("name: small", "name: guard"), encoding="utf-8")
    found = run(work, general=("random.csv",), guard_suite=str(guard))
    leg = next(leg for leg in found.decision.legs if leg.name == "guard")
    assert leg.outcome == "holds" and found.decision.outcome == "choose_vertical"
    assert any(d.guard_suite == str(guard) for d in found.differences)
    unfit = run(work, general=("random.csv",), guard_suite="medical/diagnosis-questions")
    assert unfit.decision.outcome == "inconclusive" and "can't be asked of both models" in unfit.decision.reasons[-1]


def test_a_suite_without_margins_is_decided_at_the_harness_default_and_says_so(work):
    bare = work / "bare.yaml"
    bare.write_text(SUITE + "compare: null\n", encoding="utf-8")
    found = compare(CompareRequest(str(bare), str(work / "boosted"), (str(work / "random.csv"),)))
    assert found.margins_source == "default" and found.margins.superior.by == 0
    assert found.decision.outcome == "choose_vertical"


def test_mistakes_are_said(work, tmp_path):
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(
        SUITE + "compare: {superior: {measure: performance.rocauc, by: 0, reason: r, source: s}}\n", encoding="utf-8"
    )
    with pytest.raises(SuiteError, match=r"Did you mean performance\.roc_auc"):
        compare(CompareRequest(str(wrong), str(work / "boosted"), (str(work / "logistic"),)))
    with pytest.raises(ModelError, match="There is no model"):
        run(work, general=("nowhere.skops",))
    short = pd.read_csv(work / "random.csv").iloc[:100]
    short.to_csv(work / "short.csv", index=False)
    with pytest.raises((DataError, ModelError)):
        run(work, general=("short.csv",))


def test_the_verb_writes_a_folder_and_gates_when_asked(work, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = [
        "compare",
        str(work / "small.yaml"),
        "--vertical",
        str(work / "boosted"),
        "--general",
        str(work / "logistic"),
    ]
    plain = CliRunner().invoke(app, arguments)
    assert plain.exit_code == 0 and "test rows would decide" in plain.stdout.replace("\n", " ")
    (folder,) = (tmp_path / "runs").glob("[!.]*")
    assert {p.name for p in folder.iterdir()} == {"comparison.json", "comparison.html", "comparison.md"}
    stored = json.loads((folder / "comparison.json").read_text(encoding="utf-8"))
    assert stored["schema"] == "vertical-harness/comparison/1" and stored["decision"]["outcome"] == "inconclusive"
    assert CliRunner().invoke(app, [*arguments, "--gate", "-o", "c.json"]).exit_code == 3
    chosen = [*arguments[:-1], str(work / "random.csv"), "--gate", "-o", "c.json"]
    assert CliRunner().invoke(app, chosen).exit_code == 0
    assert CliRunner().invoke(app, [*arguments, "--cost-missed", "5"]).exit_code == 2


def test_a_report_shows_rows_by_hash_and_the_key_finds_them_again(work, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("id.key").write_text("0123456789abcdef0123", encoding="utf-8")
    models = ["--vertical", str(work / "boosted"), "--general", str(work / "random.csv")]
    asked = ["compare", str(work / "small.yaml"), *models, "-o", "out/c.json", "-o", "out/c.html"]
    assert CliRunner().invoke(app, [*asked, "--id-key", "id.key"]).exit_code == 0
    stored = json.loads(Path("out/c.json").read_text(encoding="utf-8"))
    listed = next(e for e in stored["exhibits"] if e["title"].startswith("Where the models disagree"))
    ids = [row[0] for row in listed["rows"]]
    page = Path("out/c.html").read_text(encoding="utf-8").partition('id="disagreements"')[2].partition("<h2")[0]
    assert ids and not [row_id for row_id in ids if f"<td>{row_id}</td>" in page]
    assert (
        CliRunner().invoke(app, ["rows", str(work / "small.yaml"), "-o", "r.csv", "--id-key", "id.key"]).exit_code == 0
    )
    hashes = pd.read_csv("r.csv", dtype=str).set_index("id")["row_hash"]
    assert all(f"<td>{hashes[row_id]}</td>" in page for row_id in ids)
    assert CliRunner().invoke(app, ["verify", "out/c.json"]).exit_code == 0
    shutil.copy("id.key", "out/id.key")
    refused = CliRunner().invoke(app, [*asked, "--id-key", "out/id.key"])
    assert refused.exit_code == 2 and "folder of outputs" in " ".join(refused.stderr.split())
