import numpy as np
import pandas as pd
import pytest

from harness.checks.data.shift import shift, stability_index


def rows(seed, moved=0.0, n=400):
    rng = np.random.default_rng(seed)
    inputs = pd.DataFrame({"x": rng.normal(moved, 1, n), "k": rng.choice(list("abc"), n).astype(object)})
    return {"labels": rng.choice(["no", "yes"], n), "inputs": inputs}


def named(found, measure):
    return [f for f in found.findings if f.measure == measure]


def test_a_moved_column_is_seen_and_a_clean_split_is_not_flagged(build):
    moved = shift(build(**rows(1, moved=1.0), train=rows(2)))
    assert named(moved, "data.shift_auc")[0].interval.low > 0.6
    assert named(moved, "data.ks_distance")[0].value > 0.3
    index = {f.of["feature"]: f.value for f in named(moved, "data.stability_index")}
    assert index["x"] > 0.25 > 0.1 > index["k"]
    flagged = [
        named(shift(build(**rows(s), train=rows(s + 100))), "data.shift_auc")[0].interval.low > 0.5 for s in range(20)
    ]
    assert sum(flagged) <= 2


def test_the_stability_index_is_worked_by_hand():
    train, test = np.array(list("aaab"), dtype=object), np.array(list("abbb"), dtype=object)
    p, q = np.array([3.5, 1.5]) / 5, np.array([1.5, 3.5]) / 5
    assert stability_index(train, test) == pytest.approx(((q - p) * np.log(q / p)).sum())


def test_missing_values_are_a_cell_of_their_own():
    full, gaps = np.arange(100.0), np.where(np.arange(100) < 50, np.nan, np.arange(100.0))
    assert stability_index(full, full) == pytest.approx(0)
    assert stability_index(full, gaps) > 1


def test_without_training_rows_nothing_is_compared(build):
    assert shift(build(**rows(1))).status == "not_tested"


def test_a_column_that_is_empty_in_both_parts_ends_no_check(build):
    empty = [{**part, "inputs": part["inputs"].assign(gone=np.nan)} for part in (rows(1), rows(2))]
    assert named(shift(build(**empty[0], train=empty[1])), "data.shift_auc")[0].value is not None
