"""Costs by hand; a model that saves is told from one that costs more than doing nothing."""

import numpy as np
import pytest

from harness.checks.performance.costs import costs
from harness.errors import SuiteError


def made(build, quality, n=1000, seed=0):
    rng = np.random.default_rng(seed)
    hit = rng.random(n) < 0.1
    score = np.clip(np.where(hit, 0.1 + quality, 0.1) + rng.normal(0, 0.1, n), 0, 1)
    said = np.where(score >= 0.5, "yes", "no")
    return build(list(np.where(hit, "yes", "no")), answers=list(said), scores=score), hit, score


def test_costs_are_those_counted_by_hand(build, find):
    evidence, hit, score = made(build, 0.45)
    found = costs(evidence, false_alarm=1.0, missed=9.0)
    said = score >= 0.5
    own = (said & ~hit).sum() + 9 * (~said & hit).sum()
    assert find(found, "performance.expected_cost").value == pytest.approx(own)  # 1,000 rows
    low = score >= 0.1
    bayes = find(found, "performance.expected_cost", {"at": "threshold 0.1"})
    assert bayes.value == pytest.approx((low & ~hit).sum() + 9 * (~low & hit).sum())
    assert find(found, "performance.cost_of_all").value == (~hit).sum()
    assert find(found, "performance.cost_of_none").value == 9 * hit.sum()
    saving = find(found, "performance.cost_saving")
    assert saving.value == pytest.approx(min(9 * hit.sum(), (~hit).sum()) - own)
    assert find(found, "performance.alarms_per_positive").value == pytest.approx(said.sum() / (said & hit).sum())


def test_a_good_model_saves_and_a_blind_one_does_not(build, find):
    good = find(costs(made(build, 0.7)[0], missed=9.0), "performance.cost_saving")
    blind = find(costs(made(build, 0.0)[0], missed=9.0), "performance.cost_saving")
    assert good.interval.low > 0
    assert blind.interval is None or blind.interval.low <= 0


def test_a_model_that_catches_nothing_has_no_alarms_per_positive(build, find):
    found = find(costs(made(build, 0.0)[0]), "performance.alarms_per_positive")
    assert found.value is None
    assert "caught" in found.reason


def test_too_few_rows_and_free_errors_are_told(build):
    assert "10 of either class" in costs(build(["yes"] * 5 + ["no"] * 50)).reason
    with pytest.raises(SuiteError, match="above 0"):
        costs(made(build, 0.5)[0], missed=0.0)
