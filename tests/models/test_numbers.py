"""The number of an answer is read where it is clearly one; a number that the budget may have cut is none."""

import math

import pytest

from harness.models.numbers import first_line, number_row

CLEAR = [
    ("42", 42.0),
    ("about 1,234.5 MPa", 1234.5),
    ("The price is 1.234,5", 1234.5),
    ("-3.5", -3.5),
    ("−7", -7.0),
    ("minus 5", -5.0),
    ("负5", -5.0),
    ("是 36.6 度", 36.6),
    ("约12.5", 12.5),
    ("价格是300元", 300.0),
    ("３００", 300.0),
    ("1.234.567", 1234567.0),
    ("1,00,000", 100000.0),
    ("12,5", 12.5),
    ("0,125", 0.125),
    ("1,234", 1234.0),
    ("1.234", 1.234),
    ("1\u202f234,5", 1234.5),
    ("1e5", 100000.0),
    ("1.2e-3", 0.0012),
    ("$70,523", 70523.0),
    ("5%", 5.0),
    ("5 km", 5.0),
    ("3.", 3.0),
    ("答案：12.5", 12.5),
    ("Based on 3 rooms, the answer is 250,000.", 250000.0),
    ("250\nQ: and of 3 rooms?", 250.0),
    ("300, that is 300.", 300.0),
]
UNCLEAR = [
    *("none", "x2y", "", "约 12.5 万", "3 million", "40k", "1/2", "10^5", "between 3 and 5", "3-5", "答案是3到5"),
    *("Based on 3 rooms, 250,000", "2024-05-01", "1,23,45", "1.2.3", "三百", "1e999"),
]


@pytest.mark.parametrize(("answer", "number"), CLEAR)
def test_a_clear_number_is_read(answer, number):
    assert number_row(answer) == [0, pytest.approx(number, rel=1e-12)]


@pytest.mark.parametrize("answer", UNCLEAR)
def test_what_is_not_clearly_one_number_is_none(answer):
    assert number_row(answer) == [-2, pytest.approx(math.nan, nan_ok=True)]


@pytest.mark.parametrize(
    ("answer", "code"), [("The price is 12", -3), ("The price", -3), ("12 euros and", 0), ("12 or 13 euros", -2)]
)
def test_a_number_at_the_end_of_an_answer_that_was_cut_is_no_number(answer, code):
    found, number = number_row(answer, complete=False)
    assert found == code
    assert math.isnan(number) == (code < 0)
    assert number_row("12 euros", complete=True) == [0.0, 12.0]


def test_of_what_goes_on_after_an_answer_the_first_line_is_its_own():
    assert first_line("\n 12\nincome 7. Answer: 15", complete=False) == ("12", True)
    assert first_line(" 12", complete=False) == ("12", False)
    assert first_line("12", complete=True) == ("12", True)
