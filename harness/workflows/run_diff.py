"""What differs between two records: verdict, decisions, policy, suite, data, model, measures, environment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from harness.core.audit import Audit
from harness.core.decision import Decision
from harness.core.finding import Exhibit, Finding, Selector
from harness.engine.policy_diff import policy_changes
from harness.outputs.narrative import OUTCOME_WORDS, about, number, verdict_words, waiver_note

T = TypeVar("T")
Key = tuple[object, ...]
Span = tuple[float, float]
MOST_MOVED = 10


def run_differences(old: Audit, new: Audit) -> Exhibit:
    """A row a difference, with what it is about; no rows where only time, digests of the record and paths differ.

    Of the measures that moved the ten that moved most are named. How far a measure moved is measured in its own
    uncertainty: |new - old| over the sum of both half intervals, which is above 1 where the intervals lie apart;
    without intervals (a count) it is |new - old| over |old|, or over 1 where that is 0.
    """
    parts: dict[str, Callable[[Audit, Audit], Iterator[str]]] = {
        "verdict": _verdict,
        "decision": _decisions,
        "policy": _policy,
        "suite": _suite,
        "data": _data,
        "model": _model,
        "check": _checks,
        "measure": _measures,
        "environment": _environment,
    }
    rows: list[list[str | int | float | bool | None]] = [
        [name, text] for name, part in parts.items() for text in part(old, new)
    ]
    return Exhibit(kind="table", title="What differs", columns=["about", "difference"], rows=rows)


def separation(was: Span, now: Span) -> str:
    """Whether two 95 % intervals lie apart; those that do differ beyond chance, however their rows are related.

    With half widths a and b the standard error of the difference is at most (a + b) / 1.96, so values whose intervals
    lie apart are more than 1.96 standard errors apart, paired rows or not. Intervals that overlap say nothing.
    """
    return "intervals apart" if was[1] < now[0] or now[1] < was[0] else "intervals overlap"


def _verdict(old: Audit, new: Audit) -> Iterator[str]:
    was, now = verdict_words(old), verdict_words(new)
    if was != now:
        yield f"{was} → {now}"


def _decisions(old: Audit, new: Audit) -> Iterator[str]:
    before, after = (_keyed(audit.verdict.decisions, _decision_key) for audit in (old, new))
    for key in _both(before, after):
        was, now = before.get(key), after.get(key)
        if was is None and now is not None:
            yield f"{_rule(now)}: newly judged: {_outcome(now)}"
        elif now is None and was is not None:
            yield f"{_rule(was)}: no longer judged, was: {_outcome(was)}"
        elif was is not None and now is not None and (was.outcome, was.waived) != (now.outcome, now.waived):
            yield f"{_rule(now)}: {_outcome(was)} → {_outcome(now)}"


def _policy(old: Audit, new: Audit) -> Iterator[str]:
    for change in policy_changes(old.policy.rules, new.policy.rules):
        yield change.text
    for name, here, there in (("ended", old, new), ("new", new, old)):
        for waiver in here.policy.waivers:
            if waiver not in there.policy.waivers:
                whom = about(waiver.group, waiver.of)
                yield f"waiver of {waiver.rule}{f' ({whom})' if whom else ''}, until {waiver.expires}: {name}"


def _suite(old: Audit, new: Audit) -> Iterator[str]:
    yield from _changed("name", old.suite.name, new.suite.name)
    yield from _changed("version", old.suite.version, new.suite.version)
    yield from _changed("digest", _short(old.suite.digest), _short(new.suite.digest))
    yield from _changed("seed", old.suite.seed, new.suite.seed)


def _data(old: Audit, new: Audit) -> Iterator[str]:
    yield from _changed("fingerprint", _short(old.data.fingerprint), _short(new.data.fingerprint))
    yield from _changed("rows", old.data.rows, new.data.rows)
    before, after = ({s.role: s for s in audit.data.splits} for audit in (old, new))
    for role in _both(before, after):
        was, now = before.get(role), after.get(role)
        yield from _changed(f"{role} rows", was and was.rows, now and now.rows)
        if was and now and was.ids_digest != now.ids_digest:
            yield f"{role}: other rows"
    yield from _changed("training members", old.data.members, new.data.members)
    yield from _changed("sampled rows", old.data.sampled_rows, new.data.sampled_rows)


def _model(old: Audit, new: Audit) -> Iterator[str]:
    yield from _changed("uri", old.model.uri, new.model.uri)
    yield from _changed("kind", old.model.kind, new.model.kind)
    yield from _changed("view", old.model.view, new.model.view)
    yield from _changed("fingerprint", _short(old.model.fingerprint), _short(new.model.fingerprint))


def _checks(old: Audit, new: Audit) -> Iterator[str]:
    before, after = ({record.check: record for record in audit.records} for audit in (old, new))
    for name in _both(before, after):
        was, now = before.get(name), after.get(name)
        status = [f"{r.status} ({r.reason})" if r and r.reason else r and r.status for r in (was, now)]
        yield from _changed(name, *status)
        if was and now and was.parameters != now.parameters:
            yield f"{name}: parameters {was.parameters} → {now.parameters}"


def _measures(old: Audit, new: Audit) -> Iterator[str]:
    before, after = (_findings(audit) for audit in (old, new))
    moved: list[tuple[float, str]] = []
    for key in before:
        was, now = before[key], after.get(key)
        if now is None or was.value == now.value:
            continue
        if was.value is None or now.value is None:
            yield f"{_what(now)}: {_observed(was)} → {_observed(now)}"
        else:
            moved.append((_distance(was, now), f"{_what(now)}: {_observed(was)} → {_observed(now)}: {_move(was, now)}"))
    moved.sort(key=lambda item: -item[0])
    yield from (text for _, text in moved[:MOST_MOVED])
    if len(moved) > MOST_MOVED:
        yield f"{len(moved) - MOST_MOVED} more measures moved, each by less of its interval"
    for which, here, there in (("first", before, after), ("second", after, before)):
        only = Counter(here[key].measure for key in here if key not in there)
        for measure, count in sorted(only.items()):
            yield f"{measure}: {count} found only in the {which} run"


def _environment(old: Audit, new: Audit) -> Iterator[str]:
    before, after = ({**_flat(audit.environment), **_flat({"harness": audit.harness})} for audit in (old, new))
    for name in _both(before, after):
        yield from _changed(name, before.get(name), after.get(name))


def _findings(audit: Audit) -> dict[Key, Finding]:
    pairs = [(record.check, finding) for record in audit.records for finding in record.findings]
    return {(check, f.measure, *_about(f.group), None, *_about(f.of)): f for check, f in pairs}


def _decision_key(decision: Decision) -> Key:
    return (decision.rule_id, decision.measure, *_about(decision.group), None, *_about(decision.of))


def _about(selector: Selector | None) -> list[tuple[str, str]]:
    return sorted((selector or {}).items())


def _keyed(items: list[T], key: Callable[[T], Key]) -> dict[Key, T]:
    return {key(item): item for item in items}


def _both(before: Mapping[T, object], after: Mapping[T, object]) -> list[T]:
    return list(dict.fromkeys([*before, *after]))


def _distance(was: Finding, now: Finding) -> float:
    assert was.value is not None and now.value is not None
    moved = abs(now.value - was.value)
    halves = sum((i.high - i.low) / 2 for i in (was.interval, now.interval) if i is not None)
    return moved / (halves or abs(was.value) or 1.0)


def _move(was: Finding, now: Finding) -> str:
    assert was.value is not None and now.value is not None
    moved = now.value - was.value
    relative = f" ({moved / abs(was.value):+.1%})" if was.value else ""
    apart = ""
    if was.interval and now.interval:
        apart = ", " + separation((was.interval.low, was.interval.high), (now.interval.low, now.interval.high))
    return f"{moved:+.3g}{relative}{apart}"


def _observed(finding: Finding) -> str:
    if finding.value is None:
        return f"undefined ({finding.reason})"
    between = f"{number(finding.interval.low)} to {number(finding.interval.high)}, " if finding.interval else ""
    return f"{number(finding.value)} ({between}n {finding.n})"


def _outcome(decision: Decision) -> str:
    word = OUTCOME_WORDS[decision.outcome].lower()
    told = word if decision.observed is None else f"{word} at {number(decision.observed)}"
    return f"{told}, {waiver_note(decision)}" if decision.waiver else told


def _rule(decision: Decision) -> str:
    whom = about(decision.group, decision.of)
    return f"{decision.rule_id} ({whom})" if whom else decision.rule_id


def _what(finding: Finding) -> str:
    whom = about(finding.group, finding.of)
    return f"{finding.measure} ({whom})" if whom else finding.measure


def _changed(name: str, was: object, now: object) -> Iterator[str]:
    if was != now:
        yield f"{name} {'none' if was is None else was} → {'none' if now is None else now}"


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]


def _flat(parts: Mapping[str, object], above: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in parts.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{above}{name} ")
        else:
            found[above + name] = value
    return found
