import numpy as np
import pandas as pd
import pytest
from scipy.stats import hypergeom

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
