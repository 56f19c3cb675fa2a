"""Random labels and kin across a split are found; their clean twins are not flagged."""

import numpy as np
import pandas as pd
import pytest

from harness.checks.data.clusters import clusters
from harness.checks.data.signal import signal


def rows(n=400, seed=0, shift=0.0):
    rng = np.random.default_rng(seed)
    site = np.array(["a", "b"], dtype=object)[rng.integers(0, 2, n)]
    x = rng.normal(size=n) + shift * (site == "b")
    labels = np.where(x + rng.normal(0, 0.5, n) > 0, "yes", "no").astype(object)
    return labels, pd.DataFrame({"x": x, "z": rng.normal(size=n)}), site


def test_random_labels_are_told_and_true_ones_are_not(build, find):
    labels, inputs, _ = rows()
    true = find(signal(build(labels, inputs=inputs)), "data.label_auc")
    random = find(signal(build(np.random.default_rng(1).permutation(labels), inputs=inputs)), "data.label_auc")
    assert true.interval.low > 0.85
    assert true.reason is None
    assert random.interval.low < 0.5 < random.interval.high
    assert "random" in random.reason
    few = ["yes"] * 10 + ["no"] * 300
    assert signal(build(few, answers=["no"] * 310)).status == "not_tested"


def test_the_audited_models_own_gain_is_signal_enough(build, find):
    labels, _, _ = rows()
    noise = pd.DataFrame({"x": np.random.default_rng(5).normal(size=len(labels))})
    proven = find(signal(build(labels, inputs=noise)), "data.signal")
    assert proven.interval.low > 0.9
    assert "audited model" in proven.reason
    open_ = find(
        signal(build(labels, answers=np.random.default_rng(3).permutation(labels), inputs=noise)), "data.signal"
    )
    assert open_.interval.low <= 0


def test_rare_false_alarms_on_random_labels(build, find):
    labels, inputs, _ = rows(n=200)
    told = [
        find(
            signal(build(np.random.default_rng(s).permutation(labels), inputs=inputs, seed=s)), "data.label_auc"
        ).reason
        for s in range(8)
    ]
    assert sum(reason is None for reason in told) <= 1


def with_clusters(build, test, train):
    evidence = build(["yes", "no"] * 3, train={"labels": ["yes", "no"] * 3})
    for role, names in (("test", test), ("train", train)):
        object.__setattr__(evidence.data.splits[role], "clusters", np.array(names, dtype=object))
    return evidence


def test_kin_on_both_sides_is_counted_and_whole_clusters_are_not(build, find):
    found = clusters(with_clusters(build, list("aabbcd"), list("aeeffg")))
    assert find(found, "data.straddling_clusters").value == 1
    assert find(found, "data.straddling_rate").value == pytest.approx(2 / 6)
    clean = clusters(with_clusters(build, list("aabbcd"), list("eeffgg")))
    assert [f.value for f in clean.findings if f.measure != "data.kin_rate"] == [0, 0]
    assert clusters(build(["yes", "no"] * 3, train={"labels": ["yes", "no"] * 3})).status == "not_tested"


def numbers(seed, strength=1.0, n=300):
    rng = np.random.default_rng(seed)
    inputs = pd.DataFrame({"x": rng.normal(size=n), "z": rng.choice(list("abc"), n).astype(object)})
    return strength * inputs["x"].to_numpy() + rng.normal(0, 0.5, n), inputs


def test_random_numbers_are_told_and_true_ones_are_not(build_numbers, find):
    """Truth: x tells 1 / (1 + 0.25) = 0.8 of the variance, and the relation is linear."""
    labels, inputs = numbers(0)
    true = find(signal(build_numbers(labels, labels, inputs=inputs)), "data.label_r2")
    assert 0.75 < true.value < 0.85
    assert true.interval.low > 0.5
    assert true.reason is None
    shuffled = np.random.default_rng(1).permutation(labels)
    random = find(signal(build_numbers(shuffled, shuffled, inputs=inputs)), "data.label_r2")
    assert random.interval.low < 0
    assert "random" in random.reason
    few, own = numbers(0, n=99)
    assert signal(build_numbers(few, np.zeros(99), inputs=own)).status == "not_tested"
    same = np.ones(300)
    assert signal(build_numbers(same, same, inputs=inputs)).status == "not_tested"


def test_no_false_alarm_on_random_numbers_in_eight(build_numbers, find):
    told = []
    for seed in range(8):
        labels, inputs = numbers(seed, strength=0.0, n=150)
        told.append(find(signal(build_numbers(labels, labels, inputs=inputs)), "data.label_r2").reason is None)
    assert sum(told) <= 1


def test_numbers_that_only_their_cluster_tells_are_random(build_numbers, find):
    """Each patient has a number and a mark of its own: split by rows the trees would know them again."""
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(60), 5)
    labels, inputs = (
        rng.normal(size=60)[patient] + rng.normal(0, 0.1, 300),
        pd.DataFrame({"mark": rng.normal(size=60)[patient], "z": rng.normal(size=300)}),
    )
    names = np.array([f"p{i}" for i in patient], dtype=object)
    apart = find(signal(build_numbers(labels, labels, inputs=inputs, clusters=names)), "data.label_r2")
    together = find(signal(build_numbers(labels, labels, inputs=inputs)), "data.label_r2")
    assert apart.interval.low < 0
    assert together.interval.low > 0
    few = build_numbers(
        labels, np.zeros(300), inputs=inputs, clusters=np.array([f"c{i % 4}" for i in range(300)], dtype=object)
    )
    assert "4 clusters" in signal(few).reason
