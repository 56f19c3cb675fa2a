"""Judges findings against the policy: the whole interval against the limit, three ways."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from harness.core.decision import Decision, Outcome, Verdict, VerdictOutcome
from harness.core.figures import figure
from harness.core.finding import CheckRecord, Finding, Selector
from harness.core.interval import Interval
from harness.core.rule import Rule
from harness.engine.registry import check_entries
from harness.stats.levels import at_level, p_beyond
from harness.stats.multiplicity import holm
from harness.stats.power import rows_needed

FAIL_ALPHA = 0.025
FARTHEST = 100


@dataclass(frozen=True)
class _Match:
    rule: Rule
    finding: Finding | None
    why_missing: tuple[Outcome, str] | None = None


def judge(rules: list[Rule], records: list[CheckRecord], test_rows: int) -> Verdict:
    """Every rule on every finding it matches; no match is `not_tested`, never a pass.

    A rule passes if the whole interval lies on the good side. It fails if its one-sided p-value is
    rejected by Holm's procedure at 2.5 % over the rules of its severity (blocking or warning).
    """
    matches = [match for rule in rules for match in _matches(rule, records)]
    p_values = [_p_fail(match) for match in matches]
    failed = [False] * len(matches)
    for severity in ("block", "warn"):
        family = [i for i, m in enumerate(matches) if m.rule.severity == severity and p_values[i] is not None]
        for index, rejected in zip(family, holm([p_values[i] or 0.0 for i in family], FAIL_ALPHA), strict=True):
            failed[index] = rejected
    tests = Counter(m.rule.severity for m, p in zip(matches, p_values, strict=True) if p is not None)
    decisions = [
        _decide(match, p, fails, test_rows, max(1, tests[match.rule.severity]))
        for match, p, fails in zip(matches, p_values, failed, strict=True)
    ]
    return Verdict(outcome=overall(decisions), decisions=decisions)


def selects(selector: Selector | None, about: Selector | None) -> bool:
    """Whether a rule's selector fits: the same keys, equal values, "*" fits each value."""
    wanted, got = selector or {}, about or {}
    return set(wanted) == set(got) and all(value in ("*", got[key]) for key, value in wanted.items())


def overall(decisions: list[Decision]) -> VerdictOutcome:
    """The verdict over the blocking decisions; one that is waived counts as met.

    Rules that the harness added can stop a model, but a policy without a blocking rule of its own lets none pass.
    """
    blocking = [decision for decision in decisions if decision.severity == "block"]
    if any(decision.outcome == "fail" and not decision.waived for decision in blocking):
        return "fail"
    decided = [decision for decision in blocking if decision.outcome != "not_applicable"]
    met = all(decision.outcome == "pass" or decision.waived for decision in decided)
    return "pass" if met and any(not decision.required for decision in decided) else "incomplete"


def _matches(rule: Rule, records: list[CheckRecord]) -> list[_Match]:
    found = [
        finding
        for record in records
        if record.status in ("measured", "not_tested")
        for finding in record.findings
        if finding.measure == rule.measure and selects(rule.group, finding.group) and selects(rule.of, finding.of)
    ]
    if found:
        blocked = {id(f): r.reason for r in records if r.status == "not_tested" for f in r.findings}
        return [_Match(rule, f, ("not_tested", blocked[id(f)] or "") if id(f) in blocked else None) for f in found]
    return [_Match(rule, None, _why_missing(rule, records))]


def _why_missing(rule: Rule, records: list[CheckRecord]) -> tuple[Outcome, str]:
    sources = {entry.name for entry in check_entries().values() if entry.gives(rule.measure)}
    for record in records:
        if record.check in sources and record.status != "measured":
            return record.status, f"{record.check}: {record.reason}"
    if sources and not any(record.check in sources for record in records):
        return "not_tested", f"the suite does not run {' or '.join(sorted(sources))}, which measures it"
    return "not_tested", f"no finding of {rule.measure} matches this rule's group and of"


def _p_fail(match: _Match) -> float | None:
    finding = match.finding
    if match.why_missing or finding is None or finding.value is None:
        return None
    low, high = match.rule.bounds
    if finding.exact or finding.interval is None:
        return None
    tails = []
    if low is not None:
        tails.append(p_beyond(finding.interval, low, above=False))
    if high is not None:
        tails.append(p_beyond(finding.interval, high, above=True))
    return min(tails)


def _decide(match: _Match, p_fail: float | None, fails: bool, test_rows: int, tests: int) -> Decision:
    rule, finding = match.rule, match.finding
    outcome, message, needed = _outcome(match, p_fail, fails, test_rows, tests)
    return Decision(
        rule_id=rule.id,
        measure=rule.measure,
        severity=rule.severity,
        limit=rule.limit_text(),
        group=finding.group if finding else rule.group,
        of=finding.of if finding else rule.of,
        above=rule.above,
        at_least=rule.at_least,
        at_most=rule.at_most,
        between=rule.between,
        outcome=outcome,
        message=message,
        n_needed=needed,
        p_fail=p_fail,
        observed=finding.value if finding else None,
        interval=finding.interval if finding else None,
        n=finding.n if finding else None,
        reason=rule.reason,
        limit_source=rule.source,
        clauses=rule.clauses,
        required=rule.required,
    )


def _outcome(
    match: _Match, p_fail: float | None, fails: bool, test_rows: int, tests: int
) -> tuple[Outcome, str, int | None]:
    finding = match.finding
    if match.why_missing is not None:
        return match.why_missing[0], match.why_missing[1], None
    if finding is None or finding.value is None:
        return "not_tested", (finding.reason if finding else None) or "not measured", None
    low, high = match.rule.bounds
    limit = match.rule.limit_text()
    if finding.exact:
        strictly = not match.rule.strict or (low is not None and finding.value > low)
        inside = strictly and (low is None or finding.value >= low) and (high is None or finding.value <= high)
        why = f": {finding.reason}" if finding.reason and not inside else ""
        return ("pass" if inside else "fail"), f"{finding.value:g} against {limit}{why}", None
    if finding.interval is None:
        return "not_tested", "the finding has no interval, so chance can't be told from effect", None
    ends = f"{figure(finding.interval.low)} to {figure(finding.interval.high)}"
    text = f"{figure(finding.value)} ({ends}) against {limit}"
    if fails:
        return "fail", f"{text}: the whole interval lies beyond the limit", None
    judged = at_level(finding.interval, 0.95)
    if _within(match.rule, judged):
        return "pass", f"{text}: the whole interval lies within", None
    if match.rule.strict and judged.high <= judged.low:
        return "inconclusive", f"{text}: the interval has no width, so that it proves nothing", None
    needed = _needed(finding, low, high, test_rows, tests)
    more = _advice(needed, test_rows)
    beyond = (low is not None and judged.high < low) or (high is not None and judged.low > high)
    where = (
        f"the interval lies beyond the limit, but not at Holm's level over {tests} decisions"
        if beyond
        else "the interval reaches across the limit"
    )
    reachable = needed if needed is not None and needed <= FARTHEST * test_rows else None
    return "inconclusive", f"{text}: {where}; {more}", reachable


def _within(rule: Rule, interval: Interval) -> bool:
    """Whether the whole interval lies within the limit; beyond `above` it must lie strictly, and have a width."""
    low, high = rule.bounds
    if rule.strict and not (low is not None and interval.low > low and interval.high > interval.low):
        return False
    return (low is None or interval.low >= low) and (high is None or interval.high <= high)


def _needed(finding: Finding, low: float | None, high: float | None, test_rows: int, tests: int) -> int | None:
    """More rows than these, which do not decide it; None where the estimate lies on a limit."""
    assert finding.value is not None and finding.interval is not None
    outside = (low is not None and finding.value < low) or (high is not None and finding.value > high)
    # A fail must also survive Holm's correction; the strictest step is the safe one to plan for.
    interval = at_level(finding.interval, 1 - 2 * FAIL_ALPHA / (tests if outside else 1))
    limits = [limit for limit in (low, high) if limit is not None]
    if outside:
        limits = [low if low is not None and finding.value < low else high]  # type: ignore[list-item]  # one is set
    candidates = [rows_needed(finding.value, interval, limit, test_rows) for limit in limits]
    known = [rows for rows in candidates if rows is not None]
    return max(test_rows + 1, *known) if known and len(known) == len(candidates) else None


def _advice(needed: int | None, test_rows: int) -> str:
    """How many rows would decide, where that is a number that anybody could collect."""
    if needed is None:
        return "the estimate lies on the limit"
    if needed > FARTHEST * test_rows:
        return f"the estimate lies so near the limit that even {FARTHEST} times as many test rows would not decide"
    return f"about {needed:,} test rows would decide"
