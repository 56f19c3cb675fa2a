"""Picking an option: known shares, a model that loves a letter is caught, an even one is not; items with fewer options."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml

from harness import audit
from harness.checks.performance.choice import choice
from harness.datasets.roles import load_dataset
from harness.errors import DataError, ModelError, SuiteError
from harness.spec.loading import load_suite
from harness.stats.exact import clopper_pearson
from harness.stats.intervals import tango
from harness.workflows.fit import fit

SUITE = {
    "name": "own/questions", "vertical": "v", "task": "choice",
    "data": {"source": "q.csv", "label": {"column": "right"}, "features": ["q", "a", "b", "c"], "options": ["a", "b", "c"],
             "split": {"test": 1.0}},
    "checks": ["performance.choice", "data.quality"],
    "views": {"prompt": {"template": "{{ q }}", "choices": {"0": " A", "1": " B", "2": " C"}}},
}  # fmt: skip


@pytest.fixture
def questions(tmp_path):
    """A suite of 300 items (every third lacks the third option); writes answers and audits them."""
    rng = np.random.default_rng(0)
    right = rng.integers(0, 2, 300)
    table = pd.DataFrame({"q": [f"question {i}" for i in range(300)], "a": "x", "b": "y", "c": ["z", "z", None] * 100})
    table.assign(right=right).to_csv(tmp_path / "q.csv", index=False)
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(SUITE))

    def asked(**columns):
        pd.DataFrame({"id": range(300), **columns}).to_csv(tmp_path / "p.csv", index=False)
        record = audit(tmp_path / "s.yaml", str(tmp_path / "p.csv"))
        return {(f.measure, *(f.of or {}).values()): f for f in record.records[0].findings}

    return right, asked, tmp_path


def test_accuracy_chance_and_places_are_those_worked_by_hand(questions):
    right, asked, _ = questions
    said = np.where(np.arange(300) < 240, right, 1 - right)
    found = asked(label=said)
    assert found["performance.accuracy",].value == 0.8
    assert found["performance.accuracy",].interval == clopper_pearson(240, 300)
    assert found["performance.chance_accuracy",].value == pytest.approx((200 / 3 + 100 / 2) / 300)
    assert found["performance.position_gap", "1"].value == pytest.approx((said == 0).mean() - (right == 0).mean())


def test_a_favourite_letter_is_caught_and_an_even_model_is_not(questions):
    right, asked, _ = questions
    assert asked(label=np.zeros(300, dtype=int))["performance.position_gap", "1"].interval.low > 0.3
    flipped = np.where(np.random.default_rng(1).random(300) < 0.3, 1 - right, right)
    gap = asked(label=flipped)["performance.position_gap", "1"].interval
    assert gap.low < 0 < gap.high


def test_a_position_gap_is_tangos_and_has_a_width_where_every_pick_is_right(questions):
    right, asked, _ = questions
    said = np.where(np.arange(300) < 240, right, 1 - right)
    gained, lost = int(((said == 0) & (right == 1)).sum()), int(((said == 1) & (right == 0)).sum())
    assert asked(label=said)["performance.position_gap", "1"].interval == tango(gained, lost, 300)
    gap = asked(label=right)["performance.position_gap", "1"]
    assert gap.value == 0 and gap.interval.low < -0.01 and gap.interval.high > 0.01


def test_of_clustered_items_alike_a_position_gap_has_a_width(build, find):
    evidence = build(["0", "1"] * 20, inputs=pd.DataFrame({"a": ["x"] * 40, "b": ["y"] * 40}), positive=None)
    evidence.data.splits["test"] = replace(evidence.split("test"), clusters=np.repeat(np.arange(20), 2).astype(str))
    data = evidence.suite.data.model_copy(update={"options": ["a", "b"]})
    evidence.suite = evidence.suite.model_copy(update={"data": data})
    gap = find(choice(evidence), "performance.position_gap", {"option": "1"})
    assert gap.interval.high == pytest.approx(1 - 0.025 ** (1 / 20))


def test_an_option_that_the_item_lacks_cannot_be_picked(questions):
    right, asked, _ = questions
    third = asked(label=np.full(300, 2))
    assert third["performance.answer_rate",].value == pytest.approx(2 / 3)
    scores = {"score:0": np.where(right == 0, 0.3, 0.1), "score:1": np.where(right == 1, 0.3, 0.1), "score:2": 0.6}
    found = asked(**scores)
    assert found["performance.accuracy",].value == pytest.approx(1 / 3)  # right wherever the third is lacking
    assert found["performance.answer_rate",].value == 1


def test_a_model_that_is_too_sure_is_seen(questions):
    right, asked, _ = questions
    said = np.where(np.random.default_rng(2).random(300) < 0.4, 1 - right, right)
    sure = asked(**{f"score:{k}": np.where(said == k, 0.98, 0.01) for k in range(3)})
    assert sure["performance.confidence_gap",].interval.low > 0.2
    assert asked(label=said)["performance.confidence_gap",].value is None


def test_labels_may_be_places_or_words_and_others_are_refused(questions):
    right, _, folder = questions
    table = pd.read_csv(folder / "q.csv")
    table["right"] = np.where(right == 0, "x", "y")
    table.to_csv(folder / "q.csv", index=False)
    assert list(load_dataset(load_suite(folder / "s.yaml")).splits["test"].labels) == [str(k) for k in right]
    table.loc[2, "right"] = "z"  # the third item lacks it
    table.to_csv(folder / "q.csv", index=False)
    with pytest.raises(DataError, match="row 2: the label in 'right' is no option"):
        load_dataset(load_suite(folder / "s.yaml"))


def test_nothing_is_fitted_and_options_belong_to_choice_alone(questions, tmp_path):
    _, _, folder = questions
    with pytest.raises(ModelError, match="Audit a language model"):
        fit(folder / "s.yaml", "sklearn:gradient-boosting", tmp_path / "m")
    body = {**SUITE, "task": "classification"}
    (folder / "w.yaml").write_text(yaml.safe_dump(body))
    with pytest.raises(SuiteError, match=r"data\.options"):
        load_suite(folder / "w.yaml")


def test_a_language_model_picks_letters(questions, make_language_model):
    _, _, folder = questions
    record = audit(folder / "s.yaml", str(make_language_model()))
    found = {f.measure: f for f in record.records[0].findings}
    assert 0 <= found["performance.accuracy"].value <= 1
    assert found["performance.confidence_gap"].value is not None


def test_no_test_rows_is_not_tested(build):
    evidence = build(["yes", "no"] * 10)
    del evidence.data.splits["test"]
    assert choice(evidence).status == "not_tested"
