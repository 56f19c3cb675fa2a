"""How the model tells several classes apart at a site whose rows it never saw, beside after seeing some.

As `performance.transfer`, with the mean recall of the classes in place of the AUC. A class counts at a site where it
has the minimum of test rows there and of training rows at all other sites; two must. Intervals: of a mean recall
Clopper and Pearson's by class, combined by MOVER (`stats.exact.mean_share`); of the gap
`stats.table_intervals.difference_interval`, paired by row. Clustered rows are divided by their design effect.

Limitation: classes that a site has few rows of are left out of its mean, and the reason names them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from harness.core.dataset import Labels, Split
from harness.core.finding import Cell, Exhibit, Finding
from harness.core.interval import Interval
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, undefined
from harness.errors import ModelError
from harness.stats.design_effect import design_effect, effective_counts
from harness.stats.exact import mean_share
from harness.stats.table_intervals import difference_interval

MEASURES = ("site_recall_macro", "left_out_recall_macro", "recall_transfer_gap")


def class_transfer(evidence: Evidence, test: Split, train: Split, by: str, minimum: int) -> Measurement:
    """Every site of the column `by`; a class needs `minimum` rows at the site and elsewhere."""
    answers = evidence.predictions("test").labels
    places, seen = test.names(by), train.names(by)
    findings: list[Finding] = []
    rows: list[list[Cell]] = []
    for site in sorted(set(places) - {None}):
        # A training row whose site is not known may be of this one.
        own, others = np.asarray(places == site, dtype=bool), np.array([place not in (site, None) for place in seen])
        n, of = int(own.sum()), {"site": site}
        here, elsewhere = Counter(test.labels[own]), Counter(train.labels[others])
        counted = [name for name in evidence.data.classes if min(here[name], elsewhere[name]) >= minimum]
        if len(counted) < 2:
            why = (
                f"insufficient sample: {len(counted)} classes have {minimum} rows at the site and elsewhere; two needed"
            )
            findings += [undefined(f"performance.{name}", n, why, of=of) for name in MEASURES]
            continue
        try:
            again = evidence.refitted(others, own).labels
        except ModelError as error:
            findings += [undefined(f"performance.{name}", n, str(error), of=of) for name in MEASURES]
            continue
        among = own & np.isin(test.labels.astype(str), counted)
        pair = _Pair(
            truth=test.labels[among],
            answers=(answers[among], again[among[own]]),
            counted=counted,
            clusters=None if test.clusters is None else test.clusters[among],
        )
        left = sorted(set(here) - set(counted))
        note = f"{len(counted)} classes of {minimum} rows or more" + (
            f"; left out, too few rows: {', '.join(left)}" if left else ""
        )
        bands = [pair.recall(0), pair.recall(1), pair.gap()]
        found = [
            Finding(measure=f"performance.{name}", value=value, n=n, of=of, interval=band, better="higher", reason=note)
            for name, (value, band) in zip(MEASURES, bands, strict=True)
        ]
        findings += found
        ends = found[-1].interval
        low, high = (ends.low, ends.high) if ends else (None, None)
        rows.append([site, n, *(f.value for f in found), low, high])
    columns = ["site", "test rows", "mean recall, random split", "mean recall, site left out", "gap", "low", "high"]
    title = "Leave one site out, beside the random split (same test rows)"
    return Measurement(findings, [Exhibit(kind="table", title=title, columns=columns, rows=rows)])


@dataclass(frozen=True)
class _Pair:
    """A site's rows (n,) of the classes that count: the truth, both models' answers, and the clusters."""

    truth: Labels
    answers: tuple[Labels, Labels]
    counted: list[str]
    clusters: Labels | None

    def recall(self, which: int) -> tuple[float, Interval]:
        """The mean recall of one of the answerers, and its interval."""
        right = np.asarray(self.answers[which] == self.truth, dtype=bool)
        rows = [np.asarray(self.truth == name, dtype=bool) for name in self.counted]
        clusters = [None if self.clusters is None else self.clusters[own] for own in rows]
        counts = [effective_counts(right[own], labels) for own, labels in zip(rows, clusters, strict=True)]
        value = float(np.mean([right[own].mean() for own in rows]))
        return value, mean_share([hits for hits, _ in counts], [size for _, size in counts])

    def gap(self) -> tuple[float, Interval]:
        """The mean recall of the second answerer minus the first's; any other class is no answer."""
        places = {name: place for place, name in enumerate(self.counted)}
        size, sides = len(places), (self.truth, self.answers[1], self.answers[0])
        cells = np.array([[places.get(name, size) for name in names] for names in sides], dtype=np.int64)
        different, counts = np.unique(cells, axis=1, return_counts=True)
        gain = (1 + (cells[1] == cells[0]).astype(float) - (cells[2] == cells[0])) / 2
        effect = 1.0 if self.clusters is None else design_effect(gain, self.clusters)
        band = difference_interval("balanced_accuracy", different.tolist(), counts.tolist(), size, effect)
        return self.recall(1)[0] - self.recall(0)[0], band
