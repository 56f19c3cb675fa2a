"""How the model tells several classes apart at a place whose rows it never saw, beside how it does there after seeing some.

As `performance.transfer`, with the mean recall of the classes in place of the AUC. A class counts at a site where it has the minimum
of test rows there and of training rows at all other sites; two must. Intervals: percentile bootstrap of the site's rows (whole clusters
where rows belong together), the same rows for both models. Limitation: classes that a site has few rows of are left out of its mean,
and the reason names them.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt

from harness.core.dataset import Labels, Split
from harness.core.finding import Cell, Exhibit, Finding
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, undefined
from harness.errors import ModelError
from harness.stats.bootstrap import resample_sums
from harness.stats.intervals import resample_interval

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
MEASURES = ("site_recall_macro", "left_out_recall_macro", "recall_transfer_gap")
RESAMPLES = 1000


def class_transfer(evidence: Evidence, test: Split, train: Split, by: str, minimum: int) -> Measurement:
    """Every site of the column `by`; a class needs `minimum` rows at the site and elsewhere."""
    answers, rng = evidence.predictions("test").labels, evidence.generator("performance.transfer")
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
        together = None if test.clusters is None else test.clusters[own]
        value, drawn = _recalls(test.labels[own], [answers[own], again], counted, together, rng)
        left = sorted(set(here) - set(counted))
        note = f"{len(counted)} classes of {minimum} rows or more" + (
            f"; left out, too few rows: {', '.join(left)}" if left else ""
        )
        found = [_finding(name, value[k], drawn[:, k], n, of, note) for k, name in enumerate(MEASURES)]
        findings += found
        ends = found[-1].interval
        low, high = (ends.low, ends.high) if ends else (None, None)
        rows.append([site, n, *(f.value for f in found), low, high])
    columns = ["site", "test rows", "mean recall, random split", "mean recall, site left out", "gap", "low", "high"]
    title = "Leave one site out, beside the random split (same test rows)"
    return Measurement(findings, [Exhibit(kind="table", title=title, columns=columns, rows=rows)])


def _recalls(
    truth: Labels, answers: list[Labels], counted: list[str], clusters: Labels | None, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Mean recall of each answerer and their gap (3,), second minus first, and its resamples (m, 3) that hold every class."""
    of_class = np.column_stack([truth == name for name in counted]).astype(float)
    hits = [of_class * np.asarray(given == truth, dtype=float)[:, None] for given in answers]
    moments = np.hstack([*hits, of_class])

    def means(sums: Floats) -> Floats:
        one, other, size = np.split(sums, 3, axis=-1)
        pair = [(part / size).mean(axis=-1) for part in (one, other)]
        return np.stack([*pair, pair[1] - pair[0]], axis=-1)

    drawn = resample_sums(moments, clusters, RESAMPLES, rng)
    whole = drawn[(drawn[:, -len(counted) :] > 0).all(axis=1)]
    return means(moments.sum(axis=0)), means(whole)


def _finding(name: str, value: float, drawn: Floats, n: int, of: dict[str, str], note: str) -> Finding:
    band = resample_interval(drawn)
    return Finding(
        measure=f"performance.{name}",
        value=float(value),
        n=n,
        of=of,
        interval=band,
        better="higher",
        reason=note if band else f"{note}; every resample is alike, so there is no interval",
    )
