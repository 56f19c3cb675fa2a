"""The principal reasons of each denial, and whether they stay the same when computed again.

A denial is a test row whose answer is not the favourable outcome. Its reasons: the `top` features whose SHAP values
push most towards that outcome, as many as push at all. 12 CFR 1002.9(b)(2) asks a creditor for the principal reasons
of a refusal; its commentary doubts that more than four help the applicant. The reasons are computed twice, against two
disjoint samples of background rows and, where permutations are sampled, with two seeds of these; the
reasons named are those of the mean of both. Agreement = mean Jaccard index of the two sets. A denial is flagged where
its first reason changes, where the index lies below `overlap`, or where a run names no reason. Where
values don't add up to the model's output there are no reasons.

Varied: the background and the permutations. Not varied: the model, whose
refitting may move credit between correlated features; and which features the suite has. Intervals: Clopper and
Pearson's of shares, and of the mean among as many rows as its variance is worth (`stats.means.bounded_mean`); counts
are divided by their design effect where rows are clustered. They tell of the sample of denials, not of the two
backgrounds, which all denials share.

Limitations: stable is not right; features that are exact copies tie and go by the order of columns;
SHAP values are one way to rank factors, and a notice needs words, not names of columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from harness.checks.explainability.explanation import Method, calls_allowed, explain
from harness.core.dataset import Labels, Split
from harness.core.finding import Cell, Exhibit, Finding, Selector
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested
from harness.engine.parameters import Calls, Count, PositiveShare, SampleRows
from harness.stats.design_effect import share_interval
from harness.stats.means import bounded_mean

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Named = list[list[int]]
LEAST, SHOWN = 10, 20


def reasons(
    evidence: Evidence,
    *,
    top: Count = 4,
    rows: SampleRows = 200,
    background: SampleRows = 500,
    overlap: PositiveShare = 0.6,
    calls: Calls | None = None,
) -> Measurement:
    """Reasons of a seeded sample of `rows` denials, twice against `background` rows.

    At the default `overlap` one of four reasons may change, two may not. `calls` bounds the model's calls of both runs
    where its structure can't be read: by default 300,000 for a model of columns and 4,000 for one of texts.
    """
    test = evidence.split("test")
    if test is None:
        return not_tested("no data: there are no test rows")
    rng = evidence.generator("explainability.reasons")
    denied = np.flatnonzero(_denied(evidence, test))
    source = evidence.split("train") or test
    why = _lacks(evidence, test, len(denied), len(source))
    if why:
        return not_tested(why)
    chosen = rng.permutation(denied)[:rows]
    order, size = rng.permutation(len(source)), min(background, len(source) // 2)
    limit = calls_allowed(evidence, calls)
    sample, runs = test.inputs.iloc[chosen].reset_index(drop=True), []
    for half in (order[:size], order[size : 2 * size]):
        method = Method(int(rng.integers(2**31)), limit // 2, LEAST)
        run = explain(evidence, sample, source.inputs.iloc[half].reset_index(drop=True), method)
        if run is None:
            return not_tested(
                f"out of budget: {limit} calls explain fewer than {LEAST} denials twice. Raise the check's parameter calls"
            )
        if run.gap is not None:
            return not_tested(f"undefined: {run.gap}")
        runs.append(run)
    count = min(len(run.values) for run in runs)
    # What is rounding of a model that barely varies is no reason.
    values = [np.where(np.abs(run.values) > run.least_size, run.values, 0.0)[:count] for run in runs]
    denials = _compared(evidence, values, top, overlap)
    chosen, names = chosen[:count], list(test.inputs.columns)
    clusters = None if test.clusters is None else test.clusters[chosen]
    how = " / ".join(sorted({f"{run.how} a run" for run in runs}))
    if all(run.barely_varies for run in runs):
        how += "; the output barely varies, so no feature is a reason"
    how += f"; {top} reasons at most, flagged below an overlap of {overlap:g}"
    findings = _findings(evidence, denials, names, _Sampling(clusters, how))
    return Measurement(findings, [_bars(findings), _table(denials, names, _row_names(evidence, test, chosen), top)])


def _denied(evidence: Evidence, test: Split) -> Bools:
    answers = evidence.predictions("test")
    unfavourable: Bools = np.asarray(answers.labels != evidence.suite.data.label.favourable, dtype=bool)
    return answers.answered & unfavourable


def _lacks(evidence: Evidence, test: Split, denied: int, background: int) -> str | None:
    """Why denials can't be explained, or None."""
    data = evidence.data
    if len(data.classes) > 2 and evidence.suite.data.label.favourable != data.positive:
        return "no data: with more than two classes the favourable class must be the positive one, whose score is explained"
    if test.inputs.shape[1] < 2:
        return "no data: of a single feature every denial has the same reason"
    if denied < LEAST:
        return f"insufficient sample: {denied} test rows are decided unfavourably, {LEAST} needed"
    if background < 2 * LEAST:
        return f"insufficient sample: {background} rows to draw two backgrounds from, {2 * LEAST} needed"
    return None


@dataclass(frozen=True)
class _Denials:
    """For each explained denial the features named (largest first), the Jaccard index of both runs, whether their first
    reason is the same, and whether it is flagged."""

    named: Named
    jaccard: Floats
    same_first: Bools
    flagged: Bools

    def among(self, features: list[int]) -> Bools:
        """Whether any of these features is among a denial's reasons."""
        return np.array([not set(own).isdisjoint(features) for own in self.named], dtype=bool)


def _compared(evidence: Evidence, runs: list[Floats], top: int, overlap: float) -> _Denials:
    """The reasons of both runs' attributions (n, features), held against each other."""
    sign = -1.0 if evidence.suite.data.label.favourable == evidence.data.positive else 1.0
    one, other = (_principal(sign * values, top) for values in runs)
    pairs = list(zip(one, other, strict=True))
    jaccard = np.array([len(set(a) & set(b)) / max(1, len(set(a) | set(b))) for a, b in pairs])
    same_first = np.array([bool(a) and a[:1] == b[:1] for a, b in pairs], dtype=bool)
    named = _principal(sign * (runs[0] + runs[1]) / 2, top)
    return _Denials(named, jaccard, same_first, ~same_first | (jaccard < overlap))


def _principal(push: Floats, top: int) -> Named:
    """For each row the `top` features of the largest push (n, features) above rounding, largest first."""
    least = 1e-9 * np.abs(push).max()
    order = np.argsort(-push, axis=1, kind="stable")[:, :top]
    return [[int(j) for j in own if push[i, j] > least] for i, own in enumerate(order)]


@dataclass(frozen=True)
class _Sampling:
    """What the intervals need, and how the values were made."""

    clusters: Labels | None
    how: str

    def share(
        self, measure: str, hit: Bools, better: Literal["higher", "lower"] | None, of: Selector | None = None
    ) -> Finding:
        """The share of denials (n,) that hit."""
        return Finding(
            measure=f"explainability.{measure}",
            value=float(hit.mean()),
            n=len(hit),
            of=of,
            better=better,
            interval=share_interval(hit, self.clusters),
            reason=self.how,
        )


def _findings(evidence: Evidence, denials: _Denials, names: list[str], sampling: _Sampling) -> list[Finding]:
    found = [
        _agreement(denials.jaccard, sampling),
        sampling.share("unstable_reason_rate", denials.flagged, "lower"),
        sampling.share("first_reason_agreement", denials.same_first, "higher"),
    ]
    columns = {how.column for how in evidence.suite.data.sensitive.values()}
    sensitive = [j for j, name in enumerate(names) if name in columns]
    rate = sampling.share("sensitive_reason_rate", denials.among(sensitive), "lower")
    said = f"features that are sensitive: {', '.join(names[j] for j in sensitive)}; {sampling.how}"
    if not sensitive:
        rate, said = rate.model_copy(update={"exact": True, "interval": None}), "no sensitive column is a feature"
    found.append(rate.model_copy(update={"reason": said}))
    shares = [
        sampling.share("principal_reason_rate", denials.among([j]), None, {"feature": name})
        for j, name in enumerate(names)
    ]
    return found + sorted(shares, key=lambda f: -(f.value or 0.0))


def _agreement(jaccard: Floats, sampling: _Sampling) -> Finding:
    """The mean index (n,)."""
    return Finding(
        measure="explainability.reason_agreement",
        value=float(jaccard.mean()),
        n=len(jaccard),
        better="higher",
        interval=bounded_mean(jaccard, sampling.clusters),
        reason=sampling.how,
    )


def _bars(findings: list[Finding]) -> Exhibit:
    rows: list[list[Cell]] = [
        [f.of["feature"], f.value, f.interval.low, f.interval.high] for f in findings if f.of and f.interval
    ]
    title = "How often a feature is among a denial's principal reasons"
    return Exhibit(kind="bars", title=title, columns=["feature", "share of denials", "low", "high"], rows=rows)


def _table(denials: _Denials, names: list[str], rows: list[str], top: int) -> Exhibit:
    shown = np.argsort(~denials.flagged, kind="stable")[:SHOWN]
    cells: list[list[Cell]] = [
        [
            rows[i],
            "; ".join(names[j] for j in denials.named[i]) or "none",
            "flagged" if denials.flagged[i] else "stable",
        ]
        for i in shown
    ]
    title = f"Denied rows and their principal reasons, {top} at most (flagged rows first, {len(shown)} of {len(rows)})"
    return Exhibit(kind="table", title=title, columns=["row", "reasons, largest first", "twice the same?"], rows=cells)


def _row_names(evidence: Evidence, test: Split, chosen: Labels) -> list[str]:
    """Row ids; where they are the data's own, which may name people, the places in the test split."""
    return [str(test.ids[i]) if evidence.suite.data.id is None else f"test row {i + 1}" for i in chosen]
