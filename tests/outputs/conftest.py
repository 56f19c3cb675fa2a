"""Records made by hand: one decision for each outcome and severity, and what checks found beside."""

import pytest

from harness.core.audit import Audit

OUTCOMES = ("pass", "fail", "inconclusive", "not_tested", "not_applicable", "error")


def decision(outcome, severity="block", rule="r", **more):
    return {
        "rule_id": f"{rule}-{outcome}-{severity}", "measure": "performance.roc_auc", "at_least": 0.7, "limit": "≥ 0.7",
        "severity": severity, "outcome": outcome, "observed": 0.8, "n": 950, "message": "0.8 against ≥ 0.7",
        "interval": {"low": 0.75, "high": 0.85, "level": 0.95, "method": "wald", "inputs": {}},
        "reason": "Below this the score adds little", "limit_source": "expert: owner", "clauses": ["eu.ai-act.15-1"],
    } | more  # fmt: skip


def found(measure, value=1, **more):
    return {"measure": measure, "value": value, "n": 10, "exact": True} | more


@pytest.fixture(name="decision")
def _decision():
    return decision


@pytest.fixture(name="found")
def _found():
    return found


@pytest.fixture
def make_record():
    """A record of these decisions and findings; its policy has a rule for each."""

    def make(decisions=(), findings=(), outcome="incomplete", **more):
        rules = [
            {"id": d["rule_id"], "measure": d["measure"], "at_least": 0.7, "severity": d["severity"],
             "reason": d["reason"], "source": d["limit_source"], "clauses": d["clauses"]}
            for d in decisions
        ]  # fmt: skip
        body = {
            "suite": {"name": "own/loans", "uri": "suites/loans.yaml", "version": "1", "digest": "sha256:5", "vertical": "finance", "task": "classification", "seed": 1},
            "model": {"uri": "models/loans.skops", "kind": "sklearn", "fingerprint": "sha256:6"},
            "data": {"fingerprint": "sha256:7", "rows": 950, "duplicates_dropped": 0, "members": "unknown",
                     "splits": [{"role": "test", "rows": 950, "ids_digest": "sha256:8"}]},
            "records": [{"check": "data.quality", "status": "measured", "findings": list(findings)}],
            "policy": {"digest": "sha256:9", "rules": rules},
            "verdict": {"outcome": outcome, "decisions": list(decisions)},
            "harness": {"version": "0.1.0"}, "environment": {}, "started": "2026-01-01T00:00:00+00:00", "seconds": 1.0,
            "evidence_digest": "sha256:1", "digest": "sha256:2",
        } | more  # fmt: skip
        return Audit.model_validate(body)

    return make


@pytest.fixture
def every_outcome(make_record):
    return make_record([decision(o, s) for o in OUTCOMES for s in ("block", "warn")], outcome="fail")
