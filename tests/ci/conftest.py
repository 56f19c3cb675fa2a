"""A repository as a user has it: a suite, its policy, and three models; and the Action's steps, run as GitHub runs them."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import yaml

from harness import load_suite
from harness.datasets.roles import load_dataset
from harness.workflows.fit import fit

ROOT = Path(__file__).parents[2]
SUITE = """
extends: finance/credit-risk
decision: null
name: own/loans
checks: [performance.classification, data.quality]
policy: policy.yaml
"""
POLICY = """
policy:
  - {id: ranks, measure: performance.roc_auc, at_least: 0.6, reason: Below this it adds nothing, source: "expert: owner"}
"""


@dataclass(frozen=True)
class Ran:
    """What came of the Action: its exit code, what was printed, and the files that GitHub reads."""

    code: int
    printed: str
    summary: str
    outputs: dict[str, str]
    folder: Path


@pytest.fixture(scope="session")
def repository(tmp_path_factory):
    """suites/loans.yaml and its policy; models: good (fitted), bad (its answers upside down), unsure (labels without scores)."""
    folder = tmp_path_factory.mktemp("repository")
    (folder / "suites").mkdir()
    (folder / "suites" / "loans.yaml").write_text(SUITE, encoding="utf-8")
    (folder / "suites" / "policy.yaml").write_text(POLICY, encoding="utf-8")
    (folder / "strict.yaml").write_text(POLICY.replace("0.6", "0.99"), encoding="utf-8")
    suite = str(folder / "suites" / "loans.yaml")
    fit(suite, "sklearn:logistic-regression", folder / "good")
    test = load_dataset(load_suite(suite)).splits["test"]
    wrong = (test.labels == "no").astype(float) * 0.8 + 0.1
    pd.DataFrame({"id": test.ids, "score": wrong}).to_csv(folder / "bad.csv", index=False)
    pd.DataFrame({"id": test.ids, "label": test.labels}).to_csv(folder / "unsure.csv", index=False)
    return folder


@pytest.fixture(scope="session")
def environment():
    """This interpreter's harness on the path, and nothing of a CI system."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "GATE_"))} | {"PATH": path}


@pytest.fixture(scope="session")
def run_action(repository, environment, tmp_path_factory):
    """Runs the Action's shell steps after the installation, which alone needs a network; stops where one fails."""

    def run(**given):
        work = tmp_path_factory.mktemp("run")
        action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
        inputs = {name: spec.get("default", "") for name, spec in action["inputs"].items()} | {
            name.replace("_", "-"): value for name, value in given.items()
        }
        inputs["output"] = str(work / "out")
        files = {name: work / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ENV")}
        for file in files.values():
            file.touch()
        github = {"GITHUB_ACTIONS": "true", "GITHUB_ACTION_PATH": str(ROOT)} | {k: str(v) for k, v in files.items()}
        code, printed = 0, ""
        for step in action["runs"]["steps"]:
            if "run" not in step or step["name"] == "Install the harness":
                continue
            own = {name: _filled(value, inputs) for name, value in step.get("env", {}).items()}
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
                cwd=repository, env=environment | github | own, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )  # fmt: skip
            code, printed = done.returncode, printed + done.stdout
            if code:
                break
        lines = files["GITHUB_OUTPUT"].read_text(encoding="utf-8").splitlines()
        outputs = dict(line.split("=", 1) for line in lines)
        return Ran(code, printed, files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8"), outputs, work / "out")

    return run


def _filled(value, inputs):
    return re.sub(r"\$\{\{ inputs\.([a-z-]+) \}\}", lambda found: inputs[found[1]], value)
