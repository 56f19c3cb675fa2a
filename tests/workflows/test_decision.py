"""The decision through the whole flow: init, fit, audit, rerun, compare, baseline, other data, saved predictions."""

import json
from datetime import date

import numpy as np
import pandas as pd
import pytest
import yaml

from harness import audit, load_suite
from harness.datasets.roles import DataOptions, load_dataset
from harness.engine.progress import silent
from harness.outputs.writing import render
from harness.spec.loading import Policy
from harness.workflows.audit import AuditRequest, rejudge
from harness.workflows.compare import CompareRequest, compare
from harness.workflows.fit import fit
from harness.workflows.init import Wishes, init
from harness.workflows.runs import audit_and_write


def table(n, rate, seed=0):
    rng = np.random.default_rng(seed)
    hit = rng.random(n) < rate
    return pd.DataFrame(
        {
            "pulse": (70 + 8 * hit + rng.normal(0, 8, n)).round(),
            "weight": rng.normal(75, 12, n).round(1),
            "stroke": hit.astype(int),
        }
    )


@pytest.fixture(scope="module")
def rare(tmp_path_factory):
    """A table of a rare class, its starter suite, a fitted model, and its run."""
    folder = tmp_path_factory.mktemp("rare")
    table(3000, 0.05).to_csv(folder / "rare.csv", index=False)
    starter = init(folder / "rare.csv", folder / "rare.yaml", Wishes())
    fit(folder / "rare.yaml", "sklearn:logistic-regression", folder / "model")
    record, written = audit_and_write(
        AuditRequest(folder / "rare.yaml", str(folder / "model")), [str(folder / "run" / "audit.json")], silent
    )
    return folder, starter, record, written[0]


def test_a_starter_suite_of_a_rare_class_sets_a_decision_and_says_why(rare):
    folder, starter, _, _ = rare
    suite = yaml.safe_load((folder / "rare.yaml").read_text())
    assert suite["decision"] == {"sensitivity": 0.8}
    assert any("The decision" in line and "hardly ever give it" in line for line in starter.decide)
    part = load_dataset(load_suite(folder / "rare.yaml")).splits["calibration"]
    assert (part.labels == "1").sum() >= 30


def test_with_too_few_positives_for_that_the_base_rate_is_the_threshold(tmp_path):
    table(600, 0.06).to_csv(tmp_path / "few.csv", index=False)
    init(tmp_path / "few.csv", tmp_path / "few.yaml", Wishes())
    assert 0.04 < yaml.safe_load((tmp_path / "few.yaml").read_text())["decision"]["threshold"] < 0.08


def test_a_class_that_is_not_rare_keeps_the_models_own_labels(tmp_path):
    table(1200, 0.4).to_csv(tmp_path / "even.csv", index=False)
    init(tmp_path / "even.csv", tmp_path / "even.yaml", Wishes())
    assert "decision" not in yaml.safe_load((tmp_path / "even.yaml").read_text())


def test_the_frozen_threshold_is_the_same_in_fit_audit_rerun_compare_and_baseline(rare):
    folder, _, record, path = rare
    card = json.loads((folder / "model" / "harness-model.json").read_text())
    frozen = record.decision.threshold
    assert card["threshold"] == frozen
    assert record.decision.model_threshold == frozen
    again = audit(folder / "rare.yaml", str(folder / "model"))
    assert (again.decision, again.evidence_digest) == (record.decision, record.evidence_digest)
    fit(folder / "rare.yaml", "sklearn:gradient-boosting", folder / "other")
    compared = compare(CompareRequest(folder / "rare.yaml", str(folder / "model"), (str(folder / "other"),)))
    assert compared.models[0].threshold == frozen
    assert compared.models[0].decision == record.decision
    beside = audit_and_write(
        AuditRequest(folder / "rare.yaml", str(folder / "model"), baseline=path), [str(folder / "b.json")], silent
    )[0]
    assert beside.decision == record.decision
    (gained,) = [
        f
        for r in beside.records
        for f in r.findings
        if f.measure == "baseline.gain" and f.of == {"measure": "performance.recall", "class": "1"}
    ]
    assert gained.value == 0  # the baseline's answers are those at its frozen threshold, not its own labels


def test_saved_predictions_keep_own_labels_and_the_decision_and_give_the_same_threshold(rare):
    folder, _, record, path = rare
    saved = pd.read_parquet(path.parent / record.predictions.path)
    assert set(saved["role"]) >= {"test", "calibration"}
    hit = saved["score:1"] >= record.decision.threshold
    assert (saved["decision"] == np.where(hit, "1", "0")).all()
    assert (saved["label"] == np.where(saved["score:1"] >= 0.5, "1", "0")).all()
    again = audit(folder / "rare.yaml", str(path.parent / record.predictions.path))
    assert again.decision.threshold == record.decision.threshold
    without = folder / "without.csv"
    saved.loc[saved["role"] == "test", ["id", "score:0", "score:1"]].to_csv(without, index=False)
    open_ = audit(folder / "rare.yaml", str(without))
    assert open_.decision.mode == "undetermined"
    assert {d.rule_id: d.outcome for d in open_.verdict.decisions}["better-than-guessing"] == "not_tested"
    assert {d.rule_id: d.outcome for d in open_.verdict.decisions}["useful"] == "pass"


def test_with_other_data_the_threshold_comes_from_the_suites_own_calibration_rows(rare):
    folder, _, record, _ = rare
    table(900, 0.05, seed=7).to_csv(folder / "later.csv", index=False)
    later = audit(folder / "rare.yaml", str(folder / "model"), DataOptions(data=folder / "later.csv"))
    assert later.decision.threshold == record.decision.threshold
    rows = {split.role: split.rows for split in later.data.splits}
    assert set(rows) == {"test", "suite_calibration"}
    assert rows["test"] > 850  # less its duplicates
    duplicates = next(f for r in later.records for f in r.findings if f.measure == "data.duplicate_rate")
    assert duplicates.n <= 900  # no check looks at the suite's rows


@pytest.mark.parametrize(("same_data", "own_labels"), [(True, True), (False, False)])
def test_with_other_data_training_ids_count_only_for_the_data_that_they_are_of(rare, same_data, own_labels):
    folder, _, _, _ = rare
    suite = load_suite(folder / "rare.yaml")
    part = load_dataset(suite)
    table(900, 0.05, seed=8).to_csv(folder / "others.csv", index=False)
    options = DataOptions(
        data=folder / "others.csv",
        trained_ids=tuple(part.splits["calibration"].ids[:3]),
        trained_on=part.fingerprint if same_data else "sha256:another",
    )
    assert (load_dataset(suite, options).trained_calibration_rows == 3) == own_labels


def test_calibration_rows_that_the_model_was_trained_on_set_no_threshold(rare):
    folder, _, _, _ = rare
    rows = load_dataset(load_suite(folder / "rare.yaml")).splits
    trained = pd.concat([rows["train"].columns, rows["calibration"].columns])
    trained.to_csv(folder / "trained.csv", index=False)
    record = audit(folder / "rare.yaml", str(folder / "model"), DataOptions(train_data=folder / "trained.csv"))
    assert record.decision.own_labels
    assert "was trained on" in record.decision.reason


def test_every_output_says_what_the_decision_is_in_one_sentence(rare):
    record = rare[2]
    sentence = f"Decision: '1' where its probability is at least {record.decision.threshold:.3g}"
    for kind in ("html", "markdown", "junit", "github", "sarif"):
        text = (
            render(record, kind).replace("&#39;", "'").replace("&#34;", '"').replace("%25", "%").replace("&apos;", "'")
        )
        assert sentence in text, kind


def test_a_policy_without_the_rule_gets_it_when_a_record_is_judged_again_and_only_a_waiver_lifts_it(rare):
    easy = {"id": "easy", "measure": "performance.accuracy", "at_least": 0.1, "reason": "r", "source": "s"}
    judged = rejudge(rare[2], Policy.model_validate({"policy": [easy]}), date(2026, 1, 1))
    added = {d.rule_id: d for d in judged.verdict.decisions}["better-than-guessing"]
    assert (added.required, added.outcome) == (True, "pass")
    waiver = {
        "rule": "better-than-guessing",
        "owner": "o",
        "reason": "why",
        "compensating_control": "c",
        "expires": "2026-06-01",
    }
    Policy.model_validate({"policy": [easy], "waivers": [waiver]})
