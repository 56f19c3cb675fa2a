"""Flaws of the data that make every other number doubtful.

Duplicates within and across splits (hash of features and label); columns that alone tell the label (AUC of a number's
rank or of its being missing, or of the label rate that a text's value has in the other half of the rows; for numbers to be
predicted (1 + |Kendall's tau-b|) / 2); missing and disguised missing values; values outside declared ranges; groups too small to
judge. `cells` tells what reading made of cells, `labels` looks at the labels themselves, `columns` at columns that should be no features. Limitation: exact duplicates only.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from harness.checks.data.cells import cell_findings
from harness.checks.data.columns import column_findings
from harness.checks.data.labels import label_findings
from harness.checks.data.leaks import leak_findings
from harness.checks.data.numbers_as_text import numbers_as_text
from harness.core.dataset import Split
from harness.core.finding import Cell, Exhibit, Finding
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested
from harness.engine.parameters import MinimumRows

if TYPE_CHECKING:
    import pandas as pd


LeakAuc = Annotated[float, Field(gt=0.5, le=1)]


def quality(evidence: Evidence, *, leak_auc: LeakAuc = 0.98, minimum_group: MinimumRows = 30) -> Measurement:
    """Looks at every row of every split."""
    parts = [part for role in ("test", "calibration", "train") if (part := evidence.split(role)) is not None]
    if not parts:
        return not_tested("no data")
    findings = (
        _unlabelled(evidence)
        + _duplicates(parts)
        + _missing(parts)
        + cell_findings(evidence)
        + numbers_as_text(evidence, parts)
        + _ranges(evidence, parts)
    )
    findings += label_findings(evidence, parts) + column_findings(evidence, parts)
    leaks, told = leak_findings(parts, leak_auc)
    findings += leaks
    findings += _groups(parts[0], minimum_group)
    return Measurement(findings, [told, _missing_table(parts)])


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
            reason=f"groups of fewer than {minimum} test rows",
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
