"""Runs the planned checks; a crash of one check becomes its record and never a pass."""

from __future__ import annotations

import time

from harness.core.finding import CheckRecord
from harness.engine.evidence import Evidence
from harness.engine.planner import Plan, Step
from harness.engine.progress import Progress
from harness.engine.text_pass import Exhausted
from harness.errors import UserError


def run(plan: Plan, evidence: Evidence, progress: Progress) -> list[CheckRecord]:
    """One record for each step, in order."""
    overlap = evidence.trained_on_test_rows()
    records = []
    for done, step in enumerate(plan.steps):
        progress(step.request.name, done, len(plan.steps))
        if evidence.exhausted and step.status is None and "predictions" in step.entry.needs:
            records.append(_record(step, "not_tested", evidence.exhausted))
            continue
        if overlap and step.status is None and step.entry.name.startswith(("performance.", "bias.")):
            records.append(_record(step, "error", overlap))
            continue
        records.append(run_step(step, evidence))
    return records


def run_step(step: Step, evidence: Evidence) -> CheckRecord:
    """The record of one step."""
    if step.status is not None:
        return _record(step, step.status, step.reason or "")
    before, start = evidence.queries, time.process_time()
    try:
        found = step.entry.run(evidence, step.request.parameters)
    except UserError:
        raise
    except Exhausted as limit:
        return _record(step, "not_tested", str(limit))
    except Exception as error:  # noqa: BLE001 - the one place where a crash becomes a record
        return _record(step, "error", f"the check crashed: {type(error).__name__}: {error}")
    used = evidence.queries - before
    if not used and "predictions" in step.entry.needs and (test := evidence.split("test")) is not None:
        used = len(test)
    return CheckRecord(
        check=step.request.name,
        parameters=dict(step.request.parameters),
        status=found.status,
        reason=found.reason,
        findings=found.findings,
        exhibits=found.exhibits,
        seconds=time.process_time() - start,
        queries=used,
    )


def _record(step: Step, status: str, reason: str) -> CheckRecord:
    return CheckRecord.model_validate(
        {
            "check": step.request.name,
            "parameters": dict(step.request.parameters),
            "status": status,
            "reason": reason,
        }
    )
