"""The decision is set on calibration rows, frozen, and every measure of answers is taken at it."""

import numpy as np
import pandas as pd
import pytest

from harness.checks.bias.groups import groups
from harness.checks.performance.classification import classification
from harness.checks.performance.costs import costs
from harness.checks.performance.decision import decision
from harness.checks.privacy.membership import membership


def rows(n, share=0.1, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.where(rng.random(n) < share, "yes", "no").astype(object)
    scores = 1 / (1 + np.exp(-(-2.8 + 1.5 * (labels == "yes") + rng.normal(0, 1, n))))
    answers = np.where(scores >= 0.5, "yes", "no").astype(object)
    return {"labels": labels, "scores": scores, "answers": answers, "inputs": pd.DataFrame({"x": rng.normal(size=n)})}


def made(build, spec, calibration=1000, test=800, seed=0, **more):
    part = rows(test, seed=seed)
    return build(
        part.pop("labels"),
        decision=spec,
        calibration=rows(calibration, seed=seed + 1),
        train=rows(400, seed=seed + 2),
        **part,
        **more,
    )


def share(evidence, name):
    table = decision(evidence).exhibits[0]
    return next(row for row in table.rows if row[0] == name)


def test_a_sensitivity_is_reached_on_calibration_rows_and_frozen_for_the_test_rows(build, find):
    evidence = made(build, {"sensitivity": 0.8})
    point, part = evidence.decision.point, evidence.split("calibration")
    scores = evidence.predictions("calibration").positive_scores("yes")
    hit = part.labels == "yes"
    assert (scores[hit] >= point.threshold).mean() >= 0.8
    assert (scores[hit] > scores[hit & (scores >= point.threshold)].min()).mean() < 0.8
    assert (point.mode, point.calibration_positives, point.calibration_rows) == ("sensitivity", hit.sum(), 1000)
    answers = evidence.predictions("test")
    assert ((answers.positive_scores("yes") >= point.threshold) == (answers.labels == "yes")).all()
    recall = find(classification(evidence), "performance.recall", {"class": "yes"})
    assert recall.value == pytest.approx(share(evidence, "recall")[1])
    low, high = share(evidence, "recall")[-2:]
    assert low < recall.value < high


def test_own_labels_are_kept_for_the_gap_attack_alone(build, find):
    evidence = made(build, {"sensitivity": 0.9})
    own, decided = evidence.own_predictions("test"), evidence.predictions("test")
    assert (own.labels != decided.labels).mean() > 0.05
    gap = find(membership(evidence, attacks=["gap"]), "privacy.membership_auc", {"attack": "gap"})
    plain = made(build, None)
    assert gap.value == find(membership(plain, attacks=["gap"]), "privacy.membership_auc", {"attack": "gap"}).value


@pytest.mark.parametrize(
    ("spec", "mode"),
    [
        ({"specificity": 0.9}, "specificity"),
        ({"review": 0.15}, "review"),
        ({"costs": {"false_alarm": 1, "missed": 9}}, "costs"),
    ],
)
def test_each_mode_holds_what_it_promises_on_the_calibration_rows(build, spec, mode):
    evidence = made(build, spec)
    scores = evidence.predictions("calibration").positive_scores("yes")
    hit, flagged = evidence.split("calibration").labels == "yes", scores >= evidence.decision.point.threshold
    assert evidence.decision.point.mode == mode
    if mode == "specificity":
        assert (~flagged[~hit]).mean() >= 0.9
    elif mode == "review":
        assert flagged.mean() == pytest.approx(0.15, abs=0.002)
    else:
        cost = [9 * (hit & (scores < t)).sum() + (~hit & (scores >= t)).sum() for t in np.unique(scores)]
        assert 9 * (hit & ~flagged).sum() + (~hit & flagged).sum() == min(cost)


def test_the_batch_rule_flags_the_share_of_the_very_rows(build):
    evidence = made(build, {"review_batch": 0.1}, calibration=10)
    assert (evidence.predictions("test").labels == "yes").mean() == pytest.approx(0.1)
    assert evidence.decision.point.mode == "review_batch"


def test_a_fixed_threshold_needs_no_calibration_rows_and_ties_are_positive(build):
    part = rows(300)
    part["scores"][0] = 0.2
    evidence = build(part.pop("labels"), decision={"threshold": 0.2}, **part)
    assert evidence.predictions("test").labels[0] == "yes"
    assert evidence.decision.point.threshold == 0.2


@pytest.mark.parametrize(
    ("calibration", "says"), [(100, "rows of the rarer class, and a threshold needs 30"), (None, "no calibration rows")]
)
def test_too_few_calibration_rows_leave_the_models_own_labels_and_say_so(build, calibration, says):
    part = rows(300)
    kept = None if calibration is None else rows(calibration, seed=1)
    evidence = build(part.pop("labels"), decision={"sensitivity": 0.8}, calibration=kept, **part)
    point = evidence.decision.point
    assert (point.mode, point.asked) == ("own_labels", "sensitivity")
    assert says in point.reason
    assert (evidence.predictions("test").labels == evidence.own_predictions("test").labels).all()


def test_saved_predictions_without_calibration_rows_leave_answers_not_tested_but_rank(build, find):
    evidence = made(build, {"sensitivity": 0.8})
    evidence._model.info = evidence._model.info.model_copy(
        update={"kind": "predictions", "offers": ["labels", "scores"]}
    )
    del evidence.__dict__["decision_plan"]
    assert "hold none of the 1000 rows of the calibration split" in evidence.decision_plan.undetermined
    found = classification(evidence)
    assert find(found, "performance.roc_auc").value > 0.7
    assert find(found, "performance.accuracy").value is None


def test_costs_are_those_of_the_decision_where_the_check_has_none(build, find):
    evidence = made(build, {"costs": {"false_alarm": 1, "missed": 9, "unit": "EUR"}})
    found = find(costs(evidence), "performance.expected_cost")
    truth, flagged = evidence.split("test").labels == "yes", evidence.predictions("test").labels == "yes"
    assert found.value == pytest.approx(1000 * (9 * (truth & ~flagged) + (~truth & flagged)).mean())
    assert "EUR" in found.unit


def test_several_classes_take_the_class_of_the_smallest_expected_cost(build):
    rng = np.random.default_rng(0)
    labels = rng.choice(["a", "b", "c"], 200).astype(object)
    scores = rng.dirichlet([1, 1, 1], 200)
    matrix = {t: {d: 0 if t == d else (20 if t == "c" else 1) for d in "abc"} for t in "abc"}
    evidence = build(
        labels,
        decision={"costs": {"matrix": matrix}},
        positive=None,
        scores=scores,
        answers=np.array(list("abc"))[scores.argmax(axis=1)].astype(object),
    )
    expected = scores @ np.array([[matrix[t][d] for d in "abc"] for t in "abc"])
    assert (evidence.predictions("test").labels == np.array(list("abc"))[expected.argmin(axis=1)]).all()
    assert evidence.decision.point.mode == "cost_matrix"


def test_bias_is_measured_at_the_decision(build, find):
    sexes = {"sex": np.tile(["f", "m"], 400)}
    kept = made(build, {"threshold": 0.05}, groups=sexes, favourable="no")
    found = find(groups(kept), "bias.selection_rate", {"sex": "f"})
    scores = kept.predictions("test").positive_scores("yes")
    assert found.value == pytest.approx((scores[::2] < 0.05).mean())


def test_recall_at_the_frozen_threshold_is_covered(build, find):
    """Given the threshold, Clopper and Pearson's interval covers the recall on new rows: at least 93 % of 300 simulated test sets."""
    fixed = made(build, {"sensitivity": 0.8}, calibration=600, test=200).decision.point.threshold
    many = rows(400_000, seed=99)
    truth = (many["scores"][many["labels"] == "yes"] >= fixed).mean()
    covered = []
    for seed in range(300):
        part = rows(400, seed=1000 + seed)
        evidence = build(part.pop("labels"), decision={"threshold": fixed}, **part)
        band = find(classification(evidence), "performance.recall", {"class": "yes"}).interval
        covered.append(band.low <= truth <= band.high)
    assert np.mean(covered) >= 0.93
