"""A parameter that changes what a measure is stands in the finding: in `of`, or in its reason."""

import numpy as np
import pandas as pd
import pytest

from harness.checks.bias.calibration import calibration as calibration_by_group
from harness.checks.bias.groups import groups
from harness.checks.data.clusters import clusters
from harness.checks.data.near_duplicates import near_duplicates
from harness.checks.data.quality import quality
from harness.checks.data.signal import signal
from harness.checks.data.sites import sites
from harness.checks.explainability.attribution import attribution
from harness.checks.explainability.reasons import reasons
from harness.checks.performance.calibration import calibration
from harness.checks.performance.costs import costs
from harness.checks.performance.slices import slices

N = 400


def rows(seed=0):
    rng = np.random.default_rng(seed)
    inputs = pd.DataFrame({"a": rng.normal(size=N), "b": rng.normal(size=N), "k": rng.choice(["p", "q"], N)})
    return inputs, np.where(rng.random(N) < 1 / (1 + np.exp(-2 * inputs["a"])), "yes", "no")


def probability(inputs):
    score = 1 / (1 + np.exp(-2 * inputs["a"].to_numpy(dtype=float)))
    return np.column_stack([1 - score, score])


@pytest.fixture(scope="module")
def evidence(build):
    inputs, labels = rows()
    train_inputs, train_labels = rows(1)
    place = {"sex": inputs["k"].to_numpy(dtype=object)}
    return build(labels, inputs=inputs, groups=place, favourable="no", function=probability,
                 train={"labels": train_labels, "inputs": train_inputs, "groups": place})  # fmt: skip


CASES = [
    (calibration, {"bins": 7}, "performance.ece", "biased upwards; 7 equal-mass bins"),
    (slices, {"minimum": 40, "worst": 2}, "performance.slices_searched",
     "slices of 40 rows or more, with as many outside; the 2 worst that survive are found slices"),
    (groups, {"minimum_group": 25}, "bias.demographic_parity_difference", "groups of 25 rows or more: reported, never judged"),
    (calibration_by_group, {"minimum_group": 25}, "bias.calibration_difference", "groups of 25 rows or more; a maximum"),
    (quality, {"leak_auc": 0.9}, "data.leak_suspects", "columns that alone tell the label with AUC 0.9 or above"),
    (quality, {"minimum_group": 25}, "data.small_groups", "groups of fewer than 25 test rows"),
    (near_duplicates, {"tolerance": 0.002}, "data.near_overlap_rate", "near: numbers within 0.002 of their column's spread"),
    (clusters, {"differ": 2}, "data.kin_rate", "in all features but 2"),
    (sites, {"by": "k", "minimum": 60}, "data.site_shifted_columns", "over all sites of 60 rows or more and all columns"),
    (costs, {"false_alarm": 2.0, "missed": 9.0}, "performance.expected_cost", "a false alarm costs 2, a missed positive 9"),
    (costs, {"false_alarm": 2.0, "missed": 9.0}, "performance.cost_saving", "a false alarm costs 2, a missed positive 9"),
    (costs, {"matrix": {"yes": {"yes": 1, "no": 9}, "no": {"yes": 2, "no": 0}}}, "performance.cost_of_all",
     "a caught positive 1, a negative that is not acted on 0"),
    (attribution, {"rows": 20, "background": 15}, "explainability.attribution_share", "background 15"),
    (attribution, {"rows": 20, "background": 15}, "explainability.attribution", "background 15"),
    (reasons, {"rows": 20, "background": 15, "top": 2, "overlap": 0.5}, "explainability.unstable_reason_rate",
     "background 15 a run; 2 reasons at most, flagged below an overlap of 0.5"),
    (reasons, {"rows": 20, "background": 15, "top": 2}, "explainability.principal_reason_rate", "2 reasons at most"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("check", "parameters", "measure", "says"), CASES, ids=[f"{c[2]}-{'-'.join(c[1])}" for c in CASES]
)
def test_the_finding_says_what_it_was_made_with(check, parameters, measure, says, evidence):
    found = [f for f in check(evidence, **parameters).findings if f.measure == measure]
    assert found
    assert all(says in f.reason for f in found)


def test_bins_that_ties_leave_no_room_for_are_counted(build, find):
    inputs, labels = rows()
    evidence = build(labels, inputs=inputs, function=lambda f: np.round(probability(f), 1))
    found = find(calibration(evidence, bins=50), "performance.ece")
    distinct = len(np.unique(np.round(probability(inputs)[:, 1], 1)))
    assert f"50 equal-mass bins asked for, {distinct} after equal scores were put together" in found.reason


def test_texts_that_count_as_near_are_told_where_there_are_texts(build, find):
    words = np.random.default_rng(0).choice(list("abcdefghij"), (60, 40))
    texts = pd.DataFrame({"t": [" ".join(row) for row in words]})
    found = find(near_duplicates(build(["yes", "no"] * 30, inputs=texts), similarity=0.6), "data.near_duplicate_rate")
    assert found.reason == "near: texts of 25 characters or more that share 0.6"


def test_classes_that_are_left_out_of_simple_models_are_named(build, find):
    rng = np.random.default_rng(0)
    labels = np.array(["p"] * 100 + ["q"] * 100 + ["r"] * 20)
    evidence = build(labels, inputs=pd.DataFrame({"x": (labels == "p") + rng.normal(size=220)}), positive=None)
    assert "left out, fewer than 50 rows: r" in find(signal(evidence), "data.label_auc").reason
    assert find(signal(evidence, minimum=15), "data.label_informedness").reason in (None, "the interval covers 0: nothing in the features predicts the label; are labels random?")  # fmt: skip
