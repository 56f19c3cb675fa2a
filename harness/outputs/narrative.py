"""Words and orderings that every drawing of an audit shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.core.audit import Audit
from harness.core.decision import Decision
from harness.core.figures import figure
from harness.core.finding import CheckRecord, Finding, Selector
from harness.engine.disclosure import HIDDEN
from harness.outputs.first_page import decision_line, first_sentences, to_whom, what_it_does

OUTCOME_WORDS = {
    "pass": "Pass",
    "fail": "Fail",
    "inconclusive": "Inconclusive",
    "not_tested": "Not tested",
    "not_applicable": "Not applicable",
    "error": "Error",
    "incomplete": "Incomplete",
}
Level = Literal["error", "warning", "note"]
_ORDER = ("fail", "error", "inconclusive", "not_tested", "pass", "not_applicable")


def worst_first(decisions: list[Decision]) -> list[Decision]:
    """Decisions by severity of outcome, blocking ones first."""
    return sorted(
        decisions,
        key=lambda d: (_ORDER.index(d.outcome), d.severity != "block", d.rule_id, str(d.group), str(d.of)),
    )


def about(group: Selector | None, of: Selector | None) -> str:
    """Whom or what a finding is about, in words."""
    return ", ".join(
        f"{key.replace('_', ' ')}: {value}" for key, value in sorted({**(group or {}), **(of or {})}.items())
    )


def line(decision: Decision) -> str:
    """The decision in one line: outcome, whether it blocks, rule, about whom, and why."""
    who = about(decision.group, decision.of)
    named = f"{decision.rule_id}{f' ({who})' if who else ''}"
    blocks = "blocking" if decision.severity == "block" else "warning"
    return f"{OUTCOME_WORDS[decision.outcome]:14} {blocks:8} {named}: {explained(decision)}"


def explained(decision: Decision) -> str:
    """Why the decision is as it is; then what a waiver does for it."""
    return " · ".join(part for part in (decision.message, waiver_note(decision)) if part)


def level(decision: Decision) -> Level | None:
    """How loud a decision is where a tool knows three levels: error only where the policy blocks; None if there is nothing to say.

    What is waived is a note: it is told, and blocks nothing.
    """
    if decision.outcome in ("pass", "not_applicable"):
        return None
    if decision.waived:
        return "note"
    louder = (decision.severity == "block") + (decision.outcome == "fail")
    return ("note", "warning", "error")[louder]


def number(value: float | None) -> str:
    """As `figure`, or a dash where undefined; whole numbers without decimals."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if float(value).is_integer() else figure(value)


def verdict_words(audit: Audit) -> str:
    """The verdict in a word; a pass that needs waivers says how many."""
    words = OUTCOME_WORDS[audit.verdict.outcome]
    if audit.verdict.outcome != "pass" or not audit.verdict.waived:
        return words
    used = [d.waiver for d in audit.verdict.decisions if d.waived and d.severity == "block"]
    count = sum(waiver in used for waiver in audit.policy.waivers)
    return f"{words} with {count} waiver{'s' if count > 1 else ''}"


def waiver_note(decision: Decision) -> str:
    """What a waiver does for a decision that is not met, as a clause; empty where none is about it."""
    waiver = decision.waiver
    if waiver is None:
        return ""
    if decision.waiver_state == "active":
        return f"waived until {waiver.expires} by {waiver.owner}: {waiver.reason}"
    if decision.waiver_state == "pending":
        return f"the waiver by {waiver.owner} is not in force before {waiver.begins}"
    return f"the waiver by {waiver.owner} expired on {waiver.expires}, so the rule applies again"


def summary(audit: Audit) -> str:
    """The parts of the summary as one paragraph."""
    return " ".join(summary_parts(audit))


def summary_parts(audit: Audit) -> list[str]:
    """In plain words, made by rule: what makes the numbers void, the verdict's reason and every rule that a waiver is about, what
    the model does and to whom, the decision that people act on.
    """
    void = " ".join(first_sentences(audit))
    parts = [void, verdict_reason(audit), what_it_does(audit), to_whom(audit), decision_line(audit)]
    return [part for part in parts if part]


def verdict_reason(audit: Audit) -> str:
    """Why the verdict is as it is; then every decision that a waiver is about."""
    noted = []
    for d in worst_first(audit.verdict.decisions):
        if note := waiver_note(d):
            noted.append(
                f"{d.rule_id} ({about(d.group, d.of) or d.measure}): {OUTCOME_WORDS[d.outcome].lower()}, {note}"
            )
    return _decided(audit) + (f" Waivers: {'; '.join(noted)}." if noted else "")


def _decided(audit: Audit) -> str:
    verdict = audit.verdict
    name = audit.system.name or audit.suite.name
    blocking = [d for d in verdict.decisions if d.severity == "block"]
    due = [d for d in blocking if not d.waived]
    failed = [d for d in due if d.outcome == "fail"]
    open_ones = [d for d in due if d.outcome in ("inconclusive", "not_tested", "error")]
    if verdict.outcome == "pass" and verdict.waived:
        return (
            f"{name} passes with waivers only: {verdict.waived} of {len(blocking)} blocking requirements of the policy "
            "are not met and waived."
        )
    if verdict.outcome == "pass":
        return f"{name} conforms to all {len(blocking)} blocking requirements of the policy{_warned(audit)}"
    if verdict.outcome == "fail":
        parts = "; ".join(
            f"{d.rule_id} ({about(d.group, d.of) or d.measure}: {number(d.observed)}, limit {d.limit})"
            for d in failed[:3]
        )
        return f"{name} does not conform to {len(failed)} blocking requirement(s) of the policy: {parts}."
    if not blocking or not open_ones:
        return f"{name} was measured, but no blocking rule of the policy applies to it, so nothing was decided."
    first = "; ".join(
        f"{d.rule_id} ({about(d.group, d.of) or d.measure}: {OUTCOME_WORDS[d.outcome].lower()}"
        + (f", about {d.n_needed:,} test rows would decide)" if d.n_needed else ")")
        for d in open_ones[:3]
    )
    return f"No blocking rule fails, but {len(open_ones)} could not be determined: {first}."


def _warned(audit: Audit) -> str:
    """The end of the sentence on a pass: every interval lies within its limit, or how many warnings there are."""
    warned = [
        d for d in audit.verdict.decisions if d.severity == "warn" and d.outcome not in ("pass", "not_applicable")
    ]
    if not warned:
        return ": every interval lies wholly within its limit."
    rules = ", ".join(dict.fromkeys(d.rule_id for d in worst_first(warned)))
    return f"; {len(warned)} {'warnings are' if len(warned) > 1 else 'warning is'} not met: {rules}."


@dataclass(frozen=True)
class Gap:
    """Aspects that were not tested for one reason, and what follows."""

    aspects: list[str]
    reason: str
    consequence: str


# What data.power can't foretell is no gap: the rule itself is judged after the run.
_FORECASTS = ("data.value_to_pass", "data.chance_to_pass")


def not_tested(audit: Audit) -> list[Gap]:
    """What was not tested, and why: whole checks, undefined findings, then open rules; grouped by reason."""
    rows: dict[tuple[str, str], list[str]] = {}

    def add(aspect: str, reason: str, consequence: str) -> None:
        aspects = rows.setdefault((reason, consequence), [])
        if aspect not in aspects:
            aspects.append(aspect)

    for record in audit.records:
        if record.status != "measured":
            reason = f"{OUTCOME_WORDS.get(record.status, record.status)}: {record.reason}"
            add(record.check, reason, "No statement on anything that this check measures")
        for finding in record.findings:
            if finding.value is None and finding.measure not in _FORECASTS:
                aspect = f"{measure_title(finding.measure)}, {about(finding.group, finding.of)}".removesuffix(", ")
                follows = (
                    "Not shown: few people"
                    if finding.reason in HIDDEN
                    else "No statement on these measures for these rows"
                )
                add(aspect, finding.reason or "", follows)
    for decision in audit.verdict.decisions:
        if decision.outcome == "not_tested" and decision.observed is None:
            follows = "keeps the verdict incomplete" if decision.severity == "block" else "stays open"
            follows = "is waived" if decision.waived else follows
            add(f"rule {decision.rule_id}", decision.message, f"The rule {follows}")
    return [Gap(aspects, reason, consequence) for (reason, consequence), aspects in rows.items()]


# Counts and flags of something wrong in an artefact, where 0 is none; a measure of degree (a shift, a missing rate) is no defect.
DEFECTS = {
    "data.duplicate_rate",
    "data.train_test_overlap_rate",
    "data.leak_suspect",
    "data.disguised_missing",
    "data.no_number",
    "data.unlabelled_rows",
    "data.out_of_range",
    "data.determined_label_rate",
    "data.contradictory_label_rate",
    "data.label_disagreement_rate",
    "data.forbidden_feature",
    "data.identifier_feature",
    "data.redundant_column",
    "data.small_group",
    "data.straddling_clusters",
    "model.unsafe_load",
    "model.user_code",
    "model.label_contradicts_score",
    "model.truncated_texts",
    "model.empty_texts",
    "model.refused_answers",
    "model.unreadable_answers",
    "model.truncated_answers",
    "model.unscored_answers",
    "model.damaged_cache_rows",
}


def unjudged_defects(audit: Audit) -> list[Finding]:
    """Defects of the model's or the data's files that were found and that no rule of the policy judged, by measure."""
    judged = [(d.measure, d.group, d.of) for d in audit.verdict.decisions]
    found = [f for record in audit.records for f in record.findings if f.measure in DEFECTS and f.value]
    left = [f for f in found if (f.measure, f.group, f.of) not in judged]
    return sorted(left, key=lambda f: (f.measure, about(f.group, f.of)))


def defect(finding: Finding) -> str:
    """What was found, of how many, and the finding's own note."""
    who = about(finding.group, finding.of)
    count = f"{number(finding.value)}{f' {finding.unit}' if finding.unit else ''}, n = {finding.n:,}"
    named = f"{measure_title(finding.measure)}{f' ({who})' if who else ''}"
    return f"{named}: {count}{f'; {finding.reason}' if finding.reason else ''}"


_TITLES = {
    "roc_auc": "ROC-AUC",
    "brier_skill": "Brier skill score",
    "log_loss_skill": "log loss skill score",
    "squared_error_skill": "squared error skill score",
    "accuracy_gain": "accuracy minus that of the most frequent answer",
    "choice_gain": "accuracy minus that of guessing",
    "worst_recall": "recall of the worst class",
    "signal": "signal in the features",
    "mcc": "Matthews correlation",
    "ece": "expected calibration error",
    "top_label_ece": "expected calibration error of the largest probability",
    "top_label_gap": "largest probability minus accuracy",
    "f1": "F1",
    "mae": "mean absolute error",
    "rmse": "root mean squared error",
    "r2": "R²",
    "mape": "mean absolute percentage error",
    "membership_auc": "recognising training rows, AUC",
    "leak_suspects": "columns that give the label away",
    "forbidden_feature": "feature that the suite declares to be none",
    "forbidden_features": "features that the suite declares to be none",
    "identifier_feature": "feature that numbers the rows",
    "identifier_features": "features that number the rows",
    "kin_rate": "test rows with kin among those that a model learns from",
    "membership_tpr_at_1pct_fpr": "training rows recognised at 1 % false alarms",
}


def measure_title(measure: str) -> str:
    """A measure's name as a person says it."""
    name = measure.partition(".")[2]
    title = _TITLES.get(name, name.replace("_", " ").replace("f1 ", "F1 "))
    return title[0].upper() + title[1:]


_HEADLINES = (
    "performance.accuracy",
    "performance.mae",
    "performance.interval_coverage",
    "performance.ece",
    "explainability.additivity_error",
    "data.duplicate_rate",
)


def headlines(record: CheckRecord, decisions: list[Decision]) -> list[Finding]:
    """At most three numbers that stand first in a card: the judged ones, else the check's own first choice."""
    judged = [(d.measure, d.group, d.of) for d in worst_first(decisions)]
    found = [f for key in judged for f in record.findings if (f.measure, f.group, f.of) == key and f.value is not None]
    return found[:3] or [f for f in record.findings if f.measure in _HEADLINES and f.value is not None][:1]


def frequencies(record: CheckRecord) -> list[str]:
    """Rates as natural frequencies: so many of 100."""
    said = []
    rates: dict[str, list[str]] = {}
    for f in record.findings:
        if f.value is None:
            continue
        of_100 = f"{100 * f.value:.0f}"
        if f.measure == "bias.selection_rate" and f.group:
            ((attribute, name),) = f.group.items()
            rates.setdefault(attribute, []).append(f"of 100 {name} {of_100}")
        elif f.measure == "performance.recall" and f.of:
            said.append(f"Of 100 rows that are '{f.of['class']}', {of_100} are found.")
        elif f.measure == "privacy.membership_auc" and f.of:
            said.append(
                f"Shown a training row and another row, the {f.of['attack']} attack picks the right one {of_100} times in 100."
            )
    said += [
        f"By {attribute.replace('_', ' ')}, the favourable answer goes to: {'; '.join(parts)}."
        for attribute, parts in rates.items()
    ]
    return said


def conformity(decision: Decision) -> str:
    """The decision as the sentence that an auditor expects."""
    derived = ", ".join(decision.clauses) or decision.limit_source
    verb = {
        "pass": "conforms to",
        "fail": "does not conform to",
        "not_applicable": "is not subject to",
    }.get(decision.outcome, "could not be determined against")
    whom = about(decision.group, decision.of)
    note = waiver_note(decision)
    return (
        f"{decision.rule_id}{f' ({whom})' if whom else ''}: {verb} the requirement derived from {derived}"
        f"{f' ({note})' if note else ''}."
    )
