"""Names stay as they are written, and a column has the type that it has in the suite's data, in whatever file."""

import numpy as np
import pandas as pd
import pytest

from harness.datasets.cells import Columns
from harness.datasets.readers import open_table
from harness.datasets.roles import DataOptions, load_dataset
from harness.errors import DataError
from harness.spec.data import Read
from harness.spec.loading import LoadedSuite
from harness.spec.suite import Suite

ROWS = 60


def table(**columns):
    n = ROWS
    rows = {"i": [f"{k:03d}" for k in range(n)], "x": np.arange(n) * 1.5, "k": ["1", "2", "A"] * (n // 3)}
    return pd.DataFrame({**rows, "s": ["f", "m"] * (n // 2), "y": ["no", "yes", "so"] * (n // 3), **columns})


@pytest.fixture
def load(tmp_path):
    """Loads rows through a suite; `month` and `train` are files of other rows."""

    def loaded(rows, month=None, train=None, label=None, folder=tmp_path, **data):
        rows.to_csv(tmp_path / "rows.csv", index=False)
        files = {name: tmp_path / f"{name}.csv" for name in ("data", "train_data")}
        for name, other in (("data", month), ("train_data", train)):
            if other is not None:
                other.to_csv(files[name], index=False)
        options = DataOptions(
            data=None if month is None else files["data"], train_data=None if train is None else files["train_data"]
        )
        block = {"source": "rows.csv", "label": {"column": "y", **(label or {})}, "features": ["x", "k"], "id": "i"}
        block |= {"sensitive": {"s": {"column": "s"}}, **data}
        suite = Suite.model_validate({"name": "s", "vertical": "v", "checks": ["data.quality"], "data": block})
        return load_dataset(LoadedSuite(suite, folder / "suite.yaml", folder, "-"), options)

    return loaded


def everything(data, take):
    return {name for split in data.splits.values() for name in take(split)}


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_names_are_read_as_they_are_written(suffix, tmp_path):
    path = tmp_path / f"t.{suffix}"
    texts = pd.DataFrame({"a": ["00", "1.0", "3e3", " x ", None], "b": [1.5, 10, 3, 4, 5]})
    writers = {"csv": texts.to_csv, "parquet": texts.to_parquet, "jsonl": texts.to_json}
    how = {"orient": "records", "lines": True} if suffix == "jsonl" else {"index": False}
    writers[suffix](path, **how)
    found = open_table(path, columns=Columns(["a", "b"]))
    assert [None if cell != cell else cell for cell in found.written["a"]] == ["00", "1.0", "3e3", "x", None]
    assert found.written["b"].tolist()[1] in ("10.0", "10")  # JSON is written by pandas as 10.0
    assert found.stripped == {"a": 1}


def test_whole_numbers_with_gaps_keep_their_digits_in_parquet_and_json_lines(tmp_path):
    big = 9007199254740993  # more digits than a float has
    pd.DataFrame({"a": pd.array([big, None], dtype="Int64")}).to_parquet(tmp_path / "t.parquet")
    (tmp_path / "t.jsonl").write_text(f'{{"a": {big}}}\n{{"a": null}}\n')
    for name in ("t.parquet", "t.jsonl"):
        assert open_table(tmp_path / name, columns=Columns(["a"])).written["a"].tolist()[0] == str(big)


def test_blanks_around_cells_and_header_are_cut_off_and_counted(tmp_path):
    (tmp_path / "t.csv").write_text("a, b, c\nx , NA, ?\ny, 2, z\nz, 3, z\n")
    found = open_table(tmp_path / "t.csv", columns=Columns(["c"]))
    assert (list(found.frame), found.stripped) == (["a", "b", "c"], {"a": 1, "b": 3, "c": 3})
    assert found.frame["b"].dtype.kind == "f"  # a word for missing, with a blank before it, makes no text of numbers
    assert found.written["c"].tolist() == ["?", "z", "z"]


def test_the_suite_says_which_words_mean_missing(load):
    rows = table(y=["None", "yes", "so"] * 20, s=["NA", "m"] * 30)
    kept = load(rows, read={"missing_words": ["null"]})
    assert kept.classes == ("None", "so", "yes")
    assert everything(kept, lambda split: split.groups["s"]) == {"NA", "m"}
    assert kept.missing_words == {}
    with pytest.raises(DataError, match=r"'None' \(20 rows\) is a class, write data.read.missing_words without it"):
        load(rows)
    assert load(rows, label={"missing": "leave_out"}).missing_words == {"y": {"None": 20}, "s": {"NA": 30}}
    with pytest.raises(ValueError, match="has blanks around it"):
        Read(missing_words=[" NA"])


def test_classes_are_called_as_the_suite_calls_them(load):
    rows = table(y=["True", "False"] * 30)
    assert load(rows).classes == ("False", "True")
    assert load(rows, label={"positive": "true"}).classes == ("false", "true")
    assert load(table(y=["01", "1"] * 30), label={"positive": "01"}).classes == ("01", "1")


def test_a_text_column_is_text_in_a_month_of_numbers_and_an_empty_number_is_a_number(load):
    month = table().query("k != 'A'").assign(x=np.nan)
    test = load(table(), month).splits["test"]
    assert set(test.inputs["k"]) == {"1", "2"}
    assert test.inputs["x"].dtype.kind == "f"
    train = load(table(), train=month).splits["train"]
    assert set(train.inputs["k"]) == {"1", "2"}


def test_a_cell_that_cannot_have_the_type_of_its_column_is_named_with_what_to_do(load):
    month = table(x=["n/k", *map(str, range(ROWS - 1))])
    with pytest.raises(
        DataError, match=r"'x' holds numbers in the suite's data, but not in 1 of 60 .*'n/k'.*data.categorical"
    ):
        load(table(), month)
    assert load(table(), month, missing={"x": ["n/k"]}).splits["test"].inputs["x"].isna().sum() == 1


def test_a_month_has_the_classes_groups_and_quantiles_of_the_suite(load):
    month = table().query("y != 'so' and s == 'f'")
    quantiles = {"x": {"column": "x", "quantiles": 2}}
    own, data = load(table(), slices=quantiles), load(table(), month, slices=quantiles, reference={"s": "m"})
    assert data.classes == ("no", "so", "yes")
    assert everything(data, lambda split: split.slices["x"]) <= everything(own, lambda split: split.slices["x"])


def test_a_class_that_the_suite_does_not_have_is_counted_or_refused_beside_a_positive_one(load):
    month = table(y=["no", "yes", "new"] * 20)
    data = load(table(), month)
    assert (data.classes, data.unseen) == (("no", "so", "yes", "new"), {"new": 20})
    with pytest.raises(
        DataError, match=r"class\(es\) 'new' \(20 rows\), which the suite's data do not have.*leave_out"
    ):
        load(table(), month, label={"positive": "yes"})


def test_types_of_the_rows_at_hand_are_told_where_the_suites_data_are_gone(load, tmp_path):
    data = load(table(), table().query("k != 'A'"), folder=tmp_path / "gone")
    assert "There is no data file" in data.own_types
    assert load(table(), table()).own_types is None


def test_ids_are_texts_and_none_is_missing(load):
    data = load(table(i=[f"{k}e{k % 7}" for k in range(1, ROWS)] + ["NA"]))
    assert {"30e2", "3e3", "NA"} <= everything(data, lambda split: split.ids)
    with pytest.raises(DataError, match="lacks 1 id"):
        load(table(i=[*map(str, range(ROWS - 1)), None]))
