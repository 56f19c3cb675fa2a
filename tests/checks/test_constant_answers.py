"""One answer for everybody is no parity: nothing of it is about groups. The clean twin, whose answers differ, is measured."""

import numpy as np
import pytest

from harness.checks.bias.calibration import calibration
from harness.checks.bias.errors import errors
from harness.checks.bias.groups import groups

SEX = {"sex": np.tile(["f", "m"], 200)}
OF_ANSWERS = ("impact_ratio", "selection_rate_gap", "true_positive_rate_gap", "false_positive_rate_gap", "accuracy_gap")


def rows(share, seed=0):
    rng = np.random.default_rng(seed)
    return np.where(rng.random(400) < share, "yes", "no").astype(object)


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_the_same_answer_for_everyone_is_not_tested_but_ranks_by_group(build, find, answer):
    labels = rows(0.3)
    scores = 0.1 + 0.3 * (labels == "yes") + np.random.default_rng(1).uniform(0, 0.1, 400)
    found = groups(build(labels, answers=[answer] * 400, scores=scores, groups=SEX, favourable="yes"))
    for name in OF_ANSWERS:
        one = find(found, f"bias.{name}", {"sex": "f"})
        assert one.value is None
        assert f"everyone gets the same answer ('{answer}')" in one.reason
    assert find(found, "bias.roc_auc", {"sex": "f"}).value > 0.9
    assert find(found, "bias.group_size", {"sex": "f"}).value == 200
    assert not [f for f in found.findings if f.measure.startswith("bias.demographic")]


def test_answers_that_differ_are_measured_and_a_perfect_model_too(build, find):
    labels = rows(0.3)
    found = groups(build(labels, groups=SEX, favourable="yes"))
    assert find(found, "bias.true_positive_rate_gap", {"sex": "f"}).value == 0  # everyone who deserves it is selected
    assert find(found, "bias.impact_ratio", {"sex": "f"}).interval is not None


def test_where_the_rarer_answer_is_too_rare_groups_are_not_compared(build, find):
    answers = np.array(["yes"] * 400, dtype=object)
    answers[:6] = "no"  # three are expected in the smaller group, five needed
    found = groups(build(rows(0.7), answers=answers, groups=SEX, favourable="yes"))
    for name in OF_ANSWERS:
        one = find(found, f"bias.{name}", {"sex": "f"})
        assert one.value is None and "of the rarer answer expected in the smaller group" in one.reason
    answers[:20] = "no"
    found = groups(build(rows(0.7), answers=answers, groups=SEX, favourable="yes"))
    assert find(found, "bias.impact_ratio", {"sex": "f"}).value is not None


def test_the_same_probability_for_everyone_is_not_tested(build):
    found = calibration(build(rows(0.3), scores=np.full(400, 0.3), groups=SEX, favourable="yes"))
    assert found.status == "not_tested"
    assert "same probability" in found.reason


def test_the_same_number_for_everyone_is_not_tested(build_numbers):
    truth = np.random.default_rng(0).normal(size=400)
    constant = errors(build_numbers(truth, np.full(400, 1.5), groups=SEX))
    assert constant.status == "not_tested" and "same answer ('1.5')" in constant.reason
    assert errors(build_numbers(truth, truth + 0.1, groups=SEX)).status == "measured"
