"""The gate as CI uses it: the steps of action.yml, run in a repository with a good, a bad and an undecided model."""

import json
from pathlib import Path

import pytest

MODELS = {"good": ("good", 0, "pass"), "bad": ("bad.csv", 1, "fail"), "unsure": ("unsure.csv", 3, "incomplete")}


@pytest.fixture(scope="module")
def ran(run_action):
    return {name: run_action(suite="suites/loans.yaml", model=model) for name, (model, *_) in MODELS.items()}


@pytest.fixture(params=MODELS)
def case(request, ran):
    return ran[request.param], *MODELS[request.param][1:]


def test_the_last_step_ends_with_the_exit_code_of_the_audit(case):
    run, code, _ = case
    assert run.code == code, run.printed


def test_the_outputs_are_those_of_the_record(case):
    run, code, verdict = case
    record = json.loads((run.folder / "audit.json").read_text(encoding="utf-8"))
    assert run.outputs == {
        "verdict": verdict, "exit-code": str(code), "evidence-digest": record["evidence_digest"],
        "report": str(run.folder / "report.html"), "folder": str(run.folder),
    }  # fmt: skip
    assert record["verdict"]["outcome"] == verdict
    assert Path(run.outputs["report"]).stat().st_size > 10_000


def test_the_summary_is_appended_and_says_the_verdict(case):
    run, _, verdict = case
    assert run.summary.startswith(f"# own/loans: {verdict.capitalize()}\n")
    assert "| ranks |" in run.summary


@pytest.mark.parametrize(("name", "command"), [("good", "notice"), ("bad", "error"), ("unsure", "warning")])
def test_the_annotations_are_printed(ran, name, command):
    lines = [line for line in ran[name].printed.splitlines() if line.startswith("::")]
    assert any(line.startswith(f"::{command} title=own/loans%3A ") for line in lines)
    assert any(line.startswith(f"::{command} title=ranks::") for line in lines) is (name != "good")


def test_what_the_audit_prints_is_no_command_for_github(ran):
    lines = ran["bad"].printed.splitlines()
    begin = next(i for i, line in enumerate(lines) if line.startswith("::stop-commands::"))
    token = lines[begin].removeprefix("::stop-commands::")
    end = lines.index(f"::{token}::")
    assert len(token) == 32
    assert begin < next(i for i, line in enumerate(lines) if line.startswith("Verdict:")) < end
    assert all(i > end for i, line in enumerate(lines) if line.startswith(("::error", "::warning")))


def test_the_junit_file_is_valid(case, request):
    etree = pytest.importorskip("lxml.etree")
    schema = etree.XMLSchema(etree.parse(str(Path(__file__).parents[1] / "outputs" / "junit-10.xsd")))
    run, code, _ = case
    tree = etree.parse(str(run.folder / "junit.xml"))
    schema.assertValid(tree)
    told = [child.tag for child in tree.find(".//testcase")]
    assert told == {0: [], 1: ["failure"], 3: ["error"]}[code]


def test_the_sarif_file_names_the_model_as_it_was_given(ran):
    (run,) = json.loads((ran["bad"].folder / "audit.sarif").read_text(encoding="utf-8"))["runs"]
    places = {r["ruleId"]: r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in run["results"]}
    assert places["ranks"] == "bad.csv"


def test_an_incomplete_verdict_may_be_let_through_and_is_still_told(run_action):
    run = run_action(suite="suites/loans.yaml", model="unsure.csv", fail_on_incomplete="false")
    assert (run.code, run.outputs["exit-code"], run.outputs["verdict"]) == (0, "3", "incomplete")


def test_a_policy_that_blocks_is_never_let_through(run_action):
    run = run_action(suite="suites/loans.yaml", model="bad.csv", fail_on_incomplete="false")
    assert run.code == 1


def test_another_word_than_true_or_false_blocks(run_action):
    run = run_action(suite="suites/loans.yaml", model="good", fail_on_incomplete="maybe")
    assert run.code == 2
    assert "Wanted: true or false" in run.printed


def test_a_policy_file_judges_instead_of_the_suite(run_action):
    run = run_action(suite="suites/loans.yaml", model="good", policy="strict.yaml")
    assert (run.code, run.outputs["verdict"]) == (1, "fail")
    record = json.loads((run.folder / "audit.json").read_text(encoding="utf-8"))
    assert [rule["at_least"] for rule in record["policy"]["rules"] if not rule["required"]] == [0.99]
    assert "Verdict: PASS" not in run.printed


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": "nowhere.skops"},
        {"model": "good", "suite": "suites/none.yaml"},
        {"model": "good", "policy": "none.yaml"},
        {"model": "good", "data": "none.csv"},
        {"model": "good", "baseline": "none.json"},
    ],
    ids=lambda wrong: next(reversed(wrong)),
)
def test_wrong_input_ends_with_2_and_without_a_verdict(run_action, wrong):
    run = run_action(**{"suite": "suites/loans.yaml", **wrong})
    assert run.code == 2, run.printed
    assert run.outputs["verdict"] == "none"
    assert run.outputs["evidence-digest"] == ""
    assert not (run.folder / "audit.json").exists()
    assert "::error title=vertical-harness::There is no verdict (exit code 2)" in run.printed
    assert "There is no verdict" in run.summary


@pytest.mark.parametrize("model", ["$(touch pwned)", '"; touch pwned; "', "--help", "`touch pwned`", "x\nverdict=pass"])
def test_an_input_is_never_read_as_shell_code_or_as_an_option(run_action, repository, model):
    run = run_action(suite="suites/loans.yaml", model=model)
    assert (run.code, run.outputs["verdict"]) == (2, "none")
    assert not (repository / "pwned").exists()


def test_without_a_suite_nothing_runs(run_action):
    run = run_action(model="good")
    assert (run.code, run.outputs) == (2, {})
    assert "GATE_SUITE is not set" in run.printed
