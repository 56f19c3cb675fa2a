"""This release against the last one, item by item on the same test rows.

Gain of a measure = the new release's value minus the last one's, signed so that above 0 is better: for a measure that is
better when lower its negative, for one with a target (an impact ratio of 1, a gap of 0) how much nearer it lies to it. Shares:
Tango's (1998) score interval; means: Student's, of clusters where rows belong together; ROC-AUC: DeLong's (1988) paired
variance; the rest: percentile bootstrap, the same resampled rows for both. Newly failing items were answered right by the
last release and wrong by this one. A policy that lets through what the last one stopped is counted, and each change is told.
"""

from __future__ import annotations

import numpy as np

from harness.checks.baseline.differences import paired_differences
from harness.checks.baseline.sides import Better, Bools, Sides
from harness.core.comparison import Difference
from harness.core.finding import Cell, Exhibit, Finding
from harness.engine.evidence import Baseline, Evidence
from harness.engine.measurement import Measurement, not_tested
from harness.engine.policy_diff import policy_changes

MEASURE = "baseline.gain"
LISTED = 1000


def paired(evidence: Evidence) -> Measurement:
    """Gains with intervals, the newly failing items by id, and what changed in the policy."""
    earlier, test = evidence.baseline, evidence.split("test")
    if earlier is None or test is None:
        return not_tested("no data: no earlier release was named (--baseline RECORD)")
    answers = evidence.predictions("test")
    sides = Sides(evidence.suite, evidence.data, test, answers, earlier.answers, evidence.generator("baseline.paired"))
    found = paired_differences(sides)
    # A rate that is neither good high nor low has no gain, and nothing of it is missing.
    gains = [_finding(d, earlier) for d in found if d.value is None or d.gain is not None]
    exhibits = [_exhibit(gains, earlier)] if any(g.interval for g in gains) else []
    if evidence.data.classes and evidence.suite.data.label.column is not None:
        counts, listed = _items(sides)
        gains, exhibits = [*gains, *counts], [*exhibits, listed]
    changes = policy_changes(
        [rule for rule in earlier.rules if rule.measure != MEASURE],
        [rule for rule in evidence.suite.policy if rule.measure != MEASURE],
    )
    weakened = sum(change.weakens for change in changes)
    gains.append(
        Finding(
            measure="baseline.weakened_rules",
            value=weakened,
            n=len(evidence.suite.policy),
            exact=True,
            better="lower",
            unit="rules",
            reason="; ".join(change.text for change in changes if change.weakens) or None,
        )
    )
    if changes:
        rows: list[list[Cell]] = [[change.rule_id, change.kind, change.text] for change in changes]
        exhibits.append(
            Exhibit(
                kind="table", title="The policy since the last release", columns=["rule", "kind", "change"], rows=rows
            )
        )
    return Measurement(gains, exhibits)


def _finding(found: Difference, earlier: Baseline) -> Finding:
    of = {"measure": found.measure, **(found.of or {})}
    why = found.reason
    if found.gain is not None and found.first is not None and found.second is not None:
        why = f"{found.first:.4g} now, {found.second:.4g} in {earlier.name}"
    return Finding(
        measure=MEASURE,
        value=found.gain,
        n=found.n,
        interval=found.gain_interval,
        group=found.group,
        of=of,
        better="higher",
        reason=why,
    )


def _exhibit(gains: list[Finding], earlier: Baseline) -> Exhibit:
    rows: list[list[Cell]] = []
    for gain in gains:
        if gain.interval is None or gain.of is None or "slice" in gain.of:
            continue
        rest = {**(gain.group or {}), **{k: v for k, v in gain.of.items() if k != "measure"}}
        name = gain.of["measure"] + "".join(f", {v}" for v in rest.values())
        rows.append([name, gain.value, gain.interval.low, gain.interval.high, gain.n])
    return Exhibit(
        kind="intervals",
        title=f"Gain since {earlier.name}: above 0 is better",
        columns=["measure", "gain", "low", "high", "n"],
        rows=rows,
    )


def _items(sides: Sides) -> tuple[list[Finding], Exhibit]:
    now = np.asarray(sides.first.labels == sides.test.labels, dtype=bool)
    before = np.asarray(sides.second.labels == sides.test.labels, dtype=bool)
    failing, mended = before & ~now, ~before & now
    ways: tuple[tuple[str, Bools, Better], ...] = (
        ("newly_failing", failing, "lower"),
        ("newly_right", mended, "higher"),
    )
    counts = [
        Finding(measure=f"baseline.{name}", value=int(mask.sum()), n=len(now), exact=True, better=better, unit="items")
        for name, mask, better in ways
    ]
    rows: list[list[Cell]] = [
        [str(sides.test.ids[i]), str(sides.test.labels[i]), sides.second.labels[i], sides.first.labels[i]]
        for i in np.flatnonzero(failing)[:LISTED]
    ]
    title = f"Newly failing items ({int(failing.sum())}" + (f", {LISTED} shown)" if failing.sum() > LISTED else ")")
    return counts, Exhibit(kind="table", title=title, columns=["id", "truth", "last release", "now"], rows=rows)
