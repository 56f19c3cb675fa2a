import shutil

import pytest

from harness.engine.progress import silent
from harness.workflows.audit import AuditRequest
from harness.workflows.fit import fit
from harness.workflows.runs import audit_and_write

SMALL = """
extends: finance/credit-risk
decision: null
name: small
version: 1
checks: [performance.classification]
policy:
  - {id: useful, measure: performance.roc_auc, at_least: 0.70, reason: r, source: s}
  - {id: right, measure: performance.accuracy, at_least: 0.5, severity: warn, reason: r, source: s}
"""
BASES = {"one": "sklearn:logistic-regression", "two": "sklearn:gradient-boosting", "three": "sklearn:random-forest"}


@pytest.fixture(scope="session")
def run_in():
    """Audits in a folder: the record, and the run folder made in its runs."""

    def run(folder, suite, model):
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            record, written = audit_and_write(AuditRequest(suite, model), [], silent)
        return record, folder / written[0].parent

    return run


@pytest.fixture(scope="session")
def three_models(tmp_path_factory, run_in):
    """A folder with a small suite, three fitted models, and a run of each; the records by model, in order of time."""
    folder = tmp_path_factory.mktemp("history")
    (folder / "small.yaml").write_text(SMALL, encoding="utf-8")
    records = {}
    for name, base in BASES.items():
        fit("finance/credit-risk", base, folder / name)
        records[name] = run_in(folder, "small.yaml", name)[0]
    return folder, records


@pytest.fixture
def history_folder(three_models, tmp_path):
    """A copy of three runs for a test to spoil, and their records by model."""
    shutil.copytree(three_models[0], tmp_path / "work")
    return tmp_path / "work", three_models[1]


CHECKED = """
extends: finance/credit-risk
decision: null
name: checked
version: 1
checks: [performance.classification, bias.groups, data.quality, data.power, privacy.membership, {explainability.direction: {expected: {pirat: up}}}]
policy:
  - {id: useful, measure: performance.roc_auc, at_least: 0.70, reason: r, source: s}
  - {id: fair, measure: bias.impact_ratio, group: {race: "*"}, between: [0.8, 1.25], severity: warn, reason: r, source: s}
"""


@pytest.fixture(scope="session")
def checked(tmp_path_factory, run_in):
    """A folder with a suite, a fitted model, and the one run of it."""
    folder = tmp_path_factory.mktemp("checked")
    (folder / "checked.yaml").write_text(CHECKED, encoding="utf-8")
    fit(folder / "checked.yaml", "sklearn:logistic-regression", folder / "model")
    return folder, run_in(folder, "checked.yaml", "model")[1].relative_to(folder)


@pytest.fixture
def run_folder(checked, tmp_path, monkeypatch):
    """A copy of that run for a test to spoil, in the working folder."""
    shutil.copytree(checked[0], tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")
    return checked[1]
