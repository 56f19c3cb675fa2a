"""Escapes by hand, for a defect that is the positive class and for one that is not; a blind score lets them pass in proportion."""

from dataclasses import replace

import numpy as np
import pytest

from harness.checks.performance.inspection import inspection

ESCAPE, RELEASED = "performance.escape_rate", "performance.released_defect_rate"
RNG = np.random.default_rng(2)
BAD = RNG.random(800) < 0.25
SCORE = 1 / (1 + np.exp(-(RNG.normal(size=800) + 2 * BAD - 1.5)))


def made(build, score=SCORE):
    return build(np.where(BAD, "yes", "no"), scores=score)


def test_escapes_are_counted_by_hand(build, find):
    left = BAD[np.argsort(-SCORE)[160:]]
    found = inspection(made(build), budgets=[0.2])
    one, released = find(found, ESCAPE, {"at": "20% inspected"}), find(found, RELEASED, {"at": "20% inspected"})
    assert one.value == pytest.approx(left.sum() / BAD.sum())
    assert released.value == pytest.approx(left.mean())
    assert one.interval.low < one.value < one.interval.high
    assert "the defect is yes" in one.reason


def test_a_defect_that_is_not_the_positive_class_is_ranked_by_its_own_probability(build, find):
    left = ~BAD[np.argsort(SCORE)[400:]]
    found = inspection(made(build), defect="no", budgets=[0.5])
    assert find(found, ESCAPE, {"at": "50% inspected"}).value == pytest.approx(left.sum() / (~BAD).sum())
    assert "'no' items" in found.exhibits[0].title


def test_a_good_score_lets_few_escape_and_a_blind_one_as_many_as_are_not_inspected(build, find):
    at = {"at": "20% inspected"}
    good = find(inspection(made(build)), ESCAPE, at)
    blind = find(inspection(made(build, np.random.default_rng(1).permutation(SCORE))), ESCAPE, at)
    assert good.interval.high < 0.8
    assert blind.interval.low < 0.8 < blind.interval.high
    even = find(inspection(made(build, np.full(800, 0.5))), ESCAPE, at)
    assert even.value == pytest.approx(0.8)


def test_without_an_escape_both_rates_have_an_interval(build, find):
    truth = np.repeat(["yes", "no"], [20, 180])
    found = inspection(build(truth, scores=np.linspace(1, 0, 200)), budgets=[0.2])
    for measure, rows in ((ESCAPE, 20), (RELEASED, 160)):
        one = find(found, measure, {"at": "20% inspected"})
        assert (one.value, one.interval.low) == (0, 0)
        assert one.interval.high == pytest.approx(1 - 0.025 ** (1 / rows))


def test_copies_of_a_row_in_one_cluster_tell_nothing_new(build, find):
    take = np.repeat(np.arange(800), 3)
    copies = build(np.where(BAD, "yes", "no")[take], scores=SCORE[take])
    copies.data.splits["test"] = replace(copies.data.splits["test"], clusters=take.astype(str).astype(object))
    one, together = (find(inspection(e), ESCAPE, {"at": "20% inspected"}) for e in (made(build), copies))
    assert together.value == pytest.approx(one.value)
    widths = [f.interval.high - f.interval.low for f in (one, together)]
    assert widths[1] == pytest.approx(widths[0], rel=0.2)


def test_what_can_not_be_measured_is_told(build):
    assert "10 of either kind" in inspection(build(["yes"] * 5 + ["no"] * 50, scores=np.linspace(0, 1, 55))).reason
    assert "no probabilities" in inspection(build(["yes", "no"] * 30)).reason
