"""A small suite and saved predictions for it, for tests that run many commands."""

import numpy as np
import pandas as pd

from harness import load_suite
from harness.datasets.roles import load_dataset

SUITE = """
extends: finance/credit-risk
decision: null
name: small
checks: [performance.classification]
policy:
  - {id: useful, measure: performance.accuracy, at_least: 0.5, reason: r, source: s}
"""


def write_small(folder):
    """Writes s.yaml, and p.csv and q.csv, predictions of two models; returns the test rows."""
    (folder / "s.yaml").write_text(SUITE, encoding="utf-8")
    test = load_dataset(load_suite(folder / "s.yaml")).splits["test"]
    for seed, name in enumerate(("p", "q")):
        scores = np.random.default_rng(seed).uniform(0, 0.6, len(test)) + 0.4 * (test.labels == "yes")
        pd.DataFrame({"id": test.ids, "score": scores}).to_csv(folder / f"{name}.csv", index=False)
    return test
