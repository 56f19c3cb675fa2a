"""Runs the planned checks; a crash of one check becomes its record and never a pass."""

from __future__ import annotations

import copy
import time

from harness.core.finding import CheckRecord
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement
from harness.engine.planner import Plan, Step
from harness.engine.progress import Progress
from harness.engine.registry import CheckEntry
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
    try:
        return _measured(step, evidence)
    except (UserError, KeyboardInterrupt):
        raise
    except Exhausted as limit:
        return _record(step, "not_tested", str(limit))
    except SystemExit as error:
        return _record(step, "error", f"the check crashed: it called sys.exit({error.code})")
    except BaseException as error:  # noqa: BLE001 - the one place where a crash becomes a record
        return _record(step, "error", f"the check crashed: {type(error).__name__}: {error}")


def _measured(step: Step, evidence: Evidence) -> CheckRecord:
    parameters, third_party = step.request.parameters, step.entry.third_party
    seen = evidence.isolated() if third_party else evidence
    before, start = seen.queries, time.process_time()
    measurement = step.entry.run(seen, copy.deepcopy(parameters))
    seconds, used = time.process_time() - start, seen.queries - before
    if third_party:
        evidence.queries += used
    if not isinstance(measurement, Measurement):
        return _record(step, "error", f"the check gave back {type(measurement).__name__}. Wanted: a Measurement")
    if not used and "predictions" in step.entry.needs and (test := evidence.split("test")) is not None:
        used = len(test)
    if undeclared := step.entry.undeclared(finding.measure for finding in measurement.findings):
        return _record(step, "error", _undeclared(step.entry, undeclared))
    record = CheckRecord(
        check=step.request.name,
        parameters=dict(parameters),
        status=measurement.status,
        reason=measurement.reason,
        findings=measurement.findings,
        exhibits=measurement.exhibits,
        seconds=seconds,
        queries=used,
    )
    # Read back, so that findings are valid and no reference to them remains with the check.
    return CheckRecord.model_validate(record.model_dump(mode="json")) if third_party else record


def _undeclared(entry: CheckEntry, measures: list[str]) -> str:
    given = f"the check gave the measure {', '.join(measures)}, which it does not declare."
    declared = entry.declared()
    if declared is None:
        return f"{given} It declares none, so its measures must begin with {entry.name}."
    return f"{given} Declared: {', '.join(declared) or 'none'}"


def _record(step: Step, status: str, reason: str) -> CheckRecord:
    return CheckRecord.model_validate(
        {
            "check": step.request.name,
            "parameters": dict(step.request.parameters),
            "status": status,
            "reason": reason,
        }
    )
