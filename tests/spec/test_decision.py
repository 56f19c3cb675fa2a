import pytest
from pydantic import ValidationError

from harness.spec.suite import Suite


def suite(decision, **given):
    return Suite.model_validate({
        "name": "t", "vertical": "t", "checks": ["data.quality"], "decision": decision,
        "data": {"source": "-", "label": {"column": "y", "positive": "b"}, "features": ["x"]}, **given,
    })  # fmt: skip


@pytest.mark.parametrize("given", [{"threshold": 0.2}, {"sensitivity": 0.8, "reason": "r"}, {"specificity": 0.95}, {"review": 0.1}, {"review_batch": 0.1},
                                   {"costs": {"false_alarm": 1, "missed": 5}}, {"costs": {"matrix": {"a": {"a": 0, "b": 1}, "b": {"a": 5, "b": 0}}}}])  # fmt: skip
def test_one_way_to_decide_is_read(given):
    made = suite(given).decision
    assert made.mode == next(iter(given))
    assert (made.target is None) == (made.mode == "costs")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "give exactly one of threshold, sensitivity"),
        ({"threshold": 0.2, "review": 0.1}, "got threshold, review"),
        ({"threshold": 1.2}, "less than 1"),
        ({"sensitivity": 0}, "greater than 0"),
        ({"costs": {"missed": 5}}, "give matrix, or both false_alarm and missed"),
        ({"costs": {"missed": 5, "false_alarm": 0}}, "greater than 0"),
        ({"sensitivty": 0.8}, "Extra inputs"),
    ],
)
def test_what_can_not_be_meant_is_refused(given, says):
    with pytest.raises(ValidationError, match=says):
        suite(given)


def test_a_decision_needs_a_class_that_is_positive_or_a_cost_matrix():
    label = {"column": "y"}
    with pytest.raises(ValidationError, match=r"name it under data\.label\.positive"):
        suite({"sensitivity": 0.8}, data={"source": "-", "label": label, "features": ["x"]})
    with pytest.raises(ValidationError, match="leave it out where rows have no class"):
        suite({"sensitivity": 0.8}, task="regression", data={"source": "-", "label": label, "features": ["x"]})


def test_the_required_check_can_not_be_ruled_out():
    with pytest.raises(ValidationError, match="Grant a waiver with a reason"):
        suite(None, checks=["performance.skill"], not_applicable={"performance.skill": "no"})
