"""The audit in Markdown, for a step summary or a pull request."""

from __future__ import annotations

from harness.core.audit import Audit
from harness.outputs import narrative


def render_markdown(audit: Audit) -> str:
    """The verdict, a table of decisions, and what was not tested."""
    lines = [
        f"# {audit.suite.name}: {narrative.OUTCOME_WORDS[audit.verdict.outcome]}",
        "",
        _plain(narrative.summary(audit)),
        "",
        "| rule | about | observed | 95 % interval | limit | outcome |",
        "|---|---|---|---|---|---|",
    ]
    for d in narrative.worst_first(audit.verdict.decisions):
        band = f"{narrative.number(d.interval.low)} – {narrative.number(d.interval.high)}" if d.interval else "–"
        cells = [
            d.rule_id,
            narrative.about(d.group, d.of),
            narrative.number(d.observed),
            band,
            d.limit,
            narrative.OUTCOME_WORDS[d.outcome],
        ]
        lines.append("| " + " | ".join(_plain(c) for c in cells) + " |")
    missing = narrative.not_tested(audit)
    if missing:
        lines += ["", "Not tested:", ""] + [
            f"- {_plain('; '.join(gap.aspects))}: {_plain(gap.reason)}" for gap in missing
        ]
    lines += [
        "",
        f"Record `{audit.digest}`, evidence `{audit.evidence_digest}`.",
        "",
        "This does not determine legal compliance.",
    ]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    return text.replace("<", "&lt;").replace("|", "\\|").replace("\n", " ")
