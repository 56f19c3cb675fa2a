import numpy as np
import pytest
from scipy.stats import ks_2samp
from sklearn.metrics import roc_auc_score, roc_curve

from harness.checks.performance.operating_points import operating_points

RNG = np.random.default_rng(4)
HIT = RNG.random(900) < 0.2
SCORE = 1 / (1 + np.exp(-(RNG.normal(size=900) + 1.5 * HIT - 1.5)))


@pytest.fixture(scope="module")
def found(build):
    said = np.where(SCORE >= 0.5, "yes", "no")
    evidence = build(np.where(HIT, "yes", "no"), answers=said, scores=SCORE)
    return operating_points(
        evidence, budgets=[0.01, 0.1], specificities=[0.9], thresholds=[0.2], first_rows=[50, 5000]
    ).findings


def value(found, name, at=None):
    return next(f for f in found if f.measure == f"performance.{name}" and f.of == ({"at": at} if at else None)).value


def test_ks_and_gini_are_those_of_scipy_and_scikit_learn(found):
    assert value(found, "ks") == pytest.approx(ks_2samp(SCORE[HIT], SCORE[~HIT]).statistic)
    assert value(found, "gini") == pytest.approx(2 * roc_auc_score(HIT, SCORE) - 1)


def test_the_first_tenth_of_the_rows_is_counted_by_hand(found):
    first = HIT[np.argsort(-SCORE)[:90]]
    assert value(found, "recall_at_budget", "10% of rows") == pytest.approx(first.sum() / HIT.sum())
    assert value(found, "precision_at_budget", "10% of rows") == pytest.approx(first.mean())
    assert value(found, "enrichment", "10% of rows") == pytest.approx(first.mean() / HIT.mean())


def test_precision_at_k_is_the_share_among_the_first_rows_and_undefined_beyond_the_last(found):
    first = next(f for f in found if f.of == {"at": "first 50 rows"})
    assert first.value == pytest.approx(HIT[np.argsort(-SCORE)[:50]].mean())
    assert first.interval.low < first.value < first.interval.high
    beyond = next(f for f in found if f.of == {"at": "first 5000 rows"})
    assert (beyond.value, beyond.reason) == (None, "no data: 900 answered rows")


def test_the_decision_curve_is_worked_by_hand_at_a_threshold_and_far_above_a_blind_models(build):
    labels = np.where(HIT, "yes", "no")
    curve = next(
        e for e in operating_points(build(labels, scores=SCORE), thresholds=[0.2]).exhibits if e.kind == "curve"
    )
    lines = {(row[4], row[0]): row[1:4] for row in curve.rows}
    flagged = SCORE >= 0.15
    worked = ((flagged & HIT).sum() - (flagged & ~HIT).sum() * 0.15 / 0.85) / 900
    value, low, high = lines["the model", 0.15]
    assert value == pytest.approx(worked)
    assert low < value < high
    assert lines["everybody", 0.15][0] == pytest.approx((HIT.sum() - (~HIT).sum() * 0.15 / 0.85) / 900)
    assert lines["nobody", 0.15] == [0, None, None]
    assert max(row[0] for row in curve.rows) == pytest.approx(0.3)
    assert lines["the model", 0.2][1] > max(lines["everybody", 0.2][0], 0)
    shuffled = np.random.default_rng(0).permutation(SCORE)
    blind = next(
        e for e in operating_points(build(labels, scores=shuffled), thresholds=[0.2]).exhibits if e.kind == "curve"
    )
    at = {(row[4], row[0]): row[1:4] for row in blind.rows}
    assert at["the model", 0.2][1] < max(at["everybody", 0.2][0], 0)


def test_sensitivity_at_a_specificity_is_read_off_the_roc_curve(found):
    alarm, recall, _ = roc_curve(HIT, SCORE, drop_intermediate=False)
    assert value(found, "sensitivity_at_specificity", "specificity 0.9") == pytest.approx(recall[alarm <= 0.1].max())


def test_net_benefit_is_worked_by_hand(found):
    flagged = SCORE >= 0.2
    true, false = (flagged & HIT).sum(), (flagged & ~HIT).sum()
    assert value(found, "net_benefit", "threshold 0.2") == pytest.approx((true - false * 0.25) / 900)
    assert value(found, "net_benefit_of_all", "threshold 0.2") == pytest.approx((HIT.sum() - (~HIT).sum() * 0.25) / 900)


def test_alarms_and_misses_are_those_of_the_models_own_answers(found):
    said = SCORE >= 0.5
    assert value(found, "false_alarms_per_1000") == pytest.approx(1000 * (said & ~HIT).mean())
    assert value(found, "missed_per_1000") == pytest.approx(1000 * (~said & HIT).mean())


def test_equal_scores_count_as_their_average_whatever_the_order_of_rows(build):
    labels = np.array(["yes"] * 30 + ["no"] * 70)
    for rows in (labels, labels[::-1]):
        found = operating_points(build(rows, scores=np.full(100, 0.4)), budgets=[0.1]).findings
        assert value(found, "recall_at_budget", "10% of rows") == pytest.approx(0.1)
        assert value(found, "ks") == 0


def test_intervals_agree_with_a_plain_bootstrap_of_rows(found):
    rng, drawn = np.random.default_rng(0), []
    for _ in range(600):
        rows = rng.integers(0, 900, 900)
        drawn.append(2 * roc_auc_score(HIT[rows], SCORE[rows]) - 1)
    band = next(f for f in found if f.measure == "performance.gini").interval
    assert (band.low, band.high) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.02)


def test_too_few_positives_are_not_tested(build):
    labels = np.array(["yes"] * 5 + ["no"] * 95)
    assert operating_points(build(labels, scores=np.linspace(0, 1, 100))).status == "not_tested"
