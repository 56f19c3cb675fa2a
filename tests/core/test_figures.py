"""How numbers are written: no small one as 0."""

import pytest

from harness.core.figures import figure, signed_figure


@pytest.mark.parametrize(
    ("value", "plain", "signed"),
    [
        (0.0, "0.000", "+0.000"),
        (2.34e-9, "2.3e-09", "+2.3e-09"),
        (-4.2e-4, "-0.00042", "-0.00042"),
        (0.0005, "0.001", "+0.001"),
        (0.7049, "0.705", "+0.705"),
        (-123.4567, "-123.457", "-123.457"),
    ],
)
def test_three_decimals_unless_these_would_say_nothing(value, plain, signed):
    assert (figure(value), signed_figure(value)) == (plain, signed)
