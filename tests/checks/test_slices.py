from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import hypergeom
from sklearn.metrics import roc_auc_score

from harness.checks.performance.slices import slices


def rows(seed, bad=None, rate=0.6, n=600):
    """Features, and answers that are right nine times in ten; in `bad` (n,) only at `rate`."""
    rng = np.random.default_rng(seed)
    inputs = pd.DataFrame({
        "age": rng.uniform(20, 80, n), "noise": rng.normal(size=n),
        "site": rng.choice(["a", "b", "c"], n).astype(object),
    })  # fmt: skip
    chance = np.full(n, 0.9) if bad is None else np.where(bad(inputs), rate, 0.9)
    truth = rng.choice(["no", "yes"], n)
    wrong = rng.random(n) >= chance
    return truth, np.where(wrong, np.where(truth == "yes", "no", "yes"), truth), inputs


def found_slices(measured):
    return [f.of["slice"] for f in measured.findings if f.measure == "performance.found_slice_accuracy"]


def test_a_planted_bad_value_of_a_category_is_found_with_its_accuracy(build, find):
    truth, answers, inputs = rows(1, lambda f: f["site"] == "b")
    measured = slices(build(truth, answers=answers, inputs=inputs))
    assert found_slices(measured)[0] == "site = b"
    inside = (inputs["site"] == "b").to_numpy()
    found = find(measured, "performance.found_slice_accuracy", {"slice": "site = b"})
    assert found.value == pytest.approx((truth == answers)[inside].mean())
    assert found.n == inside.sum()


def test_a_planted_bad_range_of_a_number_is_found(build):
    truth, answers, inputs = rows(2, lambda f: f["age"] >= 65)
    oldest = np.quantile(inputs["age"], 0.75)
    assert found_slices(slices(build(truth, answers=answers, inputs=inputs)))[0].startswith(f"age from {oldest:.3g} to")


def test_rows_with_a_missing_value_are_a_slice(build):
    truth, answers, inputs = rows(3)
    inputs.loc[:99, "noise"] = np.nan
    answers[:60] = np.where(truth[:60] == "yes", "no", "yes")
    assert found_slices(slices(build(truth, answers=answers, inputs=inputs)))[0] == "noise missing"


def test_a_better_slice_is_not_reported(build):
    truth, answers, inputs = rows(4, lambda f: f["site"] != "b", rate=0.5)
    assert "site = b" not in found_slices(slices(build(truth, answers=answers, inputs=inputs)))


def test_clean_rows_give_a_slice_at_most_at_the_false_discovery_rate(build):
    # Every discovery is false here, so the share of data sets with any is the false-discovery rate: 10 % at most.
    any_found = []
    for seed in range(60):
        truth, answers, inputs = rows(100 + seed, n=300)
        any_found.append(bool(found_slices(slices(build(truth, answers=answers, inputs=inputs)))))
    assert np.mean(any_found) <= 0.1 + 2.33 * (0.1 * 0.9 / 60) ** 0.5


def test_a_slice_is_kept_by_the_hypergeometric_tail(build):
    # One candidate with its complement: 2 tests, so the smaller p-value must be at most 10 % / 2.
    def kept(wrong_inside):
        inputs = pd.DataFrame({"site": np.array(["a"] * 50 + ["b"] * 50, dtype=object)})
        answers = np.array(["no"] * wrong_inside + ["yes"] * (50 - wrong_inside) + ["no"] * 5 + ["yes"] * 45)
        measured = slices(build(["yes"] * 100, answers=answers, inputs=inputs, classes=("no", "yes")))
        return found_slices(measured) == ["site = a"]

    tails = {w: hypergeom.sf(w - 1, 100, 5 + w, 50) for w in range(5, 20)}
    assert {w: kept(w) for w in tails} == {w: bool(p <= 0.05) for w, p in tails.items()}
    assert set(map(kept, tails)) == {True, False}


def test_declared_slices_are_always_given_and_small_ones_are_undefined(build, find):
    truth, answers, inputs = rows(5)
    site = np.array(["x"] * 300 + ["y"] * 280 + ["tiny"] * 15 + [None] * 5, dtype=object)
    measured = slices(build(truth, answers=answers, inputs=inputs, slices={"shift": site}))
    for name in "xy":
        found = find(measured, "performance.slice_accuracy", {"slice": f"shift = {name}"})
        assert (found.value, found.n) == (
            pytest.approx((truth == answers)[site == name].mean()),
            (site == name).sum(),
        )
    tiny = find(measured, "performance.slice_accuracy", {"slice": "shift = tiny"})
    assert (tiny.value, tiny.n, tiny.reason) == (None, 15, "insufficient sample: 15 rows in the slice, 30 needed")


def test_the_number_of_slices_searched_is_told(build, find):
    truth, answers, inputs = rows(6)
    # Four quarters of age and of noise, three sites.
    assert find(slices(build(truth, answers=answers, inputs=inputs)), "performance.slices_searched").value == 11


def scored(seed, n=600, blind=None):
    """Truth, scores that rank it well except in `blind` (n,), and a declared slice of two values."""
    rng = np.random.default_rng(seed)
    site = np.array(["x"] * (n // 3) + ["y"] * (n - n // 3), dtype=object)
    truth = rng.choice(["no", "yes"], n)
    skill = np.where(site == blind, 0.0, 1.5)
    scores = 1 / (1 + np.exp(-(skill * np.where(truth == "yes", 1, -1) + rng.normal(size=n))))
    return truth, np.round(scores, 2), site


def test_the_auc_of_a_slice_and_its_gap_are_scikit_learns_on_subsets(build, find):
    truth, scores, site = scored(7)
    answers = np.where(scores >= 0.5, "yes", "no").astype(object)
    answers[::50], scores[::50] = None, np.nan
    measured = slices(build(truth, answers=answers, scores=scores, slices={"site": site}, classes=("no", "yes")))
    known = np.isfinite(scores)
    own = {name: known & (site == name) for name in "xy"}
    wanted = {name: roc_auc_score(truth[rows] == "yes", scores[rows]) for name, rows in own.items()}
    for name, other in ("xy", "yx"):
        of = {"slice": f"site = {name}"}
        found, gap = (find(measured, f"performance.{m}", of) for m in ("slice_auc", "slice_auc_gap"))
        assert (found.value, found.n) == (pytest.approx(wanted[name]), own[name].sum())
        assert found.interval.low < found.value < found.interval.high
        assert (gap.value, gap.n) == (pytest.approx(wanted[name] - wanted[other]), known.sum())
    shown = next(e for e in measured.exhibits if e.title == "ROC-AUC within each slice")
    assert [row[:2] for row in shown.rows] == [[f"site = {name}", pytest.approx(wanted[name])] for name in "xy"]


def test_a_model_that_ranks_at_random_in_one_slice_is_caught_and_an_even_one_is_not(build, find):
    of = {"slice": "site = x"}
    for blind, caught in (("x", True), (None, False)):
        truth, scores, site = scored(8, blind=blind)
        measured = slices(build(truth, scores=scores, slices={"site": site}))
        gap, auc = (find(measured, f"performance.{m}", of).interval for m in ("slice_auc_gap", "slice_auc"))
        assert (gap.high < 0, auc.low < 0.5 < auc.high) == (caught, caught)
        assert caught or gap.low < 0 < gap.high


def test_the_interval_of_a_gap_covers_the_truth_as_often_as_it_says(build, find):
    # Both slices have the same AUC, so the true gap is 0: 95 of 100 intervals must hold it.
    of, held = {"slice": "site = x"}, []
    for seed in range(200):
        truth, scores, site = scored(1000 + seed, n=240)
        rows = {"scores": scores, "slices": {"site": site}, "inputs": pd.DataFrame({"k": np.zeros(240)})}
        band = find(slices(build(truth, **rows)), "performance.slice_auc_gap", of).interval
        held.append(band.low <= 0 <= band.high)
    assert 0.95 - 3 * (0.95 * 0.05 / 200) ** 0.5 <= np.mean(held) <= 1


def test_rows_that_belong_together_widen_the_intervals_of_an_auc(build, find):
    rng = np.random.default_rng(9)
    owner = np.repeat(np.arange(60), 10)
    truth = np.where(np.repeat(rng.random(60) < 0.5, 10), "yes", "no")
    shared, own = np.repeat(rng.normal(0, 0.15, 60), 10), rng.normal(0, 0.01, 600)
    scores = np.clip(0.5 + np.where(truth == "yes", 0.1, -0.1) + shared + own, 0, 1)
    evidence = build(truth, scores=scores, slices={"half": np.array(["a", "b"] * 300, dtype=object)})
    alone = slices(evidence)
    owned = replace(evidence.data.splits["test"], clusters=owner.astype(str).astype(object))
    evidence.data.splits["test"] = owned
    together = slices(evidence)
    widths = [
        [find(m, f"performance.{name}", {"slice": "half = a"}).interval for name in ("slice_auc", "slice_auc_gap")]
        for m in (alone, together)
    ]
    (auc, gap), (auc_together, gap_together) = [[band.high - band.low for band in bands] for bands in widths]
    assert auc_together > 1.5 * auc
    # Every cluster lies half in the slice and half in the rest with like scores, so the gap is nearly certain.
    assert gap_together < 0.5 * gap


def test_a_slice_of_one_class_or_few_rows_or_without_scores_has_no_auc_and_says_why(build, find):
    truth, scores, site = scored(10)
    truth[site == "x"] = "no"
    small = np.array(["s"] * 12 + ["t"] * 588, dtype=object)
    measured = slices(build(truth, scores=scores, slices={"site": site, "size": small}))
    for name in ("slice_auc", "slice_auc_gap"):
        one, few = (find(measured, f"performance.{name}", {"slice": s}) for s in ("site = x", "size = s"))
        assert one.value is None
        assert "0 positive of 200 answered rows" in one.reason
        assert few.reason == "insufficient sample: 12 answered rows, 30 needed"
    assert find(measured, "performance.slice_auc", {"slice": "site = y"}).value > 0.5
    rest = find(measured, "performance.slice_auc_gap", {"slice": "site = y"})
    assert rest.reason.startswith("the rest: undefined: 0 positive of 200")
    labels_only = slices(build(truth, slices={"site": site}))
    assert find(labels_only, "performance.slice_accuracy", {"slice": "site = x"}).value == 1
    assert "no probabilities" in find(labels_only, "performance.slice_auc", {"slice": "site = x"}).reason
    several = slices(build(truth, scores=scores, slices={"site": site}, positive=None))
    assert "no positive class" in find(several, "performance.slice_auc", {"slice": "site = x"}).reason


def test_two_perfect_rankings_have_a_gap_without_an_interval(build, find):
    truth, _, site = scored(11)
    found = find(slices(build(truth, scores=np.where(truth == "yes", 0.9, 0.1), slices={"site": site})), "performance.slice_auc_gap", {"slice": "site = x"})  # fmt: skip
    assert (found.value, found.interval) == (0, None)


def test_a_slice_without_an_error_has_a_mean_error_with_a_width(build_numbers, find):
    truth = np.random.default_rng(13).normal(size=80)
    half = np.array(["a", "b"] * 40, dtype=object)
    measured = slices(build_numbers(truth, truth + (half == "b"), slices={"half": half}))
    exact, off = (find(measured, "performance.slice_mae", {"slice": f"half = {name}"}) for name in "ab")
    assert exact.value == 0 and exact.interval.high == pytest.approx(1 - 0.025 ** (1 / 40))
    assert off.value == pytest.approx(1) and off.interval.low < 0.95


def test_numbers_have_no_auc(build_numbers):
    truth = np.random.default_rng(12).normal(size=80)
    measured = slices(build_numbers(truth, truth + 0.1, slices={"half": np.array(["a", "b"] * 40, dtype=object)}))
    assert [f for f in measured.findings if "auc" in f.measure] == []
