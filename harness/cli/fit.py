"""harness fit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.options import Device, SuiteName
from harness.cli.printing import progress, say


def fit(
    suite: SuiteName,
    base: Annotated[
        str,
        typer.Option(
            help="sklearn:logistic-regression, sklearn:gradient-boosting, sklearn:random-forest; sklearn:tfidf for texts; "
            "or a transformer to fine-tune: bundled:minilm, hf:org/name, a folder."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write.")],
    epochs: Annotated[int, typer.Option(min=1, help="Of fine-tuning; the best on a validation part is kept.")] = 4,
    freeze: Annotated[
        int, typer.Option(min=-1, help="Layers from the bottom that stay as they are; -1: all but the head.")
    ] = 0,
    learning_rate: Annotated[float, typer.Option(help="Of fine-tuning.")] = 1e-4,
    device: Device = None,
) -> None:
    """Train a reference model on the suite's training split only."""
    from harness.fitting.text import Recipe
    from harness.workflows.fit import fit as fit_model

    recipe = Recipe(epochs=epochs, freeze=freeze, learning_rate=learning_rate, device=device)
    with progress() as tell:
        tell(f"fitting {base}")
        count = fit_model(suite, base, output, recipe, tell)
    say(f"{base} fitted on {count} training rows, saved in {output}")
