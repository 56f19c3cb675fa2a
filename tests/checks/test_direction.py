"""Direction of effect: a model that has it the wrong way round is caught, the right one is not."""

import numpy as np
import pandas as pd
import pytest

from harness.checks.explainability.direction import direction


def evidence(build_numbers, sign):
    inputs = pd.DataFrame({"water": np.linspace(100, 200, 80), "age": np.tile([1.0, 28.0], 40), "k": np.zeros(80)})
    return build_numbers(np.zeros(80), None, inputs=inputs, function=lambda x: sign * x["water"] + 0 * x["age"])


@pytest.mark.parametrize(("sign", "share"), [(-1.0, 1.0), (1.0, 0.0)])
def test_the_share_of_rows_that_move_the_declared_way(build_numbers, find, sign, share):
    found = direction(evidence(build_numbers, sign), expected={"water": "down"})
    one = find(found, "explainability.direction_agreement", {"feature": "water"})
    assert (one.value, one.n) == (share, 80)
    assert (one.interval.low > 0.9) == (share == 1.0)


def test_an_answer_that_does_not_move_does_not_agree(build_numbers, find):
    found = direction(evidence(build_numbers, 1.0), expected={"age": "up"})
    assert find(found, "explainability.direction_agreement", {"feature": "age"}).value == 0.0


def test_a_feature_that_never_differs_is_undefined(build_numbers, find):
    one = find(
        direction(evidence(build_numbers, 1.0), expected={"k": "up"}),
        "explainability.direction_agreement",
        {"feature": "k"},
    )
    assert one.value is None
    assert "equal" in one.reason


def three(build, turned=False):
    """A model of three classes: q rises with water and r falls, unless turned."""
    inputs = pd.DataFrame({"water": np.linspace(-2, 2, 90), "age": np.tile([1.0, 28.0, 3.0], 30)})
    sign = -1 if turned else 1

    def function(x):
        up = 1 / (1 + np.exp(-sign * x["water"].to_numpy()))
        return np.column_stack([np.full(len(x), 0.2), 0.8 * up, 0.8 - 0.8 * up])

    return build(["p", "q", "r"] * 30, inputs=inputs, function=function, positive=None)


def test_of_several_classes_each_class_has_its_own_direction_and_a_turned_model_is_caught(build, find):
    ways = {"q": {"water": "up"}, "r": {"water": "down"}, "p": {"water": "up"}}
    for turned, share in ((False, 1.0), (True, 0.0)):
        found = direction(three(build, turned), by_class=ways)
        for name in "qr":
            one = find(found, "explainability.direction_agreement", {"class": name, "feature": "water"})
            assert (one.value, one.n) == (share, 90)
        assert find(found, "explainability.direction_agreement", {"class": "p", "feature": "water"}).value == 0


def test_several_classes_ask_for_by_class(build):
    found = direction(three(build), expected={"water": "up"})
    assert (found.status, "by_class" in found.reason) == ("not_tested", True)


def test_a_positive_class_may_be_named_as_a_class(build, find):
    inputs = pd.DataFrame({"water": np.linspace(-2, 2, 90)})
    evidence = build(
        ["no", "yes"] * 45,
        inputs=inputs,
        function=lambda x: np.column_stack([0.5 - x["water"] / 9, 0.5 + x["water"] / 9]),
    )
    found = direction(evidence, expected={"water": "up"}, by_class={"no": {"water": "down"}})
    assert [f.value for f in found.findings] == [1, 1]


@pytest.mark.parametrize("unit", [1e-12, 1.0])
def test_the_unit_of_the_answers_does_not_decide_whether_they_move(build_numbers, find, unit):
    rows = pd.DataFrame({"water": np.linspace(0, 1, 40), "age": np.linspace(1, 2, 40)})
    evidence = build_numbers([0.0] * 40, None, inputs=rows, function=lambda f: unit * f["water"].to_numpy())
    found = direction(evidence, expected={"water": "up", "age": "up"})
    values = [find(found, "explainability.direction_agreement", {"feature": n}).value for n in ("water", "age")]
    assert values == [1.0, 0.0]
