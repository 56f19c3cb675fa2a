"""Better than guessing: known answers worked another way, planted useless models, and clean twins."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score, brier_score_loss, log_loss, recall_score

from harness.checks.performance.skill import skill
from harness.core.rule import Rule
from harness.engine.judge import judge
from harness.stats.exact import clopper_pearson, informedness, worst_share
from harness.stats.levels import at_level

RULE = Rule(id="r", measure="performance.informedness", above=0, reason="r", source="s")


def decide(measurement, rule=RULE):
    from harness.core.finding import CheckRecord

    record = CheckRecord(check="performance.skill", status="measured", findings=measurement.findings)
    return judge([rule], [record], 100).decisions[0]


def good(n=300, share=0.2, right=0.85, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.where(rng.random(n) < share, "yes", "no").astype(object)
    flipped = np.where(labels == "yes", "no", "yes").astype(object)
    return labels, np.where(rng.random(n) < right, labels, flipped).astype(object)


def test_informedness_is_youdens_index_and_its_interval_is_mover_of_exact_ones(build, find):
    labels, answers = good()
    found = find(skill(build(labels, answers=answers)), "performance.informedness")
    assert found.value == pytest.approx(2 * balanced_accuracy_score(labels.astype(str), answers.astype(str)) - 1)
    recalls = recall_score(labels.astype(str), answers.astype(str), average=None)
    counts = [((labels == name) & (answers == name)).sum() for name in ("no", "yes")]
    bands = [
        clopper_pearson(int(k), int((labels == name).sum())) for k, name in zip(counts, ("no", "yes"), strict=True)
    ]
    low = found.value - np.hypot(*(r - b.low for r, b in zip(recalls, bands, strict=True)))
    assert found.interval.low == pytest.approx(low)
    assert at_level(found.interval, 0.95).low == pytest.approx(found.interval.low)
    assert at_level(found.interval, 0.5).low > found.interval.low


def test_informedness_of_several_classes_is_scaled_to_zero_at_guessing(build, find):
    rng = np.random.default_rng(1)
    labels = rng.choice(["a", "b", "c"], 400, p=[0.6, 0.3, 0.1]).astype(object)
    found = find(skill(build(labels, answers=labels, positive=None)), "performance.informedness")
    assert found.value == 1
    guessed = find(skill(build(labels, answers=rng.permutation(labels), positive=None)), "performance.informedness")
    assert guessed.value == pytest.approx(
        (3 * balanced_accuracy_score(labels.astype(str), guessed_answers(labels)) - 1) / 2, abs=0.2
    )
    assert guessed.interval.low < 0 < guessed.interval.high


def guessed_answers(labels):
    return np.random.default_rng(2).permutation(labels).astype(str)


def test_one_answer_for_all_fails_where_both_classes_are_there_and_is_open_where_one_hardly_is(build):
    labels = np.array(["no"] * 300 + ["yes"] * 40, dtype=object)
    fail = decide(skill(build(labels, answers=["no"] * 340)))
    assert fail.outcome == "fail"
    assert "every row gets the answer 'no'" in fail.message
    few = np.array(["no"] * 300 + ["yes"] * 12, dtype=object)
    assert decide(skill(build(few, answers=["no"] * 312))).outcome == "inconclusive"


def test_a_good_model_passes_and_one_that_is_no_better_than_chance_does_not(build):
    labels, answers = good()
    assert decide(skill(build(labels, answers=answers))).outcome == "pass"
    shuffled = np.random.default_rng(4).permutation(answers)
    assert decide(skill(build(labels, answers=shuffled))).outcome != "pass"


def test_informedness_of_a_useless_model_passes_in_at_most_one_in_forty(build):
    """Enumerated, not simulated: two classes of 10 and 200 rows, answers independent of the truth."""
    from scipy.stats import binom

    worst = 0.0
    lows = np.array([[informedness([i, j], [10, 200]).low for j in range(201)] for i in range(11)])
    for rate in (0.005, 0.02, 0.1, 0.3, 0.5, 0.8):
        chance = binom.pmf(np.arange(11), 10, rate) @ (lows > 0) @ binom.pmf(np.arange(201), 200, 1 - rate)
        worst = max(worst, float(chance))
    assert 0.002 < worst <= 0.025


@pytest.mark.parametrize("sizes", [[3861, 45, 38, 31, 18, 7], [900, 20, 20], [50] * 20, [10] * 100])
def test_many_classes_with_few_hits_each_do_not_add_up_to_a_proof(sizes):
    """Answers drawn from the prior: MOVER of exact intervals alone passes them in 4 to 13 %."""
    rng, sizes = np.random.default_rng(0), np.array(sizes)
    hits = rng.binomial(sizes, sizes / sizes.sum(), (1500, len(sizes)))
    assert np.mean([informedness(row.tolist(), sizes.tolist()).low > 0 for row in hits]) <= 0.025


def test_skill_scores_equal_scikit_learn_against_the_base_rate(build, find):
    labels, _ = good(seed=3)
    hit = labels == "yes"
    scores = np.clip(0.2 + 0.4 * hit + np.random.default_rng(5).normal(0, 0.15, len(labels)), 0.02, 0.98)
    found = skill(build(labels, scores=scores))
    base = np.full(len(hit), hit.mean())
    assert find(found, "performance.brier_skill").value == pytest.approx(
        1 - brier_score_loss(hit, scores) / brier_score_loss(hit, base)
    )
    assert find(found, "performance.log_loss_skill").value == pytest.approx(
        1 - log_loss(hit, scores) / log_loss(hit, base)
    )


@pytest.mark.parametrize("constant", [0.02, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("kept", [1.0, 0.25])
def test_no_constant_has_a_positive_skill_also_after_a_shift_of_prevalence(build, find, constant, kept):
    labels, _ = good(n=800, share=0.1)
    keep = (labels == "yes") | (np.random.default_rng(1).random(800) < kept)
    found = skill(build(labels[keep], scores=np.full(keep.sum(), constant), answers=["no"] * keep.sum()))
    for name in ("brier_skill", "log_loss_skill"):
        assert find(found, f"performance.{name}").value <= 1e-12
    assert decide(found).outcome == "fail"


def test_accuracy_gain_is_paired_with_the_majority_answer(build, find):
    labels, answers = good()
    found = find(skill(build(labels, answers=answers)), "performance.accuracy_gain")
    assert found.value == pytest.approx((labels == answers).mean() - (labels == "no").mean())
    assert found.interval.method == "tango"


def test_the_worst_class_is_named_and_small_ones_are_left_out_by_name(build, find):
    labels = np.array(["a"] * 100 + ["b"] * 40 + ["c"] * 5, dtype=object)
    answers = np.array(["a"] * 90 + ["b"] * 10 + ["b"] * 10 + ["a"] * 35, dtype=object)
    found = find(skill(build(labels, answers=answers, positive=None)), "performance.worst_recall")
    assert (found.value, found.n) == (10 / 40, 40)
    assert "'b'" in found.reason and "c (5)" in found.reason
    assert found.interval.low == pytest.approx(clopper_pearson(10, 40).low)
    assert found.interval.high >= clopper_pearson(10, 40).high  # any of the two may be the worst


def test_the_interval_of_the_worst_share_covers_the_worst_truth():
    rng, truths = np.random.default_rng(0), np.array([0.7, 0.72, 0.75, 0.8])
    hits = rng.binomial(60, truths, (2000, 4))
    bands = [worst_share(row.tolist(), [60] * 4) for row in hits]
    assert np.mean([b.low <= 0.7 for b in bands]) >= 0.97
    assert np.mean([b.high >= 0.7 for b in bands]) >= 0.97


def test_without_scores_the_skills_are_undefined_with_the_reason(build, find):
    labels, answers = good()
    found = find(skill(build(labels, answers=answers)), "performance.brier_skill")
    assert found.value is None and "no probabilities" in found.reason


def test_numbers_are_held_against_their_mean(build_numbers, find):
    rng = np.random.default_rng(0)
    truth = rng.normal(size=200)
    rule = RULE.model_copy(update={"measure": "performance.squared_error_skill"})
    clean = skill(build_numbers(truth, truth + rng.normal(0, 0.5, 200)))
    found = find(clean, "performance.squared_error_skill")
    assert found.value == pytest.approx(0.75, abs=0.1)
    assert decide(clean, rule).outcome == "pass"
    for useless in (np.full(200, truth.mean()), np.full(200, 3.0), rng.permutation(truth)):
        assert decide(skill(build_numbers(truth, useless)), rule).outcome != "pass"


def test_clusters_widen_informedness_and_the_skills(build, find):
    labels, answers = good(n=200)
    scores = np.where(answers == "yes", 0.8, 0.1)
    wide = build(np.tile(labels, 5), answers=np.tile(answers, 5), scores=np.tile(scores, 5))
    object.__setattr__(wide.data.splits["test"], "clusters", np.tile([f"c{i}" for i in range(200)], 5).astype(object))
    narrow = build(labels, answers=answers, scores=scores)
    for name in ("informedness", "brier_skill", "accuracy_gain"):
        one, other = (find(skill(e), f"performance.{name}").interval for e in (wide, narrow))
        assert one.high - one.low >= 0.9 * (other.high - other.low), name


def test_a_single_class_of_test_rows_is_undefined(build, find):
    found = find(skill(build(["no"] * 50, classes=("no", "yes"))), "performance.informedness")
    assert found.value is None and "one class" in found.reason


def test_options_are_held_against_chance_and_against_always_the_same_place(tmp_path):
    from harness.checks.performance.skill import _of_options
    from harness.core.dataset import Split
    from harness.core.predictions import Predictions

    class Asked:
        class suite:
            class data:
                options = ["a", "b", "c", "d"]  # noqa: RUF012

    rng = np.random.default_rng(0)
    labels = rng.choice(list("0123"), 200, p=[0.4, 0.2, 0.2, 0.2]).astype(object)
    frame = pd.DataFrame({name: ["x"] * 200 for name in "abcd"})
    split = Split("test", np.arange(200).astype(str).astype(object), frame, labels, {}, {}, frame)
    always = _of_options(Asked, split, Predictions(tuple("0123"), np.full(200, "0", dtype=object), None))
    against = {f.of["against"]: f for f in always.findings}
    assert against["chance"].interval.low > 0  # the label leans to one place, which no constant may profit from
    assert against["the best constant option"].value == 0
    assert against["the best constant option"].interval.low <= 0
    clean = _of_options(Asked, split, Predictions(tuple("0123"), labels, None))
    assert all(f.interval.low > 0 for f in clean.findings)
