"""harness show."""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli.options import SuiteName
from harness.cli.printing import say


def show(
    suite: SuiteName,
    yaml: Annotated[bool, typer.Option("--yaml", help="Print the file itself, to copy.")] = False,
) -> None:
    """Show a suite: its data, checks and rules, each with its reason."""
    from harness.outputs.narrative import about
    from harness.spec.loading import load_suite

    loaded = load_suite(suite)
    if yaml:
        typer.echo(loaded.path.read_text(encoding="utf-8"), nl=False)
        return
    say(f"{loaded.suite.name} v{loaded.suite.version}: {loaded.suite.title.get('en', '')}")
    say(f"data      {loaded.suite.data.source}, label {loaded.suite.data.label.column}")
    say(f"sensitive {', '.join(loaded.suite.data.sensitive) or 'none'}")
    for request in loaded.suite.checks:
        say(f"check     {request.name}")
    for rule in loaded.suite.policy:
        limit = f"{rule.measure} {rule.limit_text()} ({rule.severity})"
        say(f"rule      {rule.id}: {limit}. {rule.reason} [{rule.source}]")
    for waiver in loaded.suite.waivers:
        whom = about(waiver.group, waiver.of)
        say(
            f"waiver    {waiver.rule}{f' ({whom})' if whom else ''}: until {waiver.expires} by {waiver.owner}. {waiver.reason}"
        )
