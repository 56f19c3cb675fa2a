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
from harness.stats.auc import FEWEST_OF_CLASS

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


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
    owner = None if labels.dtype.kind == "f" else np.unique(labels.astype(str), return_inverse=True)[1]
    found = []
    for column in inputs.columns:
        best = column_concordance(inputs[column], labels) if owner is None else column_auc(inputs[column], owner)
        found.append((str(column), best, len(inputs), best >= limit))
    return sorted(found, key=lambda row: (-row[1], row[0]))


def column_auc(column: pd.Series, owner: Ints) -> float:
    """How well a column (n,) alone tells one of the classes: the best AUC; 0.5 where none can be formed.

    `owner` (n,) are the classes, numbered from 0. Of a column of words the label rates of one class are scores of that class alone.
    """
    if column.dtype.kind == "f":
        signal = column.to_numpy(dtype=float)
        known = np.isfinite(signal)
        return max(_best_auc(signal[known], owner[known]), _best_auc(known.astype(float), owner))
    values, best = _numbered(column), 0.5
    for own in range(1 if owner.max() == 1 else int(owner.max()) + 1):  # what tells one of two classes tells the other
        best = max(best, _auc_of_class(_held_out_rates(values, owner == own), owner == own))
    return best


def _best_auc(signal: Floats, owner: Ints) -> float:
    """The best AUC, in either direction, of a signal (n,) for one of the classes (n,) against the others, from one ranking."""
    from scipy.stats import rankdata

    sizes = np.bincount(owner)
    ranks = np.bincount(owner, rankdata(signal), minlength=len(sizes))
    enough = np.minimum(sizes, len(owner) - sizes) >= FEWEST_OF_CLASS
    sizes, ranks = sizes[enough], ranks[enough]
    aucs = (ranks - sizes * (sizes + 1) / 2) / (sizes * (len(owner) - sizes))
    return float(np.maximum(aucs, 1 - aucs).max(initial=0.5))


def _auc_of_class(scores: Floats, hit: Bools) -> float:
    from scipy.stats import rankdata

    m, n = int(hit.sum()), int((~hit).sum())
    if min(m, n) < FEWEST_OF_CLASS:
        return 0.5
    return float((rankdata(scores)[hit].sum() - m * (m + 1) / 2) / (m * n))


def column_concordance(column: pd.Series, target: Floats) -> float:
    """How well a column (n,) alone orders a number (n,): (1 + |Kendall's tau-b|) / 2, on the scale of an AUC."""
    from scipy.stats import kendalltau

    signal = column.to_numpy(dtype=float) if column.dtype.kind == "f" else _held_out_rates(_numbered(column), target)
    known = np.isfinite(signal)
    if known.sum() < 10 or np.ptp(signal[known]) == 0 or np.ptp(target[known]) == 0:
        return 0.5
    return float((1 + abs(kendalltau(signal[known], target[known]).statistic)) / 2)


def _numbered(column: pd.Series) -> Ints:
    """The distinct texts of a column (n,), numbered from 0; missing is one of them."""
    import pandas as pd

    return np.asarray(pd.factorize(column.astype(str), use_na_sentinel=False)[0])


def _held_out_rates(values: Ints, target: Bools | Floats) -> Floats:
    """Each row's label rate (or mean number) among the other half's rows with its value, so that ids don't look like leaks."""
    # A fixed shuffle: rows often come in an order that goes with the label.
    half = np.random.default_rng(0).permutation(len(values)) % 2 == 0
    rates = np.full(len(values), float(target.mean()))
    for fold in (half, ~half):
        rows = np.bincount(values[~fold], minlength=int(values.max()) + 1)
        sums = np.bincount(values[~fold], target[~fold], minlength=len(rows))
        known = fold & (rows[values] > 0)
        rates[known] = sums[values[known]] / rows[values[known]]
    return rates
