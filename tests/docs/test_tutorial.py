"""The tutorial's commands, on a model and data that this project neither made nor ships."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness import audit
from harness.datasets.roles import DataOptions

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tutorial")
    shutil.copytree(TUTORIAL, folder, dirs_exist_ok=True)
    subprocess.run([sys.executable, "make_model.py"], cwd=folder, check=True)
    return folder


def audited(folder, **options):
    return audit(
        folder / "breast-cancer.yaml", str(folder / "model.skops"), DataOptions(folder / "test.csv", **options)
    )


def test_a_foreign_pipeline_with_its_own_training_set_passes(folder):
    record = audited(folder, train_data=folder / "train.csv")
    assert record.verdict.outcome == "pass"
    statuses = {r.check: r.status for r in record.records}
    assert statuses.pop("bias.groups") == "not_applicable"
    assert set(statuses.values()) == {"measured"}


def test_without_its_training_rows_the_verdict_is_incomplete(folder):
    record = audited(folder)
    assert record.verdict.outcome == "incomplete"
    assert {d.rule_id for d in record.verdict.decisions if d.outcome == "not_tested"} == {"members", "no-overlap"}
