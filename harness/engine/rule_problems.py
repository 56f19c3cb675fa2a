"""What is wrong with rules and margins: measures that nothing gives, limits outside what they can be, names that nothing has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.core.dataset import Dataset
from harness.core.finding import Selector
from harness.core.rule import Rule
from harness.core.unjudged import why_unjudged
from harness.engine.measure_ranges import problem_of_limit, problem_of_margin
from harness.engine.parameters import Names, enumeration, names_of
from harness.engine.plugins import did_you_mean
from harness.engine.registry import BUILT_IN, CheckEntry
from harness.spec.suite import CheckRequest, Suite

KEYS = ("against", "at", "attack", "class", "column", "feature", "measure", "option", "site", "slice")
"""What a built-in check's finding can be `of`."""
_OF_GROUPS = ("bias.", "data.small_group", "baseline.")


def problems_of_rules(rules: Sequence[Rule], third_party: Sequence[CheckEntry] = ()) -> list[str]:
    """Problems of rules by themselves: a measure that no check gives, or a limit that its measure can't meet or miss."""
    named = [(f"Rule {rule.id}", rule.measure) for rule in rules]
    limits = [problem for rule in rules if (problem := problem_of_limit(rule))]
    return [*validate_measures(named, third_party), *(f"{problem}." for problem in limits)]


def validate_measures(named: Sequence[tuple[str, str]], third_party: Sequence[CheckEntry] = ()) -> list[str]:
    """Problems of (who names it, measure) pairs whose measure no check declares, or no rule may judge.

    A measure package/name.measure is looked for in these checks; one of another package is let through, because its check
    may not be installed here.
    """
    declared = [measure for entry in (*BUILT_IN, *third_party) for measure in entry.declared() or ()]

    def known(measure: str) -> bool:
        owners = [entry for entry in third_party if entry.gives(measure)]
        return measure in declared or ("/" in measure and all(entry.declared() is None for entry in owners))

    unknown = [
        f"{who} names the measure {measure!r}, which no check gives.{did_you_mean(measure, declared)}"
        for who, measure in named
        if not known(measure)
    ]
    return unknown + [f"{who}: {why}." for who, measure in named if (why := why_unjudged(measure))]


@dataclass(frozen=True)
class _Asked:
    """A rule or a margin: who asks, of which measure, and what it selects."""

    who: str
    measure: str
    group: Selector | None
    of: Selector | None


def problems_of_policy(
    suite: Suite, data: Dataset | None, asked: Sequence[CheckRequest], entries: Sequence[CheckEntry]
) -> list[str]:
    """Problems of the suite's rules and margins, where these checks run; names of classes and groups only where the data are all
    the suite's own."""
    third_party = [entry for entry in entries if entry.third_party]
    margins = [_Asked(f"The margin ({m.measure})", m.measure, m.group, m.of) for m in suite.margins]
    rules = [_Asked(f"Rule {r.id}", r.measure, r.group, r.of) for r in suite.policy if not r.required]
    problems = problems_of_rules(suite.policy, third_party)
    guard = [suite.compare.guard.measure] if suite.compare and suite.compare.guard else []
    measures = [*(m.measure for m in margins), *guard]
    problems += validate_measures([(f"The margin ({measure})", measure) for measure in measures], third_party)
    widths = [problem_of_margin(f"The margin ({m.measure})", m.measure, m.by) for m in suite.margins]
    problems += [f"{problem}." for problem in widths if problem]
    problems += _not_run(suite, entries)
    known = names_of(suite, data if data is not None and data.of_suite else None)
    for item in [*rules, *margins]:
        problems += _selected(item, suite, data, known, asked)
    return list(dict.fromkeys(problems))


def _not_run(suite: Suite, entries: Sequence[CheckEntry]) -> list[str]:
    """Blocking rules on a measure of a check that the suite does not run, which could never pass unless they are waived; those on an
    earlier release need no check of the suite's."""
    waived = {waiver.rule for waiver in suite.waivers}
    running = {entry.name for entry in entries}
    problems = []
    for rule in suite.policy:
        sources = [entry.name for entry in BUILT_IN if entry.gives(rule.measure)]
        optional = rule.required or rule.severity == "warn" or rule.id in waived or rule.measure.startswith("baseline.")
        if sources and not optional and running.isdisjoint(sources):
            problems.append(
                f"Rule {rule.id} judges {rule.measure}, but the suite does not run {' or '.join(sources)}, which gives it. Add the "
                "check under checks, or leave the rule out."
            )
    return problems


def _selected(
    item: _Asked, suite: Suite, data: Dataset | None, known: Names, asked: Sequence[CheckRequest]
) -> Iterator[str]:
    """Problems of what a rule or margin selects; nothing is said of a third party's measure."""
    if "/" in item.measure:
        return
    if item.group and not item.measure.startswith(_OF_GROUPS):
        yield f"{item.who} selects a group, but {item.measure} is of no group. Measures of groups begin with bias."
    crossed = [" × ".join(names) for request in asked for names in request.parameters.get("intersections") or []]
    for attribute, value in (item.group or {}).items():
        if " × " in attribute and attribute not in crossed:
            how = f"[{attribute.replace(' × ', ', ')}]"
            yield (
                f"{item.who} selects the intersection {attribute!r}, which no check is asked for. Add {how} to the intersections of "
                f"the check that gives {item.measure}."
            )
        groups = _groups(attribute, suite, data)
        if value != "*" and groups is not None and value not in groups:
            yield _unknown(item.who, f"the group {value!r} of {attribute}", value, groups)
    for key, value in (item.of or {}).items():
        if key not in KEYS:
            where = " It is a sensitive attribute: write it under group." if key in suite.data.sensitive else ""
            yield f"{item.who} selects by {key!r} under of, which no finding has.{where}{did_you_mean(key, KEYS)} Keys: {', '.join(KEYS)}."
        names = _values(key, item.measure, suite, data, known, asked)
        if value != "*" and names is not None and value not in names:
            yield _unknown(item.who, f"the {key} {value!r}", value, names)


def _unknown(who: str, what: str, value: str, names: tuple[str, ...]) -> str:
    return f"{who} names {what}, which nothing has.{did_you_mean(value, names)} Known: {enumeration(names)}."


def _groups(attribute: str, suite: Suite, data: Dataset | None) -> tuple[str, ...] | None:
    """The groups of an attribute or a compared slice; None where they are not known. An intersection's are all that its parts make."""
    parts = attribute.split(" × ")
    if len(parts) > 1:
        own = [_groups(part, suite, data) for part in parts]
        if any(names is None for names in own):
            return None
        crossed: list[str] = [""]
        for names in own:
            crossed = [f"{left} × {name}" if left else name for left in crossed for name in names or ()]
        return tuple(crossed)
    if data is None or not data.of_suite:
        return None
    kinds = [part.groups if attribute in part.groups else part.slices for part in data.splits.values()]
    found = {str(name) for kind in kinds for name in kind.get(attribute, ()) if name is not None}
    declared = suite.data.sensitive.get(attribute) or suite.data.slices.get(attribute)
    return tuple(sorted(found | set((declared.values or {}).values() if declared else ())))


def _values(
    key: str, measure: str, suite: Suite, data: Dataset | None, known: Names, asked: Sequence[CheckRequest]
) -> tuple[str, ...] | None:
    """What `of` may name under a key; None where it is not known beforehand."""
    if key == "class":
        return known.classes
    if key == "feature":
        return (*known.features, *(known.columns or ()))
    if key == "attack":
        return ("gap", "loss", "residual")
    if key == "slice" and not measure.startswith("performance.found_"):
        if data is None or not data.of_suite:
            return None
        return tuple(f"{name} = {value}" for name in suite.data.slices for value in _groups(name, suite, data) or ())
    return None
