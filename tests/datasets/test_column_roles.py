import numpy as np
import pandas as pd
import pytest

from harness.datasets.column_roles import choose_label, guess_columns, looks_like_data
from harness.errors import DataError

N = 300


def two(*words):
    return np.resize(words or ("a", "b"), N)


def role(column, name="x", **others):
    table = pd.DataFrame({name: column, "label": two("yes", "no"), **others})
    return next(g for g in guess_columns(table, "label", []) if g.column == name)


@pytest.mark.parametrize(
    ("columns", "label"),
    [
        ({"是否违约": two("是", "否"), "是否有房": two("是", "否")}, "是否违约"),
        ({"default": two(1, 0), "has_car": two(1, 0), "gender": two("f", "m")}, "default"),
        ({"loan_status": two(1, 0), "previous_default": two("Y", "N")}, "loan_status"),
        ({"decision": two("A", "B"), "town": two("x", "y")}, "decision"),
        ({"has_pool": two(0, 1), "price": np.arange(N) * 1.5}, "price"),
        ({"amount": np.arange(N) * 1.5, "flag": two(0, 1)}, "flag"),
        ({"flag": two(0, 1), "gender": two("f", "m")}, "flag"),
        ({"first": two(0, 1), "second": two(0, 1)}, "second"),
        ({"target": np.arange(N) * 1.5, "flag": two(0, 1)}, "target"),
        ({"status": two("1", "2", "3"), "credit": two(1, 2)}, "credit"),
        ({"diagnosis": two("1", "2", "3"), "flag": two(1, 2)}, "diagnosis"),
        ({"hired": two(0, 1), "stage": two("1", "2", "3")}, "hired"),
    ],
)
def test_the_label_is_chosen_by_its_name_then_by_two_values_and_is_never_a_regulated_attribute(columns, label):
    assert choose_label(pd.DataFrame(columns)).column == label


def test_the_choice_says_by_what_and_how_many_others_there_were():
    choice = choose_label(pd.DataFrame({"default": two(1, 0), "has_car": two(1, 0), "town": two("x", "y", "z")}))
    assert "name is that of an outcome" in choice.reason
    assert choice.others == ("has_car", "town")
    assert "the last of 2 such columns" in choose_label(pd.DataFrame({"a": two(), "b": two()})).reason


def test_without_a_candidate_the_user_is_asked():
    table = pd.DataFrame({"gender": two("f", "m"), "x": np.arange(N) * 1.5, "day": ["2024-01-02"] * N})
    with pytest.raises(DataError, match=r"--label COLUMN.*gender, x, day"):
        choose_label(table)


def test_dates_of_birth_are_dates_that_hold_an_age_and_years_of_birth_are_groups():
    found = role([f"19{k % 90 + 10}-05-06" for k in range(N)], "birth_date")
    assert (found.role, found.attribute) == ("date", "age")
    assert role(pd.Series(pd.date_range("1950-01-01", periods=N)), "dob").role == "date"
    assert role(1950 + np.arange(N) % 50, "yob").role == "sensitive"


def test_a_regulated_column_of_many_groups_stays_sensitive_and_one_of_names_does_not():
    assert role([f"faith {k % 75}" for k in range(N)], "religion").role == "sensitive"
    assert role([f"remark {k}" for k in range(N)], "religion").role in ("id", "code")


def test_an_empty_column_and_a_column_of_one_value_are_told_apart_from_a_flag():
    assert role([None] * N).reason == "every row is empty"
    assert role(["x"] * N).reason == "every row holds the same value"
    flag = role(np.where(np.arange(N) % 3 == 0, "x", None))
    assert (flag.role, flag.reason) == ("feature", "words, one value, or empty, 67% empty")


def test_an_id_stands_once_in_every_row_and_a_unique_amount_is_none():
    assert role(np.arange(N)).role == "id"
    assert role(np.arange(N) * 7, "case_id").role == "id"
    assert role(np.arange(N) * 7, "income").role == "feature"
    assert role([f"K{k}" if k else None for k in range(N)]).role == "code"  # an id that one row lacks names no row


def test_prose_is_text_in_either_language_and_short_unique_words_are_not():
    assert role([f"the kettle is broken since day {k}" for k in range(N)]).role == "text"
    assert role([f"客户来电咨询贷款事宜第{k}号" for k in range(N)]).role == "text"
    assert role([f"K-{k}" for k in range(N)]).role == "id"


def test_a_header_of_numbers_looks_like_data():
    assert looks_like_data(["5.1", "3", "-2", "1.1"])
    assert not looks_like_data(["5.1", "x"])
    assert not looks_like_data([])


@pytest.mark.parametrize(
    "name", ["patient_id", "PatientID", "patientId", "CustomerNo", "Patient-Nr", "user.id", "客户编号"]
)
def test_an_id_that_repeats_is_known_however_its_words_are_joined(name):
    assert role(np.repeat(np.arange(N // 3) * 7 + 1000, 3), name).role == "group"


@pytest.mark.parametrize("name", ["Valid", "paid", "Candidate", "nitrogen"])
def test_a_word_that_ends_like_an_id_is_none(name):
    assert role(np.repeat(np.arange(N // 3) * 7 + 1000, 3), name).role == "feature"
