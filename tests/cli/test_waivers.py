"""The release gate with waivers: exit codes and what is printed, on a real audit."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from harness import audit
from harness.outputs.writing import write

HIGH = {"id": "high", "measure": "performance.accuracy", "at_least": 0.99, "reason": "r", "source": "s"}
LATER = datetime.now(UTC).date() + timedelta(days=30)
PAST = datetime.now(UTC).date() - timedelta(days=1)


def run(*arguments, folder):
    done = subprocess.run(
        [sys.executable, "-m", "harness.cli", *map(str, arguments)], capture_output=True, text=True, cwd=folder
    )
    assert "Traceback" not in done.stderr
    return done


def waiver(**keys):
    said = {"owner": "Head of credit", "reason": "Pilot", "compensating_control": "A person reads each denial"}
    return {"rule": "high", "expires": LATER, **said, **keys}


def written(folder, file, /, **document):
    (folder / file).write_text(yaml.safe_dump(document), encoding="utf-8")
    return folder / file


@pytest.fixture(scope="module")
def stored(credit_model, tmp_path_factory):
    path = tmp_path_factory.mktemp("stored") / "audit.json"
    return write(audit("finance/credit-risk", str(credit_model)), str(path))


def test_a_policy_file_with_an_active_waiver_lets_the_release_through_and_prints_it(stored, tmp_path):
    done = run(
        "judge", stored, "--policy", written(tmp_path, "p.yaml", policy=[HIGH], waivers=[waiver()]), folder=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Verdict: PASS WITH 1 WAIVER." in done.stdout
    assert f"waived until {LATER} by Head of credit" in done.stdout
    row = next(line for line in done.stdout.splitlines() if line.startswith("Waiver"))
    for text in (
        "high: in force, covers 1 decision",
        "Head of credit",
        "Pilot",
        "A person reads each denial",
        str(LATER),
    ):
        assert text in row
    assert next(line for line in done.stdout.splitlines() if "high: 0." in line).startswith("Fail ")


def test_an_expired_waiver_blocks_and_is_printed(stored, tmp_path):
    policy = written(tmp_path, "p.yaml", policy=[HIGH], waivers=[waiver(expires=PAST)])
    done = run("judge", stored, "--policy", policy, folder=tmp_path)
    assert done.returncode == 1
    assert f"expired on {PAST}, so the rule applies again" in done.stdout
    assert f"high: expired on {PAST}; the rule applies again · owner: Head of credit" in done.stdout
    assert "Verdict: FAIL." in done.stdout


def test_a_waiver_in_a_suite_holds_in_its_audit_and_when_it_is_judged_again(credit_model, tmp_path):
    by_group = waiver(rule="four-fifths", group={"race": "black"})
    suite = written(tmp_path, "suite.yaml", extends="finance/credit-risk", waivers=[by_group])
    assert "1 waiver." in run("validate", suite, folder=tmp_path).stdout
    assert f"waiver    four-fifths (race: black): until {LATER}" in run("show", suite, folder=tmp_path).stdout
    done = run("audit", suite, "--model", credit_model, "-o", "a.json", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Verdict: PASS WITH 1 WAIVER." in done.stdout
    assert run("judge", "a.json", folder=tmp_path).returncode == 0
    rules = written(tmp_path, "p.yaml", policy=[HIGH])
    assert run("judge", "a.json", "--policy", rules, folder=tmp_path).returncode == 1


def test_a_waiver_of_an_unknown_rule_is_exit_2(stored, tmp_path):
    policy = written(tmp_path, "p.yaml", policy=[HIGH], waivers=[waiver(rule="hihg")])
    done = run("judge", stored, "--policy", policy, folder=tmp_path)
    assert done.returncode == 2
    assert "there is no rule 'hihg'; the policy's rules: high" in done.stderr
