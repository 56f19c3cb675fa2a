"""harness audit."""

from __future__ import annotations

import typer

from harness.cli.options import (
    AllowUnsafeLoad,
    DataFile,
    ModelUri,
    Outputs,
    Rows,
    SuiteName,
    TrainData,
    TrainedOnSplit,
)
from harness.cli.printing import print_verdict, progress

EXIT_CODES = {"pass": 0, "fail": 1, "incomplete": 3}


def audit(
    suite: SuiteName,
    model: ModelUri,
    output: Outputs = None,
    data: DataFile = None,
    train_data: TrainData = None,
    trained_on_split: TrainedOnSplit = False,
    rows: Rows = None,
    allow_unsafe_load: AllowUnsafeLoad = None,
) -> None:
    """Audit a model. Exit code: 0 pass, 1 the policy blocks, 3 incomplete."""
    from harness.datasets.roles import DataOptions
    from harness.workflows.runs import audit_and_write

    options = DataOptions(data, train_data, None, trained_on_split, rows)
    with progress() as tell:
        record, written = audit_and_write(suite, model, options, output or [], tell, allow_unsafe_load)
    print_verdict(record, written)
    raise typer.Exit(EXIT_CODES[record.verdict.outcome])
