import numpy as np
import pandas as pd
import pytest

from harness.checks.data.quality import quality

N = 200


def measured(build, cells, **data):
    rng = np.random.default_rng(0)
    inputs = pd.DataFrame({"crp": cells, "town": rng.choice(["a", "b"], N)}).astype(object)
    found = quality(build(labels=rng.choice(["no", "yes"], N), inputs=inputs, data=data))
    return [f for f in found.findings if f.measure == "data.no_number"]


def lab(odd, every):
    """Values 0.5, 1.5 … 49.5; each `every`-th is another word."""
    return [odd if i % every == 0 else f"{i % 50}.5" for i in range(N)]


def test_a_detection_limit_that_makes_text_of_a_column_of_numbers_is_named(build):
    (found,) = measured(build, lab("<0.5", 10))
    assert (found.value, found.n, found.of) == (20, 200, {"feature": "crp"})
    assert "'<0.5'" in found.reason


def test_missing_cells_do_not_count_and_a_rare_word_is_counted_but_not_shown(build):
    cells = lab(None, 10)
    cells[1] = "Smith"
    (found,) = measured(build, cells)
    assert (found.value, found.n) == (1, 180)
    assert "Smith" not in found.reason


@pytest.mark.parametrize(
    ("cells", "data"),
    [
        (lab("7", 10), {}),  # every cell is a number: a text of digits is meant as such
        (lab("<0.5", 4), {}),  # 75 % only
        (["3+" if i % 10 == 0 else str(i % 9) for i in range(N)], {}),  # nine different numbers: counts
        (lab("<0.5", 10), {"categorical": ["crp"]}),
        (lab("<0.5", 10), {"read": {"decimal": ","}}),  # 1.5 is no number there
    ],
)
def test_columns_that_are_not_numbers_but_for_a_few_cells_are_not_named(build, cells, data):
    assert measured(build, cells, **data) == []


def test_the_suites_marks_say_what_is_a_number(build):
    cells = [cell.replace(".", ",") for cell in lab("n/a", 10)]
    assert len(measured(build, cells, read={"numbers": {"crp": {"decimal": ","}}})) == 1
