"""What the verbs promise beside their results: environment variables, interruption, completion, exit codes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import joblib
import pytest
import skops.io

from harness.models.allowed_types import TYPES

SUITE = "finance/credit-risk"


def run(*arguments, folder, **environment):
    return subprocess.run(
        [sys.executable, "-m", "harness.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, **environment},
    )


def test_an_option_can_be_given_as_an_environment_variable(credit_model, tmp_path):
    done = run("audit", SUITE, folder=tmp_path, HARNESS_AUDIT_MODEL=str(credit_model), HARNESS_AUDIT_OUTPUT="a.json")
    assert done.returncode == 3, done.stderr
    assert json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))["suite"]["name"] == SUITE


def test_an_unknown_output_is_refused_before_the_model_is_opened(tmp_path):
    done = run("audit", SUITE, "--model", "nowhere.skops", "-o", "report.htm", folder=tmp_path)
    assert done.returncode == 2
    assert "Did you mean html?" in done.stderr


def test_without_outputs_a_run_folder_holds_everything_and_can_be_judged_again(credit_model, tmp_path):
    done = run("audit", SUITE, "--model", credit_model, folder=tmp_path)
    assert done.returncode == 3
    (folder,) = (tmp_path / "runs").iterdir()
    names = {"audit.json", "report.html", "junit.xml", "summary.md", "predictions.parquet"}
    assert {p.name for p in folder.iterdir()} == names
    (tmp_path / "p.yaml").write_text(
        "policy: [{id: low, measure: performance.accuracy, at_least: 0.99, reason: r, source: s}]", encoding="utf-8"
    )
    assert run("judge", folder, folder=tmp_path).returncode == 3
    assert run("judge", folder, "--policy", "p.yaml", folder=tmp_path).returncode == 1


def heeding_interrupts():
    """Where the tests run behind a shell's &, interrupts are ignored, which a child would inherit."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_interrupting_ends_with_130_and_leaves_no_half_file(credit_model, tmp_path):
    command = [
        sys.executable,
        "-m",
        "harness.cli",
        "audit",
        SUITE,
        "--model",
        str(credit_model),
        "-o",
        "run/audit.json",
    ]
    for wait in (0.8, 1.2, 1.6, 0.5):
        with subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=heeding_interrupts
        ) as process:
            time.sleep(wait)
            process.send_signal(signal.SIGINT)
            _, error = process.communicate(timeout=60)
        if process.returncode == 130:
            break
    assert process.returncode == 130
    assert b"Traceback" not in error
    assert not (tmp_path / "run" / "audit.json").exists()


def test_a_shell_completes_a_verb(tmp_path):
    script = Path(sys.executable).parent / "harness"
    asked = {"_HARNESS_COMPLETE": "complete_bash", "COMP_WORDS": "harness au", "COMP_CWORD": "1"}
    done = subprocess.run([str(script)], capture_output=True, text=True, cwd=tmp_path, env={**os.environ, **asked})
    assert done.stdout.split() == ["audit"]


@pytest.fixture
def pickled(credit_model, tmp_path):
    model = skops.io.load(credit_model / "model.skops", trusted=sorted(TYPES))
    joblib.dump(model, tmp_path / "model.joblib")


@pytest.mark.usefixtures("pickled")
def test_a_pickle_opens_only_with_a_reason_and_the_reason_stands_in_the_record(tmp_path):
    assert run("audit", SUITE, "--model", "model.joblib", folder=tmp_path).returncode == 2
    reason = "built by our own pipeline"
    done = run(
        "audit", SUITE, "--model", "model.joblib", "--allow-unsafe-load", reason, "-o", "a.json", folder=tmp_path
    )
    assert done.returncode == 3, done.stderr
    record = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    loading = next(r for r in record["records"] if r["check"] == "model.loading")
    unsafe = next(f for f in loading["findings"] if f["measure"] == "model.unsafe_load")
    assert (unsafe["value"], unsafe["reason"]) == (1, reason)


def test_a_plan_says_what_each_rule_needs(credit_model, tmp_path):
    done = run("plan", SUITE, "--model", credit_model, "--dtype", "float32", "--window", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "four-fifths (race: black)                135 rows: passes from 0.889 to 1.099 observed" in lines
    assert any(line.startswith("calibrated                               not known before the run") for line in lines)
    refused = run("plan", SUITE, "--model", credit_model, "--dtype", "int8", folder=tmp_path)
    assert refused.returncode == 2
    assert "--dtype" in refused.stderr


def test_a_plan_says_which_rule_no_answers_can_pass(credit_model, tmp_path):
    (tmp_path / "s.yaml").write_text(
        f"extends: {SUITE}\npolicy:\n  - {{id: all, measure: performance.recall, of: {{class: 'yes'}}, at_least: 0.99, "
        "reason: r, source: s}\n"
    )
    done = run("plan", "s.yaml", "--model", credit_model, folder=tmp_path)
    assert "all (class: yes)" in done.stdout, done.stderr
    assert "can't pass: 112 rows: even 112 of 112 gives a lower bound of 0.968, below 0.99" in done.stdout
