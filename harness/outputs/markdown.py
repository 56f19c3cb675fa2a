"""The audit in Markdown, for a step summary or a pull request."""

from __future__ import annotations

import re
from dataclasses import astuple

from harness.core.audit import Audit
from harness.core.decision import Decision
from harness.outputs import narrative
from harness.outputs.origin import origin
from harness.outputs.waivers import waiver_rows

# GitHub refuses a step summary of more than 1 MiB as a whole, so each of the three lists stays below a third of it.
ROOM = 300_000
_CELL = 500
_SPECIAL = re.compile(r"[\\`*_\[\]~]")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;", "@": "&#64;"}


def render_markdown(audit: Audit) -> str:
    """The verdict, every waiver, what was not tested, and a table of decisions, worst first; what does not fit is counted."""
    rows = next((f"{split.rows:,} test rows" for split in audit.data.splits if split.role == "test"), "no test rows")
    lines = [
        f"# {plain(audit.suite.name)}: {narrative.verdict_words(audit)}",
        "",
        plain(narrative.summary(audit)),
        *(line for sentence in origin(audit) for line in ("", plain(sentence))),
        "",
        f"Model {plain(audit.model.uri)}, suite version {plain(audit.suite.version)}{_extends(audit)}, {rows}.",
    ]
    waivers = ["| " + " | ".join(map(plain, astuple(row))) + " |" for row in waiver_rows(audit)]
    if waivers:
        lines += [
            "",
            "## Waivers",
            "",
            "| rule | about | owner | reason | compensating control | granted | expires | state |",
            "|---|---|---|---|---|---|---|---|",
            *fitting(waivers, "| … | {} more: see the record | | | | | | |"),
        ]
    missing = [f"- {plain('; '.join(gap.aspects))}: {plain(gap.reason)}" for gap in narrative.not_tested(audit)]
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
    names = [plain(parent.name) for parent in audit.suite.extends]
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
    return "| " + " | ".join(map(plain, cells)) + " |"


def fitting(lines: list[str], more: str) -> list[str]:
    """The first lines that fit into the room; then, where some are left, how many."""
    used = 0
    for index, line in enumerate(lines):
        used += len(line.encode()) + 1
        if used > ROOM:
            return [*lines[:index], more.format(len(lines) - index)]
    return lines


def plain(text: str, longest: int = _CELL) -> str:
    """The text as text: nothing in it becomes a link, an image, a tag, a mention or a cell of its own."""
    text = " ".join(text.split())
    text = text if len(text) <= longest else text[: longest - 1] + "…"
    text = _SPECIAL.sub(lambda found: "\\" + found.group(), text)
    return "".join(_ENTITIES.get(letter, letter) for letter in text)
