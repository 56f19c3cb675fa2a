"""How a measured number is written."""

from __future__ import annotations


def figure(value: float) -> str:
    """Three decimals; two significant digits where these would be 0.000."""
    return f"{value:.2g}" if 0 < abs(value) < 0.0005 else f"{value:.3f}"


def signed_figure(value: float) -> str:
    """As `figure`, with the sign."""
    return f"{value:+.2g}" if 0 < abs(value) < 0.0005 else f"{value:+.3f}"
