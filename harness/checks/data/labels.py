"""What is wrong with the labels themselves, for `data.quality`.

Contradictory: equal features, another label. Determined: a value of a column that leaves one label only. By chance that happens to
n of N rows with probability Σ C(N_k, n) / C(N, n) over the labels k of N_k rows; to numbers also among the rows next to them on
either side (as many, 25 at least, whole values), since a low rate of a whole neighbourhood is no leak. The largest probability
counts; Holm's procedure over every value that two rows share keeps the chance of one false alarm at 0.001. Disagreeing: rows whose label is not what `data.agrees` says another
column implies. Prevalence: the share of the positive class less `label.prevalence`, its rate where the model will be used.
Where rows share a cluster, equal rows of one cluster count once in the probabilities.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harness.core.dataset import Labels, Split, joined_clusters
from harness.core.finding import Finding
from harness.core.interval import Interval
from harness.core.names import name_of
from harness.engine.evidence import Evidence
from harness.engine.measurement import undefined
from harness.stats.design_effect import share_interval
from harness.stats.intervals import square_and_add
from harness.stats.multiplicity import holm

if TYPE_CHECKING:
    import pandas as pd

Ints = npt.NDArray[np.int64]
FALSE_ALARMS, BESIDE = 0.001, 25


def label_findings(evidence: Evidence, parts: list[Split]) -> list[Finding]:
    """Flaws of class labels; none for numbers, since two measurements of a number differ without a contradiction."""
    if not evidence.data.classes:
        return []
    labels, clusters = np.concatenate([part.labels for part in parts]), joined_clusters(parts)
    return [
        _contradictions(parts, labels, clusters),
        *_determined(parts, labels, clusters),
        *(_disagreements(evidence, parts, labels, clusters, column) for column in evidence.suite.data.agrees),
        *_prevalence(evidence, labels, clusters),
    ]


def _contradictions(parts: list[Split], labels: Labels, clusters: Labels | None) -> Finding:
    import pandas as pd

    hashed = [pd.util.hash_pandas_object(part.inputs.astype(str), index=False).to_numpy() for part in parts]
    seen: dict[object, Counter[str]] = {}
    keys = np.concatenate(hashed).tolist()
    for key, label in zip(keys, labels, strict=True):
        seen.setdefault(key, Counter())[str(label)] += 1
    majority = {key: max(own, key=lambda name: (own[name], name)) for key, own in seen.items()}
    clashing = np.array([str(label) != majority[key] for key, label in zip(keys, labels, strict=True)], dtype=bool)
    return Finding(
        measure="data.contradictory_label_rate",
        value=float(clashing.mean()),
        n=len(labels),
        interval=share_interval(clashing, clusters),
        better="lower",
        reason="rows whose features equal another row's while the label differs",
    )


def _determined(parts: list[Split], labels: Labels, clusters: Labels | None) -> list[Finding]:
    """Values that leave one label only, too often for chance."""
    import pandas as pd

    owner = np.unique(labels.astype(str), return_inverse=True)[1]
    pure: list[tuple[str, object, int, float]] = []
    looked = 0
    for column in parts[0].inputs.columns:
        values = pd.concat([part.inputs[column] for part in parts], ignore_index=True)
        counted = _Values.of(values, owner, clusters)
        looked += int((counted.sizes > 1).sum())
        pure += [(str(column), *one) for one in counted.pure()]
    # Values that two labels share can't be rejected: they only count.
    kept = holm([p for *_, p in pure] + [1.0] * (looked - len(pure)), FALSE_ALARMS)
    fixed: dict[str, list[tuple[object, int, float]]] = {}
    for (column, value, n, p), rejected in zip(pure, kept, strict=False):
        if rejected:
            fixed.setdefault(column, []).append((value, n, p))
    count = Finding(
        measure="data.determined_label_columns", value=len(fixed), n=len(labels), exact=True, unit="columns", better="lower"
    )  # fmt: skip
    return [count, *(_fixed(column, found, len(labels)) for column, found in fixed.items())]


@dataclass(frozen=True)
class _Values:
    """A column's distinct values (v), in order, missing last: how many rows hold each, and the labels of those that count.

    `owner` (m,) are the labels, numbered, of the counted rows in the order of their values: those of value i from
    `starts[i]` to `ends[i]`. Equal rows of a cluster count once.
    """

    values: Any
    rows: Ints
    owner: Ints
    starts: Ints
    ends: Ints

    @classmethod
    def of(cls, column: pd.Series, owner: Ints, clusters: Labels | None) -> _Values:
        import pandas as pd

        places, values = pd.factorize(column, sort=True, use_na_sentinel=False)
        rows = np.bincount(places)
        if clusters is not None:
            once = ~pd.DataFrame({"value": places, "label": owner, "cluster": clusters}).duplicated().to_numpy()
            places, owner = places[once], owner[once]
        ends = np.cumsum(np.bincount(places))
        return cls(values, rows, owner[np.argsort(places, kind="stable")], np.r_[0, ends[:-1]], ends)

    @property
    def sizes(self) -> Ints:
        """The counted rows of each value."""
        return self.ends - self.starts

    def pure(self) -> list[tuple[object, int, float]]:
        """Each value of two rows at least that leaves one label only, its rows, and the probability of that by chance.

        That is the probability that as many rows all get one label: among all rows and, where it could matter, among those
        on either side of a number.
        """
        alike = np.minimum.reduceat(self.owner, self.starts) == np.maximum.reduceat(self.owner, self.starts)
        places, everywhere = np.flatnonzero((self.sizes > 1) & alike), np.bincount(self.owner)
        by_size = {n: _all_alike(everywhere, int(n)) for n in np.unique(self.sizes[places])}
        found = []
        for place in map(int, places):
            chance = by_size[self.sizes[place]]
            if chance <= FALSE_ALARMS:
                chance = max([chance, *self._beside(place)])
            found.append((self.values[place], int(self.rows[place]), chance))
        return found

    def _beside(self, place: int) -> list[float]:
        """The same among the rows just below and just above a number: 25 at least, and as many as its own."""
        if self.values.dtype.kind != "f" or self.values[place] != self.values[place]:
            return []
        n, numbers = int(self.sizes[place]), int((self.values == self.values).sum())
        least, start, end = max(n, BESIDE), int(self.starts[place]), int(self.ends[place])
        first = int(np.searchsorted(self.ends, start - least, side="right"))
        last = min(int(np.searchsorted(self.starts, end + least, side="left")), numbers) - 1
        around = self.owner[self.starts[first] : start], self.owner[end : self.ends[last]]
        return [_all_alike(np.bincount(np.r_[side, self.owner[start:end]]), n) for side in around if len(side)]


def _all_alike(counts: Ints, n: int) -> float:
    """The probability that n rows drawn from those of each label, `counts`, are all of one."""
    from scipy.special import gammaln

    def log_choose(totals: Any) -> Any:
        return gammaln(totals + 1.0) - gammaln(totals - n + 1.0)

    return min(1.0, float(np.exp(log_choose(counts[counts >= n]) - log_choose(counts.sum())).sum()))


def _fixed(column: str, found: list[tuple[object, int, float]], n: int) -> Finding:
    found = sorted(found, key=lambda one: (one[2], str(one[0])))
    named = ", ".join(_shown(value) for value, *_ in found[:3])
    rows, least = sum(count for _, count, _ in found), found[0][2]
    chance = "< 1e-12" if least < 1e-12 else f"= {least:.1g}"
    return Finding(
        measure="data.determined_label_rate",
        value=rows / n,
        n=n,
        of={"feature": column},
        exact=True,
        better="lower",
        reason=f"where it is {named}, the label is always the same ({rows} rows; by chance with p {chance}): "
        "is the column known before the label?",
    )


def _shown(value: object) -> str:
    if value is None or value != value:
        return "missing"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _disagreements(
    evidence: Evidence, parts: list[Split], labels: Labels, clusters: Labels | None, column: str
) -> Finding:
    measure, of = "data.label_disagreement_rate", {"column": column}
    if any(column not in part.columns for part in parts):
        return undefined(measure, 0, f"no data: the rows have no column {column!r}", of=of)
    allowed = evidence.suite.data.agrees[column]
    values = [None if v is None or v != v else name_of(v) for part in parts for v in part.columns[column]]
    implied = [None if v is None else allowed.get(v, allowed.get("*")) for v in values]
    said = np.array([own is not None for own in implied], dtype=bool)
    if not said.any():
        return undefined(measure, 0, f"no data: no row has a value of {column!r} that data.agrees speaks of", of=of)
    wrong = np.array([own is not None and label not in own for own, label in zip(implied, labels, strict=True)])
    clashes = Counter((values[row], str(labels[row])) for row in np.flatnonzero(wrong))
    words = "; ".join(f"{value!r} with {label!r}: {count}" for (value, label), count in clashes.most_common(5))
    share = wrong[said]
    return Finding(
        measure=measure,
        value=float(share.mean()),
        n=len(share),
        of=of,
        interval=share_interval(share, None if clusters is None else clusters[said]),
        better="lower",
        reason=f"{int(share.sum())} row(s) whose label is not what {column!r} implies: {words}" if clashes else None,
    )


def _prevalence(evidence: Evidence, labels: Labels, clusters: Labels | None) -> list[Finding]:
    given, positive = evidence.suite.data.label.prevalence, evidence.data.positive
    if given is None or positive is None:
        return []
    hit = np.asarray(labels == positive, dtype=bool)
    own, rate = share_interval(hit, clusters), float(given.rate)
    share = float(hit.mean())
    exact = Interval(low=rate, high=rate, level=own.level, method="known", inputs={})
    why = f"{positive!r} is {share:.1%} of the rows and {rate:.1%} where the model is used ({given.source})"
    if not own.low <= rate <= own.high and 0 < share < 1:
        odds = share / (1 - share) / (rate / (1 - rate))
        why += (
            f": a score learnt here has odds {odds:.2g} times those of use. Recalibrate before it is read as a probability; "
            "precision, calibration and costs hold for this mix only"
        )
    return [
        Finding(
            measure="data.prevalence_gap",
            value=share - rate,
            n=len(hit),
            interval=square_and_add(share, rate, own, exact),
            reason=why,
        )
    ]
