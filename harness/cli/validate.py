"""harness validate."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli.printing import say
from harness.errors import SuiteError, UserError


def validate(
    suites: Annotated[list[str], typer.Argument(metavar="SUITE...", help="Built-in names, or paths to YAML files.")],
) -> None:
    """Check suite files and their data: all problems of all of them at once, with line numbers."""
    from harness.workflows.listing import validate as validate_suite

    problems = []
    for suite in suites:
        try:
            loaded = validate_suite(suite)
        except UserError as error:
            problems.append(str(error))
            continue
        counts = f"{len(loaded.suite.checks)} checks, {len(loaded.suite.policy)} rules"
        if waivers := len(loaded.suite.waivers):
            counts += f", {waivers} waiver{'s' if waivers > 1 else ''}"
        say(f"{loaded.suite.name} is valid: {counts}. {loaded.digest}")
    if problems:
        raise SuiteError("\n".join(problems))
