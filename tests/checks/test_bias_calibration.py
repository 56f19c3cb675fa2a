"""Calibration by group: by hand and against statsmodels and a simulation; a group whose risk is understated is caught, an even model is not."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import beta
from statsmodels.stats.multitest import multipletests

from harness.checks.bias.calibration import GAP, LARGE, LARGEST, P_VALUE, RATIO, calibration
from harness.stats.calibration import gap_interval
from harness.stats.design_effect import mean_error
from harness.stats.intervals import observed_to_expected
from harness.stats.levels import at_level, p_beyond
from harness.stats.multiplicity import holm_adjusted


def made(build, shift=0.0, n=3000, seed=0, times=1):
    """Rows of three groups; the stated risk of group b is too low by `shift`."""
    rng = np.random.default_rng(seed)
    group = rng.choice(["a", "b", "c"], n, p=[0.5, 0.3, 0.2])
    true = rng.beta(2, 4, n)
    hit = np.where(rng.random(n) < true, "yes", "no")
    score = np.clip(true - shift * (group == "b"), 0.001, 0.999)
    take = np.repeat(np.arange(n), times)
    evidence = build(hit[take], scores=score[take], groups={"race": group[take]}, data={"reference": {"race": "a"}})
    if times > 1:
        test = evidence.data.splits["test"]
        evidence.data.splits["test"] = replace(test, clusters=take.astype(str).astype(object))
    return evidence, hit[take] == "yes", score[take], group[take]


def test_the_numbers_are_those_counted_by_hand(build, find):
    evidence, hit, score, group = made(build, 0.1)
    found = calibration(evidence)
    own, base = group == "b", group == "a"
    large = find(found, LARGE, {"race": "b"})
    assert large.value == pytest.approx(score[own].mean() - hit[own].mean())
    assert large.n == own.sum()
    assert find(found, RATIO, {"race": "b"}).value == pytest.approx(hit[own].sum() / score[own].sum())
    gap = find(found, GAP, {"race": "b"})
    assert gap.value == pytest.approx(large.value - (score[base].mean() - hit[base].mean()))
    every = [score[group == g].mean() - hit[group == g].mean() for g in "abc"]
    assert find(found, LARGEST, {"race": "*"}).value == pytest.approx(max(every) - min(every))
    assert not [f for f in found.findings if f.measure == GAP and f.group == {"race": "a"}]


def test_the_interval_is_of_as_many_rows_as_the_paired_variance_is_worth(build, find):
    evidence, hit, score, group = made(build)
    own = group == "c"
    share, error = hit[own].mean(), (score[own] - hit[own]).std(ddof=1) / np.sqrt(own.sum())
    worth = share * (1 - share) / error**2
    low, high = beta.ppf(
        [0.025, 0.975], [share * worth, share * worth + 1], [worth * (1 - share) + 1, worth * (1 - share)]
    )
    band = find(calibration(evidence), LARGE, {"race": "c"}).interval
    assert (band.low, band.high) == pytest.approx((score[own].mean() - high, score[own].mean() - low), abs=1e-6)


@pytest.mark.parametrize("rate", [0.03, 0.3])
def test_calibration_in_the_large_misses_the_truth_as_often_as_it_says(rate):
    # Calibrated probabilities, 300 rows: the old interval, of the two as if independent, missed in 0 to 5 of 1,000 samples.
    rng, missed = np.random.default_rng(4), 0
    for _ in range(1000):
        score = rng.beta(8 * rate, 8 * (1 - rate), 300)
        band = gap_interval(score, rng.random(300) < score)
        missed += not band.low <= 0 <= band.high
    assert 15 <= missed <= 70


def test_a_group_whose_risk_is_understated_is_caught_and_the_others_are_not(build, find):
    found = calibration(made(build, 0.1)[0])
    assert find(found, LARGE, {"race": "b"}).interval.high < 0
    assert find(found, RATIO, {"race": "b"}).interval.low > 1
    assert find(found, GAP, {"race": "b"}).interval.high < 0
    assert find(found, P_VALUE, {"race": "b"}).value < 0.001
    assert find(found, P_VALUE, {"race": "c"}).value > 0.05


def test_p_values_are_corrected_over_the_groups_of_the_attribute(build, find):
    found = calibration(made(build, 0.03)[0])
    bands = [find(found, GAP, {"race": name}) for name in "bc"]
    plain = [2 * p_beyond(f.interval, 0, above=f.value > 0) for f in bands]
    corrected = [find(found, P_VALUE, {"race": name}).value for name in "bc"]
    assert corrected == pytest.approx(list(multipletests(plain, method="holm")[1]))
    assert corrected[0] > 1.5 * plain[0]


def test_a_model_that_is_right_for_every_group_is_not_flagged(build, find):
    found = calibration(made(build)[0])
    for name in "abc":
        band = find(found, LARGE, {"race": name}).interval
        assert band.low < 0 < band.high
    assert min(f.value for f in found.findings if f.measure == P_VALUE) > 0.05


def test_a_gap_of_even_groups_is_covered_as_often_as_it_says(build, find):
    missed = sum(
        not (band := find(calibration(made(build, n=400, seed=seed)[0]), GAP, {"race": "b"}).interval).low
        < 0
        < band.high
        for seed in range(150)
    )
    assert missed <= 13  # 5 % of 150 is 7.5; this or more has a chance of 3 %


def test_copies_of_a_row_in_one_cluster_tell_nothing_new(build, find):
    once, copies = (find(calibration(made(build, times=times)[0]), GAP, {"race": "b"}) for times in (1, 3))
    assert copies.value == pytest.approx(once.value)
    widths = [one.interval.high - one.interval.low for one in (once, copies)]
    assert widths[1] == pytest.approx(widths[0], rel=0.05)


def test_small_groups_are_undefined_and_one_group_is_not_tested(build, find):
    evidence = build(["yes", "no"] * 60, scores=np.tile([0.4, 0.5], 60), groups={"sex": ["f"] * 100 + ["m"] * 20})
    found = calibration(evidence)
    for measure, group in ((LARGE, "m"), (RATIO, "m"), (GAP, "m"), (LARGEST, "*")):
        one = find(found, measure, {"sex": group})
        assert one.value is None and "insufficient sample" in one.reason
    assert not [f for f in found.findings if f.measure == P_VALUE]
    alone = calibration(build(["yes", "no"] * 60, scores=np.tile([0.4, 0.5], 60), groups={"sex": ["f"] * 120}))
    assert (alone.status, "fewer than two known groups" in alone.reason) == ("not_tested", True)
    assert "no probabilities" in calibration(build(["yes", "no"] * 60, groups={"sex": ["f", "m"] * 60})).reason


def test_a_group_without_any_event_and_one_stated_at_zero_have_no_false_certainty(build, find):
    labels = ["no"] * 60 + ["yes", "no"] * 30
    evidence = build(
        labels, scores=np.r_[np.full(60, 0.03), np.zeros(60)], groups={"age": ["old"] * 60 + ["young"] * 60}
    )
    found = calibration(evidence)
    old = find(found, RATIO, {"age": "old"})
    assert (old.value, old.interval.low) == (0, 0)
    assert old.interval.high > 1  # 1.8 events were expected: none is no proof
    young = find(found, RATIO, {"age": "young"})
    assert young.value is None and "all 0" in young.reason


def test_the_ratios_interval_covers_as_often_as_it_says_and_keeps_its_inputs():
    rng, missed = np.random.default_rng(1), 0
    for _ in range(1500):
        p = rng.beta(1, 9, 200)
        y = rng.random(200) < p
        band = observed_to_expected(int(y.sum()), 200, float(p.mean()), mean_error(p, None))
        missed += not band.low < 1 < band.high
    assert missed / 1500 < 0.065
    assert at_level(band, 0.99).low < band.low
    assert at_level(band, 0.95) == band


def test_holms_p_values_are_those_of_statsmodels():
    for p in ([0.012, 0.2, 0.001, 0.04, 0.9], [0.012, 0.01, 0.5]):
        assert holm_adjusted(p) == pytest.approx(multipletests(p, method="holm")[1])
    assert holm_adjusted([]) == []


def test_a_declared_slice_is_compared_like_an_attribute(build, find):
    evidence, hit, score, group = made(build, 0.1)
    test = evidence.data.splits["test"]
    evidence.data.splits["test"] = replace(
        test, slices={"eligible": np.where(group == "b", "no", "yes").astype(object)}
    )
    found = calibration(evidence, slices=["eligible"])
    own = group == "b"
    off = find(found, LARGE, {"eligible": "no"})
    assert off.value == pytest.approx(score[own].mean() - hit[own].mean())
    assert find(found, GAP, {"eligible": "no"}).interval.high < 0
    assert not [f for f in calibration(evidence).findings if f.group and "eligible" in f.group]
