import numpy as np
import pandas as pd
import pytest

from harness.core.predictions import Predictions
from harness.errors import ModelError


def test_equal_rows_are_asked_once_and_each_gets_its_answer(evidence, counting, data):
    model = counting()
    test = {"x": [0.9, 0.1, 0.9, 0.9, 0.1], "kind": ["a", "a", "b", "a", "a"]}
    found = evidence(model, data(test=test, train={"x": [0.1, 0.7]}))
    found.collect(("test", "train"))
    assert [len(asked) for asked in model.asked] == [4]
    assert found.queries == 4
    assert model.asked[0].duplicated().sum() == 0
    assert found.predictions("test").labels.tolist() == ["yes", "no", "yes", "yes", "no"]
    assert found.predictions("test").scores[:, 1].tolist() == [0.9, 0.1, 0.9, 0.9, 0.1]
    assert found.predictions("train").scores[:, 1].tolist() == [0.1, 0.7]


def test_rows_that_miss_the_same_values_are_equal(evidence, counting, data):
    model = counting(spoil=lambda a: Predictions(a.classes, a.labels, None))
    rows = data(test={"x": [np.nan, np.nan, 0.1, 0.1], "kind": ["a", "a", None, None]})
    evidence(model, rows).collect(("test",))
    assert len(model.asked[0]) == 2


def test_saved_answers_of_equal_rows_are_looked_up_row_by_row(evidence, counting, data):
    model = counting(kind="predictions")
    evidence(model, data(test={"x": [0.9, 0.9, 0.1]})).collect(("test",))
    assert len(model.asked[0]) == 3


def test_a_split_without_rows_is_none_and_not_asked(evidence, counting, data):
    model = counting()
    found = evidence(model, data(test={"x": [0.9]}, train={"x": []}))
    found.collect(("test", "train"))
    assert found.split("train") is None and found.split("calibration") is None
    assert len(model.asked[0]) == 1


def test_rows_that_a_check_made_are_counted(evidence):
    found = evidence()
    found.collect(("test",))
    before = found.queries
    answers = found.ask(pd.DataFrame({"x": [0.2, 0.7, 0.7], "k": ["a"] * 3}))
    assert answers.labels.tolist() == ["no", "yes", "yes"]
    assert found.queries - before == 3


def test_a_checks_generator_depends_on_the_seed_and_its_name_alone(evidence):
    first, second = evidence(seed=1), evidence(seed=1)
    one = {name: first.generator(name).random(3).tolist() for name in ("bias.groups", "privacy.membership")}
    second.generator("privacy.membership").random(100)
    two = {name: second.generator(name).random(3).tolist() for name in ("privacy.membership", "bias.groups")}
    assert one == two
    assert one["bias.groups"] != one["privacy.membership"]
    assert evidence(seed=2).generator("bias.groups").random(3).tolist() != one["bias.groups"]


def changed(labels=None, scores=None, classes=None):
    return lambda a: Predictions(
        classes or a.classes, a.labels if labels is None else labels(a), a.scores if scores is None else scores(a.scores)
    )  # fmt: skip


def poisoned(scores):
    scores = scores.copy()
    scores[0, 0] = np.nan
    return scores


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (changed(labels=lambda a: a.labels[:-1]), "answered 3 of 4 inputs"),
        (changed(labels=lambda a: np.array(["maybe"] * 4, dtype=object)), "does not have: maybe"),
        (changed(scores=lambda s: s[:-1]), r"shape \(3, 2\); wanted \(4, 2\)"),
        (changed(scores=poisoned), r"NaN or infinite scores for 1 row\(s\)"),
        (changed(scores=lambda s: 3 * s - 1), r"gave scores from -0.7 to 1.7"),
        (changed(scores=lambda s: s / 2), "sum to 0.5"),
        (changed(classes=("no", "maybe")), "scores the classes"),
    ],
)
def test_an_answer_that_does_not_fit_is_the_models_mistake(spoil, says, evidence, counting):
    with pytest.raises(ModelError, match=says):
        evidence(counting(spoil=spoil)).collect(("test",))


def test_probabilities_rounded_to_three_digits_are_taken(evidence, counting):
    found = evidence(counting(spoil=changed(scores=lambda s: s * 1.0009)))
    found.collect(("test",))
    assert len(found.predictions("test").labels) == 4
