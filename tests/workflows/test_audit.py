import os
import subprocess
import sys

import pytest

from harness import audit
from harness.datasets.roles import DataOptions, load_dataset
from harness.outputs.writing import render, write
from harness.spec.loading import built_in_suites, load_suite
from harness.workflows.fit import fit

QUESTIONS = [name for name in built_in_suites() if load_suite(name).suite.data.split.test == 1]


@pytest.mark.parametrize("name", QUESTIONS)
def test_every_suite_of_questions_audits_a_language_model_with_every_check_measured(name, make_language_model):
    record = audit(name, str(make_language_model()), DataOptions(rows=60))
    assert {r.check: r.reason for r in record.records if r.status != "measured"} == {}
    assert record.data.sampled_rows == 60


@pytest.mark.parametrize("name", [name for name in built_in_suites() if name not in QUESTIONS])
def test_every_suite_audits_a_fitted_model_with_every_check_measured(name, tmp_path):
    suite = load_suite(name).suite
    texts_only = suite.data.features in (["smiles"], ["text"])
    fit(name, "sklearn:tfidf" if texts_only else "sklearn:gradient-boosting", tmp_path)
    record = audit(name, str(tmp_path))
    assert {r.check for r in record.records if r.status != "measured"} == set(suite.not_applicable)
    assert record.verdict.outcome != "fail"


@pytest.fixture(scope="module")
def credit(credit_model):
    return audit("finance/credit-risk", str(credit_model))


def test_two_runs_share_the_evidence_digest(credit, credit_model):
    assert audit("finance/credit-risk", str(credit_model)).evidence_digest == credit.evidence_digest


def test_where_a_suite_lies_is_told_without_the_machine_and_is_no_evidence(credit_model, tmp_path):
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text(
            "extends: finance/credit-risk\nchecks: [data.quality]\npolicy: []\n", encoding="utf-8"
        )
    first, second = (audit(tmp_path / name, str(credit_model)) for name in ("a.yaml", "b.yaml"))
    assert (first.suite.uri, second.suite.uri) == ("a.yaml", "b.yaml")
    assert first.evidence_digest == second.evidence_digest


def test_one_record_gives_the_same_html_in_another_process_zone_and_hash_seed(credit, tmp_path):
    path = write(credit, str(tmp_path / "audit.json"))
    environment = {**os.environ, "TZ": "Asia/Shanghai", "PYTHONHASHSEED": "99", "LC_ALL": "C"}
    subprocess.run(
        [sys.executable, "-m", "harness.cli", "report", str(path), "-o", str(tmp_path / "r.html")],
        check=True,
        env=environment,
        capture_output=True,
    )
    assert (tmp_path / "r.html").read_text(encoding="utf-8") == render(credit, "html")


def test_the_report_asks_nothing_of_the_network_and_stays_under_a_megabyte(credit):
    page = render(credit, "html")
    assert len(page) < 1_000_000
    assert "default-src 'none'" in page
    assert " style=" not in page
    assert "src=" not in page.replace("default-src", "").replace("style-src", "").replace("img-src", "")


def test_members_unknown_is_not_tested_not_passed(credit_model):
    record = audit("finance/credit-risk", str(credit_model / "model.skops"))
    privacy = next(r for r in record.records if r.check == "privacy.membership")
    assert privacy.status == "not_tested"
    assert {d.outcome for d in record.verdict.decisions if d.rule_id == "members"} == {"not_tested"}


def test_a_model_scored_on_its_own_training_rows_is_an_error(credit_model, tmp_path):
    loaded = load_suite("finance/credit-risk")
    train = load_dataset(loaded).splits["train"].columns
    train.to_csv(tmp_path / "train.csv", index=False)
    options = DataOptions(data=tmp_path / "train.csv", train_data=tmp_path / "train.csv")
    record = audit("finance/credit-risk", str(credit_model / "model.skops"), options)
    assert next(r for r in record.records if r.check == "performance.classification").status == "error"
    assert next(d for d in record.verdict.decisions if d.rule_id == "useful").outcome == "error"
