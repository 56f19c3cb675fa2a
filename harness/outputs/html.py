"""The audit report: one HTML file, no external request, a pure function of the record."""

from __future__ import annotations

from typing import Any

from harness.core.audit import Audit
from harness.core.decision import Decision
from harness.core.finding import CheckRecord, Exhibit
from harness.engine.registry import CheckEntry, check_entries
from harness.outputs import narrative
from harness.outputs.charts import draw
from harness.outputs.origin import origin
from harness.outputs.page import page
from harness.outputs.waivers import waiver_rows

_BANDS = {"Impact ratio": "bias.impact_ratio", "Recognising training rows": "privacy.membership_auc"}
_READ = {
    "performance.decision": "The threshold was set on other rows and frozen, so the intervals hold for it. The last two columns say how far another calibration split of the same size could have moved each share.",
    "performance.skill": "Each bar is the share of a class that is answered right. A model that guesses has recalls that add up to 1, whatever its accuracy; informedness is 0 there and 1 where all are right.",
    "performance.classification": "Accuracy counts right answers. Compare it with the majority baseline: a model that always gives the most frequent answer. Recall of a class: of 100 such cases, how many were found.",
    "performance.calibration": "If points lie on the dashed line, a stated risk of 20 % comes true 20 times in 100. A slope below 1 means that extreme risks are overstated. Of several classes, and of options, the curve is of the largest probability, which comes true where the answer is right.",
    "performance.slices": "Each line is one part of the rows: its share of right answers, or for numbers its mean error (smaller is better). The ROC-AUC within a slice says whether the model can still rank there; 0.5 is chance. Found slices come from a search and are leads, not proof.",
    "performance.operating_points": "Net benefit counts true positives and subtracts false ones at the rate that the threshold says they are worth; a model helps at a threshold where its line lies above both: acting on everybody and on nobody.",
    "performance.regression": "On the dashed line a prediction is right on average; the bars hold 80 % of the true values. Compare the mean absolute error with the median baseline: a model that always says the same number.",
    "performance.conformal": "The interval around a prediction should hold the truth as often as it says: a share well below its level means that it can't be relied on.",
    "performance.choice": "Compare the accuracy with chance. A place that is picked more often than it is right shows a taste for a letter.",
    "performance.abstention": "The further left, the fewer rows the model answers; if accuracy does not rise there, its confidence says nothing of its errors.",
    "performance.costs": "A model is worth its cost only where its line lies below both: acting on everybody and acting on nobody. Each threshold's interval is its own, and the lowest point of the line was found on these rows.",
    "performance.approval": "The share that can be approved, safest first, before more than the cap of them are of the class that the suite takes for bad (its positive class: read in its page what that is). Of a weak model it is too high. The approved bad rate says whether a cut chosen on other rows keeps the cap.",
    "performance.inspection": "Of all defects, the share that would leave uninspected if only the most suspicious items were looked at.",
    "performance.transfer": "The same patients or rows are scored twice: by the model, and by one that never saw their site. A gap below 0 is what a new site must expect.",
    "data.shift": "0.5 means that training and test rows can't be told apart. A long bar is a column that looks different in the two.",
    "bias.groups": "The impact ratio compares how often a group gets the favourable outcome with the reference group; 1 is parity. The shaded band is what the policy allows: a line must lie wholly inside it to pass. Where no outcome is favourable, each line is a group's share of right answers.",
    "bias.calibration": "0 means that a group's stated risk is what happened on average; above 0 it is overstated, below 0 understated. What counts is whether the groups differ.",
    "bias.errors": "0 means that a group is put neither too high nor too low; what counts is the difference between groups.",
    "bias.log_odds": "Each line compares a group with the reference on the same questions; 0 is even, 0.5 turns a yes of 50 % into one of 62 %.",
    "privacy.membership": "0.5 means that training rows can't be told from others. The blind line never sees the model: if it leaves 0.5, the split itself differs and no attack counts.",
    "explainability.attribution": "Longer bars move the score more, on average. Where one bar holds nearly all, ask what that column is and when it is known. Attributions describe the model, not causes in the world.",
    "explainability.reasons": "The longest bars are the reasons that most denied people would be told. A flagged row's reasons changed when they were computed again, so its notice can't be relied on.",
    "explainability.direction": "The share of rows whose answer moves the way that the domain knows it must when one feature rises.",
    "baseline.paired": "Above 0 this release is better than the last one on the same rows. A line that reaches below the margin is not shown to be as good.",
    "model.loading": "A 1 or more here is something to ask about: a pickle opened on purpose, the user's own code, labels that contradict their scores.",
    "data.sites": "0.5 means that a site's rows look like all others'; near 1 the site can be told by its rows alone. The table names the columns that differ most.",
    "data.clusters": "Test rows that equal a training row in all but one column are often the same thing measured twice. Where far more do than with shuffled columns, declare what belongs together and split again.",
    "data.power": "Before the run: the observed value that each rule needs with this many rows. Where it says no, no model could have passed; a low chance means that a model without a flaw would often stay undecided.",
    "data.near_duplicates": "A test row that nearly equals a training row asks a model what it has learnt already: where many do, every measure of performance is too good. Look at the rows named before you drop any.",
    "data.quality": "Bars near 1 mean that one column alone tells the label, which is usually a leak.",
}


def render_html(audit: Audit) -> str:
    """The whole report; the same record gives the same bytes."""
    checks = {record.check: record for record in audit.records}
    from markupsafe import Markup

    values = {
        "svg": Markup,  # vl-convert escapes text
        "audit": audit,
        "summary": narrative.summary_parts(audit),
        "origin": origin(audit),
        "words": narrative.OUTCOME_WORDS,
        "verdict": narrative.verdict_words(audit),
        "waivers": waiver_rows(audit),
        "note_of": narrative.waiver_note,
        "decisions": narrative.worst_first(audit.verdict.decisions),
        "not_tested": narrative.not_tested(audit),
        "cards": [_card(record, audit) for record in checks.values()],
        "methods": {name: (find_doc(name) or "") for name in checks},
    }
    return page("audit.html", values)


def find_doc(check: str) -> str | None:
    """A check's method, formula and limits: the docstring of its module."""
    import importlib

    entry = check_entries().get(check)
    return None if entry is None else importlib.import_module(entry.target.partition(":")[0]).__doc__


def _card(record: CheckRecord, audit: Audit) -> dict[str, Any]:
    entry = check_entries().get(record.check)
    decisions = [d for d in audit.verdict.decisions if _belongs(d, record, entry)]
    outcomes = [d.outcome for d in decisions]
    worst = next((o for o in ("fail", "error", "inconclusive", "not_tested", "pass") if o in outcomes), None)
    return {
        "record": record,
        "title": entry.title if entry else record.check,
        "charts": [(exhibit, draw(exhibit, _band(exhibit, audit))) for exhibit in record.exhibits],
        "outcome": worst if record.status == "measured" else record.status,
        "read": " ".join([*narrative.frequencies(record), _READ.get(record.check, "")]).strip(),
        "headlines": narrative.headlines(record, decisions),
        "conformity": [narrative.conformity(d) for d in narrative.worst_first(decisions)],
        "id": record.check.replace(".", "-").replace("/", "-"),
    }


def _belongs(decision: Decision, record: CheckRecord, entry: CheckEntry | None) -> bool:
    measured = any(f.measure == decision.measure for f in record.findings)
    return measured or (entry is not None and entry.gives(decision.measure))


def _band(exhibit: Exhibit, audit: Audit) -> tuple[float | None, float | None] | None:
    measure = next((m for start, m in _BANDS.items() if exhibit.title.startswith(start)), None)
    rule = next((r for r in audit.policy.rules if r.measure == measure), None)
    return rule.bounds if rule else None
