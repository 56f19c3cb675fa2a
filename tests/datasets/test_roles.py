import numpy as np
import pandas as pd
import pytest

from harness.datasets.groups import group_names
from harness.datasets.roles import DataOptions, load_dataset
from harness.errors import DataError
from harness.spec.data import Sensitive
from harness.spec.loading import LoadedSuite
from harness.spec.suite import Suite

ROWS = 60


def table(n=ROWS):
    return pd.DataFrame({"x": np.arange(n) * 1.5, "k": ["a", "b", "c"] * (n // 3), "y": ["yes", "no"] * (n // 2)})


@pytest.fixture
def load(tmp_path):
    """Loads rows through a suite whose `data` block is completed by the keywords."""

    def loaded(rows, options=None, **data):
        rows.to_csv(tmp_path / "rows.csv", index=False)
        block = {"source": "rows.csv", "label": {"column": "y", "positive": "yes"}, "features": ["x", "k"], **data}
        suite = Suite.model_validate({"name": "s", "vertical": "v", "checks": ["data.quality"], "data": block})
        return load_dataset(LoadedSuite(suite, tmp_path / "suite.yaml", tmp_path, "-"), options)

    return loaded


def joined(data, take):
    return np.concatenate([take(split) for split in data.splits.values()])


def test_every_row_lands_in_one_split_with_its_features_and_label(load):
    data = load(table())
    assert sorted(joined(data, lambda s: s.ids), key=int) == [str(i) for i in range(ROWS)]
    for split in data.splits.values():
        rows = split.ids.astype(int)
        assert split.inputs["x"].to_list() == (rows * 1.5).tolist()
        assert split.inputs["k"].to_list() == ["abc"[i % 3] for i in rows]
        assert split.labels.tolist() == [["yes", "no"][i % 2] for i in rows]
    assert (data.classes, data.positive, len(data.splits["test"])) == (("no", "yes"), "yes", 24)


def test_bins_hold_their_lower_edge_and_not_their_upper_one():
    how = Sensitive(column="age", bins=[18, 45, 60, 80])
    ages = pd.Series([17.9, 18, 44.9, 45, 59, 60, 79.9, 80, np.nan])
    names = ["18-45", "45-60", "60-80"]
    found = group_names(ages, how)
    assert [f if f is None else names.index(f) for f in found] == [None, 0, 0, 1, 1, 2, 2, None, None]


def test_quantiles_are_cut_as_in_the_training_rows_and_say_where():
    how = Sensitive(column="x", quantiles=4)
    learned = pd.Series(np.arange(101.0))  # quartiles 25, 50, 75
    names = ["0-25% (below 25)", "25-50% (25 to 50)", "50-75% (50 to 75)", "75-100% (75 and above)"]
    found = group_names(pd.Series([-5, 24.9, 25, 49, 50, 75, 900, np.nan]), how, learned)
    assert found.tolist() == [*[names[k] for k in (0, 0, 1, 1, 2, 3, 3)], None]
    tails = group_names(pd.Series([1.0, 50.0, 99.0]), Sensitive(column="x", quantiles=[0.05, 0.95]), learned)
    assert tails.tolist() == ["0-5% (below 5)", "5-95% (5 to 95)", "95-100% (95 and above)"]


def test_quantiles_that_fall_on_one_number_are_one_cut():
    how = Sensitive(column="x", quantiles=4)
    mostly_zero = pd.Series([0.0] * 60 + [*range(1, 41)], dtype=float)
    assert set(group_names(mostly_zero, how)) == {"0-75% (below 15.25)", "75-100% (15.25 and above)"}
    assert set(group_names(pd.Series([3.0] * 9), how)) == {"0-100% (all)"}
    with pytest.raises(DataError, match="need numbers in the training rows"):
        group_names(pd.Series(["a", "b"]), how)


def test_quantile_slices_come_from_training_rows_and_from_all_rows_without_a_split(load, tmp_path):
    slices = {"x": {"column": "x", "quantiles": 2}}
    data = load(table(), slices=slices)
    middle = np.median(data.splits["train"].columns["x"])
    for split in data.splits.values():
        assert [name.startswith("50-100%") for name in split.slices["x"]] == [x >= middle for x in split.columns["x"]]
    assert set(data.splits["test"].slices["x"]) == {f"0-50% (below {middle:.4g})", f"50-100% ({middle:.4g} and above)"}
    every = load(table(), slices=slices, split={"test": 1.0})
    assert set(every.splits["test"].slices["x"]) == {"0-50% (below 44.25)", "50-100% (44.25 and above)"}
    other = table().assign(x=lambda rows: rows["x"] + 1000)
    other.to_csv(tmp_path / "train.csv", index=False)
    shifted = load(table(), DataOptions(train_data=tmp_path / "train.csv"), slices=slices)
    assert set(shifted.splits["test"].slices["x"]) == {"0-50% (below 1044)"}


@pytest.mark.parametrize("given", [1, 0, [], [0.5, 0.2], [0, 0.5], [0.5, 1], [0.2, 0.2]])
def test_quantiles_that_part_nothing_are_refused(given):
    with pytest.raises(ValueError, match="from 2 on, or rising shares"):
        Sensitive(column="x", quantiles=given)


def test_one_way_of_grouping_at_a_time():
    with pytest.raises(ValueError, match="one of values, bins and quantiles"):
        Sensitive(column="x", quantiles=4, bins=[0, 1])


def test_values_are_renamed_and_others_keep_their_own_name():
    how = Sensitive(column="sex", values={1: "male", 2: "female"})
    assert group_names(pd.Series([1, 2, 9]), how).tolist() == ["male", "female", "9"]
    # A missing value makes pandas read whole numbers as floats: the names must not change.
    assert group_names(pd.Series([1.0, 2.0, np.nan]), how).tolist() == ["male", "female", None]
    assert group_names(pd.Series([True, False]), Sensitive(column="c")).tolist() == ["true", "false"]


def test_a_sentinel_is_missing_in_its_column_only(load):
    rows = table().assign(z=0.0)
    rows.loc[:4, "x"] = -9.0
    rows.loc[0, "z"] = -9.0
    data = load(rows, features=["x", "z", "k"], missing={"x": [-9], "k": ["c"]})
    assert joined(data, lambda s: s.inputs["x"].isna()).sum() == 5
    assert joined(data, lambda s: s.inputs["z"].isna()).sum() == 0
    assert joined(data, lambda s: s.inputs["k"].isna()).sum() == ROWS / 3


def test_duplicates_are_dropped_before_the_split_and_rows_keep_their_number(load):
    rows = pd.concat([table().iloc[[0, 0, 1, 1, 1]], table().iloc[2:]], ignore_index=True)
    data = load(rows, drop_duplicates=True)
    assert (data.rows, data.duplicates_dropped) == (ROWS + 3, 3)
    # Rows 0 and 2 of the file are the first of their kind, and row 5 follows the copies.
    ids = sorted(joined(data, lambda s: s.ids), key=int)
    assert ids == [str(i) for i in (0, 2, *range(5, ROWS + 3))]
    for split in data.splits.values():
        assert split.inputs["x"].to_list() == rows["x"].iloc[split.ids.astype(int)].to_list()
    kept = load(rows)
    assert (kept.duplicates_dropped, len(joined(kept, lambda s: s.ids))) == (0, ROWS + 3)


def test_a_duplicate_never_lies_in_two_splits(load):
    data = load(pd.concat([table()] * 3, ignore_index=True), drop_duplicates=True)
    numbers = {role: set(split.inputs["x"]) for role, split in data.splits.items()}
    assert numbers["test"] & numbers["train"] == set()


def test_an_official_split_column_decides(load):
    part = np.where(np.arange(ROWS) < 10, "test", np.where(np.arange(ROWS) < 15, "calibration", "train"))
    data = load(table().assign(part=part), split={"column": "part"})
    assert data.splits["test"].ids.tolist() == [str(i) for i in range(10)]
    assert {role: len(split) for role, split in data.splits.items()} == {"test": 10, "calibration": 5, "train": 45}
    with pytest.raises(DataError, match="names no row 'test'"):
        load(table().assign(part="train"), split={"column": "part"})


def test_groups_stay_whole_and_strata_keep_their_share(load):
    rows = table().assign(person=np.arange(ROWS) // 4)
    data = load(rows, split={"group": "person", "test": 0.4})
    people = {role: set(split.columns["person"]) for role, split in data.splits.items()}
    assert people["test"] & people["train"] == set()
    strata = load(rows, split={"stratify": ["y", "k"], "test": 0.4})
    counts = strata.splits["test"].columns.groupby(["y", "k"]).size()
    assert counts.to_list() == [4] * 6


def test_ids_come_from_their_column_and_must_differ(load):
    rows = table().assign(id=[f"p{i}" for i in range(ROWS)])
    assert set(joined(load(rows, id="id"), lambda s: s.ids)) == set(rows["id"])
    with pytest.raises(DataError, match=r"repeats 1 id\(s\) in column 'id' \(first: p0\)"):
        load(rows.assign(id=["p0", "p0", *rows["id"][2:]]), id="id")


def test_a_label_made_of_a_number_and_whole_numbers_as_names(load):
    rows = table().assign(y=np.arange(ROWS) % 5)
    made = load(rows, label={"column": "y", "positive": {"at_least": 3}, "names": {"positive": "sick"}})
    assert made.classes == ("negative", "sick")
    assert all((split.columns["y"] >= 3).tolist() == (split.labels == "sick").tolist() for split in made.splits.values())  # fmt: skip
    plain = load(rows.assign(y=(np.arange(ROWS) % 2) * 1.0), label={"column": "y", "positive": 1})
    assert (plain.classes, plain.positive) == (("0", "1"), "1")


def test_a_categorical_number_is_a_name_and_a_plain_one_a_float(load):
    data = load(table().assign(code=np.arange(ROWS) % 3), features=["x", "code"], categorical=["code"])
    inputs = data.splits["test"].inputs
    assert set(inputs["code"]) == {"0", "1", "2"}
    assert inputs["x"].dtype.kind == "f"


def test_rows_of_ones_own_are_all_test_rows_and_members_are_unknown(load, tmp_path):
    table(30).to_csv(tmp_path / "own.csv", index=False)
    data = load(table(), DataOptions(data=tmp_path / "own.csv"))
    assert (len(data.splits["test"]), len(data.splits["train"]), data.members) == (30, 0, "unknown")


def test_other_data_may_lack_a_class_of_the_suite_s_data(load, tmp_path):
    rows = table()
    rows[rows["y"] == "no"].to_csv(tmp_path / "month.csv", index=False)
    data = load(rows, DataOptions(data=tmp_path / "month.csv"), label={"column": "y", "positive": "yes"})
    assert (data.classes, set(data.splits["test"].labels), data.unseen) == (("no", "yes"), {"no"}, {})


def test_training_rows_of_ones_own_share_the_id_of_an_equal_test_row(load, tmp_path):
    table().iloc[:30].to_csv(tmp_path / "own.csv", index=False)
    table().iloc[28:].to_csv(tmp_path / "train.csv", index=False)
    data = load(table(), DataOptions(data=tmp_path / "own.csv", train_data=tmp_path / "train.csv"))
    assert data.members == "train-data"
    assert set(data.splits["train"].ids) & set(data.splits["test"].ids) == {"28", "29"}
    assert data.splits["train"].ids[2] == "train:2"


def test_a_sample_takes_that_many_test_rows_and_leaves_the_training_rows(load):
    whole, part = load(table()), load(table(), DataOptions(rows=10))
    assert (len(part.splits["test"]), part.sampled_rows) == (10, 10)
    assert set(part.splits["test"].ids) < set(whole.splits["test"].ids)
    assert part.splits["train"].ids.tolist() == whole.splits["train"].ids.tolist()


@pytest.mark.parametrize(
    ("change", "data", "says"),
    [
        ({"y": "yes"}, {}, "one class only"),
        ({"y": [None] + ["yes", "no"] * 29 + ["no"]}, {}, r"lacks 1 label\(s\)"),
        ({}, {"features": ["x", "z"]}, r"lacks the column\(s\) z"),
        ({}, {"label": {"column": "y", "positive": "maybe"}}, "label.positive is 'maybe'"),
        ({}, {"label": {"column": "y", "positive": {"at_least": 1}}}, "must hold numbers"),
    ],
)
def test_rows_that_do_not_fit_the_suite_are_refused(change, data, says, load):
    with pytest.raises(DataError, match=says):
        load(table().assign(**change), **data)


def test_neither_a_cluster_nor_the_group_of_the_split_straddles(load):
    rng = np.random.default_rng(0)
    rows = table(240).assign(question=rng.integers(150, size=240), patient=rng.integers(150, size=240))
    data = load(rows, cluster="question", split={"group": "patient"})
    for column in ("question", "patient"):
        parts = [set(split.columns[column]) for split in data.splits.values()]
        assert sum(map(len, parts)) == len(set().union(*parts))
    assert len(data.splits["test"].clusters) and data.splits["test"].clusters[0].startswith("group ")


def test_the_column_that_the_split_groups_by_must_be_there(load):
    with pytest.raises(DataError, match="patient"):
        load(table(), cluster="k", split={"group": "patient"})


@pytest.mark.parametrize(
    ("column", "says"),
    [
        ("k", r"data\.ranges names 'k', but in rows\.csv it holds text, such as 'a', 'b', 'c'"),
        ("low", "such as '<0.5'"),
    ],
)
def test_a_range_of_a_column_of_text_is_refused_before_anything_is_measured(load, column, says):
    rows = table().assign(low=["<0.5", *map(str, range(ROWS - 1))])
    with pytest.raises(DataError, match=says):
        load(rows, ranges={column: [0, 9]})
    load(rows, ranges={"x": [0, 9], "low": [0, 9]}, missing={"low": ["<0.5"]})


def test_what_a_suite_says_of_numbers_holds_for_its_data_and_for_other_files(load, tmp_path):
    rows = table().assign(pay=[f"{i},{i:03d}.5 $" for i in range(1, ROWS + 1)], hb=["?", *["13.5"] * (ROWS - 1)])
    how = {"features": ["x", "pay", "hb"], "read": {"numbers": {"pay": {"thousands": ",", "unit": "$"}}}}
    data = load(rows, missing={"hb": ["?"]}, **how)
    for split in data.splits.values():
        assert split.inputs["pay"].to_list() == [1001.0 * (i + 1) + 0.5 for i in split.ids.astype(int)]
        assert split.inputs["hb"].isna().to_list() == [i == "0" for i in split.ids]
    rows.to_csv(tmp_path / "other.csv", index=False)
    options = DataOptions(tmp_path / "other.csv", tmp_path / "other.csv")
    other = load(rows, options, missing={"hb": ["?"]}, **how)
    assert other.splits["test"].inputs["pay"].to_list() == other.splits["train"].inputs["pay"].to_list()
    assert other.splits["test"].inputs["pay"].iloc[-1] == 60060.5
    assert [other.splits[role].inputs["hb"].dtype.kind for role in ("test", "train")] == ["f", "f"]
    with pytest.raises(DataError, match="'hb' holds '\\?'"):
        load(rows, features=["x", "hb"], read={"numbers": {"hb": {}}})
    with pytest.raises(DataError, match="lacks the column"):
        load(rows, read={"numbers": {"payment": {}}})


def test_a_column_of_lists_that_a_suite_names_is_told_to_be_none(load, tmp_path):
    lines = "".join(f'{{"x": {i}, "k": ["a"], "y": "{"yes" if i % 2 else "no"}"}}\n' for i in range(ROWS))
    (tmp_path / "rows.jsonl").write_text(lines, encoding="utf-8")
    with pytest.raises(DataError, match=r"lacks the column\(s\) k\. 'k' was left out: it holds lists or records"):
        load(table(), source="rows.jsonl")
    assert load(table(), source="rows.jsonl", features=["x"]).splits["test"].inputs["x"].dtype == float


def unlabelled(n=6):
    rows = table()
    rows.loc[: n - 1, "y"] = None
    return rows


def test_rows_without_a_label_are_refused_unless_the_suite_leaves_them_out(load):
    with pytest.raises(DataError, match=r"lacks 6 label\(s\) in 'y'.*data.label.missing: leave_out"):
        load(unlabelled())
    data = load(unlabelled(), label={"column": "y", "positive": "yes", "missing": "leave_out"})
    assert (data.rows, data.unlabelled, data.duplicates_dropped) == (ROWS, 6, 0)
    # Rows keep the number that they have in the file.
    assert sorted(joined(data, lambda s: s.ids), key=int) == [str(i) for i in range(6, ROWS)]
    clean = load(table(), label={"column": "y", "positive": "yes", "missing": "leave_out"})
    assert (clean.unlabelled, len(joined(clean, lambda s: s.ids))) == (0, ROWS)


def test_a_word_declared_to_mean_missing_is_no_label_either_and_other_data_are_treated_alike(load, tmp_path):
    rows = table()
    rows.loc[:2, "y"] = "pending"
    label = {"column": "y", "positive": "yes", "missing": "leave_out"}
    assert load(rows, missing={"y": ["pending"]}, label=label).unlabelled == 3
    unlabelled(4).to_csv(tmp_path / "other.csv", index=False)
    options = DataOptions(data=tmp_path / "other.csv", train_data=tmp_path / "other.csv")
    data = load(table(), options, label=label)
    assert (len(data.splits["test"]), len(data.splits["train"]), data.unlabelled) == (ROWS - 4, ROWS - 4, 4)


def test_without_any_label_nothing_is_left(load):
    with pytest.raises(DataError, match="No row has a label in 'y'"):
        load(table().assign(y=None), label={"column": "y", "missing": "leave_out"})


def test_rows_that_are_all_linked_can_not_be_split(load):
    with pytest.raises(DataError, match="No row is left for testing"):
        load(table(), cluster="k", split={"group": "y", "test": 0.1})
