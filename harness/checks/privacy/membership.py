"""Can someone tell which rows the model was trained on?

Higher score = more likely a member. Blind baseline first: boosted trees that see only (x, y) tell members from
non-members by 5-fold cross-validation. The folds share training rows, so its scores are not independent: the standard error
is widened by √2, an upper bound for two halves (over 150 exchangeable splits the plain z had sd 1.32). Where the one-sided
99 % bound is above 0.5, the split is not exchangeable and any attack is invalid, hence not tested. Gap attack (on the model's own labels, whatever the decision): "correct → member" (Yeom et al. 2018), advantage = train accuracy -
test accuracy. Loss attack: score = log p(label), minus the loss (Yeom et al. 2018). Residual attack (regression): score =
-|prediction - truth|, the same ranking as by squared loss; a row without an answer counts as the least familiar. AUC with its interval; TPR at 1 % FPR where the ROC curve, straight through ties, has it: its interval
takes in that the threshold was found on these non-members (order statistics, Clopper and Pearson, MOVER). Control: shuffled
membership. Clusters (rows that belong together) widen each interval: the AUC's is Obuchowski's (1997), the shares of
advantage and TPR are of counts over their design effect. Limitation: stronger attacks (shadow models) exist; "no leak found" means by these attacks on these n.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from harness.checks.data.shift import two_sample_auc
from harness.core.dataset import Dataset, Labels, Split, joined_clusters
from harness.core.finding import Exhibit, Finding
from harness.core.predictions import Predictions
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested, undefined
from harness.engine.parameters import Distinct, MinimumFoldRows, refuses
from harness.spec.suite import Suite
from harness.stats.auc import Auc, delong
from harness.stats.design_effect import effective_counts, largest_effect
from harness.stats.intervals import newcombe, normal_quantile, wald
from harness.stats.power import minimum_detectable
from harness.stats.roc import rate_at

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Attacks = Annotated[list[Literal["gap", "loss", "residual"]], Field(min_length=1), Distinct]
ATTACKS = {"classification": ("gap", "loss"), "choice": ("gap", "loss"), "regression": ("residual",)}


def _misfits(suite: Suite, _: Dataset | None, parameters: dict[str, Any]) -> list[str]:
    known = ATTACKS[suite.task]
    unfit = [attack for attack in parameters["attacks"] or [] if attack not in known]
    if not unfit:
        return []
    return [f"there is no attack {', '.join(unfit)} on {suite.task}. Attacks: {', '.join(known)}."]


@refuses(_misfits)
def membership(evidence: Evidence, *, attacks: Attacks | None = None, minimum: MinimumFoldRows = 100) -> Measurement:
    """Attacks the test rows (non-members) and the training rows (members)."""
    chosen: list[str] = [*(attacks or ATTACKS[evidence.suite.task])]
    members, others = evidence.split("train"), evidence.split("test")
    if members is None or others is None:
        return not_tested("no data: members or non-members are missing")
    if min(len(members), len(others)) < minimum:
        return not_tested(
            f"insufficient sample: {len(members)} members and {len(others)} non-members; {minimum} of each needed"
        )
    rng = evidence.generator("privacy.membership")
    is_member = np.r_[np.ones(len(members), dtype=bool), np.zeros(len(others), dtype=bool)]
    blind = two_sample_auc(members, others, rng)
    findings = [Finding(measure="privacy.blind_auc", value=blind.value, n=len(is_member), interval=blind.interval())]
    signals = _signals(evidence, members, others, chosen, findings)
    clusters = joined_clusters([members, others])
    aucs = {name: delong(signal, is_member, clusters) for name, signal in signals.items()}
    exhibit = _exhibit(aucs, len(is_member), blind)
    if blind.value - normal_quantile(0.99) * blind.standard_error > 0.5:
        return not_tested(
            f"the split is not exchangeable: a classifier that never sees the model tells training from test rows "
            f"(AUC {blind.value:.3f}), so an attack's success would say nothing on the model. {_advice(evidence)}",
            findings,
        )
    for name, signal in signals.items():
        control = delong(signal, np.asarray(rng.permutation(is_member), dtype=bool), clusters)
        auc = aucs[name]
        assert auc is not None and control is not None
        findings += _attack(name, signal, is_member, clusters, (auc, control, blind))
    return Measurement(findings, [exhibit])


def _advice(evidence: Evidence) -> str:
    """What to do about training and test rows that differ; a split that is random already needs something else."""
    plan, members = evidence.suite.data.split, evidence.data.members
    if members == "train-data" or plan.column is not None or not evidence.data.of_suite:
        return "Split at random, or give training rows from where the test rows come from"
    return (
        "The suite splits at random, so look for related rows that it keeps in one part (data.cluster) and for what else differs: "
        "data.shift names the columns"
    )


def _signals(
    evidence: Evidence, members: Split, others: Split, chosen: list[str], findings: list[Finding]
) -> dict[str, Floats]:
    parts = [(evidence.own_predictions("train"), members), (evidence.own_predictions("test"), others)]
    signals: dict[str, Floats] = {}
    if "gap" in chosen:
        signals["gap"] = np.concatenate([np.asarray(p.labels == s.labels, dtype=float) for p, s in parts])
    if "residual" in chosen:
        signals["residual"] = np.concatenate(
            [-np.abs(np.where(p.answered, p.labels, np.inf).astype(float) - s.labels.astype(float)) for p, s in parts]
        )
    if "loss" in chosen:
        if any(p.scores is None or not p.answered.all() for p, _ in parts):
            why = "no access: the loss attack needs a probability for every row"
            findings.append(undefined("privacy.membership_auc", len(members) + len(others), why, of={"attack": "loss"}))
        else:
            signals["loss"] = np.concatenate([_log_likelihood(p, s) for p, s in parts])
    return signals


def _log_likelihood(answers: Predictions, split: Split) -> Floats:
    assert answers.scores is not None
    own = np.array([answers.classes.index(label) for label in split.labels])
    return np.asarray(np.log(np.clip(answers.scores[np.arange(len(own)), own], 1e-12, 1)))


def _attack(
    name: str,
    signal: Floats,
    is_member: Bools,
    clusters: Labels | None,
    aucs: tuple[Auc, Auc, Auc],
) -> list[Finding]:
    of, n, (auc, control, blind) = {"attack": name}, len(signal), aucs
    note = f"smallest detectable AUC {0.5 + minimum_detectable(auc.standard_error):.3f}"
    if auc.interval().high < 0.5:
        note = "significantly below 0.5: members look less familiar than others, a sign of a shifted split"
    gap, spread = auc.value - blind.value, math.hypot(auc.standard_error, blind.standard_error)
    found = [
        Finding(
            measure="privacy.membership_auc",
            value=auc.value,
            n=n,
            interval=auc.interval(),
            of=of,
            better="lower",
            reason=note,
        ),
        Finding(
            measure="privacy.membership_minus_blind",
            value=gap,
            n=n,
            interval=wald(gap, spread),
            of=of,
            better="lower",
        ),
        Finding(
            measure="privacy.shuffled_auc",
            value=control.value,
            n=n,
            interval=control.interval(),
            of=of,
            better="target",
        ),
    ]
    inside, outside = signal[is_member], signal[~is_member]
    cut = 0.5 if name == "gap" else float(inside[np.isfinite(inside)].mean())
    counts = [
        effective_counts(side >= cut, None if clusters is None else clusters[rows])
        for side, rows in ((inside, is_member), (outside, ~is_member))
    ]
    found.append(
        Finding(
            measure="privacy.membership_advantage",
            value=float((inside >= cut).mean() - (outside >= cut).mean()),
            n=n,
            interval=newcombe(*counts[0], *counts[1]),
            of=of,
            better="lower",
        )
    )
    if name != "gap":
        effects = [1.0 if clusters is None else largest_effect(clusters[rows]) for rows in (is_member, ~is_member)]
        found.append(_at_low_alarm(inside, outside, of, (effects[0], effects[1])))
    return found


def _at_low_alarm(inside: Floats, outside: Floats, of: dict[str, str], effects: tuple[float, float]) -> Finding:
    value, band = rate_at(inside, outside, 0.01, effects)
    measure = "privacy.membership_tpr_at_1pct_fpr"
    return Finding(measure=measure, value=value, n=len(inside), of=of, better="lower", interval=band)


def _exhibit(aucs: dict[str, Auc | None], n: int, blind: Auc) -> Exhibit:
    rows: list[list[str | int | float | bool | None]] = []
    for name, auc in [
        ("blind (never sees the model)", blind),
        *((f"{name} attack", auc) for name, auc in aucs.items()),
    ]:
        if auc is not None:
            band = auc.interval()
            rows.append([name, auc.value, band.low, band.high, n])
    return Exhibit(
        kind="intervals",
        title="Recognising training rows: AUC, 0.5 is chance",
        columns=["attack", "AUC", "low", "high", "n"],
        rows=rows,
    )
