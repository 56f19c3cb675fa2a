"""The fixture `harness_audit`, in test sessions of its own, as the installed entry point gives it."""

import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest

from harness import load_suite
from harness.datasets.roles import load_dataset

pytest_plugins = "pytester"

SUITE = """
extends: finance/credit-risk
decision: null
name: own/loans
checks: [performance.classification]
policy:
  - {id: ranks, measure: performance.roc_auc, at_least: 0.7, reason: r, source: s}
  - {id: hopes, measure: performance.accuracy, at_least: 0.99, severity: warn, reason: r, source: s}
"""
TEST = """
def test_the_model_may_be_released(harness_audit):
    record = harness_audit("loans.yaml", "{model}")
    assert record.suite.name == "own/loans"
"""


@pytest.fixture(scope="module")
def answers():
    """Three files of answers to the test rows: right ones, the same upside down, and labels without scores."""
    test = load_dataset(load_suite("finance/credit-risk")).splits["test"]
    right = (test.labels == "yes") * 0.6 + 0.2
    ids = {"id": test.ids}
    return {
        "good.csv": pd.DataFrame({**ids, "score": right}),
        "bad.csv": pd.DataFrame({**ids, "score": 1 - right}),
        "unsure.csv": pd.DataFrame({**ids, "label": test.labels}),
    }


@pytest.fixture
def session(pytester, answers):
    """A folder with the suite and the answers; called, it runs a test on one of them."""
    (pytester.path / "loans.yaml").write_text(SUITE, encoding="utf-8")
    for name, table in answers.items():
        table.to_csv(pytester.path / name, index=False)

    def run(model, *options, test=TEST):
        pytester.makepyfile(test_release=test.replace("{model}", model))
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", *options)

    return run


def test_a_model_that_passes_lets_the_test_go_on(session):
    session("good.csv").assert_outcomes(passed=1)


def test_a_model_that_fails_fails_the_test_and_names_what_blocks(session):
    done = session("bad.csv")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(
        [
            "own/loans: Fail. * does not conform to 2 blocking requirement*",
            "Fail           blocking ranks: 0.000 (*) against ≥ 0.7: the whole interval lies beyond the limit",
            "Report: */report.html",
        ]
    )
    assert "hopes" not in done.stdout.str()
    assert "Traceback" not in done.stdout.str()


def test_a_waiver_lets_the_release_through_and_what_it_waives_is_not_named_as_blocking(session, pytester):
    until = datetime.now(UTC).date() + timedelta(days=30)
    said = f"owner: o, reason: pilot, compensating_control: c, expires: {until}"
    # The required rule is lifted by a waiver, and by nothing else.
    waived = f"waivers:\n  - {{rule: ranks, {said}}}\n  - {{rule: better-than-guessing, {said}}}\n"
    (pytester.path / "loans.yaml").write_text(SUITE + waived, encoding="utf-8")
    session("bad.csv", "--junitxml", "tests.xml").assert_outcomes(passed=1)
    assert 'name="harness_waived" value="2"' in (pytester.path / "tests.xml").read_text(encoding="utf-8")
    also = SUITE + "  - {id: right, measure: performance.accuracy, at_least: 0.9, reason: r, source: s}\n"
    (pytester.path / "loans.yaml").write_text(also + waived, encoding="utf-8")
    done = session("bad.csv")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(
        ["own/loans: Fail. * does not conform to 1 blocking requirement*", "Fail           blocking right: *"]
    )
    done.stdout.no_fnmatch_line("Fail           blocking ranks: *")


def test_an_incomplete_audit_fails_the_test_unless_that_is_allowed(session):
    done = session("unsure.csv")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["own/loans: Incomplete. *", "Not tested     blocking ranks: *"])
    session("unsure.csv", "--harness-allow-incomplete").assert_outcomes(passed=1)
    allowing = TEST.replace('"{model}"', '"{model}", allow_incomplete=True')
    session("unsure.csv", test=allowing).assert_outcomes(passed=1)
    session("bad.csv", test=allowing).assert_outcomes(failed=1)


def test_wrong_input_is_told_without_a_traceback(session):
    done = session("nowhere.skops")
    done.assert_outcomes(failed=1)
    done.stdout.fnmatch_lines(["loans.yaml can't be audited: There is no model nowhere.skops*"])
    assert "Traceback" not in done.stdout.str()
    assert "opening.py" not in done.stdout.str()


def test_the_run_files_go_where_it_is_asked_and_each_audit_has_its_own(session, pytester):
    twice = TEST + '    harness_audit("loans.yaml", "unsure.csv", allow_incomplete=True)\n'
    session("good.csv", "--harness-output", "audits", test=twice).assert_outcomes(passed=1)
    first, second = sorted((pytester.path / "audits").iterdir())
    names = {"audit.json", "report.html", "junit.xml", "summary.md", "predictions.parquet"}
    for folder in (first, second):
        # Predictions beside explicit outputs are named for their content.
        assert {re.sub(r"-[0-9a-f]{16}\.", ".", p.name) for p in folder.iterdir()} == names
    told = [json.loads((f / "audit.json").read_text(encoding="utf-8"))["model"]["uri"] for f in (first, second)]
    assert told == ["good.csv", "unsure.csv"]


def test_options_of_data_reach_the_audit(session):
    rows = """
from harness.datasets.roles import DataOptions

def test_a_sample(harness_audit):
    assert harness_audit("loans.yaml", "good.csv", DataOptions(rows=200)).data.sampled_rows == 200
"""
    session("good.csv", test=rows).assert_outcomes(passed=1)


def test_the_verdict_and_the_digest_stand_in_the_report_of_the_test_run(session, pytester):
    session("bad.csv", "--junitxml", "tests.xml")
    text = (pytester.path / "tests.xml").read_text(encoding="utf-8")
    assert 'name="harness_verdict" value="fail"' in text
    assert 'name="harness_evidence" value="sha256:' in text


def test_a_session_that_makes_warnings_errors_measures_the_same(session):
    warns = """
import pytest

class Noisy:
    def __call__(self, frame):
        import warnings
        warnings.warn("old", DeprecationWarning)
        return (frame["pirat"] > 0.3).map({True: "yes", False: "no"})

def make():
    return Noisy()

def test_a_noisy_model(harness_audit):
    record = harness_audit("loans.yaml", "python:test_release:make", allow_incomplete=True)
    assert {r.status for r in record.records} == {"measured"}
"""
    session("good.csv", "-W", "error", test=warns).assert_outcomes(passed=1)


def test_the_plugin_costs_a_session_that_does_not_use_it_nothing(pytester):
    pytester.makepyfile(
        """
import sys

def test_nothing_heavy_is_loaded():
    loaded = {name for name in sys.modules if name.startswith("harness")}
    assert loaded == {"harness", "harness.pytest_plugin"}
"""
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)


def test_help_names_the_options(pytester):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--help"], capture_output=True, text=True, cwd=pytester.path, env=os.environ
    )
    assert "--harness-output=DIR" in done.stdout
