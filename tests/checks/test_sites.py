"""Sites that differ are found, with the column that differs most; sites alike are not flagged."""

import numpy as np
import pandas as pd
import pytest

from harness.checks.data.sites import sites


def rows(n=400, seed=0, shift=0.0):
    rng = np.random.default_rng(seed)
    site = np.array(["a", "b"], dtype=object)[rng.integers(0, 2, n)]
    x = rng.normal(size=n) + shift * (site == "b")
    labels = np.where(x + rng.normal(0, 0.5, n) > 0, "yes", "no").astype(object)
    kind = rng.choice(list("pqr"), n).astype(object)
    return labels, pd.DataFrame({"x": x, "z": rng.normal(size=n), "kind": kind}), site


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


def at(measured, name, site="a"):
    (found,) = [f for f in measured.findings if f.measure == f"data.site_{name}" and f.of == {"site": site}]
    return found


def test_the_column_that_moved_is_named_and_no_other(build):
    labels, inputs, site = rows(n=2000, shift=1.0)
    measured = sites(build(labels, inputs=inputs.assign(place=site)), by="place")
    assert at(measured, "shifted_columns").value == 1
    assert at(measured, "shifted_columns").reason.endswith(": x")
    assert at(measured, "ks_distance").reason.startswith("x, the largest of 2")
    # Two normals one standard deviation apart: the distance is 2·Φ(0.5) - 1 = 0.383.
    assert at(measured, "ks_distance").value == pytest.approx(0.383, abs=0.06)
    assert at(measured, "stability_index").reason.startswith("x, the largest of 3")
    assert at(measured, "stability_index").value > 0.5
    assert measured.exhibits[1].rows[0][1] == "x"


def test_a_category_or_missing_cells_of_one_site_are_found(build):
    labels, inputs, site = rows()
    inputs["kind"] = np.where((site == "b") & (np.arange(400) % 2 == 0), "s", inputs["kind"]).astype(object)
    inputs.loc[(site == "a") & (np.arange(400) % 3 == 0), "z"] = np.nan
    measured = sites(build(labels, inputs=inputs.assign(place=site)), by="place")
    assert at(measured, "shifted_columns").value == 2
    assert "x" not in at(measured, "shifted_columns").reason.partition(":")[2]


def test_sites_alike_have_no_shifted_column(build):
    found = []
    for seed in range(20):
        labels, inputs, site = rows(seed=seed)
        measured = sites(build(labels, inputs=inputs.assign(place=site)), by="place")
        found.append(at(measured, "shifted_columns").value)
        assert at(measured, "stability_index").value < 0.25
    assert sum(count > 0 for count in found) <= 3


def test_copies_of_a_row_are_one_row_to_the_tests(build_numbers):
    """Ten rows of each patient: by rows every column differs between two sites of twenty patients, by patients none does."""
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(40), 10)
    inputs = pd.DataFrame(rng.normal(size=(40, 4)), columns=list("abcd")).iloc[patient].reset_index(drop=True)
    inputs["place"] = np.where(patient < 20, "a", "b").astype(object)
    labels = rng.normal(size=400)
    names = np.array([f"p{i}" for i in patient], dtype=object)
    alone = sites(build_numbers(labels, labels, inputs=inputs), by="place")
    together = sites(build_numbers(labels, labels, inputs=inputs, clusters=names), by="place")
    assert at(alone, "shifted_columns").value > 0
    assert at(together, "shifted_columns").value == 0
    assert at(together, "shift_auc").interval.low < 0.5 < at(alone, "shift_auc").interval.low


def test_a_number_has_a_mean_by_site(build_numbers):
    _, inputs, site = rows(shift=3.0)
    labels = inputs["x"].to_numpy()
    measured = sites(build_numbers(labels, labels, inputs=inputs.assign(place=site)), by="place")
    for name in "ab":
        found = at(measured, "label_mean", name)
        own = labels[site == name]
        assert found.value == pytest.approx(own.mean())
        half = 1.96 * own.std() / np.sqrt(len(own))
        assert (found.interval.low, found.interval.high) == pytest.approx(
            (own.mean() - half, own.mean() + half), abs=0.05
        )


def test_a_small_site_is_not_judged(build):
    labels, inputs, _ = rows(n=100)
    site = np.array(["a"] * 90 + ["b"] * 10, dtype=object)
    measured = sites(build(labels, inputs=inputs.assign(place=site)), by="place")
    assert {
        at(measured, name).value for name in ("shift_auc", "stability_index", "ks_distance", "shifted_columns")
    } == {None}
    assert at(measured, "prevalence", "b").n == 10


def test_rows_without_a_site_are_left_out(build, find):
    labels, inputs, site = rows()
    site = site.copy()
    site[:20] = None
    measured = sites(build(labels, inputs=inputs.assign(place=site)), by="place")
    assert {f.of["site"] for f in measured.findings} == {"a", "b"}
    assert find(measured, "data.site_shift_auc", {"site": "a"}).n == 380
