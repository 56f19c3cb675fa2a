import numpy as np
import pytest

from harness.core.names import name_of, same_names, text_of
from harness.core.predictions import Predictions


@pytest.mark.parametrize(
    ("value", "text", "name"),
    [
        (10.0, "10.0", "10"),
        (10, "10", "10"),
        ("10.0", "10.0", "10.0"),
        (np.True_, "true", "true"),
        ("True", "True", "True"),
    ],
)
def test_a_text_stays_as_it_is_and_a_number_is_written_as_python_writes_it(value, text, name):
    assert (text_of(value), name_of(value)) == (text, name)


@pytest.mark.parametrize(
    ("given", "known", "found"),
    [
        (["1.0", "0.0"], ["0", "1"], ["1", "0"]),
        (["TRUE", "FALSE"], ["true"], ["true", "false"]),  # in the way of the known one
        (["01", "3e3"], ["1", "3000"], ["01", "3e3"]),
        (["1", "1.0"], ["1"], ["1", "1.0"]),  # two names never become one
        (["1"], ["1.0", "1.00"], ["1"]),
    ],
)
def test_names_are_the_same_only_where_nothing_else_can_be_meant(given, known, found):
    assert list(same_names(given, known).values()) == found


def test_answers_are_called_as_the_data_call_the_classes():
    answers = Predictions(("0", "1"), np.array(["1", None, "0"], dtype=object), np.eye(3, 2))
    called = answers.called(("0.0", "1.0"))
    assert (called.classes, called.labels.tolist()) == (("0.0", "1.0"), ["1.0", None, "0.0"])
    assert answers.called(("0", "1")) is answers
