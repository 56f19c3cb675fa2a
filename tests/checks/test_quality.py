from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from harness.checks.data.quality import quality


def rows(seed, n=200):
    rng = np.random.default_rng(seed)
    inputs = pd.DataFrame({
        "income": rng.lognormal(3, 0.5, n), "age": rng.integers(20, 80, n).astype(float),
        "town": rng.choice(["a", "b", "c"], n).astype(object),
    })  # fmt: skip
    return {"labels": rng.choice(["no", "yes"], n), "inputs": inputs}


@pytest.fixture
def test():
    return rows(1)


@pytest.fixture
def train():
    return rows(2)


@pytest.fixture(scope="module")
def clean(build):
    return quality(build(**rows(1), train=rows(2), data={"ranges": {"age": [0, 120]}}))


@pytest.mark.parametrize(
    "measure",
    ["duplicate_rate", "train_test_overlap_rate", "missing_rate", "contradictory_label_rate", "leak_suspects", "small_groups"],
)  # fmt: skip
def test_clean_rows_have_no_such_flaw(measure, clean, find):
    assert find(clean, f"data.{measure}").value == 0


def test_clean_rows_name_no_suspect(clean, find):
    named = {"data.leak_suspect", "data.disguised_missing", "data.small_group"}
    assert {f.measure for f in clean.findings} & named == set()
    assert find(clean, "data.out_of_range", {"feature": "age"}).value == 0


def copy(source, rows_from, target, rows_to, *, label=True):
    target["inputs"].iloc[rows_to] = source["inputs"].iloc[rows_from].to_numpy()
    if label:
        target["labels"][rows_to] = source["labels"][rows_from]


def test_rows_repeated_within_a_split_are_counted_once_less(build, test, train, find):
    copy(test, [0, 0, 1], test, [10, 11, 12])
    measured = quality(build(**test, train=train))
    assert find(measured, "data.duplicate_rate").value == pytest.approx(3 / 400)
    assert find(measured, "data.train_test_overlap_rate").value == 0


def test_training_rows_among_the_test_rows_are_counted(build, test, train, find):
    copy(train, list(range(20)), test, list(range(20)))
    found = find(quality(build(**test, train=train)), "data.train_test_overlap_rate")
    assert (found.value, found.n) == (pytest.approx(20 / 200), 200)


def test_equal_features_with_another_label_contradict_and_are_no_duplicates(build, test, train, find):
    for i in range(6):
        copy(test, i, test, 100 + i, label=False)
        test["labels"][i], test["labels"][100 + i] = "no", "yes"
    measured = quality(build(**test, train=train))
    assert find(measured, "data.contradictory_label_rate").value == pytest.approx(6 / 400)
    assert find(measured, "data.duplicate_rate").value == 0


def test_a_contradiction_counts_the_minority(build, test, find):
    copy(test, [0, 0, 0, 0], test, [1, 2, 3, 4])
    test["labels"][:5] = ["no", "no", "no", "yes", "yes"]
    assert find(quality(build(**test)), "data.contradictory_label_rate").value == pytest.approx(2 / 200)


def suspects(measured):
    return [f.of["feature"] for f in measured.findings if f.measure == "data.leak_suspect"]


def test_a_number_that_tells_the_label_is_named_in_either_direction(build, test, train, find):
    for sign in (1, -1):
        for part in (test, train):
            part["inputs"]["after"] = sign * (part["labels"] == "yes") + np.random.default_rng(0).normal(0, 0.1, 200)
        measured = quality(build(**test, train=train))
        assert suspects(measured) == ["after"]
        assert find(measured, "data.leak_suspects").value == 1


def test_a_number_that_is_low_for_one_class_of_three_is_named(build):
    labels = np.array(["a", "b", "c"] * 60)
    rng = np.random.default_rng(4)
    inputs = pd.DataFrame({"after": (labels != "a") + rng.normal(0, 0.1, 180), "noise": rng.normal(size=180)})
    assert suspects(quality(build(labels, inputs=inputs, positive=None))) == ["after"]


def test_a_category_that_tells_the_label_is_named(build, test, train):
    for part in (test, train):
        rng = np.random.default_rng(3)
        kinds = np.where(part["labels"] == "yes", rng.choice(["p", "q"], 200), rng.choice(["r", "s"], 200))
        part["inputs"]["status"] = kinds.astype(object)
    assert suspects(quality(build(**test, train=train))) == ["status"]


def test_a_useful_but_honest_column_is_no_leak(build, test, train):
    for part in (test, train):
        part["inputs"]["signal"] = (part["labels"] == "yes") + np.random.default_rng(0).normal(0, 1.2, 200)
    assert suspects(quality(build(**test, train=train))) == []


def test_a_column_of_ids_tells_nothing(build, test, train):
    for part, letter in ((test, "t"), (train, "u")):
        part["inputs"]["number"] = np.array([f"{letter}{i}" for i in range(200)], dtype=object)
    measured = quality(build(**test, train=train))
    assert suspects(measured) == []
    assert dict(measured.exhibits[0].rows)["number"] == pytest.approx(0.5)


def test_the_auc_of_a_numeric_column_is_the_brute_force_count(build, test):
    up, down = (test["inputs"]["income"][test["labels"] == name].to_numpy() for name in ("yes", "no"))
    auc = (up[:, None] > down).mean()
    shown = dict(quality(build(**test)).exhibits[0].rows)
    assert shown["income"] == pytest.approx(max(auc, 1 - auc))


def test_missing_cells_are_counted_by_column(build, test, train, find):
    test["inputs"].loc[:9, "income"] = np.nan
    train["inputs"].loc[:4, "town"] = None
    measured = quality(build(**test, train=train))
    found = find(measured, "data.missing_rate")
    assert (found.value, found.n) == (pytest.approx(15 / 1200), 1200)
    assert measured.exhibits[1].rows == [["income", 10, 10 / 400], ["age", 0, 0], ["town", 5, 5 / 400]]


@pytest.mark.parametrize("sentinel", [-999.0, 9999.0])
def test_a_sentinel_far_from_every_other_value_is_a_disguised_missing_value(sentinel, build, test, train, find):
    test["inputs"].loc[:6, "income"] = sentinel
    measured = quality(build(**test, train=train))
    assert find(measured, "data.disguised_missing", {"feature": "income"}).value == 7


def test_a_lone_outlier_and_a_common_lowest_value_are_no_disguised_missing_values(build, test, train):
    test["inputs"].loc[0, "income"] = 9999.0
    test["inputs"].loc[:30, "age"] = 20.0
    measured = quality(build(**test, train=train))
    assert [f for f in measured.findings if f.measure == "data.disguised_missing"] == []


def test_values_outside_their_range_are_counted_and_the_ends_belong_to_it(build, test, train, find):
    test["inputs"].loc[:3, "age"] = [-1.0, 0.0, 120.0, 120.5]
    train["inputs"].loc[0, "age"] = np.nan
    found = find(
        quality(build(**test, train=train, data={"ranges": {"age": [0, 120]}})), "data.out_of_range", {"feature": "age"}
    )
    assert (found.value, found.n) == (2, 399)


def test_a_group_too_small_to_judge_is_named_with_its_rows(build, test, find):
    groups = {"sex": ["f"] * 150 + ["m"] * 29 + [None] * 21, "age": ["old"] * 30 + ["young"] * 170}
    measured = quality(build(**test, groups=groups))
    assert find(measured, "data.small_groups").value == 1
    assert find(measured, "data.small_group", {"sex": "m"}).value == 29


def test_labels_in_alternating_order_make_no_category_a_leak(build):
    town = np.random.default_rng(0).choice(list("abc"), 200).astype(object)
    found = quality(build(["yes", "no"] * 100, inputs=pd.DataFrame({"town": town})))
    assert [f.value for f in found.findings if f.measure == "data.leak_suspects"] == [0]


def test_a_number_that_is_missing_just_where_the_label_says_so_is_a_leak(build):
    labels = np.random.default_rng(0).choice(["no", "yes"], 200)
    paid = np.where(labels == "yes", np.nan, np.random.default_rng(1).normal(size=200))
    found = quality(build(labels, inputs=pd.DataFrame({"paid": paid})))
    assert [f.of for f in found.findings if f.measure == "data.leak_suspect"] == [{"feature": "paid"}]


def test_rows_left_out_for_want_of_a_label_are_counted_where_the_suite_leaves_them_out(build, find):
    labels = ["yes", "no"] * 20
    given = {"inputs": pd.DataFrame({"x": np.arange(40.0)}), "positive": "yes"}
    refusing = quality(build(labels, **given))
    assert [f for f in refusing.findings if f.measure == "data.unlabelled_rows"] == []
    evidence = build(labels, data={"label": {"column": "y", "positive": "yes", "missing": "leave_out"}}, **given)
    found = find(quality(evidence), "data.unlabelled_rows")
    assert (found.value, found.n, found.exact) == (0, 40, True)
    evidence.data = replace(evidence.data, rows=50, unlabelled=10)
    found = find(quality(evidence), "data.unlabelled_rows")
    assert (found.value, found.n) == (10, 50)
    assert "10 of 50 rows have no label" in found.reason


def test_what_reading_made_of_cells_is_told_and_nothing_where_it_made_nothing(build, find):
    names = ("data.stripped_cells", "data.missing_word", "data.unseen_class", "data.own_types")
    evidence = build(["yes", "no"] * 20, inputs=pd.DataFrame({"x": np.arange(40.0)}), positive="yes")
    assert not [f for f in quality(evidence).findings if f.measure in names]
    told = {
        "stripped": {"x": 3},
        "missing_words": {"g": {"None": 2, "NA": 1}},
        "unseen": {"new": 4},
        "own_types": "gone",
    }
    evidence.data = replace(evidence.data, **told)
    found = quality(evidence)
    assert find(found, "data.stripped_cells", {"column": "x"}).value == 3
    assert "'None' (2 cells), 'NA' (1 cells)" in find(found, "data.missing_word", {"column": "g"}).reason
    assert find(found, "data.unseen_class", {"class": "new"}).value == 4
    assert find(found, "data.own_types").reason.endswith("gone")
