"""The SHAP library, imported once and late."""

from __future__ import annotations

from typing import Any


def import_shap() -> Any:
    """SHAP, imported without compiling its loops: they run for milliseconds, and compiling takes seconds in every process."""
    import numba

    config: Any = numba.config
    before = config.DISABLE_JIT
    config.DISABLE_JIT = True  # read where a function is decorated, so nobody else's is touched
    try:
        import shap
    finally:
        config.DISABLE_JIT = before
    return shap
