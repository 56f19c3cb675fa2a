"""Random labels, kin across a split, and shifted sites are found; their clean twins are not flagged."""

import numpy as np
import pandas as pd
import pytest

from harness.checks.data.clusters import clusters
from harness.checks.data.signal import signal
from harness.checks.data.sites import sites
from harness.errors import SuiteError


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
    assert signal(build(["yes"] * 10 + ["no"] * 300)).status == "not_tested"


def test_rare_false_alarms_on_random_labels(build, find):
    labels, inputs, _ = rows(n=200)
    told = [
        find(
            signal(build(np.random.default_rng(s).permutation(labels), inputs=inputs, seed=s)), "data.label_auc"
        ).reason
        for s in range(20)
    ]
    assert sum(reason is None for reason in told) <= 2


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


def test_a_shifted_site_is_found_and_sites_alike_are_not(build, find):
    for shift, found in ((3.0, True), (0.0, False)):
        labels, inputs, site = rows(shift=shift)
        made = sites(build(labels, inputs=inputs.assign(place=site)), by="place")
        one = find(made, "data.site_shift_auc", {"site": "a"})
        assert (one.interval.low > 0.9, one.interval.low > 0.5) == (found, found)
        share = find(made, "data.site_prevalence", {"site": "a"})
        assert (share.value, share.n) == ((labels[site == "a"] == "yes").mean(), (site == "a").sum())


def test_sites_need_a_column(build):
    labels, inputs, _ = rows()
    assert sites(build(labels, inputs=inputs)).status == "not_tested"
    with pytest.raises(SuiteError, match="no column"):
        sites(build(labels, inputs=inputs), by="hospital")
