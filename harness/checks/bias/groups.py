"""Selection, error rates and impact ratios by group and intersection.

"Selected" is the favourable outcome; a row without an answer is not selected. TPR and FPR take the favourable outcome as the positive one. Point values of
rates and of the max-min measures come from fairlearn's MetricFrame (Bird et al. 2020). Gaps are signed: group minus
reference (Newcombe 1998). Impact ratio = selection rate of the group / of the reference (29 CFR 1607.4(D)), with the
score interval of Miettinen & Nurminen (1985) and Fisher's exact test on the selection table. Where rows belong together the
counts are divided by their design effect first (Rao & Scott 1992), and the test is the score test of them; the AUC's variance is
Obuchowski's (1997).
Accuracy by group, and its gap, ask for no favourable outcome: they are all that is measured where the suite names none (several
classes, an item's own options). A row without an answer is wrong.
Where every row gets the same answer, nothing that depends on answers is measured: parity of one answer is no evidence. Gaps and ratios
are undefined too where fewer than five of the rarer answer are expected in the smaller group.
Cells below the minimum on a measure's own denominator are undefined ("insufficient data"), never dropped.
Limitations: equal selection says nothing on whether people were equally qualified; groups that share clusters are compared as if
they did not, which is too wide where their rows are alike.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.checks.bias.extremes import extremes
from harness.core.dataset import Labels, Split, Strings
from harness.core.finding import Cell, Exhibit, Finding
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested, undefined
from harness.engine.parameters import Intersections, MinimumRows
from harness.stats.auc import TOO_FEW_TO_RANK, delong
from harness.stats.design_effect import effective_counts
from harness.stats.exact import clopper_pearson
from harness.stats.intervals import newcombe, score_ratio

Bools = npt.NDArray[np.bool_]
MINIMUM_EXPECTED = 5


@dataclass(frozen=True)
class _Outcomes:
    """Per row of the test split: right, selected (favourable answer), deserving (favourable truth), its score, what it belongs to.

    `common` is where the answer is the most frequent one. Without a favourable outcome nobody is selected or deserving: `judged` is False.
    """

    right: Bools
    selected: Bools
    deserving: Bools
    judged: bool
    score: npt.NDArray[np.float64] | None
    answered: Bools
    common: Bools
    clusters: Labels | None
    constant: str | None = None


@dataclass(frozen=True)
class Share:
    """Hits among rows, and both over their design effect where rows belong together."""

    hits: int
    n: int
    over_design: tuple[float, float] | None = None

    @property
    def effective(self) -> tuple[float, float]:
        """The counts that an interval is of."""
        return self.over_design or (self.hits, self.n)


@dataclass(frozen=True)
class _Cell:
    """One group: its rows (n,), its shares by name, and the share that gets the most frequent answer."""

    name: str
    rows: Bools
    shares: dict[str, Share]
    common: Share

    @property
    def n(self) -> int:
        return self.shares["accuracy"].n

    @property
    def selected(self) -> int:
        return self.shares["selection_rate"].hits


def groups(
    evidence: Evidence, *, minimum_group: MinimumRows = 30, intersections: Intersections | None = None
) -> Measurement:
    """Every declared attribute, then the intersections; a single group makes bias not tested."""
    test = evidence.split("test")
    if test is None:
        return not_tested("no data: there are no test rows")
    outcomes = _outcomes(evidence, test)
    attributes = attributes_of(test, list(evidence.suite.data.sensitive), intersections)
    findings: list[Finding] = []
    exhibits: list[Exhibit] = []
    single = []
    rng = evidence.generator("bias.groups")
    for attribute, values in attributes.items():
        cells = _cells(values, outcomes)
        if len(cells) < 2:
            single.append(f"{attribute} has {'one group only' if cells else 'no known group'}")
            continue
        named = reference_group(evidence.suite.data.reference, attribute, {cell.name: cell.n for cell in cells})
        reference = next(cell for cell in cells if cell.name == named)
        found = _by_group(attribute, cells, reference, outcomes, minimum_group)
        known = np.array([value is not None for value in values])
        findings += found
        if outcomes.judged and outcomes.constant is None:
            findings += extremes(
                attribute,
                values[known].astype(str),
                outcomes.selected[known],
                outcomes.deserving[known],
                None if test.clusters is None else test.clusters[known],
                minimum_group,
                rng,
            )
        elif not outcomes.judged and evidence.suite.task == "classification":
            why = "the suite does not say which outcome is favourable"
            findings.append(undefined("bias.impact_ratio", len(test), why, group={attribute: "*"}))
        findings.append(_unknown(attribute, values))
        exhibits += (_exhibits if outcomes.judged else _accuracies)(attribute, cells, reference, found)
    if not findings:
        return not_tested("no data: " + "; ".join(single) + ", so nothing can be compared")
    compared = "bias.impact_ratio" if outcomes.judged else "bias.accuracy_gap"
    findings += [
        undefined(compared, len(test), f"no data: {why}", group={why.split(" has ")[0]: "*"}) for why in single
    ]
    return Measurement(findings, exhibits)


def _outcomes(evidence: Evidence, test: Split) -> _Outcomes:
    answers, favourable = evidence.predictions("test"), evidence.suite.data.label.favourable
    constant = evidence.decision.point.constant_answer
    most = Counter(answers.labels[answers.answered].tolist()).most_common(1)
    common = np.asarray(answers.labels == (most[0][0] if most else None), dtype=bool)
    if favourable is None:
        right, nobody = np.asarray(answers.labels == test.labels, dtype=bool), np.zeros(len(test), dtype=bool)
        right, known = right & answers.answered, answers.answered
        return _Outcomes(right, nobody, nobody, False, None, known, common, test.clusters, constant)
    selected, deserving = answers.labels == favourable, test.labels == favourable
    right, score = (selected == deserving) & answers.answered, answers.positive_scores(favourable)
    return _Outcomes(right, selected, deserving, True, score, answers.answered, common, test.clusters, constant)


def attributes_of(test: Split, names: list[str], intersections: list[list[str]] | None) -> dict[str, Strings]:
    """Each attribute's groups (n,), None where unknown; then those of the intersections."""
    crossed = {" × ".join(parts): _cross(test, parts) for parts in intersections or []}
    return {name: test.groups[name] for name in names} | crossed


def reference_group(named: dict[str, str], attribute: str, sizes: dict[str, int]) -> str:
    """The group that others are compared with: the one that the suite names, else the largest."""
    wanted = " × ".join(named.get(part, "") for part in attribute.split(" × "))
    return wanted if wanted in sizes else max(sizes, key=lambda name: (sizes[name], name))


def _cross(test: Split, names: list[str]) -> Strings:
    parts = [test.groups[name] for name in names]
    return np.array(
        [None if any(v is None for v in row) else " × ".join(row) for row in zip(*parts, strict=True)],
        dtype=object,
    )


def _cells(values: Strings, outcomes: _Outcomes) -> list[_Cell]:
    selected, deserving = outcomes.selected, outcomes.deserving
    cells = []
    for name in sorted({str(value) for value in values if value is not None}):
        rows = np.asarray(values == name, dtype=bool)
        parts = {
            "selection_rate": (selected, rows),
            "accuracy": (outcomes.right, rows),
            "true_positive_rate": (selected, rows & deserving),
            "false_positive_rate": (selected, rows & ~deserving),
            "precision": (deserving, rows & selected),
        }
        if not outcomes.judged:
            parts = {"accuracy": parts["accuracy"]}
        shares = {key: _share(*part, outcomes.clusters) for key, part in parts.items()}
        cells.append(_Cell(name, rows, shares, _share(outcomes.common, rows, outcomes.clusters)))
    return cells


def _share(hit: Bools, rows: Bools, clusters: Labels | None) -> Share:
    own = hit[rows]
    return Share(int(own.sum()), len(own), None if clusters is None else effective_counts(own, clusters[rows]))


def _by_group(attribute: str, cells: list[_Cell], reference: _Cell, outcomes: _Outcomes, minimum: int) -> list[Finding]:
    found: list[Finding] = []
    for cell in cells:
        group = {attribute: cell.name}
        found.append(Finding(measure="bias.group_size", value=cell.n, n=cell.n, group=group, exact=True, unit="rows"))
        of_answers = [_rate(f"bias.{name}", share, group, minimum) for name, share in cell.shares.items()]
        if cell is not reference:
            of_answers += _against(cell, reference, group, minimum)
        found += of_answers if outcomes.constant is None else [_one_answer(f, outcomes.constant) for f in of_answers]
        if outcomes.judged:
            found.append(_auc(cell, outcomes, group, minimum))
    return found


def _one_answer(finding: Finding, answer: str) -> Finding:
    """The finding without a value, since nothing of it is about groups."""
    return undefined(finding.measure, finding.n, f"everyone gets the same answer ('{answer}')", group=finding.group)


def _rate(measure: str, share: Share, group: dict[str, str], minimum: int) -> Finding:
    if share.n < minimum:
        why = f"insufficient sample: {share.n} rows in the denominator, {minimum} needed"
        return undefined(measure, share.n, why, group=group)
    band = clopper_pearson(*share.effective)
    return Finding(measure=measure, value=share.hits / share.n, n=share.n, group=group, interval=band)


def _auc(cell: _Cell, outcomes: _Outcomes, group: dict[str, str], minimum: int) -> Finding:
    if outcomes.score is None:
        return undefined("bias.roc_auc", cell.n, "no access: the model gives no probabilities", group=group)
    known = cell.rows & np.isfinite(outcomes.score)
    positives, negatives = int(outcomes.deserving[known].sum()), int((~outcomes.deserving[known]).sum())
    if min(positives, negatives) < minimum:
        return undefined(
            "bias.roc_auc", cell.n, f"insufficient sample: a class has fewer than {minimum} rows", group=group
        )
    together = None if outcomes.clusters is None else outcomes.clusters[known]
    auc = delong(outcomes.score[known], outcomes.deserving[known], together)
    if auc is None:
        return undefined("bias.roc_auc", cell.n, TOO_FEW_TO_RANK, group=group)
    n, band = int(known.sum()), auc.interval()
    return Finding(measure="bias.roc_auc", value=auc.value, n=n, group=group, interval=band, better="higher")


def _against(cell: _Cell, reference: _Cell, group: dict[str, str], minimum: int) -> list[Finding]:
    note, found = f"against {reference.name}", []
    rare = _too_rare(cell.common, reference.common)
    if rare is None and "selection_rate" in cell.shares:
        rare = _too_rare(cell.shares["selection_rate"], reference.shares["selection_rate"])
    for name in ("selection_rate", "true_positive_rate", "false_positive_rate", "accuracy"):
        if name not in cell.shares:
            continue
        own, other = cell.shares[name], reference.shares[name]
        why = rare
        if min(own.n, other.n) < minimum:
            why = f"insufficient sample: {min(own.n, other.n)} rows in the denominator, {minimum} needed"
        if why is not None:
            found.append(undefined(f"bias.{name}_gap", own.n, why, group=group))
            continue
        found.append(
            Finding(
                measure=f"bias.{name}_gap",
                value=own.hits / own.n - other.hits / other.n,
                n=own.n + other.n,
                group=group,
                interval=newcombe(*own.effective, *other.effective),
                better="target",
                reason=note,
            )
        )
    if "selection_rate" not in cell.shares:
        return found
    own, other = cell.shares["selection_rate"], reference.shares["selection_rate"]
    ratio = impact_ratio(own, other, group, minimum, note)
    return [*found, ratio, _selection_test(own, other, group, note)]


def _too_rare(own: Share, other: Share) -> str | None:
    """Why a group and the reference can't be compared: the rarer answer is expected in too few rows of the smaller one."""
    if own.n + other.n == 0:
        return None
    rate = (own.hits + other.hits) / (own.n + other.n)
    expected = min(own.effective[1], other.effective[1]) * min(rate, 1 - rate)
    if expected >= MINIMUM_EXPECTED:
        return None
    return f"insufficient sample: {expected:.1f} of the rarer answer expected in the smaller group, {MINIMUM_EXPECTED} needed"


def impact_ratio(
    own: Share, other: Share, group: dict[str, str], minimum: int = 30, note: str | None = None
) -> Finding:
    """Selection rate of a group over the reference's, with the score interval.

    Undefined below the minimum size, or where fewer than five selections are expected in the smaller group under
    the pooled rate: simulated at the limit, the score interval errs in up to 3.7 % there instead of 2.5 %.
    """
    measure, total = "bias.impact_ratio", own.n + other.n
    pooled = (own.hits + other.hits) / total if total else 0.0
    expected = min(own.effective[1], other.effective[1]) * pooled
    if min(own.n, other.n) < minimum:
        why = f"insufficient sample: {min(own.n, other.n)} rows in the smaller group, {minimum} needed"
        return undefined(measure, total, why, group=group)
    if other.hits == 0:
        return undefined(measure, total, "undefined: nobody in the reference group is selected", group=group)
    if expected < MINIMUM_EXPECTED:
        why = f"insufficient sample: {expected:.1f} selections expected in the smaller group, {MINIMUM_EXPECTED} needed"
        return undefined(measure, total, why, group=group)
    if (rare := _too_rare(own, other)) is not None:
        return undefined(measure, total, rare, group=group)
    return Finding(
        measure=measure,
        value=(own.hits / own.n) / (other.hits / other.n),
        n=total,
        group=group,
        better="target",
        interval=score_ratio(*own.effective, *other.effective),
        reason=note,
    )


def _selection_test(own: Share, other: Share, group: dict[str, str], note: str) -> Finding:
    from scipy.stats import fisher_exact, norm

    if own.over_design:
        (hits, n), (other_hits, other_n) = own.effective, other.effective
        pooled = (hits + other_hits) / (n + other_n)
        error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / other_n))
        test = "score test of counts over their design effect"
        p = float(2 * norm.sf(abs(hits / n - other_hits / other_n) / error)) if error > 0 else 1.0
    else:
        test = "Fisher's exact test"
        p = float(fisher_exact([[own.hits, own.n - own.hits], [other.hits, other.n - other.hits]]).pvalue)
    return Finding(
        measure="bias.selection_p_value",
        value=p,
        n=own.n + other.n,
        group=group,
        exact=True,
        reason=f"{test} {note}",
    )


def _unknown(attribute: str, values: Strings) -> Finding:
    missing = sum(value is None for value in values)
    return Finding(
        measure="bias.unknown_group",
        value=missing,
        n=len(values),
        group={attribute: "*"},
        exact=True,
        unit="rows",
    )


def _accuracies(attribute: str, cells: list[_Cell], reference: _Cell, found: list[Finding]) -> list[Exhibit]:
    rows: list[list[Cell]] = [
        [f.group[attribute], f.value, f.interval.low, f.interval.high, f.n]
        for f in found
        if f.measure == "bias.accuracy" and f.group and f.interval
    ]
    title = f"Accuracy by {attribute}, {len(cells)} groups (reference: {reference.name})"
    columns = ["group", "accuracy", "low", "high", "n"]
    return [Exhibit(kind="intervals", title=title, columns=columns, rows=rows)] if rows else []


def _exhibits(attribute: str, cells: list[_Cell], reference: _Cell, found: list[Finding]) -> list[Exhibit]:
    def at(measure: str, name: str) -> Finding | None:
        return next((f for f in found if f.measure == measure and f.group == {attribute: name}), None)

    rows: list[list[Cell]] = []
    table: list[list[Cell]] = []
    for cell in cells:
        rates = [
            at(f"bias.{kind}", cell.name) for kind in ("selection_rate", "true_positive_rate", "false_positive_rate")
        ]
        name = f"{cell.name} (reference)" if cell is reference else cell.name
        # Cells under ten people are suppressed in what a report prints.
        shown: list[Cell] = [cell.n, cell.selected] if cell.n >= 10 else ["< 10", None]
        table.append([name, *shown, *[rate.value if rate else None for rate in rates]])
        ratio = at("bias.impact_ratio", cell.name)
        if ratio is not None and ratio.interval is not None:
            rows.append([cell.name, ratio.value, ratio.interval.low, ratio.interval.high, ratio.n])
    exhibits = [
        Exhibit(
            kind="table",
            title=f"Rates by {attribute}",
            columns=["group", "n", "selected", "selection rate", "true positive rate", "false positive rate"],
            rows=table,
        )
    ]
    if rows:
        exhibits.insert(
            0,
            Exhibit(
                kind="intervals",
                title=f"Impact ratio by {attribute}, against {reference.name}",
                columns=["group", "impact ratio", "low", "high", "n"],
                rows=rows,
            ),
        )
    return exhibits
