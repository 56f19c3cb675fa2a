"""Costs by hand; a model that saves is told from one that costs more than doing nothing."""

from dataclasses import replace

import numpy as np
import pytest

from harness.checks.performance.costs import costs
from harness.checks.performance.operating_points import operating_points


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


MATRIX = {"yes": {"yes": 5, "no": 60}, "no": {"yes": 4, "no": -1}}


def test_a_full_matrix_costs_what_is_counted_by_hand_and_is_shown_with_its_rows(build, find):
    evidence, hit, score = made(build, 0.45)
    found = costs(evidence, matrix=MATRIX, unit="EUR")
    said = score >= 0.5
    cells = [(hit & said).sum(), (hit & ~said).sum(), (~hit & said).sum(), (~hit & ~said).sum()]
    own = find(found, "performance.expected_cost")
    assert own.value == pytest.approx(np.dot(cells, [5, 60, 4, -1]))
    assert own.unit == "EUR per 1,000 rows"
    best = find(found, "performance.expected_cost", {"at": "threshold 0.0833"})  # 5 / (5 + 55)
    low = score >= 5 / 60
    assert best.value == pytest.approx(np.where(hit, np.where(low, 5, 60), np.where(low, 4, -1)).sum())
    saving = find(found, "performance.cost_saving", {"at": "threshold 0.0833"})
    of_all = find(found, "performance.cost_of_all").value
    assert of_all == 5 * hit.sum() + 4 * (~hit).sum()
    assert saving.value == pytest.approx(min(of_all, 60 * hit.sum() - (~hit).sum()) - best.value)
    (shown,) = [e for e in found.exhibits if e.kind == "matrix"]
    assert shown.rows == [["yes", cells[0], 5, cells[1], 60], ["not yes", cells[2], 4, cells[3], -1]]


def test_two_costs_are_the_matrix_whose_right_answers_cost_nothing(build):
    evidence = made(build, 0.45)[0]
    short = costs(evidence, false_alarm=2.0, missed=9.0)
    full = costs(evidence, matrix={"yes": {"yes": 0, "no": 9}, "no": {"yes": 2, "no": 0}})
    assert short == full


def test_looking_at_everybody_is_exact_where_each_look_costs_the_same(build, find):
    matrix = {"yes": {"yes": 5, "no": 60}, "no": {"yes": 5, "no": 0}}
    found = find(costs(made(build, 0.45)[0], matrix=matrix), "performance.cost_of_all")
    assert (found.value, found.exact, found.interval) == (5000, True, None)


def test_the_cost_curve_holds_the_three_lines_with_intervals(build, find):
    evidence, hit, score = made(build, 0.45)
    found = costs(evidence, false_alarm=1.0, missed=9.0)
    (curve,) = [e for e in found.exhibits if e.kind == "curve"]
    lines = {
        name: {row[0]: row[1:4] for row in curve.rows if row[4] == name}
        for name in ("the model", "everybody", "nobody")
    }
    at = score >= 0.3
    cost, low, high = lines["the model"][0.3]
    assert cost == pytest.approx((at & ~hit).sum() + 9 * (~at & hit).sum())
    assert low < cost < high
    assert {row[0] for row in lines["everybody"].values()} == {find(found, "performance.cost_of_all").value}
    assert {row[0] for row in lines["nobody"].values()} == {find(found, "performance.cost_of_none").value}
    assert 0.1 in lines["the model"] and len(lines["nobody"]) == len(lines["the model"]) > 20


def test_units_are_in_the_words_of_the_suite(build, find):
    words = {"rows": "machine-cycles", "positives": "failures", "positive": "failure"}
    rng = np.random.default_rng(0)
    hit = rng.random(500) < 0.3
    score = np.clip(0.3 + 0.4 * hit + rng.normal(0, 0.1, 500), 0, 1)
    labels = list(np.where(hit, "yes", "no"))
    evidence = build(labels, answers=list(np.where(score >= 0.5, "yes", "no")), scores=score, data={"words": words})
    found = costs(evidence, unit="EUR")
    assert find(found, "performance.alarms_per_positive").unit == "alarms per caught failure"
    assert find(found, "performance.expected_cost").unit == "EUR per 1,000 machine-cycles"
    points = operating_points(evidence)
    assert find(points, "performance.missed_per_1000").unit == "missed failures per 1,000 machine-cycles"
    assert find(points, "performance.false_alarms_per_1000").unit == "false alarms per 1,000 machine-cycles"


def test_a_good_model_saves_and_a_blind_one_does_not(build, find):
    good = find(costs(made(build, 0.7)[0], missed=9.0), "performance.cost_saving")
    blind = find(costs(made(build, 0.0)[0], missed=9.0), "performance.cost_saving")
    assert good.interval.low > 0
    assert blind.interval is None or blind.interval.low <= 0


def test_a_model_that_catches_nothing_has_no_alarms_per_positive(build, find):
    found = find(costs(made(build, 0.0)[0]), "performance.alarms_per_positive")
    assert found.value is None
    assert "caught" in found.reason


def test_too_few_rows_are_told(build):
    assert "10 of either class" in costs(build(["yes"] * 5 + ["no"] * 50)).reason


def test_a_costly_error_that_no_row_shows_is_not_certain_not_to_happen(build, find):
    # Of a bootstrap, decisions without an error had no interval, and a saving no width but that of the classes' shares.
    labels = ["yes"] * 20 + ["no"] * 180
    found = costs(build(labels, answers=labels), missed=50.0)
    cost, saving = (find(found, f"performance.{name}") for name in ("expected_cost", "cost_saving"))
    assert cost.value == cost.interval.low == 0
    assert 500 < cost.interval.high < 2000  # 1 - 0.025^(1/20) = 0.168 of a tenth of the rows, 50 each
    assert saving.value == 900 and saving.interval.low < 900 < saving.interval.high
    alarms = find(found, "performance.alarms_per_positive")
    assert alarms.value == 1 == alarms.interval.low and 1.1 < alarms.interval.high < 1.3


def test_costs_of_clustered_rows_have_wider_intervals(build, find):
    rng = np.random.default_rng(0)
    hit = rng.random(100) < 0.3
    right = rng.random(100) < 0.8
    labels = list(np.repeat(np.where(hit, "yes", "no"), 4))
    answers = list(np.repeat(np.where(hit == right, "yes", "no"), 4))
    alone = find(costs(build(labels, answers=answers)), "performance.cost_saving").interval
    owners = np.repeat(np.arange(100), 4).astype(str)
    evidence = build(labels, answers=answers)
    evidence.data.splits["test"] = replace(evidence.data.splits["test"], clusters=owners)
    together = find(costs(evidence), "performance.cost_saving").interval
    assert 1.7 < (together.high - together.low) / (alone.high - alone.low) < 2.6
