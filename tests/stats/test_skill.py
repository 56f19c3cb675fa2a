"""Skill against the best constant: held where few rows carry the loss; recomputable; never of zero width."""

import numpy as np
import pytest

from harness.stats.estimates import estimate
from harness.stats.levels import at_level, p_beyond
from harness.stats.skill import skill


def brier(rng, n, share, stated):
    hit = rng.random(n) < share
    p = stated(rng, hit)
    return (p - hit) ** 2, (hit.mean() - hit) ** 2, hit


def test_the_value_lies_inside_and_the_interval_is_recomputable():
    rng = np.random.default_rng(0)
    value, band = skill(
        *brier(rng, 500, 0.3, lambda rng, hit: np.clip(0.3 + 0.3 * hit + rng.normal(0, 0.1, 500), 0, 1))
    )
    assert band.low < value < band.high < 1
    assert value == pytest.approx(estimate(band))
    assert at_level(band, 0.95) == band
    assert at_level(band, 0.99).low < band.low
    assert p_beyond(band, 0.0, above=True) < 1e-4


def test_a_model_that_states_too_much_of_a_rare_class_is_not_better_than_its_share():
    # With Student's interval 10 % of tables lay above the truth: few positives make the constant's loss, and so the skill, too large.
    rng, above = np.random.default_rng(0), 0
    logit = np.log(0.1 / 0.9)
    for _ in range(400):
        losses, constant, hit = brier(
            rng,
            200,
            0.1,
            lambda rng, hit: 1 / (1 + np.exp(-0.7 * (logit + 0.18 * (rng.standard_normal(200) + 0.18 * hit)))),
        )
        found = skill(losses, constant, hit)
        above += found is not None and found[1].low > -0.02
    assert above <= 20


def test_clusters_widen_it_and_under_ten_rows_of_a_class_there_is_none():
    rng = np.random.default_rng(0)
    losses, constant, hit = brier(
        rng, 200, 0.3, lambda rng, hit: np.clip(0.3 + 0.3 * hit + rng.normal(0, 0.2, 200), 0, 1)
    )
    alone = skill(losses, constant, hit)[1]
    thrice = [np.tile(one, 3) for one in (losses, constant, hit)]
    together = skill(*thrice, np.tile(np.arange(200), 3).astype(str))[1]
    assert (together.low, together.high) == pytest.approx((alone.low, alone.high), abs=0.02)
    assert skill(losses[:20], constant[:20], np.arange(20) < 9) is None


def test_a_class_of_two_rows_among_many_classes_takes_no_skill_away():
    rng = np.random.default_rng(0)
    truth = np.array(["none"] * 300 + ["a"] * 40 + ["b"] * 30 + ["c"] * 2)
    constant = np.where(truth == "none", 0.06, 1.2)
    value, band = skill(constant * rng.uniform(0.3, 0.7, len(truth)), constant, truth)
    assert band.low < value < band.high and band.low > 0.3


def test_numbers_without_a_tail_have_the_usual_interval():
    rng = np.random.default_rng(0)
    said = rng.normal(size=2000)
    truth = said + rng.normal(size=2000)
    value, band = skill((said - truth) ** 2, (truth - truth.mean()) ** 2, None)
    assert value == pytest.approx(0.5, abs=0.05)
    assert 0.04 < band.high - band.low < 0.09
