"""Whether training and test rows come from the same source.

Classifier two-sample test (Lopez-Paz & Oquab 2017): boosted trees that see features and label tell training from test rows by
5-fold cross-validation; AUC 0.5 means that they can't. Rows of one cluster stand in one fold, else the trees would know them
again, and the variance is Obuchowski's (1997). The folds share training rows, so the scores are not independent: the
standard error is widened by √2 (over 150 exchangeable splits the plain z had sd 1.32). By column: population stability index
Σ (p - q) · ln(p / q) over tenths of the training values (or over categories, half a row added to each cell), and the
Kolmogorov-Smirnov distance of numbers; a column of texts, of which most stand in one row only, has no categories to compare. Limitations: PSI grows as samples shrink; a shift that no column shows alone is seen by
the classifier only.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harness.core.dataset import Labels, Split, joined_clusters
from harness.core.finding import Cell, Exhibit, Finding
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested, undefined
from harness.engine.parameters import MinimumFoldRows
from harness.stats.auc import Auc, delong

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def shift(evidence: Evidence, *, minimum: MinimumFoldRows = 50) -> Measurement:
    """Compares the training with the test split, all columns at once and one by one."""
    train, test = evidence.split("train"), evidence.split("test")
    if train is None or test is None:
        return not_tested("no data: training or test rows are missing")
    if min(len(train), len(test)) < minimum:
        return not_tested(
            f"insufficient sample: {len(train)} training and {len(test)} test rows; {minimum} of each needed"
        )
    auc = two_sample_auc(train, test, evidence.generator("data.shift"))
    n = len(train) + len(test)
    found = [Finding(measure="data.shift_auc", value=auc.value, n=n, interval=auc.interval(), better="lower")]
    rows: list[list[Cell]] = []
    for column in train.inputs.columns:
        of = {"feature": str(column)}
        if _is_free_text(train.inputs[column], test.inputs[column]):
            why = "undefined: most values stand in one row only, so they are texts and no categories"
            found.append(undefined("data.stability_index", n, why, of=of))
            continue
        index = stability_index(train.inputs[column].to_numpy(), test.inputs[column].to_numpy())
        why = "without an interval: reported, never gated"
        found.append(Finding(measure="data.stability_index", value=index, n=n, of=of, better="lower", reason=why))
        rows.append([str(column), index])
        if train.inputs[column].dtype.kind == "f":
            found.append(_distance(train, test, str(column), of))
    top = sorted(rows, key=lambda row: -float(row[1] or 0))[:10]
    title = "Population stability index by column (below 0.1 is usual)"
    exhibit = Exhibit(kind="bars", title=title, columns=["column", "index"], rows=top)
    return Measurement(found, [exhibit] if rows else [])


def _is_free_text(train: pd.Series[Any], test: pd.Series[Any]) -> bool:
    """Whether more than half of the known values of a column of names are met once in its own split."""
    if train.dtype.kind == "f":
        return False
    alone = [(~part.dropna().duplicated(keep=False)).sum() for part in (train, test)]
    return bool(sum(alone) > (train.notna().sum() + test.notna().sum()) / 2)


def two_sample_auc(first: Split, second: Split, rng: np.random.Generator) -> Auc:
    """How well boosted trees tell rows of `first` from rows of `second` by features and label; widened as above."""
    import pandas as pd

    of_first = np.r_[np.ones(len(first), dtype=bool), np.zeros(len(second), dtype=bool)]
    frame = pd.concat([first.inputs, second.inputs], ignore_index=True)
    frame["__label__"] = np.concatenate([first.labels, second.labels])
    return cross_validated_auc(frame, of_first, joined_clusters([first, second]), rng)


def cross_validated_auc(frame: pd.DataFrame, target: Bools, clusters: Labels | None, rng: np.random.Generator) -> Auc:
    """How well boosted trees tell target rows (n,) from the others by the columns (n, k), out of fold; widened as above."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_predict
    from threadpoolctl import threadpool_limits

    kind = StratifiedKFold if clusters is None else StratifiedGroupKFold
    folds = kind(5, shuffle=True, random_state=int(rng.integers(2**31)))
    model = HistGradientBoostingClassifier(max_iter=30, max_leaf_nodes=8, random_state=0, early_stopping=False)
    with threadpool_limits(1):  # small trees: threads that wait for each other cost more than they give
        scores = cross_val_predict(model, as_numbers(frame), target, groups=clusters, cv=folds, method="predict_proba")[
            :, 1
        ]
    auc = delong(scores, target, clusters)
    assert auc is not None
    return replace(auc, standard_error=auc.standard_error * math.sqrt(2))


def as_numbers(frame: pd.DataFrame) -> Floats:
    """Columns (n, k) as trees read them: numbers as they are, a category as its place in the alphabet.

    A column without any number holds 0, since nothing can be learnt from it.
    """
    import pandas as pd

    columns = [
        column.to_numpy()
        if column.dtype.kind == "f" and column.notna().any()
        else pd.factorize(column.astype(str), sort=True)[0].astype(float)
        for _, column in frame.items()
    ]
    return np.column_stack(columns)


def stability_index(train: npt.NDArray[np.object_] | Floats, test: npt.NDArray[np.object_] | Floats) -> float:
    """Population stability index of a column's test values (m,) against its training values (n,); missing is a cell."""
    if train.dtype.kind == "f":
        edges = (
            np.unique(np.nanquantile(train, np.linspace(0, 1, 11)[1:-1])) if np.isfinite(train).any() else np.zeros(0)
        )
        cells = [np.where(np.isnan(v), -1, np.searchsorted(edges, v, side="right")) for v in (train, test)]
    else:
        names = {name: i for i, name in enumerate(sorted({str(v) for v in (*train, *test)}))}
        cells = [np.array([names[str(v)] for v in part]) for part in (train, test)]
    kinds = np.unique(np.concatenate(cells))
    shares = []
    for part in cells:
        counts = np.array([(part == kind).sum() for kind in kinds]) + 0.5
        shares.append(counts / counts.sum())
    return float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())


def _distance(train: Split, test: Split, column: str, of: dict[str, str]) -> Finding:
    from scipy.stats import ks_2samp

    parts = [split.inputs[column].dropna().to_numpy(dtype=float) for split in (train, test)]
    n = sum(map(len, parts))
    if min(map(len, parts)) == 0:
        return Finding(measure="data.ks_distance", value=None, n=n, of=of, reason="no known value in one of the splits")
    found = ks_2samp(*parts)
    why = f"p = {found.pvalue:.3g} for one column alone; without an interval: reported, never gated"
    return Finding(measure="data.ks_distance", value=float(found.statistic), n=n, of=of, better="lower", reason=why)
