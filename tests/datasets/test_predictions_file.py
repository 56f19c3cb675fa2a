import re

import pandas as pd
import pytest

from harness.datasets.predictions_file import read_predictions
from harness.errors import DataError
from harness.spec.data import Read

EUROPEAN = Read(separator=";", decimal=",", thousands=".", encoding="windows-1252", skip=1, footer=1)
ROWS = "007;Österreich;0,25\n3e3;None;0,75\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Scores\nid;label;score\n" + ROWS + "Total;;\n", "windows-1252"),  # as the suite's data
        ("id;label;score\n" + ROWS, "windows-1252"),
        ("id ; label;score\n" + ROWS.replace("0,", "0."), "utf-8"),
        (
            "id,label,score\n" + ROWS.replace(",", ".").replace(";", ", "),
            "utf-8",
        ),  # the plain form, blanks around cells
    ],
)
def test_the_header_says_in_which_form_predictions_are_written(text, encoding, tmp_path):
    (tmp_path / "p.csv").write_bytes(text.encode(encoding))
    found = read_predictions(tmp_path / "p.csv", EUROPEAN, ("None", "Österreich"))
    assert found["id"].tolist() == ["007", "3e3"]
    assert found["label"].tolist() == ["Österreich", "None"]
    assert found["score"].astype(float).tolist() == [0.25, 0.75]


def test_a_word_for_missing_is_a_label_only_where_a_class_is_called_so(tmp_path):
    (tmp_path / "p.csv").write_text("id,label\n1,None\n2,yes\n")
    assert read_predictions(tmp_path / "p.csv", Read(), ("None", "yes"))["label"].tolist() == ["None", "yes"]
    assert read_predictions(tmp_path / "p.csv", Read(), ("no", "yes"))["label"].isna().tolist() == [True, False]


def test_a_predicted_number_never_has_thousands_marks(tmp_path):
    (tmp_path / "p.csv").write_text("id;label\n1;1.234\n2;2.345\n")
    found = read_predictions(tmp_path / "p.csv", Read(separator=";", decimal=",", thousands="."), ())
    assert found["label"].astype(float).tolist() == [1.234, 2.345]


def test_ids_of_parquet_are_as_python_writes_them(tmp_path):
    pd.DataFrame({"id": [10.0, 11.0], "label": [True, False]}).to_parquet(tmp_path / "p.parquet")
    found = read_predictions(tmp_path / "p.parquet", Read(), ("false", "true"))
    assert (found["id"].tolist(), found["label"].tolist()) == (["10.0", "11.0"], ["true", "false"])


def test_a_footer_of_the_suite_s_data_takes_no_answer_from_predictions(tmp_path):
    (tmp_path / "p.csv").write_text("id,score\n1,0.25\n2,0.75\n")
    assert read_predictions(tmp_path / "p.csv", Read(footer=1), ("no", "yes"))["id"].tolist() == ["1", "2"]
    (tmp_path / "p.csv").write_text("id,score\n1,0.25\n2,0.75\nTotal,\n")
    assert read_predictions(tmp_path / "p.csv", Read(footer=1), ("no", "yes"))["id"].tolist() == ["1", "2"]


@pytest.mark.parametrize(
    ("mark", "read", "says"),
    [
        (";", Read(), "p.csv has a semicolon between its cells. Wanted: a comma."),
        (
            "\t",
            Read(separator=";", decimal=","),
            "has a tab between its cells. Wanted: ';', as in the suite's data, or a comma.",
        ),
    ],
)
def test_another_separator_is_named_and_as_advised_the_file_is_read(mark, read, says, tmp_path):
    (tmp_path / "p.csv").write_text(f"id{mark}label{mark}score\n1{mark}yes{mark}0,75\n2{mark}no{mark}0,25\n")
    with pytest.raises(DataError, match=re.escape(says)):
        read_predictions(tmp_path / "p.csv", read, ("no", "yes"))
    (tmp_path / "p.csv").write_text("id,label,score\n1,yes,0.75\n2,no,0.25\n")
    assert read_predictions(tmp_path / "p.csv", read, ("no", "yes"))["score"].astype(float).tolist() == [0.75, 0.25]
    (tmp_path / "p.csv").write_text("id;label;score\n1;yes;0,75\n2;no;0,25\n")
    found = read_predictions(tmp_path / "p.csv", Read(separator=";", decimal=","), ("no", "yes"))
    assert found["score"].astype(float).tolist() == [0.75, 0.25]
