"""harness validate."""

from __future__ import annotations

import typer

from harness.cli.options import SuiteName


def validate(suite: SuiteName) -> None:
    """Check a suite file and its data: all problems at once, with line numbers."""
    from harness.workflows.listing import validate as validate_suite

    loaded = validate_suite(suite)
    counts = f"{len(loaded.suite.checks)} checks, {len(loaded.suite.policy)} rules"
    typer.echo(f"{loaded.suite.name} is valid: {counts}. {loaded.digest}")
