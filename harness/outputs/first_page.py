"""What a reader must know first, in sentences made from the record: of what use the answers are, and what the model does."""

from __future__ import annotations

from harness.core.audit import Audit
from harness.core.finding import Finding
from harness.outputs.decision_text import constant_sentence, decision_sentence


def first_sentences(audit: Audit) -> list[str]:
    """What makes every other number void, where it is so: one answer for all, a class never answered, or labels that nothing predicts."""
    answered = constant_sentence(audit.decision) or _never_answered(audit)
    return [sentence for sentence in (answered, _no_signal(audit)) if sentence]


def decision_line(audit: Audit) -> str | None:
    """How scores became answers; None in a record of an earlier version."""
    return None if audit.decision is None else decision_sentence(audit.decision)


def what_it_does(audit: Audit) -> str | None:
    """How many of the positives are found, and how many of those flagged are positives; None without a positive class."""
    positive = None if audit.decision is None else audit.decision.positive
    recall, precision = (_of_class(audit, f"performance.{name}", positive) for name in ("recall", "precision"))
    if positive is None or recall is None or recall.value is None:
        return None
    positives, flagged = audit.suite.words.get("positives"), audit.suite.words.get("rows", "rows")
    whom = positives or f"{flagged} that are '{positive}'"
    found = round(recall.value * recall.n)
    sentence = f"Of {recall.n:,} {whom} it finds {found:,} ({_percent(recall.value)}{_band(recall)})"
    if precision is None or precision.value is None:
        return f"{sentence}; it flags none."
    right = round(precision.value * precision.n)
    return f"{sentence}; of the {precision.n:,} {flagged} that it flags, {right:,} are right ({_percent(precision.value)})."


def to_whom(audit: Audit) -> str | None:
    """How often each group gets the favourable answer; None where it was not measured. Intersections are left to the report."""
    rates: dict[str, list[str]] = {}
    for finding in (f for record in audit.records for f in record.findings if f.measure == "bias.selection_rate"):
        ((attribute, group),) = (finding.group or {"": ""}).items()
        if finding.value is not None and " × " not in attribute:
            rates.setdefault(attribute, []).append(f"{100 * finding.value:.0f} of 100 {group}")
    told = [f"by {name.replace('_', ' ')}, {_listed(parts)}" for name, parts in rates.items() if len(parts) > 1]
    return f"The favourable answer goes to: {'; '.join(told)}." if told else None


def _never_answered(audit: Audit) -> str | None:
    """The classes that test rows have and no answer is, where others are answered."""
    findings = [f for record in audit.records for f in record.findings if f.of and set(f.of) == {"class"}]
    answered = {f.of["class"]: f.n for f in findings if f.of and f.measure == "performance.precision"}
    rows = {f.of["class"]: f.n for f in findings if f.of and f.measure == "performance.recall" and f.value is not None}
    never = [f"'{name}' ({rows[name]:,} test rows)" for name, n in answered.items() if not n and rows.get(name)]
    return f"It never answers {' or '.join(never)}." if never and any(answered.values()) else None


def _no_signal(audit: Audit) -> str | None:
    found = _finding(audit, "data.signal")
    if found is None or found.interval is None or found.interval.low > 0:
        return None
    return "The labels are no better than chance: no simple model, and not the audited one, surely predicts them."


def _of_class(audit: Audit, measure: str, name: str | None) -> Finding | None:
    found = (f for record in audit.records for f in record.findings if f.measure == measure)
    return next((f for f in found if f.of == {"class": name}), None)


def _finding(audit: Audit, measure: str) -> Finding | None:
    return next((f for record in audit.records for f in record.findings if f.measure == measure), None)


def _listed(parts: list[str]) -> str:
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _band(finding: Finding) -> str:
    if finding.interval is None:
        return ""
    return f", 95 % interval {100 * finding.interval.low:.3g} to {100 * finding.interval.high:.3g}"
