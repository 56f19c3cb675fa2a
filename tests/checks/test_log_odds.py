"""Log-odds by question: the gap by hand, a model that prefers a gender is caught, an even one is not."""

import numpy as np
import pytest
from scipy import stats

from harness.checks.bias.log_odds import log_odds
from harness.stats.intervals import student
from harness.stats.levels import at_level


def made(build, effect, questions=12, clusters=True):
    rng = np.random.default_rng(0)
    owner = np.repeat(np.arange(questions), 8)
    gender = np.tile(["female", "male"], questions * 4)
    odds = rng.normal(0, 1.5, questions)[owner] + rng.normal(0, 0.1, len(owner)) + effect * (gender == "female")
    labels = ["yes" if o > 0 else "no" for o in odds]
    evidence = build(labels, scores=1 / (1 + np.exp(-odds)), favourable="yes", groups={"gender": gender},
                     classes=("no", "yes"), data={"reference": {"gender": "male"}})  # fmt: skip
    if clusters:
        object.__setattr__(evidence.data.splits["test"], "clusters", owner.astype(str).astype(object))
    return evidence, odds, owner, gender


def test_the_gap_and_its_interval_are_those_of_a_paired_t_test_over_questions(build, find):
    evidence, odds, owner, gender = made(build, -0.4)
    pairs = [[odds[(owner == q) & (gender == g)].mean() for g in ("female", "male")] for q in range(12)]
    one = find(log_odds(evidence), "bias.log_odds_gap", {"gender": "female"})
    wanted = stats.ttest_rel(*np.transpose(pairs)).confidence_interval(0.95)
    assert one.value == pytest.approx(np.mean(np.subtract(*np.transpose(pairs))))
    assert (one.interval.low, one.interval.high) == pytest.approx(tuple(wanted))
    assert at_level(one.interval, 0.99).low == pytest.approx(
        stats.ttest_rel(*np.transpose(pairs)).confidence_interval(0.99).low
    )


@pytest.mark.parametrize(("effect", "caught"), [(-0.4, True), (0.0, False)])
def test_a_model_that_prefers_a_gender_is_caught_and_an_even_one_is_not(build, find, effect, caught):
    one = find(log_odds(made(build, effect)[0]), "bias.log_odds_gap", {"gender": "female"})
    assert (one.interval.high < 0) == caught


def test_few_questions_are_undefined_and_none_is_not_tested(build, find):
    few = find(log_odds(made(build, 0.0, questions=4)[0]), "bias.log_odds_gap", {"gender": "female"})
    assert few.value is None
    assert "4 questions, 5 needed" in few.reason
    assert "data.cluster" in log_odds(made(build, 0.0, clusters=False)[0]).reason


def test_a_t_interval_is_that_of_scipy():
    band = student(1.0, 0.5, 7, 0.9)
    assert (band.low, band.high) == pytest.approx(stats.t.interval(0.9, 7, 1.0, 0.5))
