"""Errors by group: gaps by hand, a model that puts one group too low is caught, an even one is not."""

import numpy as np
import pytest
from scipy.stats import binom

from harness.checks.bias.errors import errors


def made(gap, seed=0, n=400):
    rng = np.random.default_rng(seed)
    group = np.array(["a", "b"], dtype=object)[rng.integers(0, 2, n)]
    truth = rng.normal(50, 10, n)
    return truth, truth + rng.normal(0, 2, n) - gap * (group == "b"), group


def test_means_and_gaps_are_those_worked_by_hand(build_numbers, find):
    truth, said, group = made(3.0)
    found = errors(build_numbers(truth, said, groups={"sex": group}, data={"reference": {"sex": "a"}}))
    error, a, b = said - truth, group == "a", group == "b"
    assert find(found, "bias.mean_error", {"sex": "b"}).value == pytest.approx(error[b].mean())
    gap = find(found, "bias.mean_error_gap", {"sex": "b"})
    assert gap.value == pytest.approx(error[b].mean() - error[a].mean())
    half = 1.96 * np.hypot(error[a].std() / np.sqrt(a.sum()), error[b].std() / np.sqrt(b.sum()))
    assert gap.interval.high - gap.interval.low == pytest.approx(2 * half, rel=0.1)
    assert find(found, "bias.mean_absolute_error_gap", {"sex": "b"}).value == pytest.approx(
        np.abs(error[b]).mean() - np.abs(error[a]).mean()
    )


def test_a_group_put_too_low_is_caught_and_an_even_model_is_not(build_numbers, find):
    for gap, caught in ((2.0, True), (0.0, False)):
        truth, said, group = made(gap)
        found = errors(build_numbers(truth, said, groups={"sex": group}, data={"reference": {"sex": "a"}}))
        assert (find(found, "bias.mean_error_gap", {"sex": "b"}).interval.high < 0) == caught


def test_small_groups_are_undefined_and_a_single_group_is_not_tested(build_numbers, find):
    truth, said, group = made(0.0)
    group[group == "b"] = "a"
    assert errors(build_numbers(truth, said, groups={"sex": group})).status == "not_tested"
    group[:10] = "b"
    one = find(errors(build_numbers(truth, said, groups={"sex": group})), "bias.mean_error_gap", {"sex": "b"})
    assert one.value is None
    assert "30 answered rows needed" in one.reason


def test_an_even_model_of_thirty_rows_is_seldom_called_uneven(build_numbers, find):
    # Exponential errors in both groups: of a percentile bootstrap too many gaps lie wholly below 0.
    wrong, tables = {"mean_error": 0, "mean_absolute_error": 0}, 400
    group = np.array(["a"] * 30 + ["b"] * 500, dtype=object)
    rng = np.random.default_rng(4)
    for _ in range(tables):
        truth = rng.normal(50, 10, 530)
        evidence = build_numbers(
            truth, truth + rng.exponential(1, 530), groups={"sex": group}, data={"reference": {"sex": "b"}}
        )
        found = errors(evidence)
        for measure in wrong:
            band = find(found, f"bias.{measure}_gap", {"sex": "a"}).interval
            wrong[measure] += band.high < 0
    assert max(wrong.values()) <= binom.ppf(0.99, tables, 0.04)


def test_errors_that_are_alike_have_a_gap_with_a_width(build_numbers, find):
    truth, _, group = made(0.0)
    found = errors(build_numbers(truth, truth + 1, groups={"sex": group}, data={"reference": {"sex": "a"}}))
    for measure in ("mean_error", "mean_absolute_error"):
        gap = find(found, f"bias.{measure}_gap", {"sex": "b"})
        assert gap.interval.low < -0.01 and gap.interval.high > 0.01
        assert gap.value == pytest.approx(0)
