"""Words and orderings that every drawing of an audit shares."""

from __future__ import annotations

from harness.core.audit import Audit
from harness.core.decision import Decision
from harness.core.finding import Selector

OUTCOME_WORDS = {
    "pass": "Pass",
    "fail": "Fail",
    "inconclusive": "Inconclusive",
    "not_tested": "Not tested",
    "not_applicable": "Not applicable",
    "error": "Error",
    "incomplete": "Incomplete",
}
_ORDER = ("fail", "error", "inconclusive", "not_tested", "pass", "not_applicable")


def worst_first(decisions: list[Decision]) -> list[Decision]:
    """Decisions by severity of outcome, blocking ones first."""
    return sorted(
        decisions,
        key=lambda d: (_ORDER.index(d.outcome), d.severity != "block", d.rule_id, str(d.group), str(d.of)),
    )


def about(group: Selector | None, of: Selector | None) -> str:
    """Whom or what a finding is about, in words."""
    return ", ".join(f"{key}: {value}" for key, value in sorted({**(group or {}), **(of or {})}.items()))


def number(value: float | None) -> str:
    """Three decimals, or a dash where undefined; whole numbers as they are."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) >= 1 else f"{value:.3f}"


def summary(audit: Audit) -> str:
    """The decision in one plain paragraph, made by rule."""
    verdict = audit.verdict
    name = audit.system.get("name") or audit.suite.name
    blocking = [d for d in verdict.decisions if d.severity == "block"]
    failed = [d for d in blocking if d.outcome == "fail"]
    open_ones = [d for d in blocking if d.outcome in ("inconclusive", "not_tested", "error")]
    if verdict.outcome == "pass":
        return f"{name} conforms to all {len(blocking)} blocking requirements of the policy: every interval lies wholly within its limit."
    if verdict.outcome == "fail":
        parts = "; ".join(
            f"{d.rule_id} ({about(d.group, d.of) or d.measure}: {number(d.observed)}, limit {d.limit})"
            for d in failed[:3]
        )
        return f"{name} does not conform to {len(failed)} blocking requirement(s) of the policy: {parts}."
    if not blocking:
        return f"{name} was measured, but the policy holds no blocking rule, so nothing was decided."
    first = "; ".join(
        f"{d.rule_id} ({about(d.group, d.of) or d.measure}: {OUTCOME_WORDS[d.outcome].lower()}"
        + (f", about {d.n_needed:,} test rows would decide)" if d.n_needed else ")")
        for d in open_ones[:3]
    )
    return f"No blocking rule fails, but {len(open_ones)} could not be determined: {first}."


def not_tested(audit: Audit) -> list[tuple[str, str]]:
    """What was not tested, and why: whole checks, then undefined findings, then open rules without a finding."""
    rows = [
        (r.check, f"{OUTCOME_WORDS.get(r.status, r.status)}: {r.reason}")
        for r in audit.records
        if r.status != "measured"
    ]
    for record in audit.records:
        for finding in record.findings:
            if finding.value is None:
                rows.append((f"{finding.measure} {about(finding.group, finding.of)}".strip(), finding.reason or ""))
    for decision in audit.verdict.decisions:
        if decision.outcome == "not_tested" and decision.observed is None:
            rows.append((f"rule {decision.rule_id}", decision.message))
    return list(dict.fromkeys(rows))
