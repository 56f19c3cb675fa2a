"""The snippets of docs/gating.md: what they name exists, and what can run here is run."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from harness.outputs.writing import kind_of

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "gating.md").read_text(encoding="utf-8")
pytest_plugins = "pytester"


def snippet(name):
    (found,) = re.findall(rf"<!-- {name} -->\n```[a-z]+\n(.*?)```", PAGE, re.DOTALL)
    return found


@pytest.fixture
def repository(pytester, credit_model):
    """The files that the snippets name, and the checkout beside them."""
    for folder in ("suites", "models", "data"):
        (pytester.path / folder).mkdir()
    suite = "extends: finance/credit-risk\ndecision: null\nchecks: [performance.classification]\npolicy:\n"
    rule = "  - {id: ranks, measure: performance.roc_auc, at_least: 0.6, reason: r, source: s}\n"
    (pytester.path / "suites" / "loans.yaml").write_text(suite + rule, encoding="utf-8")
    shutil.copy(credit_model / "model.skops", pytester.path / "models" / "loans.skops")
    shutil.copy(ROOT / "suites" / "finance" / "hmda_boston.csv", pytester.path / "data" / "train.csv")
    (pytester.path / "vertical-harness").symlink_to(ROOT)
    return pytester


def test_the_test_in_the_page_passes(repository):
    path = repository.makepyfile(test_release=snippet("pytest"))
    repository.runpytest_subprocess("-p", "no:cacheprovider", path).assert_outcomes(passed=1)


def test_the_gate_in_the_page_runs_but_for_the_installation(repository, monkeypatch):
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    lines = [line for line in snippet("shell").splitlines() if not line.endswith(" install")]
    # Its training rows hold the suite's own test rows, so performance is an error and the verdict incomplete.
    done = subprocess.run(["bash", "-e", "-c", "\n".join(lines)], cwd=repository.path, capture_output=True, text=True)
    assert done.returncode == 3, done.stderr
    assert "test rows were used to train the model" in done.stdout
    assert (repository.path / "harness-gate" / "audit.json").is_file()


def test_the_workflow_gives_inputs_that_the_action_has(repository):
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    steps = yaml.safe_load(snippet("github"))["jobs"]["gate"]["steps"]
    given = next(s for s in steps if s.get("id") == "gate")["with"]
    assert set(given) <= set(action["inputs"])
    assert {name for name, spec in action["inputs"].items() if spec.get("required")} <= set(given)
    named = set(re.findall(r"`([a-z-]+)`", PAGE.partition("| input | |")[2].partition("Outputs:")[0]))
    assert set(action["inputs"]) <= named
    assert set(action["outputs"]) <= set(re.findall(r"`([a-z-]+)`", PAGE.partition("Outputs:")[2].partition("\n")[0]))
    assert all((repository.path / given[name]).exists() for name in ("suite", "model", "train-data"))


def test_the_gitlab_job_extends_one_that_the_template_has():
    job = yaml.safe_load(snippet("gitlab"))["release-gate"]
    template = yaml.safe_load((ROOT / "ci" / "gitlab.yml").read_text(encoding="utf-8"))
    assert job["extends"] in template
    script = (ROOT / "ci" / "gate.sh").read_text(encoding="utf-8")
    read = set(re.findall(r"GATE_[A-Z_]+", script)) | set(template[job["extends"]]["variables"])
    assert set(job["variables"]) <= read


def test_the_hook_in_the_page_is_one_that_the_repository_has():
    (there,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    ((asked,),) = [repo["hooks"] for repo in yaml.safe_load(snippet("pre-commit"))["repos"]]
    assert asked["id"] == there["id"]


def test_every_output_of_the_page_is_one_that_can_be_written():
    table = PAGE.partition("| output | `-o` | for |")[2].partition("SARIF and annotations")[0]
    targets = re.findall(r"^\|[^|]+\| `([^`]+)` \|", table, re.MULTILINE)
    assert {kind_of(target) for target in targets} == {"json", "html", "markdown", "junit", "sarif", "github"}
