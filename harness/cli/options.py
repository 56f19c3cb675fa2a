"""Options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

SuiteName = Annotated[str, typer.Argument(metavar="SUITE", help="A built-in suite's name, or a path to a YAML file.")]
RecordPath = Annotated[Path, typer.Argument(metavar="RECORD", help="An audit.json or a run folder.")]
ModelUri = Annotated[
    str,
    typer.Option("--model", help="A .skops file, a fitted folder, saved predictions, or python:module:factory."),
]
Outputs = Annotated[
    list[str] | None,
    typer.Option(
        "--output",
        "-o",
        help="Where to write, kind by suffix (.html .json .xml .md) or KIND=PATH; repeatable.",
    ),
]
DataFile = Annotated[Path | None, typer.Option("--data", help="Other data: every row of it is a test row.")]
TrainData = Annotated[
    Path | None,
    typer.Option("--train-data", help="The rows that the model was trained on, for the privacy check."),
]
TrainedOnSplit = Annotated[
    bool,
    typer.Option("--trained-on-split", help="State that the model was trained on the suite's training split."),
]
Rows = Annotated[
    int | None,
    typer.Option("--rows", min=1, help="Audit a seeded sample of this many test rows; the record says so."),
]
AllowUnsafeLoad = Annotated[
    str | None,
    typer.Option(
        "--allow-unsafe-load",
        metavar="REASON",
        help="Open a pickle although it can run any code; the reason stands in the record.",
    ),
]
