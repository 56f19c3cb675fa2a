"""Which features move the score, by SHAP, and whether the attributions add up.

Explained: the positive class's output, in log-odds where the explainer can (trees of boosting, linear models), else in
probability; for regression the predicted number; the space, the explainer and the background are parameters of the exhibit. SHAP: Lundberg & Lee (2017);
trees path-dependent (Lundberg et al. 2020); otherwise permutation sampling over an independent masker, on as many rows as
the number of model calls allows: (2 · features + 1) · background calls a row.
Additivity error = max |base + Σφ - output| / (sd of the output). Attributions of one-hot columns are summed to their
source column; columns that count a text's pieces stand for themselves. Sensitive share = Σ_{j in S} E|φ_j| / Σ_j E|φ_j|.
Attribution share = E|φ_j| / Σ_j E|φ_j|: a feature that alone moves the output may be the label under another name.
Without a positive class the probability of each row's most probable class is explained, and, where classes are the same for every
row, each class's probability (`of: {class, feature}`), all from one run of the explainer; the additivity error is then the largest over the classes,
in standard deviations of the one that varies most. Of an item's own options the pick alone is explained: a share of 0 of the
question means that it is answered unread.
Limitations: additivity is not accuracy; correlated features share credit arbitrarily.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from harness.checks.explainability.explanation import (
    Explanation,
    Method,
    additivity_error,
    calls_allowed,
    explain,
    explain_classes,
    of_the_largest,
)
from harness.core.finding import Cell, Exhibit, Finding
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested, undefined
from harness.engine.parameters import Calls, Resamples, SampleRows
from harness.stats.bootstrap import resample_weights
from harness.stats.intervals import percentile, resample_interval

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]


def attribution(
    evidence: Evidence,
    *,
    rows: SampleRows = 300,
    background: SampleRows = 100,
    resamples: Resamples = 300,
    calls: Calls | None = None,
) -> Measurement:
    """Global and local attributions for a seeded sample of test rows.

    `calls` bounds the model's calls where its structure can't be read: by default 150,000 for a model of columns and 4,000
    for one of texts.
    """
    test = evidence.split("test")
    if test is None:
        return not_tested("no data: there are no test rows")
    rng = evidence.generator("explainability.attribution")
    picked = np.sort(rng.permutation(len(test))[:rows])
    # A model of texts never sees the columns that count a text's pieces.
    seen = list(test.inputs.columns) if evidence.model.view == "columns" else evidence.suite.data.features
    sample = test.inputs[seen].iloc[picked].reset_index(drop=True)
    source = evidence.split("train") or test
    reference = source.inputs[seen].iloc[np.sort(rng.permutation(len(source))[:background])].reset_index(drop=True)
    limit = calls_allowed(evidence, calls)
    seed = int(evidence.generator("explainability.seed").integers(2**31))
    runs = _explained(evidence, sample, reference, Method(seed, limit))
    if runs is None:
        return not_tested(
            f"out of budget: {limit} calls explain fewer than two rows. Raise the check's parameter calls"
        )
    explained, of_classes = runs
    clusters = None if test.clusters is None else test.clusters[picked][: len(explained.values)]
    if clusters is not None and len(set(clusters)) < 2:
        return not_tested("insufficient sample: the explained rows are of one cluster")
    draw = resample_weights(len(explained.values), clusters, resamples, rng).astype(float)
    measured = _findings(evidence, explained, list(sample.columns), draw, of_classes)
    if not of_classes or evidence.suite.task == "choice":
        return measured
    found, table = _by_class(evidence, of_classes, list(sample.columns), draw)
    return Measurement(measured.findings + found, [*measured.exhibits, table])


def _explained(
    evidence: Evidence, sample: pd.DataFrame, reference: pd.DataFrame, method: Method
) -> tuple[Explanation, list[Explanation]] | None:
    """The explanation of the output, and without a positive class those of every class; None where calls are too few."""
    if not evidence.data.classes or evidence.data.positive is not None:
        alone = explain(evidence, sample, reference, method)
        return None if alone is None else (alone, [])
    of_classes = explain_classes(evidence, sample, reference, method)
    return None if of_classes is None else (of_the_largest(of_classes), of_classes)


def _by_class(
    evidence: Evidence, explained: list[Explanation], names: list[str], draw: Floats
) -> tuple[list[Finding], Exhibit]:
    """Each class's mean sizes by feature."""
    found, means = [], []
    for name, one in zip(evidence.data.classes, explained, strict=True):
        size = np.abs(one.values)
        spread = draw @ size / draw.sum(axis=1, keepdims=True)
        means.append(size.mean(axis=0))
        found += [
            Finding(
                measure="explainability.attribution",
                value=float(means[-1][j]),
                n=len(size),
                interval=resample_interval(spread[:, j]),
                of={"class": name, "feature": feature},
                unit=one.space,
                reason=one.how,
            )
            for j, feature in enumerate(names)
        ]
    rows: list[list[Cell]] = [[feature, *(float(mean[j]) for mean in means)] for j, feature in enumerate(names)]
    title = f"Mean |SHAP value| of each class's probability ({explained[0].how})"
    return found, Exhibit(kind="table", title=title, columns=["feature", *evidence.data.classes], rows=rows)


def _findings(
    evidence: Evidence,
    explained: Explanation,
    names: list[str],
    draw: Floats,
    of_classes: list[Explanation],
) -> Measurement:
    """`draw` is how often each resample holds each row (resamples, n)."""
    size, n = np.abs(explained.values), len(explained.values)
    mean = size.mean(axis=0)
    how, error = explained.how, additivity_error(of_classes or [explained])
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
                reason=how,
            )
        )
        rows.append([names[j], float(mean[j]), band.low, band.high])
    found += [_share(size, spread, j, names[j], how) for j in order]
    found.append(_sensitive_share(evidence, size, names, spread, how))
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


def _share(size: Floats, spread: Floats, j: int, name: str, how: str) -> Finding:
    """A feature's part of all attribution, from sizes (n, features) and their resampled means (resamples, features)."""
    mean = size.mean(axis=0)
    of, n = {"feature": name}, len(size)
    if mean.sum() <= 0:
        why = "undefined: no feature moves the output"
        return undefined("explainability.attribution_share", n, why, of=of)
    drawn = spread[:, j] / np.maximum(spread.sum(axis=1), 1e-300)
    return Finding(
        measure="explainability.attribution_share",
        value=float(mean[j] / mean.sum()),
        n=n,
        interval=percentile(drawn),
        of=of,
        reason=how,
    )


def _sensitive_share(evidence: Evidence, size: Floats, names: list[str], spread: Floats, how: str) -> Finding:
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
        reason=f"features that are sensitive: {', '.join(names[j] for j in chosen)}; {how}",
    )
