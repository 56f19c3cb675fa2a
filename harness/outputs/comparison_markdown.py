"""A comparison in Markdown, for a step summary or a pull request: the recommendation, and the tables that bear it."""

from __future__ import annotations

from harness.core.comparison import Comparison, Difference, Leg
from harness.core.safe_text import markdown
from harness.outputs import narrative
from harness.outputs.markdown import fitting
from harness.outputs.pair import exhibit_of, pair_of, signed
from harness.outputs.recommendation import CHOICE_WORDS, LEG_WORDS, recommendation

_LINE = 3000


def render_comparison_markdown(comparison: Comparison) -> str:
    """The recommendation, what was not compared, the conditions and the differences; what does not fit is counted."""
    pair = pair_of(comparison, comparison.decision)
    lines = [
        f"# {markdown(comparison.suite.name)}: {CHOICE_WORDS[pair.choice.outcome]}",
        "",
        f"Vertical: {markdown(pair.vertical.name)}. General: {markdown(pair.general.name)}.",
        "",
        *fitting(
            [f"- {markdown(line, _LINE)}" for line in recommendation(comparison)], "- and {} more: see the record"
        ),
    ]
    gaps = [f"- {markdown(gap.what)}: {markdown(gap.reason)}" for gap in comparison.not_compared]
    if gaps:
        lines += ["", "## Not compared", "", *fitting(gaps, "- and {} more: see the record")]
    if pair.choice.legs:
        head = ["outcome", "condition", "about", "margin", "gain", "interval", "rows to decide"]
        lines += ["", "## Conditions", "", *_table(head, [_leg(leg) for leg in pair.choice.legs])]
    differences = [*pair.differences, *pair.guard]
    if differences:
        head = ["measure", "about", "vertical", "general", "difference", f"{pair.level} interval", "p", "n"]
        lines += ["", "## Differences", "", *_table(head, [_difference(d) for d in differences])]
    disagreements = exhibit_of(comparison, "Where the models disagree")
    if disagreements is not None:
        lines += ["", f"{markdown(disagreements.title)}: listed in the record and in the HTML page."]
    lines += [
        "",
        f"Record `{comparison.digest}`, evidence `{comparison.evidence_digest}`.",
        "",
        "This does not determine legal compliance.",
    ]
    return "\n".join(lines) + "\n"


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    lines = ["| " + " | ".join(map(markdown, row)) + " |" for row in rows]
    more = "| … | {} more: see the record |" + " |" * (len(head) - 2)
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *fitting(lines, more)]


def _leg(leg: Leg) -> list[str]:
    return [
        LEG_WORDS[leg.outcome],
        f"{leg.name.replace('_', ' ')}: {leg.measure}",
        narrative.about(leg.group, leg.of),
        f"{leg.by:g}",
        signed(leg.gain),
        f"{signed(leg.interval.low)} to {signed(leg.interval.high)}" if leg.interval else "–",
        narrative.number(leg.n_needed),
    ]


def _difference(found: Difference) -> list[str]:
    band = found.interval
    notes = [note for note in (found.guard_suite, None if found.paired else "not paired") if note]
    return [
        f"{found.measure} ({', '.join(notes)})" if notes else found.measure,
        narrative.about(found.group, found.of),
        narrative.number(found.first),
        narrative.number(found.second),
        signed(found.value),
        f"{signed(band.low)} to {signed(band.high)}" if band else found.reason or "–",
        "–" if found.test is None else "< 0.001" if found.test.p < 0.001 else f"{found.test.p:.3f}",
        narrative.number(found.n),
    ]
