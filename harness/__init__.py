"""Governance and evaluation of vertical models: measure, judge from intervals, report."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.spec.loading import load_suite
    from harness.workflows.audit import audit
    from harness.workflows.compare import compare

__all__ = ["audit", "compare", "load_suite"]


def __getattr__(name: str) -> object:
    if name == "audit":
        from harness.workflows.audit import audit

        return audit
    if name == "compare":
        from harness.workflows.compare import compare

        return compare
    if name == "load_suite":
        from harness.spec.loading import load_suite

        return load_suite
    raise AttributeError(f"module 'harness' has no attribute {name!r}")
