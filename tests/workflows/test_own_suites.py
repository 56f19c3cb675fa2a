"""Suites that a user writes, with predictions of the user's: the same verdict whatever way leads to it, and none for nothing."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
import yaml

from harness import audit, load_suite
from harness.datasets.roles import DataOptions, load_dataset
from harness.engine.progress import silent
from harness.errors import SuiteError
from harness.workflows.audit import AuditRequest, rejudge, run_audit
from harness.workflows.compare import CompareRequest, compare
from harness.workflows.fit import fit
from harness.workflows.init import Wishes, init
from harness.workflows.runs import compare_and_write
from harness.workflows.verify import verify

MATRIX = {"a": {"a": 0, "b": 1, "c": 10}, "b": {"a": 1, "b": 0, "c": 1}, "c": {"a": 30, "b": 20, "c": 0}}
USEFUL = {"id": "useful", "measure": "performance.accuracy", "at_least": 0.1, "reason": "r", "source": "s"}


def rule(measure, low=None, **more):
    limit = {} if low is None else {"at_least": low}
    return (
        {"id": measure.partition(".")[2].replace("_", "-"), "measure": measure, "reason": "r", "source": "s"}
        | limit
        | more
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """bin.csv (12 % yes) and three.csv, a good, a weak and a perfect model of the one, an overconfident of the other."""
    folder, rng = tmp_path_factory.mktemp("own"), np.random.default_rng(1)
    x, sex = rng.normal(size=1500), rng.choice(["f", "m"], 1500)
    p = 1 / (1 + np.exp(2 - 1.5 * x))
    ids = [f"r{i}" for i in range(1500)]
    yes = rng.random(1500) < p
    frame = pd.DataFrame({"id": ids, "x": x.round(4), "sex": sex, "y": np.where(yes, "yes", "no")})
    frame.to_csv(folder / "bin.csv", index=False)
    noise = rng.normal(size=1500)
    for name, score in (("good", p), ("weak", 1 / (1 + np.exp(2 - 0.5 * x - 0.8 * noise))), ("perfect", yes)):
        score = np.clip(score, 0, 1).astype(float)
        pd.DataFrame({"id": ids, "score": score}).to_csv(folder / f"{name}.csv", index=False)
    truth = rng.choice(["a", "b", "c"], 1500, p=[0.5, 0.25, 0.25])
    right, noise = np.array([[2.5 * (name == own) for name in "abc"] for own in truth]), rng.normal(0, 2, (1500, 3))
    pd.DataFrame({"id": ids, "x": x.round(4), "sex": sex, "y": truth}).to_csv(folder / "three.csv", index=False)
    for name, logits in (("calm", 0.6 * (right + noise)), ("sure", 10 * (right + 2 * noise))):
        scores = np.exp(logits - logits.max(axis=1, keepdims=True))
        scores /= scores.sum(axis=1, keepdims=True)
        pd.DataFrame({"id": ids} | {f"score:{c}": scores[:, k] for k, c in enumerate("abc")}).to_csv(
            folder / f"{name}.csv", index=False
        )
    return folder


def suite(folder, name, source="bin.csv", checks=("performance.classification",), policy=(USEFUL,), **keys):
    label = {"column": "y"} | ({"positive": "yes", "favourable": "yes"} if source == "bin.csv" else {})
    split = {"test": 0.5, "calibration": 0.2, "stratify": ["y"], "seed": 1}
    data = {"source": source, "id": "id", "label": label, "features": ["x"], "sensitive": {"sex": {"column": "sex"}}}
    more = keys.pop("label", None)
    body = {
        "name": f"own/{name}",
        "version": 1,
        "title": {"en": "t"},
        "vertical": "general",
        "task": "classification",
        "data": data | {"split": split, "label": label | (more or {})},
        "checks": list(checks),
        "policy": list(policy),
        "seed": 1,
    }
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(body | keys))
    return folder / f"{name}.yaml"


def outcomes(record):
    return {d.rule_id: (d.outcome, d.severity) for d in record.verdict.decisions}


def findings(record, measure):
    return [f for r in record.records for f in r.findings if f.measure == measure]


def test_a_comparison_that_chooses_is_verified(folder, tmp_path):
    path = suite(folder, "choice")
    request = CompareRequest(path, str(folder / "good.csv"), (str(folder / "weak.csv"),))
    found, _ = compare_and_write(request, [str(tmp_path / "c.json")], silent)
    assert found.decision.outcome == "choose_vertical"
    assert [leg.name for leg in found.decision.legs] == ["superior", "better_than_guessing"]
    verified = verify(tmp_path / "c.json")
    assert verified.difference is None
    assert any("choice" in text for text in verified.verified)


def test_a_comparison_holds_models_to_beating_guessing_and_to_no_wish_beyond_it(folder):
    wish = rule("performance.informedness", 0.9, severity="warn")
    path = suite(folder, "wish", policy=[USEFUL, wish])
    found = compare(CompareRequest(path, str(folder / "good.csv"), (str(folder / "weak.csv"),)))
    assert found.decision.outcome == "choose_vertical"


def test_a_record_judged_again_by_its_own_policy_keeps_its_rules(folder):
    path = suite(
        folder,
        "again",
        checks=["performance.classification", "performance.costs"],
        policy=[USEFUL, rule("performance.cost_saving", -500)],
        decision={"threshold": 0.7},
    )
    record = audit(path, str(folder / "good.csv"))
    again = rejudge(record, None, date(2026, 1, 1))
    assert again.policy.rules == record.policy.rules
    assert again.verdict.decisions == record.verdict.decisions
    old = record.model_copy(update={"policy": record.policy.model_copy(update={"facts": None})})
    assert rejudge(old, None, date(2026, 1, 1)).policy.rules == record.policy.rules


def test_costs_of_the_decision_are_judged_though_no_check_names_them(folder):
    record = audit(
        suite(folder, "costs", decision={"costs": {"false_alarm": 1, "missed": 5}}), str(folder / "good.csv")
    )
    assert outcomes(record)["saves-cost"] == ("pass", "warn")
    assert outcomes(record)["better-than-base-rate"] == ("pass", "block")


def test_of_several_classes_too(folder):
    path = suite(folder, "matrix", "three.csv", decision={"costs": {"matrix": MATRIX, "unit": "EUR"}})
    record, sure = (audit(path, str(folder / f"{name}.csv")) for name in ("calm", "sure"))
    (saving,) = findings(record, "performance.cost_saving")
    test = load_dataset(load_suite(path)).splits["test"]
    scores = pd.read_csv(folder / "calm.csv").set_index("id").loc[list(test.ids)].to_numpy()
    costs = np.array([[MATRIX[t][d] for d in "abc"] for t in "abc"], dtype=float)
    truth = np.array(["abc".index(name) for name in test.labels])
    own = costs[truth, (scores @ costs).argmin(axis=1)].mean()
    assert saving.value == pytest.approx(1000 * (costs[truth].mean(axis=0).min() - own))
    assert saving.unit.startswith("EUR")
    assert outcomes(record)["saves-cost"] == ("pass", "warn")
    assert outcomes(record)["better-than-base-rate"] == ("pass", "block")
    assert outcomes(sure)["better-than-base-rate"] == ("fail", "block")


def test_a_perfect_model_passes(folder):
    record = audit(suite(folder, "perfect", decision={"threshold": 0.2}), str(folder / "perfect.csv"))
    (skill,) = findings(record, "performance.brier_skill")
    assert skill.value == 1
    assert 0.9 < skill.interval.low < skill.interval.high == 1
    assert record.verdict.outcome == "pass"


def test_costs_of_three_classes_with_a_positive_one_are_of_it_against_the_rest(folder):
    checks = ["performance.classification", {"performance.costs": {"false_alarm": 1, "missed": 5}}]
    record = audit(suite(folder, "rest", "three.csv", checks, label={"positive": "c"}), str(folder / "calm.csv"))
    assert findings(record, "performance.expected_cost")
    checks[1] = {"performance.costs": {"matrix": MATRIX}}
    with pytest.raises(SuiteError, match="of two classes, and the data has 3"):
        audit(suite(folder, "rest2", "three.csv", checks, label={"positive": "c"}), str(folder / "calm.csv"))


def test_a_class_that_the_test_rows_lack_blocks_no_accuracy_gain(folder):
    frame = pd.read_csv(folder / "bin.csv")
    frame["part"] = np.where(frame["y"] == "yes", "train", np.where(frame.index % 2, "train", "test"))
    frame.to_csv(folder / "one.csv", index=False)
    path = suite(folder, "one", "one.csv", label={"positive": "yes"})
    body = yaml.safe_load(path.read_text())
    body["data"]["split"] = {"column": "part"}
    path.write_text(yaml.safe_dump(body))
    record = audit(path, str(folder / "good.csv"))
    assert outcomes(record)["better-than-majority"] == ("not_tested", "warn")


def test_one_answer_but_for_a_few_rows_passes_no_rule_on_groups_though_no_outcome_is_favourable(folder):
    frame = pd.read_csv(folder / "bin.csv")
    few = frame["y"].eq("yes") & (frame.index < 20)
    pd.DataFrame({"id": frame["id"], "label": np.where(few, "yes", "no")}).to_csv(folder / "few.csv", index=False)
    gap = {**rule("bias.accuracy_gap"), "between": [-0.2, 0.2], "group": {"sex": "*"}}
    path = suite(folder, "few", checks=["performance.classification", "bias.groups"], policy=[gap])
    body = yaml.safe_load(path.read_text())
    del body["data"]["label"]["favourable"]
    path.write_text(yaml.safe_dump(body))
    record = audit(path, str(folder / "few.csv"))
    assert outcomes(record)["accuracy-gap"][0] == "not_tested"


def test_without_calibration_rows_no_measure_of_answers_is_judged_and_the_decision_is_not_known(folder):
    tests = load_dataset(load_suite(suite(folder, "plain"))).splits["test"].ids
    frame = pd.read_csv(folder / "good.csv")
    frame[frame["id"].isin(tests)].to_csv(folder / "tests.csv", index=False)
    kept = {**rule("performance.accuracy_at_coverage", 0.1), "of": {"at": "*"}}
    path = suite(folder, "kept", checks=["performance.abstention"], policy=[kept], decision={"sensitivity": 0.8})
    record = audit(path, str(folder / "tests.csv"))
    assert outcomes(record)["accuracy-at-coverage"][0] == "not_tested"
    path = suite(folder, "groups", checks=["bias.groups"], policy=[], decision={"sensitivity": 0.8})
    assert audit(path, str(folder / "tests.csv")).decision.mode == "undetermined"
    most = [*tests, *load_dataset(load_suite(path)).splits["calibration"].ids[:-1]]
    frame[frame["id"].isin(most)].to_csv(folder / "most.csv", index=False)
    assert "hold 299 of the 300 rows" in audit(path, str(folder / "most.csv")).decision.reason


def test_other_data_take_the_plain_ids_of_the_suites_calibration_rows(folder):
    path = suite(folder, "other", decision={"sensitivity": 0.8})
    frame = pd.read_csv(folder / "bin.csv")
    later = frame.assign(id=[f"l{i}" for i in range(len(frame))], x=frame["x"] + 0.01)
    later.to_csv(folder / "later.csv", index=False)
    scores = pd.read_csv(folder / "good.csv")
    both = pd.concat([scores, scores.assign(id=later["id"])])
    both.to_csv(folder / "both.csv", index=False)
    record = audit(path, str(folder / "both.csv"), DataOptions(data=folder / "later.csv"))
    assert record.decision.threshold == audit(path, str(folder / "good.csv")).decision.threshold


def test_the_suites_own_file_as_other_data_sets_no_threshold_on_its_test_rows(folder):
    path = suite(folder, "itself", decision={"sensitivity": 0.8})
    record = audit(path, str(folder / "good.csv"), DataOptions(data=folder / "bin.csv"))
    assert record.decision.own_labels
    assert "are rows of --data" in record.decision.reason
    loaded, fingerprint = load_suite(path), load_dataset(load_suite(path)).fingerprint
    options = DataOptions(data=folder / "bin.csv", trained_ids=("r0", "r1"), trained_on=fingerprint)
    assert list(load_dataset(loaded, options).splits["train"].ids) == ["r0", "r1"]
    assert not len(load_dataset(loaded, replace(options, trained_on="sha256:other")).splits["train"])


def test_a_starter_counts_the_rows_that_the_suite_will_split(tmp_path):
    rng = np.random.default_rng(0)
    hit = rng.random(3000) < 0.08
    frame = pd.DataFrame({"pulse": rng.normal(70 + 8 * hit, 8).round(4), "stroke": hit.astype(int)})
    pd.concat([frame, frame]).to_csv(tmp_path / "twice.csv", index=False)
    init(tmp_path / "twice.csv", tmp_path / "twice.yaml", Wishes())
    part = load_dataset(load_suite(tmp_path / "twice.yaml")).splits["calibration"]
    assert (part.labels == "1").sum() >= 30


@pytest.mark.parametrize("spoilt", ["infinite", "characters"])
def test_the_signal_of_odd_columns_is_measured(folder, spoilt):
    frame = pd.read_csv(folder / "bin.csv")
    if spoilt == "infinite":
        frame["z"] = np.where(frame.index == 3, np.inf, 1.0)
    else:
        frame["z"] = [" ".join(str(i)) for i in frame.index + 1000]
    frame.to_csv(folder / f"{spoilt}.csv", index=False)
    path = suite(
        folder, spoilt, f"{spoilt}.csv", ["data.signal"], [rule("data.signal", 0.1)], label={"positive": "yes"}
    )
    body = yaml.safe_load(path.read_text())
    body["data"]["features"] = ["x", "z"]
    path.write_text(yaml.safe_dump(body))
    assert outcomes(audit(path, str(folder / "good.csv")))["signal"][0] == "pass"


def test_a_clone_fitted_again_answers_at_the_decision(folder, tmp_path):
    path = suite(folder, "clone", "three.csv", decision={"costs": {"matrix": MATRIX}})
    fit(path, "sklearn:logistic-regression", tmp_path / "model")
    evidence = run_audit(AuditRequest(path, str(tmp_path / "model"))).evidence
    every = {role: np.ones(len(evidence.data.splits[role]), dtype=bool) for role in ("train", "test")}
    again = evidence.refitted(every["train"], every["test"])
    costs = np.array([[MATRIX[t][d] for d in again.classes] for t in again.classes], dtype=float)
    assert list(again.labels) == [again.classes[k] for k in (again.scores @ costs).argmin(axis=1)]
    assert (again.labels != np.array(again.classes)[again.scores.argmax(axis=1)]).any()
