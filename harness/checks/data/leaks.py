"""Columns that alone tell the label.

The AUC of a number's rank or of its being missing, or of the label rate that a text's value has in the other half of the rows; for
numbers to be predicted (1 + |Kendall's tau-b|) / 2. Limitation: a leak spread over two columns is not seen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from harness.core.dataset import Split
from harness.core.finding import Cell, Exhibit, Finding
from harness.stats.auc import delong

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]


def leak_findings(parts: list[Split], limit: float) -> tuple[list[Finding], Exhibit]:
    """How many features alone tell the label at `limit` or above, each of them, and how well the ten best do."""
    told = _told(parts, limit)
    measure = "concordance" if parts[0].labels.dtype.kind == "f" else "AUC"
    suspects = [(name, auc, n) for name, auc, n, suspect in told if suspect]
    found = [
        Finding(
            measure="data.leak_suspects",
            value=len(suspects),
            n=sum(map(len, parts)),
            exact=True,
            unit="columns",
            better="lower",
            reason=f"columns that alone tell the label with {measure} {limit:g} or above",
        )
    ]
    found += [
        Finding(
            measure="data.leak_suspect",
            value=1,
            n=n,
            of={"feature": name},
            exact=True,
            reason=f"alone it tells the label with {measure} {auc:.3f}",
        )
        for name, auc, n in suspects
    ]
    title = f"How well each column alone tells the label ({measure}; 0.5 is chance)"
    best: list[list[Cell]] = [[name, auc] for name, auc, _, _ in told[:10]]
    return found, Exhibit(kind="bars", title=title, columns=["column", measure], rows=best)


def _told(parts: list[Split], limit: float) -> list[tuple[str, float, int, bool]]:
    import pandas as pd

    inputs = pd.concat([part.inputs for part in parts], ignore_index=True)
    labels = np.concatenate([part.labels for part in parts])
    found = []
    for column in inputs.columns:
        if labels.dtype.kind == "f":
            best = column_concordance(inputs[column], labels)
        else:
            best = max((column_auc(inputs[column], labels == name) for name in sorted(set(labels))), default=0.5)
        found.append((str(column), best, len(inputs), best >= limit))
    return sorted(found, key=lambda row: (-row[1], row[0]))


def column_auc(column: pd.Series, target: npt.NDArray[np.bool_]) -> float:
    """How well a column (n,) alone tells a class (n,): the AUC, 0.5 where it can't be formed."""
    if column.dtype.kind != "f":
        auc = delong(_held_out_rates(column.astype(str).to_numpy(), target), target)
        return 0.5 if auc is None else auc.value
    signal = column.to_numpy(dtype=float)
    known = np.isfinite(signal)
    found = [delong(signal[known], target[known]), delong(known.astype(float), target)]
    return max((max(auc.value, 1 - auc.value) for auc in found if auc is not None), default=0.5)


def column_concordance(column: pd.Series, target: Floats) -> float:
    """How well a column (n,) alone orders a number (n,): (1 + |Kendall's tau-b|) / 2, on the scale of an AUC."""
    from scipy.stats import kendalltau

    if column.dtype.kind == "f":
        signal = column.to_numpy(dtype=float)
    else:
        signal = _held_out_rates(column.astype(str).to_numpy(), target)
    known = np.isfinite(signal)
    if known.sum() < 10 or np.ptp(signal[known]) == 0 or np.ptp(target[known]) == 0:
        return 0.5
    return float((1 + abs(kendalltau(signal[known], target[known]).statistic)) / 2)


def _held_out_rates(values: npt.NDArray[np.object_], target: npt.NDArray[np.bool_] | Floats) -> Floats:
    """Each row's label rate (or mean number) among the other half's rows with its value, so that ids don't look like leaks."""
    # A fixed shuffle: rows often come in an order that goes with the label.
    half = np.random.default_rng(0).permutation(len(values)) % 2 == 0
    rates = np.full(len(values), float(target.mean()))
    for fold in (half, ~half):
        known: dict[str, tuple[float, int]] = {}
        for value, hit in zip(values[~fold], target[~fold], strict=True):
            hits, n = known.get(value, (0.0, 0))
            known[value] = hits + float(hit), n + 1
        rates[fold] = [known[v][0] / known[v][1] if v in known else target.mean() for v in values[fold]]
    return rates
