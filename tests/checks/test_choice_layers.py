"""Questions with options of their own through every layer, from the suite to the report: one defect each, and a clean twin."""

import numpy as np
import pandas as pd
import pytest
import yaml

from harness import audit
from harness.datasets.roles import DataOptions
from harness.errors import SuiteError
from harness.outputs.html import render_html
from harness.spec.loading import load_suite
from harness.stats.exact import clopper_pearson
from harness.stats.intervals import newcombe

CHECKS = [
    *("performance.choice", "performance.slices", "performance.calibration", "performance.abstention", "bias.groups"),
    *("privacy.membership", "data.quality", "data.power", "data.shift", "data.clusters", "data.signal"),
    {"data.sites": {"by": "topic"}},
]
RULES = [
    {"id": "groups", "measure": "bias.accuracy_gap", "group": {"sex": "*"}, "between": [-0.1, 0.1]},
    {"id": "topics", "measure": "performance.slice_accuracy", "of": {"slice": "*"}, "at_least": 0.7},
    {"id": "sure", "measure": "performance.top_label_gap", "between": [-0.05, 0.05]},
    {"id": "members", "measure": "privacy.membership_auc", "of": {"attack": "*"}, "at_most": 0.56},
    {"id": "kin", "measure": "data.straddling_clusters", "at_most": 0},
    {"id": "alike", "measure": "data.shift_auc", "at_most": 0.6},
]
SUITE = {
    "name": "own/questions", "vertical": "v", "task": "choice", "checks": CHECKS,
    "data": {"source": "q.csv", "label": {"column": "right"}, "features": ["q", "a", "b", "c"], "options": ["a", "b", "c"],
             "id": "id", "sensitive": {"sex": {"column": "sex"}}, "reference": {"sex": "m"}, "cluster": "patient",
             "slices": {"topic": {"column": "topic"}}, "split": {"column": "part"}},
    "views": {"prompt": {"template": "{{ q }}", "choices": {"0": " A", "1": " B", "2": " C"}}},
    "policy": [{"reason": "r", "source": "s", **rule} for rule in RULES],
}  # fmt: skip
ROWS = 3000


def table_of(rng, defect):
    """Questions by two of a patient; the split cuts no patient in two, unless that is the defect."""
    patient = np.repeat(np.arange(ROWS // 2), 2)
    if defect == "kin":
        patient = rng.permutation(patient)
    part = np.where(np.arange(ROWS) < ROWS // 2, "test", "train")
    topic = rng.choice(["heart", "lung"], ROWS)
    options = np.column_stack([[f"{word} {k}" for k in rng.integers(0, 50, ROWS)] for word in ("drug", "test", "wait")])
    if defect == "alike":
        options[part == "test", 0] = "nothing of the kind"
    return pd.DataFrame({
        "id": [f"i{k}" for k in range(ROWS)], "q": [f"question {k} on {t}" for k, t in zip(rng.permutation(ROWS), topic, strict=True)],
        "a": options[:, 0], "b": options[:, 1], "c": options[:, 2], "right": rng.integers(0, 3, ROWS),
        "sex": rng.choice(["f", "m"], ROWS), "topic": topic, "patient": patient, "part": part,
    })  # fmt: skip


def answers_of(table, rng, defect):
    """Scores of a model that is right on 85 % and says so; the defect spoils it."""
    wrong = np.full(ROWS, 0.15)
    if defect == "groups":
        wrong[table["sex"] == "f"] = 0.5
    if defect == "topics":
        wrong[table["topic"] == "lung"] = 0.5
    if defect == "members":
        wrong[table["part"] == "train"] = 0.0
    miss = rng.random(ROWS) < wrong
    said = np.where(miss, (table["right"] + rng.integers(1, 3, ROWS)) % 3, table["right"])
    sure = np.clip(1 - wrong + rng.uniform(-0.1, 0.1, ROWS), 0.4, 0.98)
    if defect == "sure":
        sure = np.full(ROWS, 0.99)
    scores = np.tile(((1 - sure) / 2)[:, None], (1, 3))
    scores[np.arange(ROWS), said] = sure
    return pd.DataFrame({"id": table["id"], **{f"score:{k}": scores[:, k] for k in range(3)}}), said


@pytest.fixture(scope="module")
def audited(tmp_path_factory):
    """The audit of a defect's answers, with the table and the options picked."""
    made = {}

    def run(defect):
        if defect not in made:
            folder, rng = tmp_path_factory.mktemp("choice"), np.random.default_rng(7)
            table = table_of(rng, defect)
            given, said = answers_of(table, rng, defect)
            table.to_csv(folder / "q.csv", index=False)
            given.to_csv(folder / "p.csv", index=False)
            (folder / "s.yaml").write_text(yaml.safe_dump(SUITE))
            record = audit(folder / "s.yaml", str(folder / "p.csv"), DataOptions(trained_on_split=True))
            made[defect] = record, table, said
        return made[defect]

    return run


def findings(record):
    return {
        (f.measure, *(f.group or {}).values(), *(f.of or {}).values()): f for r in record.records for f in r.findings
    }


def outcomes(record, rule):
    return {d.outcome for d in record.verdict.decisions if d.rule_id == rule}


def test_only_what_has_no_meaning_is_not_applicable_and_says_why(audited):
    record = audited("none")[0]
    assert {r.check: r.status for r in record.records if r.status != "measured"} == {"data.signal": "not_applicable"}
    assert "the place of the right option" in next(r.reason for r in record.records if r.check == "data.signal")
    assert not any("has no such concept" in (r.reason or "") for r in record.records)


@pytest.mark.parametrize("rule", [rule["id"] for rule in RULES])
def test_each_defect_fails_its_rule_and_the_clean_twin_passes_all(audited, rule):
    assert "fail" in outcomes(audited(rule)[0], rule)
    assert outcomes(audited("none")[0], rule) == {"pass"}


def test_accuracy_and_its_gap_by_group_are_those_worked_by_hand(audited):
    record, table, said = audited("groups")
    found, test = findings(record), table["part"] == "test"
    hits = {
        s: ((said == table["right"]) & test & (table["sex"] == s)).sum() / (test & (table["sex"] == s)).sum()
        for s in "fm"
    }
    assert found["bias.accuracy", "f"].value == pytest.approx(hits["f"])
    assert found["bias.accuracy_gap", "f"].value == pytest.approx(hits["f"] - hits["m"])
    assert ("bias.accuracy_gap", "m") not in found
    n = int((test & (table["sex"] == "f")).sum())
    # Two rows a patient: their intervals are of counts over a design effect, so they are not narrower than of rows.
    alone = clopper_pearson(round(hits["f"] * n), n)
    own = found["bias.accuracy", "f"].interval
    assert own.high - own.low >= 0.98 * (alone.high - alone.low)
    wide = newcombe(round(hits["f"] * n), n, round(hits["m"] * (test.sum() - n)), int(test.sum()) - n)
    assert found["bias.accuracy_gap", "f"].interval.low == pytest.approx(wide.low, abs=0.02)
    assert not [key for key in found if key[0] in ("bias.selection_rate", "bias.impact_ratio", "bias.roc_auc")]


def test_slices_have_accuracy_and_no_auc(audited):
    record, table, said = audited("topics")
    found, rows = findings(record), (table["part"] == "test") & (table["topic"] == "lung")
    assert found["performance.slice_accuracy", "topic = lung"].value == pytest.approx(
        (said == table["right"])[rows].mean()
    )
    assert not [key for key in found if key[0].startswith("performance.slice_auc")]


def test_the_gap_attack_on_questions_is_the_difference_of_the_accuracies(audited):
    record, table, said = audited("members")
    right, train = said == table["right"], table["part"] == "train"
    wanted = right[train].mean() - right[~train].mean()
    assert findings(record)["privacy.membership_advantage", "gap"].value == pytest.approx(wanted)


def test_calibration_of_options_is_of_the_pick_alone(audited):
    found = findings(audited("none")[0])
    sure = findings(audited("sure")[0])
    assert sure["performance.top_label_ece",].interval.low > found["performance.top_label_ece",].interval.high
    assert not [key for key in found if key[0] == "performance.ece"]
    assert found["performance.top_label_gap",].value == pytest.approx(found["performance.confidence_gap",].value)


def test_texts_have_no_stability_index_and_say_so(audited):
    found = findings(audited("none")[0])
    assert found["data.stability_index", "q"].value is None
    assert "texts" in found["data.stability_index", "q"].reason
    assert found["data.stability_index", "a"].value is not None


def test_the_report_shows_groups_slices_and_members(audited):
    page = render_html(audited("groups")[0])
    for words in (
        "Accuracy by sex, 2 groups (reference: m)",
        "topic = lung",
        "Recognising training rows",
        "accuracy gap",
    ):
        assert words.lower() in page.lower()


def test_a_rule_on_who_is_favoured_is_refused_and_told_what_to_judge(tmp_path):
    rule = {"id": "parity", "measure": "bias.impact_ratio", "group": {"sex": "*"}, "between": [0.8, 1.25]}
    body = {**SUITE, "policy": [{"reason": "r", "source": "s", **rule}]}
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(body))
    with pytest.raises(SuiteError, match=r"bias\.accuracy_gap"):
        load_suite(tmp_path / "s.yaml")


def test_a_classifier_of_texts_whose_labels_are_places_answers_and_is_explained(tmp_path, make_classifier):
    table = table_of(np.random.default_rng(3), "none").iloc[:80].assign(part="test")
    table.to_csv(tmp_path / "q.csv", index=False)
    checks = ["performance.choice", {"explainability.attribution": {"rows": 10}}]
    views = {**SUITE["views"], "text": "{{ q }} A {{ a }} B {{ b }} C {{ c }}"}
    (tmp_path / "s.yaml").write_text(yaml.safe_dump({**SUITE, "checks": checks, "views": views, "policy": []}))
    record = audit(tmp_path / "s.yaml", str(make_classifier(labels=("0", "1", "2"))))
    assert {r.status for r in record.records} == {"measured"}
    shares = [f for f in record.records[1].findings if f.measure == "explainability.attribution_share"]
    assert [f.of["feature"] for f in sorted(shares, key=lambda f: f.of["feature"])] == ["a", "b", "c", "q"]
    assert sum(f.value for f in shares) == pytest.approx(1)
