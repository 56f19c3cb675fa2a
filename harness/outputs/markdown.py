"""The audit in Markdown, for a step summary or a pull request."""

from __future__ import annotations

from dataclasses import astuple

from harness.core.audit import Audit
from harness.core.decision import Decision
from harness.core.safe_text import markdown
from harness.outputs import narrative
from harness.outputs.origin import origin
from harness.outputs.waivers import waiver_rows

# GitHub refuses a step summary of more than 1 MiB as a whole, so each of the three lists stays below a third of it.
ROOM = 300_000


def render_markdown(audit: Audit) -> str:
    """The verdict, every waiver, what was not tested, and a table of decisions, worst first; what does not fit is counted."""
    rows = next((f"{split.rows:,} test rows" for split in audit.data.splits if split.role == "test"), "no test rows")
    lines = [
        f"# {markdown(audit.suite.name)}: {narrative.verdict_words(audit)}",
        "",
        markdown(narrative.summary(audit)),
        *(line for sentence in origin(audit) for line in ("", markdown(sentence))),
        "",
        f"Model {markdown(audit.model.uri)}, suite version {markdown(audit.suite.version)}{_extends(audit)}, {rows}.",
    ]
    waivers = ["| " + " | ".join(map(markdown, astuple(row))) + " |" for row in waiver_rows(audit)]
    if waivers:
        lines += [
            "",
            "## Waivers",
            "",
            "| rule | about | owner | reason | compensating control | granted | expires | state |",
            "|---|---|---|---|---|---|---|---|",
            *fitting(waivers, "| … | {} more: see the record | | | | | | |"),
        ]
    missing = [f"- {markdown('; '.join(gap.aspects))}: {markdown(gap.reason)}" for gap in narrative.not_tested(audit)]
    if missing:
        lines += ["", "## Not tested", "", *fitting(missing, "- and {} more: see the record")]
    decided = [_row(d) for d in narrative.worst_first(audit.verdict.decisions)]
    if decided:
        lines += [
            "",
            "## Decisions",
            "",
            "| outcome | rule | about | observed | 95 % interval | n | limit | rows to decide |",
            "|---|---|---|---|---|---|---|---|",
            *fitting(decided, "| … | {} more: see the record | | | | | | |"),
        ]
    lines += [
        "",
        f"Record `{audit.digest}`, evidence `{audit.evidence_digest}`.",
        "",
        "This does not determine legal compliance.",
    ]
    return "\n".join(lines) + "\n"


def _extends(audit: Audit) -> str:
    names = [markdown(parent.name) for parent in audit.suite.extends]
    return f" (extends {', which extends '.join(names)})" if names else ""


def _row(decision: Decision) -> str:
    band = decision.interval
    outcome = narrative.OUTCOME_WORDS[decision.outcome]
    outcome = outcome if decision.severity == "block" or decision.outcome == "pass" else f"{outcome} (warning)"
    cells = [
        ", ".join(part for part in (outcome, narrative.waiver_note(decision)) if part),
        decision.rule_id,
        narrative.about(decision.group, decision.of),
        narrative.number(decision.observed),
        f"{narrative.number(band.low)} – {narrative.number(band.high)}" if band else "–",
        narrative.number(decision.n),
        decision.limit,
        narrative.number(decision.n_needed),
    ]
    return "| " + " | ".join(map(markdown, cells)) + " |"


def fitting(lines: list[str], more: str) -> list[str]:
    """The first lines that fit into the room; then, where some are left, how many."""
    used = 0
    for index, line in enumerate(lines):
        used += len(line.encode()) + 1
        if used > ROOM:
            return [*lines[:index], more.format(len(lines) - index)]
    return lines
