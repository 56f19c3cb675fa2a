"""Fits a reference model on a suite's training split only, and saves it with its training ids."""

from __future__ import annotations

from pathlib import Path

from harness.datasets.roles import load_dataset
from harness.engine import provenance
from harness.errors import DataError
from harness.fitting.tabular import fit_tabular, save_fitted
from harness.spec.loading import load_suite


def fit(suite: str | Path, base: str, folder: Path) -> int:
    """Writes the fitted model's folder; returns the number of training rows."""
    loaded = load_suite(suite)
    data = load_dataset(loaded)
    train = data.splits["train"]
    if not len(train):
        raise DataError(
            f"{loaded.suite.name} leaves no training rows (split.test is {loaded.suite.data.split.test:g}). "
            "Lower data.split.test."
        )
    pipeline = fit_tabular(train, base, loaded.suite.seed)
    card = {
        "title": f"{base} on {loaded.suite.name}",
        "base": base,
        "suite": loaded.suite.name,
        "suite_digest": loaded.digest,
        "view": "columns",
        "kind": "sklearn",
        "seed": loaded.suite.seed,
        "training_rows": len(train),
        "features": ", ".join(loaded.suite.data.features),
        "data_fingerprint": data.fingerprint,
        "environment": ", ".join(f"{k} {v}" for k, v in sorted(provenance.environment()["packages"].items())),
    }
    save_fitted(pipeline, folder, card, [str(i) for i in train.ids])
    return len(train)
