"""Correcting for many tests."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float], alpha: float) -> list[bool]:
    """Which hypotheses Holm's step-down procedure rejects (Holm 1979); family-wise error at most alpha."""
    rejected = [False] * len(p_values)
    order = sorted(range(len(p_values)), key=lambda i: (p_values[i], i))
    for step, index in enumerate(order):
        if p_values[index] > alpha / (len(p_values) - step):
            break
        rejected[index] = True
    return rejected


def holm_adjusted(p_values: Sequence[float]) -> list[float]:
    """Each p-value as Holm's procedure corrects it: the smallest alpha at which it would be rejected, at most 1."""
    adjusted = [0.0] * len(p_values)
    so_far = 0.0
    for step, index in enumerate(sorted(range(len(p_values)), key=lambda i: (p_values[i], i))):
        so_far = max(so_far, min(1.0, p_values[index] * (len(p_values) - step)))
        adjusted[index] = so_far
    return adjusted


def benjamini_hochberg(p_values: Sequence[float], rate: float) -> list[bool]:
    """Which hypotheses are kept at this false-discovery rate (Benjamini & Hochberg 1995)."""
    count = len(p_values)
    order = sorted(range(count), key=lambda i: (p_values[i], i))
    last = max((k for k, i in enumerate(order, 1) if p_values[i] <= rate * k / count), default=0)
    kept = set(order[:last])
    return [i in kept for i in range(count)]
