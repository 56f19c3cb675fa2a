"""Approval rate at a bad-rate cap: by a plain loop, a blind score is caught by the other half, and the choice has its interval."""

from dataclasses import replace

import numpy as np
import pytest

from harness.checks.performance.approval import KEPT, RATE, _half, _kept, approval
from harness.core.rule import Rule
from harness.engine.rule_problems import problems_of_rules

AT5 = {"at": "bad rate 5%"}


def made(build, n=1500, seed=0, blind=False, times=1):
    rng = np.random.default_rng(seed)
    score = 1 / (1 + np.exp(2.6 - 1.4 * rng.normal(size=n)))
    bad = rng.random(n) < score
    score = rng.permutation(score) if blind else score
    take = np.repeat(np.arange(n), times)
    evidence = build(np.where(bad, "yes", "no")[take], scores=score[take])
    if times > 1:
        owner = take.astype(str).astype(object)
        evidence.data.splits["test"] = replace(evidence.data.splits["test"], clusters=owner)
    return evidence, score, bad


def largest(score, bad, cap):
    """The share by a loop over the cuts, and the cut."""
    best = (0.0, None)
    for cut in np.unique(score):
        approved = score <= cut
        if bad[approved].mean() <= cap and approved.sum() >= 1 / cap:
            best = (approved.mean(), cut)
    return best


@pytest.mark.parametrize("cap", [0.03, 0.05, 0.1])
def test_the_largest_share_within_the_cap_is_that_of_a_loop(build, find, cap):
    evidence, score, bad = made(build)
    one = find(approval(evidence, bad_rate_caps=[cap]), RATE, {"at": f"bad rate {100 * cap:g}%"})
    assert one.value == pytest.approx(largest(score, bad, cap)[0])
    assert one.interval.low < one.value < one.interval.high
    assert one.n == 1500


def test_equal_scores_are_approved_together(build, find):
    labels = ["no"] * 40 + ["yes"] * 2 + ["no"] * 38 + ["yes"] * 20
    score = np.repeat([0.01, 0.2, 0.9], [40, 40, 20])
    found = approval(build(labels, scores=score))
    assert find(found, RATE, AT5).value == pytest.approx(0.8)  # 2 of 80 are bad; none of the tied ones alone
    assert (
        find(approval(build(labels, scores=score), bad_rate_caps=[0.025]), RATE, {"at": "bad rate 2.5%"}).value == 0.8
    )
    assert find(approval(build(labels, scores=score), bad_rate_caps=[0.024]), RATE, {"at": "bad rate 2.4%"}).reason


def test_a_cut_of_one_half_is_measured_on_the_other(build, find):
    evidence, score, bad = made(build)
    one = find(approval(evidence), KEPT, AT5)
    assert one.interval.low < 0.05 < one.interval.high
    assert one.n == pytest.approx(1500 * largest(score, bad, 0.05)[0], rel=0.2)


def test_a_half_is_judged_by_the_cut_of_the_other_and_never_by_its_own():
    score, half = np.tile(np.linspace(0.01, 1, 100), 2), np.repeat([True, False], 100)
    bad = np.where(half, score > 0.5, score <= 0.5)  # the halves contradict each other
    found = _kept(score, bad, 0.05, half, None, AT5)
    assert (found.value, found.n) == (50 / 52, 52)  # the first half's cut lies at 52 rows, and 2 are bad there
    assert bad[half][:52].sum() == 2


def test_halves_keep_clusters_whole():
    owner = np.repeat(np.arange(40), 5).astype(str)
    half = _half(200, owner, np.random.default_rng(0))
    assert all(len(set(half[owner == name])) == 1 for name in set(owner))
    assert half.sum() == 100


def test_a_few_safe_rows_are_no_evidence_of_a_cap(build, find):
    labels = ["no"] * 8 + ["yes", "no"] * 96
    found = find(approval(build(labels, scores=np.linspace(0.01, 0.99, 200))), RATE, AT5)
    assert found.value is None  # nobody of the first 8 is bad, but a cap of 5 % takes 20 rows to see


def test_a_score_that_knows_nothing_keeps_no_cap(build, find):
    found = approval(made(build, blind=True)[0])
    rate, kept = find(found, RATE, AT5), find(found, KEPT, AT5)
    assert rate.value is None or rate.value < 0.15
    assert kept.value is None or kept.interval.high > 0.05


def test_no_cut_that_keeps_the_cap_is_undefined_with_its_reason(build, find):
    score = np.linspace(0.9, 0.1, 100)  # the wrong way round
    found = approval(build(["yes"] * 0 + ["no"] * 50 + ["yes"] * 50, scores=score))
    rate, kept = find(found, RATE, AT5), find(found, KEPT, AT5)
    assert (rate.value, kept.value) == (None, None)
    assert "20 rows or more keeps the bad rate within 5%" in rate.reason
    assert found.exhibits == []


def test_a_portfolio_without_enough_bad_rows_is_approved_whole(build, find):
    found = approval(build(["yes"] * 10 + ["no"] * 990, scores=np.linspace(1, 0, 1000)))
    assert find(found, RATE, AT5).value == 1
    assert find(found, RATE, AT5).interval is None


def test_the_interval_covers_the_rate_of_the_true_cut_as_often_as_it_says(build, find):
    rng = np.random.default_rng(9)
    many = np.sort(1 / (1 + np.exp(2.6 - 1.4 * rng.normal(size=1_000_000))))
    truth = np.searchsorted(np.cumsum(many) / np.arange(1, len(many) + 1), 0.05) / len(many)
    bands = [find(approval(made(build, 900, seed)[0], resamples=200), RATE, AT5).interval for seed in range(60)]
    assert sum(band.low <= truth <= band.high for band in bands) >= 51  # 85 %: at 93 % fewer has a chance of 1 %


def test_copies_of_a_row_in_one_cluster_tell_nothing_new(build, find):
    one, copies = (approval(made(build, times=times)[0], bad_rate_caps=[0.08]) for times in (1, 3))
    at = {"at": "bad rate 8%"}
    for measure, tolerance in ((RATE, 1e-9), (KEPT, 0.01)):
        alone, together = find(one, measure, at), find(copies, measure, at)
        assert together.value == pytest.approx(alone.value, abs=tolerance)
        widths = [f.interval.high - f.interval.low for f in (alone, together)]
        assert widths[1] == pytest.approx(widths[0], rel=0.2)


def test_few_bad_rows_and_no_scores_are_told(build):
    assert "10 of either class" in approval(build(["yes"] * 5 + ["no"] * 50, scores=np.linspace(0, 1, 55))).reason
    assert "no probabilities" in approval(build(["yes", "no"] * 30)).reason


def test_a_rule_on_the_rate_is_refused_since_weak_models_look_better_than_they_are():
    limit = {"at_least": 0.5, "reason": "r", "source": "s"}
    (problem,) = problems_of_rules([Rule(id="a", measure=RATE, **limit)])
    assert "lies too high for weak models" in problem and KEPT in problem
    assert not problems_of_rules([Rule(id="a", measure=KEPT, **limit)])
