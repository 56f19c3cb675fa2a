"""harness judge."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.audit import EXIT_CODES
from harness.cli.options import Outputs, RecordPath
from harness.cli.printing import print_verdict


def judge(
    record: RecordPath,
    policy: Annotated[
        Path | None,
        typer.Option(help="A policy file (a mapping with the keys policy and waivers); else the record's own."),
    ] = None,
    output: Outputs = None,
) -> int:
    """Judge stored evidence again, without the model, under the waivers that hold today (UTC). Exit codes as of audit."""
    from harness.engine.records import open_audit
    from harness.outputs.writing import write
    from harness.spec.loading import load_policy
    from harness.workflows.audit import rejudge

    stored = open_audit(record)
    judged = rejudge(stored, load_policy(policy) if policy else None, datetime.now(UTC).date())
    print_verdict(judged, [write(judged, target) for target in output or []])
    return EXIT_CODES[judged.verdict.outcome]
