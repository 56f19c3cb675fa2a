"""How much a smaller data type changes a model's answers, measured on real rows before they are trusted."""

from __future__ import annotations

import numpy as np

from harness.core.finding import Finding
from harness.engine.text_pass import TextModel

SAMPLE = 64


def parity_finding(model: TextModel, reference: TextModel, texts: list[str]) -> Finding:
    """The largest change of a probability against the float32 model over texts (n), and how many labels turn."""
    given, wanted = model.score(texts), reference.score(texts)
    turned = int((given[:, 0] != wanted[:, 0]).sum())
    return Finding(
        measure="model.precision_change",
        value=float(np.abs(given[:, 1:] - wanted[:, 1:]).max()),
        n=len(texts),
        exact=True,
        better="lower",
        unit="probability",
        reason=f"against float32; {turned} of {len(texts)} labels turn",
    )


def parity_unmeasured(why: str) -> Finding:
    """The finding without a value: the float32 model could not be asked."""
    return Finding(
        measure="model.precision_change", value=None, n=0, exact=True, better="lower", unit="probability", reason=why
    )
