"""Numbers as people write them; the wanted ones are worked by hand."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.written_numbers import number_of
from harness.datasets.readers import open_table
from harness.errors import DataError
from harness.spec.data import Read

WRITTEN = [
    ("1.234,50 €", (",", ".", "€"), 1234.5),
    ("€ 1.234,50", (",", ".", "€"), 1234.5),
    ("12,5", (",", ".", "€"), 12.5),
    ("$70,523", (".", ",", "$"), 70523),
    ("-$70,523.5", (".", ",", "$"), -70523.5),
    ("$-5", (".", ",", "$"), -5),
    ("3.83%", (".", None, "%"), 3.83),
    ("2\u202f318,25", (",", " ", None), 2318.25),
    ("2\u00a0318,25 €", (",", " ", "€"), 2318.25),
    ("2 318", (",", " ", None), 2318),
    ("23'017.87", (".", "'", None), 23017.87),
    ("23\u2019017.87", (".", "'", None), 23017.87),
    ("(1,500)", (".", ",", None), -1500),
    ("104,90-", (",", ".", None), -104.9),
    ("\u22123", (".", None, None), -3),
    ("1.5e3", (".", None, None), 1500),
    (".5", (".", None, None), 0.5),
    ("310.041", (",", ".", None), 310041),
    ("310.041", (".", None, None), 310.041),
    (7, (",", ".", None), 7),
]
NO_NUMBERS = [
    ("12.10.2017", (",", ".", None)),
    ("0.123", (",", ".", None)),  # a group that begins with 0
    ("12.34", (",", ".", None)),
    ("1,2,3", (".", ",", None)),
    ("1234,567", (".", ",", None)),
    ("94,3", (".", None, None)),
    ("5 $", (".", None, "€")),
    ("<0.5", (".", None, None)),
    ("(5", (".", None, None)),
    ("(-5)", (".", None, None)),
    ("-5-", (".", None, None)),
    ("", (".", None, None)),
    ("inf", (".", None, None)),
    ("\u0663", (".", None, None)),  # an Arabic digit
    (True, (".", None, None)),
    (float("nan"), (".", None, None)),
]


@pytest.mark.parametrize(("cell", "marks", "wanted"), WRITTEN)
def test_a_number_is_read_as_it_is_written(cell, marks, wanted):
    assert number_of(cell, *marks) == wanted


@pytest.mark.parametrize(("cell", "marks"), NO_NUMBERS)
def test_what_is_no_number_in_these_marks_is_none(cell, marks):
    assert number_of(cell, *marks) is None


@given(st.decimals(min_value=-(10**9), max_value=10**9, places=2))
def test_every_amount_comes_back_from_each_way_of_writing_it(amount):
    english = f"{amount:,.2f}"
    assert number_of(english, ".", ",") == float(amount)
    swapped = english.translate(str.maketrans(",.", ".,"))
    assert number_of(swapped, ",", ".") == float(amount)
    assert number_of(swapped.replace(".", "\u202f") + "\u00a0€", ",", " ", "€") == float(amount)


def table(tmp_path, text, read=None, missing=None, name="t.csv"):
    (tmp_path / name).write_text(text, encoding="utf-8")
    return open_table(tmp_path / name, Read.model_validate(read or {}), missing).frame


def test_columns_are_read_by_their_own_formats(tmp_path):
    text = 'price;rate;pay;n\n1.234,50 €;3.83%;"1,500";1\n;12%;"(20)";2\n'
    numbers = {"price": {"unit": "€"}, "rate": {"decimal": ".", "unit": "%"}, "pay": {"decimal": ".", "thousands": ","}}
    found = table(tmp_path, text, {"separator": ";", "decimal": ",", "thousands": ".", "numbers": numbers})
    assert found["price"].iloc[0] == 1234.5
    assert pd.isna(found["price"].iloc[1])
    assert found["rate"].to_list() == [3.83, 12.0]
    assert found["pay"].to_list() == [1500, -20]
    assert found["pay"].dtype == "int64"


def test_dates_and_codes_are_no_numbers_in_a_file_that_groups_its_digits(tmp_path):
    text = "day;code;sum\n12.10.2017;12.34;1.234\n01.02.2018;0.123;999\n"
    found = table(tmp_path, text, {"separator": ";", "decimal": ",", "thousands": "."})
    assert found["day"].to_list() == ["12.10.2017", "01.02.2018"]
    assert found["code"].to_list() == ["12.34", "0.123"]
    assert found["sum"].to_list() == [1234, 999]


def test_a_cell_that_is_none_of_the_declared_numbers_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(DataError, match=r"'x' holds '<0\.5', 'abc'.*data\.missing\.x"):
        table(tmp_path, "x\n1.5\n<0.5\nabc\n", {"numbers": {"x": {}}})
    found = table(tmp_path, "x\n1.5\n<0.5\nabc\n", {"numbers": {"x": {}}}, {"x": ["<0.5", "abc"]})
    assert found["x"].dropna().to_list() == [1.5]


def test_a_word_for_missing_makes_no_text_of_a_column_of_numbers_and_other_words_do(tmp_path):
    text = "hb,crp\n13.5,?\n?,<0.5\n"
    found = table(tmp_path, text, missing={"hb": ["?"], "crp": ["?"]})
    assert found["hb"].dtype.kind == "f"
    assert found["hb"].dropna().to_list() == [13.5]
    assert found["crp"].to_list() == ["?", "<0.5"]  # what is missing is taken out with the roles
    lines = '{"hb": 13.5, "zip": "0123"}\n{"hb": "?", "zip": "?"}\n'
    typed = table(tmp_path, lines, missing={"hb": ["?"], "zip": ["?"]}, name="t.jsonl")
    assert typed["hb"].dropna().to_list() == [13.5]
    assert typed["zip"].iloc[0] == "0123"


@pytest.mark.parametrize(
    ("read", "says"),
    [
        ({"decimal": ",", "thousands": ","}, "read: decimal and thousands are both ','"),
        ({"numbers": {"x": {"thousands": "."}}}, "read.numbers.x: decimal and thousands are both '.'"),
        ({"numbers": {"x": {"decimal": "x"}}}, "'.' or ','"),
    ],
)
def test_marks_that_can_not_be_told_apart_are_refused(read, says):
    with pytest.raises(ValueError, match=says.replace(".", r"\.")):
        Read.model_validate(read)
