"""ci/gate.sh where no CI system is, and the GitLab job that runs it."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
GATE = ROOT / "ci" / "gate.sh"


@pytest.fixture
def gate(repository, environment, tmp_path):
    def run(verb, **given):
        return subprocess.run(
            ["bash", str(GATE), verb], cwd=repository, capture_output=True, text=True,
            env=environment | {"GATE_SUITE": "suites/loans.yaml", "GATE_OUTPUT": str(tmp_path / "my out")} | given,
        )  # fmt: skip

    return run


def names_in(folder):
    """The files of a folder; predictions, which are named for their content, by their kind alone."""
    return {re.sub(r"-[0-9a-f]{16}\.", ".", p.name) for p in folder.iterdir()}


def test_on_a_terminal_the_verdict_is_printed_and_no_annotation(gate, tmp_path):
    done = gate("audit", GATE_MODEL="bad.csv")
    assert done.returncode == 0, done.stderr
    assert "Verdict: FAIL" in done.stdout
    assert "::" not in done.stdout
    assert gate("decide").returncode == 1
    names = {"audit.json", "report.html", "junit.xml", "summary.md", "audit.sarif", "annotations.txt", "exit-code"}
    assert names_in(tmp_path / "my out") == names | {"predictions.parquet"}


def test_the_verdict_of_an_earlier_run_is_not_taken_for_this_one(gate, tmp_path):
    assert gate("audit", GATE_MODEL="good").returncode == 0
    assert gate("decide").returncode == 0
    gate("audit", GATE_MODEL="nowhere.skops")
    assert gate("decide").returncode == 2
    assert names_in(tmp_path / "my out") == {
        "annotations.txt", "summary.md", "exit-code", "predictions.parquet",
    }  # fmt: skip


def test_another_option_of_audit_is_given_by_its_own_variable(gate, tmp_path):
    gate("audit", GATE_MODEL="good", HARNESS_AUDIT_ROWS="50")
    record = json.loads((tmp_path / "my out" / "audit.json").read_text(encoding="utf-8"))
    assert record["data"]["sampled_rows"] == 50


@pytest.mark.parametrize("verb", ["", "publish"])
def test_an_unknown_verb_is_wrong_input(gate, verb):
    done = gate(verb)
    assert done.returncode == 2
    assert "install, audit, decide" in done.stderr


def test_nothing_is_decided_before_an_audit(gate):
    done = gate("decide")
    assert done.returncode == 2
    assert "Run 'gate.sh audit' first" in done.stderr


@pytest.mark.parametrize(("model", "code"), [("good", 0), ("bad.csv", 1), ("unsure.csv", 3)])
def test_the_gitlab_job_ends_with_the_code_and_leaves_its_artifacts(repository, environment, model, code):
    job = yaml.safe_load((ROOT / "ci" / "gitlab.yml").read_text(encoding="utf-8"))[".harness-gate"]
    variables = {**job["variables"], "GATE_CHECKOUT": str(ROOT), "GATE_SUITE": "suites/loans.yaml", "GATE_MODEL": model}
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", "\n".join(job["script"])], cwd=repository, env=environment | variables,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    (kept,) = job["artifacts"]["paths"]
    assert (repository / kept / "report.html").is_file()
    assert (repository / job["artifacts"]["reports"]["junit"]).is_file()
    assert job["artifacts"]["when"] == "always"


@pytest.mark.parametrize("verb", ["audit", "decide"])
def test_a_line_end_in_the_output_folder_is_refused_and_starts_no_command(gate, tmp_path, verb):
    done = gate(verb, GATE_MODEL="good", GATE_OUTPUT=f"{tmp_path}/x\nverdict=pass\n::error::boo", GITHUB_ACTIONS="true")
    assert done.returncode == 2
    assert "control character" in done.stderr
    assert not any(line.startswith(("::", "verdict=")) for line in (done.stdout + done.stderr).splitlines())


def test_a_refused_value_starts_no_command(gate):
    done = gate("decide", GATE_FAIL_ON_INCOMPLETE="x\n::error::boo")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
