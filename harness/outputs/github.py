"""The audit as GitHub workflow commands: printed in a step they become annotations of the run."""

from __future__ import annotations

from harness.core.audit import Audit
from harness.core.decision import VerdictOutcome
from harness.core.safe_text import workflow_data, workflow_property
from harness.outputs import narrative
from harness.outputs.narrative import Level
from harness.outputs.waivers import waiver_rows

SHOWN = 10  # GitHub keeps this many of each kind from one step, and drops the rest without a word
_COMMANDS: dict[Level, str] = {"error": "error", "warning": "warning", "note": "notice"}
_VERDICTS: dict[VerdictOutcome, Level] = {"fail": "error", "incomplete": "warning", "pass": "note"}


def render_github(audit: Audit) -> str:
    """The verdict, the waivers and whatever did not pass, worst first; of each kind at most ten, the last of which says how many more there are.

    A blocking rule that fails is an error; a blocking one that is open, or a warning one that fails, a warning; the rest
    a notice, with every waiver, what it waives, and the defects of files that no rule judged.
    """
    said: list[tuple[Level, str, str]] = [
        (
            _VERDICTS[audit.verdict.outcome],
            f"{audit.suite.name}: {narrative.verdict_words(audit)}",
            narrative.summary(audit),
        )
    ]
    said += [("note", f"Waiver of {row.rule}", row.line) for row in waiver_rows(audit)]
    for d in narrative.worst_first(audit.verdict.decisions):
        if level := narrative.level(d):
            title = f"{d.rule_id} {narrative.about(d.group, d.of)}".strip()
            said.append((level, title, f"{narrative.OUTCOME_WORDS[d.outcome]}: {narrative.explained(d)}"))
    said += [("note", f.measure, narrative.defect(f)) for f in narrative.unjudged_defects(audit)]
    lines = []
    for level, command in _COMMANDS.items():
        own = [
            f"::{command} title={workflow_property(title)}::{workflow_data(text)}"
            for one, title, text in said
            if one == level
        ]
        if len(own) > SHOWN:
            own[SHOWN - 1 :] = [f"::{command} title=More::{len(own) - SHOWN + 1} more stand in the summary"]
        lines += own
    return "\n".join(lines) + "\n"
