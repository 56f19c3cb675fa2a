"""Direction of effect: a model that has it the wrong way round is caught, the right one is not."""

import numpy as np
import pandas as pd
import pytest

from harness.checks.explainability.direction import direction
from harness.errors import SuiteError


def evidence(build_numbers, sign):
    inputs = pd.DataFrame({"water": np.linspace(100, 200, 80), "age": np.tile([1.0, 28.0], 40), "k": np.zeros(80)})
    return build_numbers(np.zeros(80), None, inputs=inputs, function=lambda x: sign * x["water"] + 0 * x["age"])


@pytest.mark.parametrize(("sign", "share"), [(-1.0, 1.0), (1.0, 0.0)])
def test_the_share_of_rows_that_move_the_declared_way(build_numbers, find, sign, share):
    found = direction(evidence(build_numbers, sign), expected={"water": "down"})
    one = find(found, "explainability.direction_agreement", {"feature": "water"})
    assert (one.value, one.n) == (share, 80)
    assert (one.interval.low > 0.9) == (share == 1.0)


def test_an_answer_that_does_not_move_does_not_agree(build_numbers, find):
    found = direction(evidence(build_numbers, 1.0), expected={"age": "up"})
    assert find(found, "explainability.direction_agreement", {"feature": "age"}).value == 0.0


def test_a_feature_that_never_differs_is_undefined_and_an_unknown_one_refused(build_numbers, find):
    one = find(
        direction(evidence(build_numbers, 1.0), expected={"k": "up"}),
        "explainability.direction_agreement",
        {"feature": "k"},
    )
    assert one.value is None
    assert "equal" in one.reason
    with pytest.raises(SuiteError, match="no feature of numbers"):
        direction(evidence(build_numbers, 1.0), expected={"cement": "up"})
