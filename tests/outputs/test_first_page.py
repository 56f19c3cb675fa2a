"""What is said first: that no answer is one of the classes."""

import pytest

from harness.core.finding import Finding
from harness.outputs.first_page import first_sentences


def shares(counts):
    """Precision and recall of each class, from how often it is answered, how many rows have it and how many of these are found."""
    for name, (answered, rows, right) in counts.items():
        for measure, n in (("performance.precision", answered), ("performance.recall", rows)):
            yield Finding(
                measure=measure, value=right / n if n else None, n=n, of={"class": name}, exact=True, reason="no rows"
            )


@pytest.mark.parametrize(
    ("counts", "says"),
    [
        ({"a": (40, 30, 30), "b": (20, 20, 20), "c": (0, 10, 0)}, ["It never answers 'c' (10 test rows)."]),
        ({"a": (60, 30, 30), "b": (0, 2000, 0), "c": (0, 10, 0)}, ["It never answers 'b' (2,000 test rows) or 'c' (10 test rows)."]),
        ({"a": (40, 30, 30), "b": (10, 20, 8), "c": (10, 10, 0)}, []),  # answered, if wrongly
        ({"a": (40, 30, 30), "b": (20, 20, 20), "c": (0, 0, 0)}, []),  # no row of the file has it
        ({"a": (0, 30, 0), "b": (0, 20, 0)}, []),  # nothing is answered: the answer rate says so
    ],
)  # fmt: skip
def test_classes_that_are_never_answered_are_named(make_record, counts, says):
    assert first_sentences(make_record(findings=[f.model_dump() for f in shares(counts)])) == says
