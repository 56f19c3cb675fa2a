"""Rows that stand three times in their cluster tell a check no more than once, and as rows of their own they would."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from harness.checks.bias.groups import groups
from harness.checks.performance.abstention import abstention
from harness.checks.performance.calibration import calibration
from harness.checks.performance.operating_points import operating_points
from harness.checks.performance.slices import slices
from harness.checks.performance.transfer import transfer
from harness.checks.privacy.membership import membership
from harness.stats.auc import delong

TIMES = 3
# Biased upwards by few rows; found by a search; a fit whose copies lie in several folds; copies shuffled apart.
FOUND = (
    "performance.ece",
    "performance.top_label_ece",
    "performance.found_slice_accuracy",
    "privacy.blind_auc",
    "privacy.shuffled_auc",
)


def rows_of(seed, n, times):
    """Truths, scores, inputs with a site, and owners: n rows, each so many times."""
    rng = np.random.default_rng(seed)
    x, site = rng.normal(size=n), rng.integers(0, 2, n)
    truth = np.where(x + rng.normal(0, 1, n) > 0, "yes", "no")
    score = 1 / (1 + np.exp(-x - rng.normal(0, 0.5, n)))
    take = np.repeat(np.arange(n), times)
    inputs = pd.DataFrame({"x": x, "site": site.astype(float), "noise": rng.normal(size=n)}).iloc[take]
    return (
        truth[take],
        score[take],
        inputs.reset_index(drop=True),
        np.array([f"{seed}-{i}" for i in take], dtype=object),
    )


def made(build, times, clustered, positive="yes"):
    truth, score, inputs, owner = rows_of(1, 600, times)
    train_truth, train_score, train, train_owner = rows_of(2, 600, times)
    group = np.where(inputs["site"] == 0, "a", "b")
    evidence = build(
        truth,
        answers=np.where(score >= 0.5, "yes", "no"),
        scores=score,
        inputs=inputs,
        groups={"side": group},
        slices={"side": group},
        positive=positive,
        favourable=positive,
        train={
            "labels": train_truth,
            "answers": np.where(train_score >= 0.5, "yes", "no"),
            "scores": train_score,
            "inputs": train,
        },
        estimator=LogisticRegression().fit(train, train_truth),
    )
    if clustered:
        for role, names in (("test", owner), ("train", train_owner)):
            evidence.data.splits[role] = replace(evidence.data.splits[role], clusters=names)
    return evidence


@pytest.mark.parametrize(
    ("check", "parameters", "tolerance", "positive"),
    [
        (groups, {}, 1e-6, "yes"),
        (calibration, {}, 1e-6, "yes"),
        (operating_points, {}, 1e-6, "yes"),
        (abstention, {}, 1e-6, "yes"),
        (slices, {}, 1e-6, "yes"),
        (membership, {}, 0.03, "yes"),  # its thresholds and folds are drawn
        (transfer, {"by": "site"}, 1e-3, "yes"),  # fitted to the copies, with the same penalty
        (groups, {}, 1e-6, None),
        (calibration, {}, 1e-6, None),
        (transfer, {"by": "site"}, 0.01, None),
    ],
)
def test_copies_of_a_row_tell_nothing_new(check, parameters, tolerance, positive, build):
    once, together, apart = (
        {(f.measure, str(f.group), str(f.of)): f for f in check(made(build, *how, positive), **parameters).findings}
        for how in ((1, False), (TIMES, True), (TIMES, False))
    )
    similar, narrow = [], []
    for key, alone in once.items():
        if alone.interval is None or key[0] in FOUND:
            continue
        own, width = together[key], alone.interval.high - alone.interval.low
        assert own.value == pytest.approx(alone.value, abs=tolerance), key
        similar.append((own.interval.high - own.interval.low) / width)
        assert 0.75 < similar[-1] < 1.3, key
        if key in apart:
            narrow.append((apart[key].interval.high - apart[key].interval.low) / width)
    assert len(similar) >= 2 and 0.93 < np.median(similar) < 1.08
    # Undeclared copies spoil the folds of the attack's blind baseline, so it is not tested at all.
    assert np.median(narrow) < 0.7 if narrow else check is membership


def few(build, owner, truth, score):
    evidence = build(truth, answers=np.where(score >= 0.5, "yes", "no"), scores=score, favourable="yes",
                     groups={"side": np.where(np.arange(len(truth)) % 2, "a", "b")})  # fmt: skip
    evidence.data.splits["test"] = replace(evidence.data.splits["test"], clusters=owner)
    return evidence


def test_one_cluster_gives_no_width_of_nothing(build):
    rng = np.random.default_rng(0)
    truth = rng.choice(["no", "yes"], 400)
    score = np.clip(rng.normal(np.where(truth == "yes", 0.6, 0.4), 0.2), 0.01, 0.99)
    one = few(build, np.array(["all"] * 400, dtype=object), truth, score)
    for check in (calibration, operating_points, groups, abstention):
        for found in check(one).findings:
            assert found.interval is None or found.interval.high - found.interval.low > 0.05, found.measure


def test_clusters_that_hold_one_class_each_leave_a_sensitivity_open(build):
    truth = np.repeat(["no", "yes"], 100)
    score = np.linspace(0.01, 0.99, 200)[::-1]
    found = operating_points(few(build, np.where(truth == "yes", "a", "b").astype(object), truth, score)).findings
    about = next(f for f in found if f.measure == "performance.sensitivity_at_specificity")
    assert about.interval.high - about.interval.low > 0.9


def test_a_perfect_ranking_of_few_clusters_is_what_clusters_can_say():
    truth = np.repeat([True, False], 250)
    owner = np.repeat(np.arange(10), 50).astype(str)
    together, apart = delong(truth.astype(float), truth, owner), delong(truth.astype(float), truth)
    assert together.value == apart.value == 1
    assert together.interval().low < 0.7 < 0.98 < apart.interval().low


def test_the_mean_over_sites_keeps_what_people_at_several_sites_share(build, find):
    rng = np.random.default_rng(3)
    person = np.repeat(np.arange(150), 4)
    x = rng.normal(size=150)[person] + rng.normal(0, 0.1, 600)
    truth = np.where(x + rng.normal(size=150)[person] > 0, "yes", "no")
    inputs = pd.DataFrame({"x": x, "site": np.tile([0.0, 1.0, 2.0, 3.0], 150)})
    model = LogisticRegression().fit(inputs, truth)
    evidence = build(
        truth, inputs=inputs, train={"labels": truth, "inputs": inputs}, estimator=model, function=model.predict_proba
    )

    def width():
        band = find(transfer(evidence, by="site"), "performance.left_out_auc_mean").interval
        return band.high - band.low

    apart = width()
    evidence.data.splits["test"] = replace(evidence.data.splits["test"], clusters=person.astype(str).astype(object))
    assert 1.7 < width() / apart < 2.3  # four rows of a person say what one does


def test_perfect_rankings_at_every_site_are_not_certain(build, find):
    rng = np.random.default_rng(1)
    x = rng.normal(size=160)
    truth = np.where(x > 0, "yes", "no")
    inputs = pd.DataFrame({"x": x, "site": np.tile([0.0, 1.0], 80)})
    model = LogisticRegression(C=1e3).fit(inputs, truth)
    evidence = build(
        truth, inputs=inputs, train={"labels": truth, "inputs": inputs}, estimator=model, function=model.predict_proba
    )
    found = transfer(evidence, by="site")
    mean, gap = find(found, "performance.left_out_auc_mean"), find(found, "performance.transfer_gap", {"site": "0"})
    assert mean.value == 1 and 0.9 < mean.interval.low < 0.99
    assert gap.value == 0 and gap.interval is None and "perfectly" in gap.reason
