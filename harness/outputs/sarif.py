"""The audit as SARIF 2.1.0 (OASIS 2020), for code scanning and other viewers of results.

A result is a decision that did not pass, or a defect of the model's or the data's files that no rule judged. What was not
tested is a notification of the run. A result that is waived is suppressed, and every waiver is a property of the run.
Paths stand as they were given; of an absolute one only the last part.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from harness.core.audit import Audit
from harness.core.decision import Decision
from harness.core.finding import Finding
from harness.core.names import portable
from harness.core.rule import Rule
from harness.core.safe_text import in_every_text, json_text, sarif_message, shown
from harness.engine.provenance import sha256_texts
from harness.engine.registry import check_entries
from harness.outputs import narrative
from harness.outputs.waivers import waiver_rows

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


def render_sarif(audit: Audit) -> str:
    """One run: the policy's rules, the results worst first, and what was not tested."""
    defects = narrative.unjudged_defects(audit)
    described = {f.measure: _defect_rule(f.measure) for f in defects} | {r.id: _rule(r) for r in audit.policy.rules}
    results = [_decided(audit, d) for d in narrative.worst_first(audit.verdict.decisions) if narrative.level(d)]
    results += [_found(audit, f) for f in defects]
    places = {name: index for index, name in enumerate(described)}
    run = {
        "tool": {
            "driver": {
                "name": "vertical-harness",
                "version": audit.harness["version"],
                "rules": list(described.values()),
            }
        },
        # GitHub tells the alerts of one id from those of another; what follows the last slash is this run's own.
        "automationDetails": {"id": f"vertical-harness/{audit.suite.name}/{audit.digest}"},
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": _not_tested(audit)}],
        "results": [{**result, "ruleIndex": places[result["ruleId"]]} for result in results],
        "properties": {
            "summary": narrative.summary(audit),
            "verdict": audit.verdict.outcome,
            "waived": audit.verdict.waived,
            "waivers": [row.line for row in waiver_rows(audit)],
            "suiteDigest": audit.suite.digest,
            "modelFingerprint": audit.model.fingerprint,
            "evidenceDigest": audit.evidence_digest,
            "recordDigest": audit.digest,
        },
    }
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return json_text(in_every_text(log, sarif_message)) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    clauses = f" Clauses: {', '.join(rule.clauses)}." if rule.clauses else ""
    return {
        "id": rule.id,
        "shortDescription": {"text": f"{narrative.measure_title(rule.measure)} {rule.limit_text()}"},
        "fullDescription": {"text": rule.reason},
        "help": {"text": f"{rule.measure} {rule.limit_text()}. {rule.reason}. Limit from: {rule.source}.{clauses}"},
        "defaultConfiguration": {"level": "error" if rule.severity == "block" else "warning"},
        "properties": {
            "measure": rule.measure,
            "limit": rule.limit_text(),
            "limitSource": rule.source,
            "clauses": rule.clauses,
            "severity": rule.severity,
            "tags": [rule.measure.partition(".")[0]],
        },
    }


def _defect_rule(measure: str) -> dict[str, Any]:
    by = next(entry.title for entry in check_entries().values() if entry.gives(measure))
    return {
        "id": measure,
        "shortDescription": {"text": f"{by}: {narrative.measure_title(measure)}"},
        "fullDescription": {"text": "Found by a check. No rule of the policy judges it."},
        "defaultConfiguration": {"level": "note"},
        "properties": {"tags": [measure.partition(".")[0]]},
    }


def _decided(audit: Audit, decision: Decision) -> dict[str, Any]:
    who = narrative.about(decision.group, decision.of)
    text = f"{narrative.OUTCOME_WORDS[decision.outcome]}{f' ({who})' if who else ''}: {narrative.explained(decision)}"
    about = {
        "outcome": decision.outcome,
        "observed": decision.observed,
        "n": decision.n,
        "rowsNeeded": decision.n_needed,
    }
    return {
        "ruleId": decision.rule_id,
        "level": narrative.level(decision),
        "message": {"text": text},
        **_where(audit, decision, decision.rule_id),
        "suppressions": _suppressions(decision),
        "properties": about,
    }


def _suppressions(decision: Decision) -> list[dict[str, str]]:
    if not decision.waived:
        return []
    return [{"kind": "external", "status": "accepted", "justification": narrative.waiver_note(decision)}]


def _found(audit: Audit, finding: Finding) -> dict[str, Any]:
    return {
        "ruleId": finding.measure,
        "level": "note",
        "message": {"text": narrative.defect(finding)},
        **_where(audit, finding, finding.measure),
        "suppressions": [],  # of all results or of none, says SARIF
        "properties": {"observed": finding.value, "n": finding.n},
    }


def _where(audit: Audit, about: Decision | Finding, rule_id: str) -> dict[str, Any]:
    """The suite's file for the data, the model for all else; and a fingerprint that stays while the numbers change."""
    given = (audit.suite.uri or audit.suite.name) if about.measure.startswith("data.") else audit.model.uri
    same = [shown(t) for t in (audit.suite.name, rule_id, about.measure, narrative.about(about.group, about.of))]
    kept = "/:@+,;=~" + ("#?&%" if "://" in given else "")
    place = {
        "artifactLocation": {"uri": quote(shown(portable(given)), safe=kept)},
        "region": {"startLine": 1},  # GitHub shows no result without a line
    }
    # The only fingerprint that GitHub reads; its own would be of the line, which all results share.
    return {
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"primaryLocationLineHash": sha256_texts(same).removeprefix("sha256:")},
    }


def _not_tested(audit: Audit) -> list[dict[str, Any]]:
    return [
        {"level": "warning", "message": {"text": f"{'; '.join(gap.aspects)}: {gap.reason}"}}
        for gap in narrative.not_tested(audit)
    ]
