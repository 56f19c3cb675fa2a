"""How one policy differs from another: rules added, removed, relaxed, tightened or reworded, each in one sentence.

A rule of the new policy is the same as one of the old if both have its id and measure; on another measure it is another
rule, so the old one counts as removed. A rule that moves in several ways gives one change for each, so that a limit
relaxed on one side can't hide behind one tightened on the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

from harness.core.finding import Selector
from harness.core.rule import Rule

PolicyChangeKind = Literal["added", "removed", "relaxed", "tightened", "changed"]
_COMPARED = {"id", "measure", "group", "of", "above", "at_least", "at_most", "between", "severity", "required"}


@dataclass(frozen=True)
class PolicyChange:
    """One way in which a rule differs; `old` is None for an added rule, `new` for a removed one.

    `relaxed` lets through a model that the old rule might have stopped, `tightened` stops one that it let through,
    `changed` is neither (a reason, a source, a clause) or can't be said (another selection of findings).
    """

    kind: PolicyChangeKind
    rule_id: str
    text: str
    old: Rule | None = None
    new: Rule | None = None

    @property
    def weakens(self) -> bool:
        """Whether the new policy can let through what the old one stopped: a rule removed or relaxed."""
        return self.kind in ("removed", "relaxed")


def policy_changes(old: list[Rule], new: list[Rule]) -> list[PolicyChange]:
    """Every difference, in the order of the old rules, then the added ones; nothing where both judge alike.

    The order of the rules in a policy means nothing. Several rules with one id and measure (a policy file may hold
    them) are paired in their order.
    """
    before, after = _by_key(old), _by_key(new)
    changes: list[PolicyChange] = []
    for key in [*before, *(key for key in after if key not in before)]:
        for was, now in zip_longest(before.get(key, ()), after.get(key, ())):
            changes += _differences(was, now)
    return sorted(changes, key=lambda change: change.kind == "added")


def _by_key(rules: Iterable[Rule]) -> dict[tuple[str, str], list[Rule]]:
    found: dict[tuple[str, str], list[Rule]] = {}
    for rule in rules:
        found.setdefault((rule.id, rule.measure), []).append(rule)
    return found


def _differences(old: Rule | None, new: Rule | None) -> Iterator[PolicyChange]:
    if new is None:
        if old is not None:
            yield PolicyChange("removed", old.id, f"{_named(old)} {old.limit_text()}: removed", old)
        return
    if old is None:
        yield PolicyChange("added", new.id, f"{_named(new)} {new.limit_text()}: added", None, new)
        return
    for kind, text in (
        *_limits(old, new),
        *_strictness(old, new),
        *_severity(old, new),
        *_selection(old, new),
        *_rest(old, new),
    ):
        yield PolicyChange(kind, new.id, f"{_named(new)} {text}", old, new)


def _named(rule: Rule) -> str:
    return f"{rule.id}: {rule.measure}"


def _limits(old: Rule, new: Rule) -> Iterator[tuple[PolicyChangeKind, str]]:
    # A higher lower limit is stricter, a higher upper limit is laxer.
    sides = (("at least", 1), ("at most", -1))
    for (name, sign), was, now in zip(sides, old.bounds, new.bounds, strict=True):
        if was == now:
            continue
        if was is None or now is None:
            kind: PolicyChangeKind = "tightened" if was is None else "relaxed"
            limit, what = (now, "a limit is new") if was is None else (was, "the limit is gone")
            yield kind, f"{name} {limit:g}: {kind}, {what}"
            continue
        kind = "tightened" if sign * (now - was) > 0 else "relaxed"
        yield kind, f"{name} {was:g} → {now:g}: {kind} by {abs(now - was):.6g}"


def _strictness(old: Rule, new: Rule) -> Iterator[tuple[PolicyChangeKind, str]]:
    if old.bounds == new.bounds and old.strict != new.strict:
        kind: PolicyChangeKind = "tightened" if new.strict else "relaxed"
        yield kind, f"{old.limit_text()} → {new.limit_text()}: {kind}"


def _severity(old: Rule, new: Rule) -> Iterator[tuple[PolicyChangeKind, str]]:
    if old.severity != new.severity:
        kind: PolicyChangeKind = "tightened" if new.severity == "block" else "relaxed"
        yield kind, f"severity {old.severity} → {new.severity}: {kind}"


def _selection(old: Rule, new: Rule) -> Iterator[tuple[PolicyChangeKind, str]]:
    for name, was, now in (("group", old.group, new.group), ("of", old.of, new.of)):
        if (was or {}) == (now or {}):
            continue
        kind: PolicyChangeKind = "changed"
        if _covers(was, now):
            kind = "relaxed"
        elif _covers(now, was):
            kind = "tightened"
        what = {"relaxed": "relaxed, fewer findings", "tightened": "tightened, more findings"}.get(kind, "others")
        yield kind, f"{name} {_selector(was)} → {_selector(now)}: {what} are judged"


def _covers(wide: Selector | None, narrow: Selector | None) -> bool:
    """Whether each finding that `narrow` selects is selected by `wide` too."""
    return set(wide or {}) == set(narrow or {}) and all(
        value in ("*", (narrow or {})[key]) for key, value in (wide or {}).items()
    )


def _selector(selector: Selector | None) -> str:
    return ", ".join(f"{key}: {value}" for key, value in sorted((selector or {}).items())) or "none"


def _rest(old: Rule, new: Rule) -> Iterator[tuple[PolicyChangeKind, str]]:
    for name in sorted(set(Rule.model_fields) - _COMPARED):
        was, now = getattr(old, name), getattr(new, name)
        if was != now:
            yield "changed", f"{name} changed: {_text(was)} → {_text(now)}"


def _text(value: object) -> str:
    return (", ".join(map(str, value)) if isinstance(value, list) else str(value)) or "none"
