"""harness rows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import SuiteName
from harness.cli.printing import say


def rows(
    suite: SuiteName,
    output: Annotated[Path, typer.Option("--output", "-o", help="The CSV file to write.")],
    view: Annotated[str, typer.Option(help="columns, text or prompt: what the model reads.")] = "columns",
    role: Annotated[str, typer.Option(help="test, calibration or train.")] = "test",
    id_key: Annotated[
        Path | None,
        typer.Option("--id-key", help="Add a column row_hash: what reports made with this key call each row."),
    ] = None,
) -> None:
    """Write the rows to score elsewhere; audit the answers with --model predictions.csv."""
    from harness.workflows.listing import write_rows

    say(f"{write_rows(suite, role, output, view, id_key)} rows written to {output}")
