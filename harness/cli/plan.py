"""harness plan."""

from __future__ import annotations

import typer

from harness.cli.options import AllowUnsafeLoad, DataFile, ModelUri, SuiteName, TrainData, TrainedOnSplit


def plan(
    suite: SuiteName,
    model: ModelUri,
    data: DataFile = None,
    train_data: TrainData = None,
    trained_on_split: TrainedOnSplit = False,
    allow_unsafe_load: AllowUnsafeLoad = None,
) -> None:
    """Say what an audit will run, how many rows the model must answer, and what can't be tested and why."""
    from harness.datasets.roles import DataOptions
    from harness.workflows.listing import plan_audit

    options = DataOptions(data, train_data, None, trained_on_split)
    steps, count = plan_audit(suite, model, options, allow_unsafe_load)
    typer.echo(f"{count} rows to answer ({', '.join(steps.roles) or 'none'})")
    for step in steps.steps:
        typer.echo(f"{step.request.name:30} " + (f"{step.status}: {step.reason}" if step.status else "will run"))
