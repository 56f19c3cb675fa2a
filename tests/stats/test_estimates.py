"""The estimate that an interval's inputs hold, worked by hand."""

import pytest

from harness.core.interval import Interval
from harness.stats.estimates import estimate
from harness.stats.exact import clopper_pearson
from harness.stats.intervals import newcombe, observed_to_expected, score_ratio, student, tango, wald, wilson


@pytest.mark.parametrize(
    ("interval", "value"),
    [
        (wilson(30, 40), 0.75),
        (wilson(7.5, 10.0), 0.75),
        (clopper_pearson(1, 4), 0.25),
        (newcombe(30, 40, 10, 40), 0.5),
        (score_ratio(30, 40, 10, 40), 3.0),
        (tango(9, 4, 50), 0.1),
        (observed_to_expected(30, 40, 0.5, 0.01), 1.5),
        (wald(-0.2, 0.1), -0.2),
        (student(0.3, 0.1, 5), 0.3),
    ],
)
def test_the_inputs_hold_the_estimate(interval, value):
    assert estimate(interval) == pytest.approx(value, abs=1e-15)


def test_what_the_inputs_do_not_settle_is_none():
    assert estimate(wilson(0, 0)) is None
    assert estimate(score_ratio(3, 4, 0, 4)) is None
    quantiles = {"probabilities": [0.025, 0.975], "quantiles": [0.1, 0.2], "resamples": 100}
    assert estimate(Interval(low=0.1, high=0.2, level=0.95, method="bootstrap_percentile", inputs=quantiles)) is None
