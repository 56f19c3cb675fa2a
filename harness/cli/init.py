"""harness init."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.printing import note, say


def init(
    data: Annotated[
        str, typer.Option("--data", help="Your data: CSV, Parquet, JSON lines, or a name such as hf:org/name#split.")
    ],
    label: Annotated[str | None, typer.Option(help="The label's column.")] = None,
    positive: Annotated[
        str | None, typer.Option(help="The positive class, or for numbers the least positive one.")
    ] = None,
    favourable: Annotated[str | None, typer.Option(help="The class that is good for the person.")] = None,
    sensitive: Annotated[list[str] | None, typer.Option(help="A sensitive column; repeatable.")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The suite to write.")] = Path("suite.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Write over a suite that is there already.")] = False,
) -> None:
    """Write a starter suite for your own data: roles guessed, each guess with its reason."""
    from harness.workflows.init import Wishes, init

    starter = init(data, output, Wishes(label, positive, favourable, tuple(sensitive or ())), force=force)
    for warning in starter.warnings:
        note(f"Warning: {warning}")
    say(f"Written: {output}")
    say("Decide by hand:")
    for line in starter.decide:
        say(f"- {line}")
    say(f"Then: harness validate {output}")
