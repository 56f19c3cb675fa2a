"""harness report."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli.options import RecordPath


def report(
    record: RecordPath,
    output: Annotated[list[str], typer.Option("--output", "-o", help="Where to write, kind by suffix; repeatable.")],
) -> None:
    """Draw a stored record again, without the model."""
    from harness.outputs.writing import write
    from harness.workflows.records import load_audit

    stored = load_audit(record)
    for target in output:
        typer.echo(write(stored, target))
