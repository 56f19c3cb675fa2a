"""Conformal intervals hold as often as they say on exchangeable rows, and are caught where rows are not."""

import numpy as np

from harness.checks.performance.conformal import conformal


def rows(n, seed, noise=1.0):
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 10, n)
    return truth, truth + rng.normal(0, noise, n)


def test_the_half_width_is_the_ranked_error_of_the_calibration_rows(build_numbers, find):
    truth, said = np.zeros(19), np.arange(1.0, 20.0)  # errors 1 … 19: (19 + 1) x 0.9 = the 18th
    evidence = build_numbers(np.zeros(40), np.arange(40.0), calibration={"labels": truth, "answers": said})
    found = conformal(evidence, levels=[0.9])
    assert find(found, "performance.interval_width", {"at": "90%"}).value == 36
    assert find(found, "performance.interval_coverage", {"at": "90%"}).value == 19 / 40


def test_coverage_holds_on_exchangeable_rows_and_fails_on_shifted_ones(build_numbers, find):
    for noise, holds in ((1.0, True), (2.0, False)):
        truth, said = rows(500, 1)
        evidence = build_numbers(*rows(500, 2, noise), calibration={"labels": truth, "answers": said})
        one = find(conformal(evidence), "performance.interval_coverage", {"at": "90%"})
        assert (0.860 <= one.value <= 0.934) == holds
        assert (one.interval.high < 0.86) == (not holds)


def test_too_few_calibration_rows_are_told(build_numbers, find):
    truth, said = rows(8, 1)
    evidence = build_numbers(*rows(50, 2), calibration={"labels": truth, "answers": said})
    one = find(conformal(evidence, levels=[0.9]), "performance.interval_coverage", {"at": "90%"})
    assert one.value is None
    assert "9 needed" in one.reason


def test_no_calibration_rows_is_not_tested(build_numbers):
    assert conformal(build_numbers(*rows(50, 2))).status == "not_tested"
