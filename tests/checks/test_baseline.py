import numpy as np
import pytest
from sklearn import metrics

from harness.checks.baseline.differences import paired_differences, unpaired_differences
from harness.checks.baseline.paired import paired
from harness.checks.baseline.sides import Sides
from harness.core.finding import CheckRecord, Finding
from harness.core.predictions import Predictions
from harness.core.rule import Rule
from harness.engine.evidence import Baseline
from harness.stats.intervals import wilson

CLASSES = ("no", "yes")


def answers_of(scores):
    scores = np.column_stack([1 - scores, scores])
    return Predictions(CLASSES, np.array(CLASSES, dtype=object)[scores.argmax(axis=1)], scores)


def world(n=600, seed=0, harm=0.0):
    """Truth, two models' scores of unequal quality, and a group; `harm` takes the favourable answer from one group."""
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < 0.4
    good = np.clip(0.5 + 0.25 * (positive - 0.4) + rng.normal(0, 0.12, n), 0.01, 0.99)
    poor = np.clip(0.5 + 0.10 * (positive - 0.4) + rng.normal(0, 0.15, n), 0.01, 0.99)
    group = np.where(rng.random(n) < 0.4, "a", "b").astype(object)
    good = np.where((group == "a") & (rng.random(n) < harm), 0.95, good)
    return np.where(positive, "yes", "no").astype(object), good, poor, group


@pytest.fixture
def sides_of(build):
    def made(truth, first, second, group=None):
        groups = None if group is None else {"g": group}
        found = build(
            list(truth), scores=first, answers=list(answers_of(first).labels), groups=groups, classes=CLASSES,
            favourable="no" if group is not None else None,
        )  # fmt: skip
        test = found.data.splits["test"]
        rng = np.random.default_rng(1)
        return Sides(found.suite, found.data, test, found.predictions("test"), answers_of(second), rng), found

    return made


def one(found, measure, **about):
    return next(d for d in found if d.measure == measure and (d.group or d.of or {}) == about)


def test_values_are_scikit_learns_and_gains_point_the_good_way(sides_of):
    truth, good, poor, _ = world()
    sides, _ = sides_of(truth, good, poor)
    found, positive = paired_differences(sides), truth == "yes"
    first, second = sides.first.labels == "yes", sides.second.labels == "yes"
    wanted = {
        "performance.accuracy": [metrics.accuracy_score(positive, p) for p in (first, second)],
        "performance.mcc": [metrics.matthews_corrcoef(positive, p) for p in (first, second)],
        "performance.balanced_accuracy": [metrics.balanced_accuracy_score(positive, p) for p in (first, second)],
        "performance.f1_macro": [metrics.f1_score(positive, p, average="macro") for p in (first, second)],
        "performance.roc_auc": [metrics.roc_auc_score(positive, s) for s in (good, poor)],
        "performance.brier": [metrics.brier_score_loss(positive, s) for s in (good, poor)],
        "performance.log_loss": [metrics.log_loss(positive, s) for s in (good, poor)],
    }
    for measure, values in wanted.items():
        d = one(found, measure)
        assert (d.first, d.second) == pytest.approx(tuple(values)), measure
        assert d.interval.low <= d.value <= d.interval.high and d.minimum_detectable > 0
    for name, score in (
        ("precision", metrics.precision_score),
        ("recall", metrics.recall_score),
        ("f1", metrics.f1_score),
    ):
        d = one(found, f"performance.{name}", **{"class": "yes"})
        assert (d.first, d.second) == pytest.approx((score(positive, first), score(positive, second)))
    loss = one(found, "performance.log_loss")
    assert loss.value < 0 < loss.gain and loss.gain_interval.low == pytest.approx(-loss.interval.high)


def test_the_bootstrapped_interval_agrees_with_a_slow_paired_bootstrap(sides_of):
    truth, good, poor, _ = world(300, 3)
    sides, _ = sides_of(truth, good, poor)
    found = one(paired_differences(sides), "performance.mcc").interval
    rng, drawn = np.random.default_rng(5), []
    for _ in range(1500):
        rows = rng.integers(0, 300, 300)
        drawn.append(
            metrics.matthews_corrcoef(truth[rows], sides.first.labels[rows])
            - metrics.matthews_corrcoef(truth[rows], sides.second.labels[rows])
        )
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])), abs=0.02)


def test_pairing_makes_the_interval_narrower_than_two_audits_do(sides_of):
    truth, good, _, _ = world()
    sides, _ = sides_of(truth, good, np.clip(good + np.random.default_rng(2).normal(0, 0.02, 600), 0.01, 0.99))
    found = one(paired_differences(sides), "performance.accuracy")
    records = [
        [CheckRecord(check="performance.classification", status="measured", findings=[
            Finding(measure="performance.accuracy", value=v, n=600, better="higher", interval=wilson(round(v * 600), 600))
        ])]
        for v in (found.first, found.second)
    ]  # fmt: skip
    apart = unpaired_differences(*records, [])[0]
    assert apart.value == pytest.approx(found.value) and not apart.paired
    assert (apart.interval.high - apart.interval.low) > 2 * (found.interval.high - found.interval.low)
    assert unpaired_differences(*records, [found]) == []


def test_a_model_that_harms_a_group_loses_on_its_impact_ratio_and_a_clean_one_does_not(sides_of):
    truth, fair, poor, group = world(1200, 7)
    _, harmful, _, _ = world(1200, 7, harm=0.5)
    clean = one(paired_differences(sides_of(truth, fair, poor, group)[0]), "bias.impact_ratio", g="a")
    planted = one(paired_differences(sides_of(truth, harmful, poor, group)[0]), "bias.impact_ratio", g="a")
    assert planted.gain_interval.high < -0.1
    assert clean.gain_interval.low > -0.15 and clean.gain_interval.high > -0.02
    assert planted.first == pytest.approx(
        (np.mean(harmful[group == "a"] <= 0.5)) / np.mean(harmful[group == "b"] <= 0.5)
    )


def test_small_groups_are_undefined_with_the_reason(sides_of):
    truth, good, poor, group = world(200)
    group[:] = "b"
    group[:9] = "a"
    found = one(paired_differences(sides_of(truth, good, poor, group)[0]), "bias.impact_ratio", g="a")
    assert found.value is None and "insufficient sample" in found.reason


@pytest.fixture
def release(sides_of):
    """What baseline.paired finds for scores now and at the last release, under the old and the new policy."""

    def run(now, before, truth, old=(), new=()):
        _, found = sides_of(truth, now, before)
        found.suite = found.suite.model_copy(update={"policy": list(new)})
        found.baseline = Baseline("the last release", answers_of(before), list(old), "sha256:0")
        return paired(found)

    return run


def test_newly_failing_items_are_listed_by_id(release):
    truth = np.array(["yes", "no"] * 50, dtype=object)
    before = np.where(truth == "yes", 0.9, 0.1)
    now = before.copy()
    now[[3, 10]] = 1 - now[[3, 10]]
    found = release(now, before, truth)
    counts = {f.measure: f.value for f in found.findings if f.exact}
    assert counts["baseline.newly_failing"] == 2 and counts["baseline.newly_right"] == 0
    table = next(e for e in found.exhibits if e.title.startswith("Newly failing"))
    assert [row[0] for row in table.rows] == ["test3", "test10"] and table.rows[0][1:] == ["no", "no", "yes"]


def test_a_worse_release_loses_and_the_same_release_does_not(release):
    truth, good, poor, _ = world()
    gain = {
        f.of["measure"]: f
        for f in release(poor, good, truth).findings
        if f.measure == "baseline.gain" and len(f.of) == 1
    }
    assert gain["performance.roc_auc"].interval.high < -0.02
    same = {
        f.of["measure"]: f
        for f in release(good, good, truth).findings
        if f.measure == "baseline.gain" and len(f.of) == 1
    }
    assert same["performance.roc_auc"].value == 0
    assert -0.01 < same["performance.roc_auc"].interval.low < 0  # 600 rows that agree do not show that all do
    assert same["performance.accuracy"].interval.low > -0.01


def test_a_policy_loosened_since_the_baseline_is_counted_and_told(release):
    truth, good, _, _ = world(100)
    rule = {"id": "useful", "measure": "performance.roc_auc", "reason": "r", "source": "s"}
    old, new = [Rule(**rule, at_least=0.7)], [Rule(**rule, at_least=0.68)]
    found = release(good, good, truth, old, new)
    weakened = next(f for f in found.findings if f.measure == "baseline.weakened_rules")
    assert weakened.value == 1 and "relaxed by 0.02" in weakened.reason
    kept = next(f for f in release(good, good, truth, old, old).findings if f.measure == "baseline.weakened_rules")
    assert kept.value == 0 and kept.reason is None
