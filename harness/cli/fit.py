"""harness fit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import SuiteName
from harness.cli.printing import progress


def fit(
    suite: SuiteName,
    base: Annotated[
        str,
        typer.Option(help="sklearn:logistic-regression, sklearn:gradient-boosting or sklearn:random-forest."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write.")],
) -> None:
    """Train a reference model on the suite's training split only."""
    from harness.workflows.fit import fit as fit_model

    with progress() as tell:
        tell(f"fitting {base}")
        count = fit_model(suite, base, output)
    typer.echo(f"{base} fitted on {count} training rows, saved in {output}")
