"""Which features move the score, by SHAP, and whether the attributions add up.

Explained: the positive class's output, in log-odds where the explainer can (trees of boosting, linear models), else in
probability; for regression the predicted number; the space, the explainer and the background are parameters of the exhibit. SHAP: Lundberg & Lee (2017);
trees path-dependent (Lundberg et al. 2020); otherwise permutation sampling over an independent masker, on as many rows as
the number of model calls allows: (2 · features + 1) · background calls a row.
Additivity error = max |base + Σφ - output| / (sd of the output). Attributions of one-hot columns are summed to their
source column; columns that count a text's pieces stand for themselves. Sensitive share = Σ_{j in S} E|φ_j| / Σ_j E|φ_j|.
Limitations: additivity is not accuracy; correlated features share credit arbitrarily.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.checks.explainability.explanation import Explanation, Method, calls_allowed, explain
from harness.core.finding import Cell, Exhibit, Finding
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested
from harness.stats.bootstrap import resample_weights
from harness.stats.intervals import percentile

Floats = npt.NDArray[np.float64]


def attribution(
    evidence: Evidence, *, rows: int = 300, background: int = 100, resamples: int = 300, calls: int | None = None
) -> Measurement:
    """Global and local attributions for a seeded sample of test rows.

    `calls` bounds the model's calls where its structure can't be read: by default 150,000 for a model of columns and 4,000
    for one of texts.
    """
    test = evidence.split("test")
    if test is None or (evidence.data.classes and evidence.data.positive is None):
        return not_tested("no data: no test rows, or no positive class")
    rng = evidence.generator("explainability.attribution")
    picked = np.sort(rng.permutation(len(test))[:rows])
    # A model of texts never sees the columns that count a text's pieces.
    seen = list(test.inputs.columns) if evidence.model.view == "columns" else evidence.suite.data.features
    sample = test.inputs[seen].iloc[picked].reset_index(drop=True)
    source = evidence.split("train") or test
    reference = source.inputs[seen].iloc[np.sort(rng.permutation(len(source))[:background])].reset_index(drop=True)
    limit = calls_allowed(evidence, calls)
    seed = int(evidence.generator("explainability.seed").integers(2**31))
    explained = explain(evidence, sample, reference, Method(seed, limit))
    if explained is None:
        return not_tested(
            f"out of budget: {limit} calls explain fewer than two rows. Raise the check's parameter calls"
        )
    clusters = None if test.clusters is None else test.clusters[picked][: len(explained.values)]
    if clusters is not None and len(set(clusters)) < 2:
        return not_tested("insufficient sample: the explained rows are of one cluster")
    draw = resample_weights(len(explained.values), clusters, resamples, rng).astype(float)
    return _findings(evidence, explained, list(sample.columns), draw)


def _findings(
    evidence: Evidence,
    explained: Explanation,
    names: list[str],
    draw: Floats,
) -> Measurement:
    """`draw` is how often each resample holds each row (resamples, n)."""
    size, n = np.abs(explained.values), len(explained.values)
    mean = size.mean(axis=0)
    how, error = explained.how, explained.additivity_error
    found = [
        Finding(
            measure="explainability.additivity_error",
            value=error,
            n=n,
            exact=True,
            better="lower",
            unit="sd of the output",
            reason=how,
        )
    ]
    spread = draw @ size / draw.sum(axis=1, keepdims=True)
    order = np.argsort(-mean, kind="stable")
    rows: list[list[Cell]] = []
    for j in order:
        band = percentile(spread[:, j])
        found.append(
            Finding(
                measure="explainability.attribution",
                value=float(mean[j]),
                n=n,
                interval=band,
                of={"feature": names[j]},
                unit=explained.space,
            )
        )
        rows.append([names[j], float(mean[j]), band.low, band.high])
    found.append(_sensitive_share(evidence, size, names, spread))
    local: list[list[Cell]] = [
        [f"row {i + 1}", float(explained.output[i]), *[float(explained.values[i, j]) for j in order[:5]]]
        for i in range(min(3, n))
    ]
    exhibits = [
        Exhibit(
            kind="bars",
            title=f"Mean |SHAP value| by feature ({how})",
            columns=["feature", "mean |SHAP|", "low", "high"],
            rows=rows,
        ),
        Exhibit(
            kind="table",
            title=f"Three sampled rows, signed ({explained.space})",
            columns=["row", "output", *[names[j] for j in order[:5]]],
            rows=local,
        ),
    ]
    return Measurement(found, exhibits)


def _sensitive_share(evidence: Evidence, size: Floats, names: list[str], spread: Floats) -> Finding:
    columns = {how.column for how in evidence.suite.data.sensitive.values()}
    chosen = [j for j, name in enumerate(names) if name in columns]
    if not chosen:
        return Finding(
            measure="explainability.sensitive_share",
            value=0.0,
            n=len(size),
            exact=True,
            better="lower",
            reason="no sensitive column is a feature",
        )

    def share(mean: Floats) -> Floats:
        """Of mean sizes (..., features), the part that falls on the chosen ones (...)."""
        return np.asarray(mean[..., chosen].sum(axis=-1) / np.maximum(mean.sum(axis=-1), 1e-300))

    return Finding(
        measure="explainability.sensitive_share",
        value=float(share(size.mean(axis=0))),
        n=len(size),
        better="lower",
        interval=percentile(share(spread)),
        reason="features that are sensitive: " + ", ".join(names[j] for j in chosen),
    )
