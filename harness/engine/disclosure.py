"""What a reader of a report may see of few people: rows by hash, and no number of a group that few people are in.

`for_readers` is called where a record is drawn, before any output but JSON; the record itself keeps all that `harness verify` needs.
A group, a slice or an intersection of fewer than ten rows is shown without its numbers. Where it is the only one of its
partition, it could be computed from the total, so the next smallest is withheld too (complementary suppression: Hundepool et
al., Statistical Disclosure Control, 2012). An intersection is in two partitions: all that share its first part, and its second.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import overload

from harness.core.audit import Audit
from harness.core.comparison import Comparison, Difference
from harness.core.decision import Decision
from harness.core.finding import Cell, CheckRecord, Exhibit, Finding, Selector

LEAST_SHOWN = 10
FEWER = "fewer than 10"
WITHHELD = "not shown: a smaller group could be computed from it"
HIDDEN = (FEWER, WITHHELD)
# What counts the rows of a group or a slice.
_SIZES = ("bias.group_size", "data.small_group", "performance.slice_accuracy", "performance.slice_mae")
_JOINED, _IS = " × ", " = "
_GROUP_COLUMNS = ("group", "slice", "site")
_PEOPLE = ("slice", "site")  # what a finding's `of` may name that is a part of the rows
_SMALL_COUNT = re.compile(r"(?<![\d.,])\d(?= (?:\w+ )?(?:rows?|people|positives?|of \d|in the)\b)")


@dataclass(frozen=True)
class _Part:
    """One cell of a partition: where it lies, and how many rows it has."""

    lines: tuple[Hashable, ...]
    n: int


@overload
def for_readers(record: Audit) -> Audit: ...
@overload
def for_readers(record: Comparison) -> Comparison: ...
@overload
def for_readers(record: Audit | Comparison) -> Audit | Comparison: ...
def for_readers(record: Audit | Comparison) -> Audit | Comparison:
    """The record as a report may show it: rows by hash, without the numbers of few people."""
    return _audit(record) if isinstance(record, Audit) else _comparison(record)


def _audit(audit: Audit) -> Audit:
    findings = [f for record in audit.records for f in record.findings]
    hidden = _hidden_keys([*findings, *audit.verdict.decisions])
    records = [_check(record, hidden, audit.row_hashes) for record in audit.records]
    decisions = [_decision(d, hidden) for d in audit.verdict.decisions]
    verdict = audit.verdict.model_copy(update={"decisions": decisions})
    return audit.model_copy(update={"records": records, "verdict": verdict, "row_hashes": None})


def _comparison(comparison: Comparison) -> Comparison:
    hidden = _hidden_keys(comparison.differences)
    update = {
        "differences": [_difference(d, hidden) for d in comparison.differences],
        "exhibits": [_exhibit(e, {}, comparison.row_hashes) for e in comparison.exhibits],
        "row_hashes": None,
    }
    return comparison.model_copy(update=update)


def _check(record: CheckRecord, hidden: dict[str, str], hashes: dict[str, str] | None) -> CheckRecord:
    findings = [_finding(f, hidden) for f in record.findings]
    names: dict[str, str] = {}
    for f in record.findings:
        if (why := hidden.get(_key(f))) and names.get(name := _value(f)) != FEWER:
            names[name] = why
    update = {"findings": _slices_counted(findings), "exhibits": [_exhibit(e, names, hashes) for e in record.exhibits]}
    return record.model_copy(update=update)


def _slices_counted(findings: list[Finding]) -> list[Finding]:
    """The findings, with those of hidden slices as one of each measure that counts them: a slice may be a town, and there may be many."""
    counts: Counter[tuple[str, str]] = Counter()
    kept, example = [], {}
    for f in findings:
        if f.reason in HIDDEN and "slice" in (f.of or {}):
            place = (f.measure, (_part_of(f) or "").partition(": ")[0])
            counts[place] += 1
            example[place] = f
        else:
            kept.append(f)
    return kept + [
        example[place].model_copy(update={"of": {"slice": f"{place[1]} ({count} of few people)"}, "reason": FEWER})
        for place, count in counts.items()
    ]


def _finding(finding: Finding, hidden: dict[str, str]) -> Finding:
    if why := hidden.get(_key(finding)):
        return finding.model_copy(update={"value": None, "n": 0, "interval": None, "reason": why})
    if _is_over_groups(finding) and f"* {next(iter(finding.group or {}))}" in hidden:
        return finding.model_copy(update={"n": 0})
    if finding.reason and _part_of(finding):
        return finding.model_copy(update={"reason": _SMALL_COUNT.sub(FEWER, finding.reason)})
    return finding


def _decision(decision: Decision, hidden: dict[str, str]) -> Decision:
    if why := hidden.get(_key(decision)):
        empty = {"observed": None, "n": None, "interval": None, "n_needed": None, "message": why}
        return decision.model_copy(update=empty)
    if _is_over_groups(decision) and f"* {next(iter(decision.group or {}))}" in hidden:
        return decision.model_copy(update={"n": None})
    if _part_of(decision):
        return decision.model_copy(update={"message": _SMALL_COUNT.sub(FEWER, decision.message)})
    return decision


def _difference(found: Difference, hidden: dict[str, str]) -> Difference:
    why = hidden.get(_key(found))
    if not why:
        return found
    empty = ("first", "second", "value", "interval", "gain", "gain_interval", "test", "minimum_detectable")
    return found.model_copy(update={**dict.fromkeys(empty), "n": 0, "reason": why})


def _hidden_keys(found: Iterable[Finding | Difference | Decision]) -> dict[str, str]:
    """Which findings are shown without numbers, and why: few people, or the next smallest of a partition.

    What is hidden by the size of a group is hidden of every measure of it: the rows of two groups together tell each of them.
    """
    stated = list(found)
    by_size = _hidden_parts(stated)
    tables: dict[str, dict[str, _Part]] = defaultdict(dict)
    before: dict[str, dict[str, str]] = defaultdict(dict)
    for f in stated:
        part = _part_of(f)
        if part and not (isinstance(f, Decision) and _key(f) in tables[_table(f)]):
            tables[_table(f)][_key(f)] = _Part(_lines(part), _people(f))
            if part in by_size:
                before[_table(f)][_key(f)] = by_size[part]
    # The rows of all groups but those of few people tell how many these are.
    hidden = {f"* {part.partition(': ')[0]}": FEWER for part, why in by_size.items() if why == FEWER}
    for table, parts in tables.items():
        hidden |= _suppressed(parts, before[table])
    return hidden


def _hidden_parts(found: Iterable[Finding | Difference | Decision]) -> dict[str, str]:
    """The groups and slices that are hidden by their number of rows, which some measures state."""
    sizes: dict[str, dict[str, _Part]] = defaultdict(dict)
    for f in found:
        if f.measure in _SIZES and (part := _part_of(f)):
            n = min(_people(f), sizes[part.partition(": ")[0]].get(part, _Part((), _people(f))).n)
            sizes[part.partition(": ")[0]][part] = _Part(_lines(part), n)
    return {part: why for parts in sizes.values() for part, why in _suppressed(parts, {}).items()}


def _suppressed(parts: dict[str, _Part], before: dict[str, str]) -> dict[str, str]:
    """What is hidden before, cells of few rows, and in every line where exactly one cell is hidden the next smallest, until none is left so."""
    hidden = before | {key: FEWER for key, part in parts.items() if part.n < LEAST_SHOWN}
    lines: dict[Hashable, list[str]] = defaultdict(list)
    for key, part in parts.items():
        for line in part.lines:
            lines[line].append(key)
    changed = bool(hidden)
    while changed:
        changed = False
        for keys in lines.values():
            left = [key for key in keys if key not in hidden]
            if left and len(left) == len(keys) - 1:
                hidden[min(left, key=lambda key: (parts[key].n, key))] = WITHHELD
                changed = True
    return hidden


def _lines(name: str) -> tuple[Hashable, ...]:
    """The partitions that a part belongs to: of `race × sex: a × m` all with race a, and all with sex m; else the one of its attribute."""
    attribute, _, value = name.partition(": ")
    values = value.split(_JOINED)
    if len(values) == 1 or len(values) != len(attribute.split(_JOINED)):
        return (attribute,)
    return tuple((attribute, place, *values[:place], *values[place + 1 :]) for place in range(len(values)))


def _part_of(found: Finding | Difference | Decision) -> str | None:
    """The part of the rows that something is about, as `attribute: value`; None where it is about all of them."""
    selected: Selector = {**(found.group or {}), **{k: v for k, v in (found.of or {}).items() if k in _PEOPLE}}
    if not selected or "*" in selected.values():
        return None
    attribute, value = next(iter(sorted(selected.items())))
    if attribute == "slice":  # written `column = value`
        attribute, _, value = value.rpartition(_IS) if _IS in value else ("slice", "", value)
    return f"{attribute}: {value}"


def _is_over_groups(found: Finding | Decision) -> bool:
    return list((found.group or {}).values()) == ["*"]


def _value(found: Finding) -> str:
    """The name of a part as tables write it."""
    return (found.of or {}).get("slice") or (_part_of(found) or "").partition(": ")[2]


def _people(found: Finding | Difference | Decision) -> int:
    if isinstance(found, Finding) and found.unit == "rows" and found.exact and found.value is not None:
        return int(found.value)
    return LEAST_SHOWN if found.n is None else found.n


def _key(found: Finding | Difference | Decision) -> str:
    return f"{_table(found)} {_part_of(found)}"


def _table(found: Finding | Difference | Decision) -> str:
    """What is the same for all parts of one partition: the measure, and what else it is about."""
    rest = sorted((k, v) for k, v in (found.of or {}).items() if k not in _PEOPLE)
    against = (found.against, found.guard_suite) if isinstance(found, Difference) else ()
    attribute = (_part_of(found) or "").partition(": ")[0]
    return f"{found.measure} {rest} {against} {attribute}"


def _exhibit(exhibit: Exhibit, names: dict[str, str], hashes: dict[str, str] | None) -> Exhibit:
    rows = _hashed(exhibit, hashes)
    if exhibit.columns[:1] and exhibit.columns[0] in _GROUP_COLUMNS and "n" in exhibit.columns:
        rows = _without_few(exhibit, rows, names)
    return exhibit if rows is exhibit.rows else exhibit.model_copy(update={"rows": rows})


def _hashed(exhibit: Exhibit, hashes: dict[str, str] | None) -> list[list[Cell]]:
    places = exhibit.row_id_places
    if not places:
        return exhibit.rows
    numbers: dict[str, str] = {}

    def name(cell: Cell) -> Cell:
        if hashes is not None and str(cell) in hashes:
            return hashes[str(cell)]
        return numbers.setdefault(str(cell), f"row {len(numbers) + 1}")

    return [[name(cell) if i in places else cell for i, cell in enumerate(row)] for row in exhibit.rows]


def _without_few(exhibit: Exhibit, rows: list[list[Cell]], names: dict[str, str]) -> list[list[Cell]]:
    """The rows of a table by group without the numbers of few people, and of what the findings hide; slices are only counted."""
    place, is_slices, parts = exhibit.columns.index("n"), exhibit.columns[0] == "slice", {}
    hidden: dict[str, str] = {}
    for i, row in enumerate(rows):
        name = str(row[0]).removeprefix("found: ").removesuffix(" (reference)")
        count = row[place] if len(row) > place else None
        attribute = name.rpartition(_IS)[0] if is_slices else ""
        parts[str(i)] = _Part((attribute,), int(count) if isinstance(count, int | float) else 0)
        if name in names:
            hidden[str(i)] = names[name]
    hidden = _suppressed(parts, hidden)
    if not hidden:
        return rows
    if is_slices:
        kept = [row for i, row in enumerate(rows) if str(i) not in hidden]
        return [*kept, [f"{len(hidden)} more, of few people", *_with_why(FEWER, place, len(exhibit.columns))]]
    return [
        [row[0], *_with_why(hidden[str(i)], place, len(exhibit.columns))] if str(i) in hidden else row
        for i, row in enumerate(rows)
    ]


def _with_why(why: str, place: int, columns: int) -> list[Cell]:
    return [why if i == place else None for i in range(1, columns)]
