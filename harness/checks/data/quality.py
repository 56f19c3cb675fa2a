"""Flaws of the data that make every other number doubtful.

Duplicates within and across splits (hash of features and label); columns that alone tell the label (AUC of a number's
rank or of its being missing, or of the label rate that a text's value has in the other half of the rows; for numbers to be
predicted (1 + |Kendall's tau-b|) / 2); missing and disguised missing values; values outside
declared ranges; values of a column that leave one label only (determined label rate); contradictory labels (equal features, different label); groups too small to judge.
Limitation: exact duplicates only.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from harness.checks.data.numbers_as_text import numbers_as_text
from harness.core.dataset import Split
from harness.core.finding import Cell, Exhibit, Finding
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested
from harness.stats.auc import delong
from harness.stats.intervals import wilson

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]


def quality(evidence: Evidence, *, leak_auc: float = 0.98, minimum_group: int = 30) -> Measurement:
    """Looks at every row of every split."""
    parts = [part for role in ("test", "calibration", "train") if (part := evidence.split(role)) is not None]
    if not parts:
        return not_tested("no data")
    findings = _unlabelled(evidence) + _duplicates(parts) + _missing(parts)
    findings += numbers_as_text(evidence, parts) + _ranges(evidence, parts)
    numbers = not evidence.data.classes
    if not numbers:  # two measurements of a number differ without a contradiction
        findings += _contradictions(parts) + _determined(parts)
    leaks = _leaks(parts, leak_auc)
    findings += [
        Finding(
            measure="data.leak_suspects",
            value=sum(s for *_, s in leaks),
            n=sum(map(len, parts)),
            exact=True,
            unit="columns",
            better="lower",
        )
    ]
    findings += [
        Finding(
            measure="data.leak_suspect",
            value=1,
            n=n,
            of={"feature": name},
            exact=True,
            reason=f"alone it tells the label with {'concordance' if numbers else 'AUC'} {auc:.3f}",
        )
        for name, auc, n, suspect in leaks
        if suspect
    ]
    findings += _groups(parts[0], minimum_group)
    top: list[list[Cell]] = [[name, auc] for name, auc, _, _ in leaks[:10]]
    exhibits = [
        Exhibit(
            kind="bars",
            title=f"How well each column alone tells the label ({'concordance' if numbers else 'AUC'}; 0.5 is chance)",
            columns=["column", "concordance" if numbers else "AUC"],
            rows=top,
        )
    ]
    exhibits.append(_missing_table(parts))
    return Measurement(findings, exhibits)


def _keys(split: Split, *, with_label: bool) -> list[str]:
    import pandas as pd

    hashed = pd.util.hash_pandas_object(split.inputs.astype(str), index=False)
    return [f"{key}:{label}" if with_label else str(key) for key, label in zip(hashed, split.labels, strict=True)]


def _unlabelled(evidence: Evidence) -> list[Finding]:
    """How many rows as read were left out for want of a label; none where the suite refuses such rows."""
    if evidence.suite.data.label.missing == "refuse":
        return []
    rows, left_out = evidence.data.rows, evidence.data.unlabelled
    return [
        Finding(
            measure="data.unlabelled_rows",
            value=left_out,
            n=rows,
            exact=True,
            unit="rows",
            better="lower",
            reason=f"{left_out} of {rows} rows have no label and were left out; no measure holds for rows like them",
        )
    ]


def _duplicates(parts: list[Split]) -> list[Finding]:
    keys = {part.role: _keys(part, with_label=True) for part in parts}
    everything = [key for part in keys.values() for key in part]
    extra = len(everything) - len(set(everything))
    found = [
        Finding(
            measure="data.duplicate_rate",
            value=extra / len(everything),
            n=len(everything),
            exact=True,
            better="lower",
        )
    ]
    if "train" in keys and "test" in keys:
        train = set(keys["train"])
        shared = sum(key in train for key in keys["test"])
        found.append(
            Finding(
                measure="data.train_test_overlap_rate",
                value=shared / len(keys["test"]),
                n=len(keys["test"]),
                exact=True,
                better="lower",
                reason=f"{shared} test row(s) equal a training row in every feature and the label",
            )
        )
    return found


def _missing(parts: list[Split]) -> list[Finding]:
    cells = sum(part.inputs.size for part in parts)
    gaps = sum(int(part.inputs.isna().to_numpy().sum()) for part in parts)
    found = [
        Finding(measure="data.missing_rate", value=gaps / cells, n=cells, exact=True, unit="cells", better="lower")
    ]
    for column, value, count, n in sentinels([part.inputs for part in parts]):
        found.append(
            Finding(
                measure="data.disguised_missing",
                value=count,
                n=n,
                exact=True,
                of={"feature": column},
                unit="rows",
                reason=f"{value:g} stands far apart from every other value: perhaps it means 'missing'; list it under data.missing",
            )
        )
    return found


def sentinels(parts: list[pd.DataFrame]) -> list[tuple[str, float, int, int]]:
    """Sentinels: a repeated extreme value farther from its neighbour than the middle half of the others is wide."""
    found = []
    for column in parts[0].columns:
        if parts[0][column].dtype.kind != "f":
            continue
        values = np.concatenate([part[column].dropna().to_numpy(dtype=float) for part in parts])
        distinct = np.unique(values)
        if len(distinct) < 20:
            continue
        for end, beside in ((distinct[0], distinct[1]), (distinct[-1], distinct[-2])):
            width = float(np.subtract(*np.quantile(values[values != end], [0.75, 0.25])))
            count = int((values == end).sum())
            if count >= 5 and abs(beside - end) > width > 0:
                found.append((str(column), float(end), count, len(values)))
    return found


def _ranges(evidence: Evidence, parts: list[Split]) -> list[Finding]:
    found = []
    for column, (low, high) in evidence.suite.data.ranges.items():
        values = np.concatenate([part.columns[column].dropna().to_numpy(dtype=float) for part in parts])
        outside = int(((values < low) | (values > high)).sum())
        found.append(
            Finding(
                measure="data.out_of_range",
                value=outside,
                n=len(values),
                exact=True,
                of={"feature": column},
                unit="rows",
                better="lower",
            )
        )
    return found


def _contradictions(parts: list[Split]) -> list[Finding]:
    labels: dict[str, Counter[str]] = {}
    for part in parts:
        for key, label in zip(_keys(part, with_label=False), part.labels, strict=True):
            labels.setdefault(key, Counter())[str(label)] += 1
    clashing = sum(sum(seen.values()) - max(seen.values()) for seen in labels.values())
    n = sum(map(len, parts))
    return [
        Finding(
            measure="data.contradictory_label_rate",
            value=clashing / n,
            n=n,
            interval=wilson(clashing, n),
            better="lower",
            reason="rows whose features equal another row's while the label differs",
        )
    ]


def _leaks(parts: list[Split], limit: float) -> list[tuple[str, float, int, bool]]:
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


def _determined(parts: list[Split]) -> list[Finding]:
    """Values that leave one label only, too often for chance: the label would be drawn so with p < 1e-6."""
    labels = np.concatenate([part.labels for part in parts])
    shares = {name: float((labels == name).mean()) for name in set(labels)}
    found = []
    for column in parts[0].inputs.columns:
        values = np.concatenate([part.inputs[column].astype(object).to_numpy() for part in parts])
        seen: dict[object, Counter[str]] = {}
        for value, label in zip(values, labels, strict=True):
            seen.setdefault("missing" if value is None or value != value else value, Counter())[str(label)] += 1
        fixed = {
            value: sum(own.values())
            for value, own in seen.items()
            if len(own) == 1 and shares[next(iter(own))] ** sum(own.values()) < 1e-6
        }
        if fixed:
            named = ", ".join(str(value) for value in sorted(fixed, key=str)[:3])
            found.append(
                Finding(
                    measure="data.determined_label_rate",
                    value=sum(fixed.values()) / len(labels),
                    n=len(labels),
                    of={"feature": str(column)},
                    exact=True,
                    better="lower",
                    reason=f"where it is {named}, the label is always the same: is the column known before the label?",
                )
            )
    count = Finding(
        measure="data.determined_label_columns",
        value=len(found),
        n=len(labels),
        exact=True,
        unit="columns",
        better="lower",
    )
    return [count, *found]


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


def _groups(test: Split, minimum: int) -> list[Finding]:
    small = {
        (name, str(group)): count
        for name, values in test.groups.items()
        for group, count in sorted(Counter(v for v in values if v is not None).items())
        if count < minimum
    }
    found = [
        Finding(
            measure="data.small_groups",
            value=len(small),
            n=len(test),
            exact=True,
            unit="groups",
            better="lower",
        )
    ]
    return found + [
        Finding(
            measure="data.small_group",
            value=count,
            n=len(test),
            exact=True,
            unit="rows",
            group={name: group},
            reason=f"fewer than {minimum} test rows: bias there can't be judged",
        )
        for (name, group), count in small.items()
    ]


def _missing_table(parts: list[Split]) -> Exhibit:
    n = sum(map(len, parts))
    rows: list[list[Cell]] = []
    for column in parts[0].inputs.columns:
        gaps = sum(int(part.inputs[column].isna().sum()) for part in parts)
        rows.append([str(column), gaps, gaps / n])
    return Exhibit(kind="table", title="Missing values by column", columns=["column", "missing", "share"], rows=rows)
