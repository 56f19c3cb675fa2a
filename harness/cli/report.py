"""harness report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.printing import say


def report(
    record: Annotated[Path, typer.Argument(metavar="RECORD", help="An audit.json, a comparison.json or a run folder.")],
    output: Annotated[list[str], typer.Option("--output", "-o", help="Where to write, kind by suffix; repeatable.")],
) -> None:
    """Draw a stored record again, without the model."""
    from harness.engine.records import open_record
    from harness.outputs.writing import write

    stored = open_record(record)
    for target in output:
        say(str(write(stored, target)))
