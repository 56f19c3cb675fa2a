"""The findings that a run will make of a measure, known before it: whom each is of, its rows, and its possible outcomes."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.checks.bias.groups import Share, attributes_of, impact_ratio, reference_group
from harness.checks.performance.regression import tolerance_name
from harness.checks.performance.slices import declared
from harness.checks.privacy.membership import ATTACKS
from harness.core.dataset import Split
from harness.core.finding import Selector
from harness.engine.evidence import Evidence
from harness.engine.registry import check_entries
from harness.stats.auc import FEWEST_OF_CLASS
from harness.stats.passing import (
    Contrast,
    Design,
    Outcome,
    against,
    mean_recall,
    ranking,
    rate_gap,
    share,
    two_valued_auc,
)


@dataclass(frozen=True)
class Trial:
    """A finding to come. Without a design it is never tested, or not known beforehand, and the note says why.

    `truth` is the true rate (or AUC) at which there is no difference, where the measure compares; `note` tells what is assumed.
    """

    n: int
    design: Design | None
    group: Selector | None = None
    of: Selector | None = None
    note: str | None = None
    truth: float | None = None
    known: bool = True


def trials(measure: str, evidence: Evidence, test: Split) -> list[Trial] | None:
    """The findings of the measure; None where nothing is known of it before the run."""
    family, _, name = measure.partition(".")
    if family == "bias" and evidence.suite.task != "regression":
        return _bias(name, evidence, test)
    found = _TRIALS.get(measure)
    return None if found is None else found(evidence, test)


def parameter(evidence: Evidence, check: str, name: str) -> Any:
    """A check's parameter as the suite gives it, else its default."""
    given = next((r.parameters for r in evidence.suite.checks if r.name == check), {})
    return given.get(name, inspect.signature(check_entries()[check].load()).parameters[name].default)


def _all_rows(_: Evidence, test: Split) -> list[Trial]:
    return [Trial(len(test), share(len(test)))]


def _recall(evidence: Evidence, test: Split) -> list[Trial]:
    sizes = Counter(test.labels)
    return [_share(sizes[name], 1, None, {"class": name}) for name in evidence.data.classes]


def _mean_recall(_: Evidence, test: Split) -> list[Trial]:
    note = "assuming that every class is recognised equally well"
    return [Trial(len(test), mean_recall(list(Counter(test.labels).values())), note=note)]


def _precision(evidence: Evidence, test: Split) -> list[Trial]:
    why = "how often the model will say this class is not known before the run"
    return [Trial(len(test), None, of={"class": name}, note=why, known=False) for name in evidence.data.classes]


def _roc_auc(evidence: Evidence, test: Split) -> list[Trial]:
    if evidence.data.positive is None:
        return [Trial(len(test), None, note="the suite names no positive class")]
    positives = int((test.labels == evidence.data.positive).sum())
    return [_ranking(positives, len(test) - positives, FEWEST_OF_CLASS, None)]


def _slice_accuracy(evidence: Evidence, test: Split) -> list[Trial]:
    minimum = parameter(evidence, "performance.slices", "minimum")
    return [_share(int(rows.sum()), minimum, None, {"slice": name}) for name, rows in declared(test)]


def _within_tolerance(evidence: Evidence, test: Split) -> list[Trial]:
    tolerances, unit = parameter(evidence, "performance.regression", "tolerances"), evidence.suite.data.label.unit
    return [Trial(len(test), share(len(test)), of={"at": tolerance_name(t, unit)}) for t in tolerances or []]


def _membership(evidence: Evidence, test: Split) -> list[Trial]:
    train, minimum = evidence.split("train"), parameter(evidence, "privacy.membership", "minimum")
    attacks = parameter(evidence, "privacy.membership", "attacks") or ATTACKS[evidence.suite.task]
    if train is None or evidence.data.members == "unknown":
        why = "who the members are is not known: --train-data or --trained-on-split says it"
        return [Trial(len(test), None, of={"attack": name}, note=why, known=False) for name in attacks]
    members, others = len(train), len(test)
    if min(members, others) < minimum:
        why = f"insufficient sample: {members} members and {others} non-members; {minimum} of each needed"
        return [Trial(members + others, None, of={"attack": name}, note=why) for name in attacks]
    return [_attack(name, members, others, max(Counter(test.labels).values())) for name in attacks]


def _attack(name: str, members: int, others: int, most_frequent: int) -> Trial:
    n, of, note = members + others, {"attack": name}, f"{members} members"
    if name != "gap":
        note += "; by Newcombe's interval, where the run takes DeLong's"
        return Trial(n, ranking(members, others), of=of, note=note, truth=0.5)
    # Its signal is whether an answer is right, so its interval follows from how many are.
    rate = most_frequent / others
    note += f"; assuming the majority baseline's accuracy on the test rows, {rate:.3f}"
    return Trial(n, against(two_valued_auc, members, others, most_frequent), of=of, note=note, truth=rate)


def _bias(name: str, evidence: Evidence, test: Split) -> list[Trial] | None:
    if name not in (*_RATES, *_CONTRASTS, "roc_auc"):
        return None
    if evidence.suite.data.label.favourable is None and name != "accuracy":
        return None
    data, intersections = evidence.suite.data, parameter(evidence, "bias.groups", "intersections")
    minimum, favourable = parameter(evidence, "bias.groups", "minimum_group"), test.labels == data.label.favourable
    found = []
    for attribute, values in attributes_of(test, list(data.sensitive), intersections).items():
        sizes = Counter(str(value) for value in values if value is not None)
        if len(sizes) < 2:
            continue
        deserving = {group: int((favourable & (values == group)).sum()) for group in sizes}
        reference = reference_group(data.reference, attribute, sizes)
        for group, n in sorted(sizes.items()):
            own = _Group({attribute: group}, n, deserving[group])
            if name == "roc_auc":
                found.append(_ranking(own.deserving, own.n - own.deserving, minimum, own.name))
            elif name in _RATES:
                found.append(_share(_RATES[name](own), minimum, own.name, None))
            elif group != reference:
                other = _Group({attribute: reference}, sizes[reference], deserving[reference])
                found.append(_against(name, own, other, minimum))
    return found


@dataclass(frozen=True)
class _Group:
    """A group's rows, and those whose true outcome is favourable."""

    name: Selector
    n: int
    deserving: int


def _share(n: int, minimum: int, group: Selector | None, of: Selector | None) -> Trial:
    if n < max(minimum, 1):
        return Trial(n, None, group, of, f"insufficient sample: {n} rows in the denominator, {minimum} needed")
    return Trial(n, share(n), group, of)


def _ranking(positives: int, negatives: int, minimum: int, group: Selector | None) -> Trial:
    n = positives + negatives
    if min(positives, negatives) < minimum:
        return Trial(n, None, group, note=f"insufficient sample: a class has fewer than {minimum} rows")
    note = f"{positives} against {negatives} rows; by Newcombe's interval, where the run takes DeLong's"
    return Trial(n, ranking(positives, negatives), group, note=note)


def _against(name: str, own: _Group, other: _Group, minimum: int) -> Trial:
    rows, measure = _CONTRASTS[name]
    n, reference_n = rows(own), rows(other)
    if min(n, reference_n) < minimum:
        why = f"insufficient sample: {min(n, reference_n)} rows in the denominator, {minimum} needed"
        return Trial(n, None, own.name, note=why)
    base = other.deserving / other.n
    (reference,) = other.name.values()
    note = f"against {reference_n} rows of {reference}, whose rate is taken as {base:.3f}, the base rate of the favourable label"
    hits = round(base * reference_n)
    return Trial(n, against(measure, n, reference_n, hits), own.name, note=note, truth=hits / reference_n)


def _ratio(hits: int, n: int, reference_hits: int, reference_n: int) -> Outcome | None:
    found = impact_ratio(Share(hits, n), Share(reference_hits, reference_n), {}, minimum=0)
    return None if found.value is None or found.interval is None else (found.value, found.interval)


_RATES: dict[str, Callable[[_Group], int]] = {
    "selection_rate": lambda group: group.n,
    "accuracy": lambda group: group.n,
    "true_positive_rate": lambda group: group.deserving,
    "false_positive_rate": lambda group: group.n - group.deserving,
}
_CONTRASTS: dict[str, tuple[Callable[[_Group], int], Contrast]] = {
    "impact_ratio": (_RATES["selection_rate"], _ratio),
    **{
        f"{name}_gap": (_RATES[name], rate_gap)
        for name in ("selection_rate", "true_positive_rate", "false_positive_rate")
    },
}
_TRIALS: dict[str, Callable[[Evidence, Split], list[Trial]]] = {
    "performance.answer_rate": _all_rows,
    "performance.accuracy": _all_rows,
    "performance.f1_micro": _all_rows,
    "performance.recall": _recall,
    "performance.balanced_accuracy": _mean_recall,
    "performance.recall_macro": _mean_recall,
    "performance.precision": _precision,
    "performance.roc_auc": _roc_auc,
    "performance.slice_accuracy": _slice_accuracy,
    "performance.within_tolerance": _within_tolerance,
    "privacy.membership_auc": _membership,
}
