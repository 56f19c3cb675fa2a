"""harness history."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.printing import note, progress, say
from harness.errors import IntegrityError, UserError


def history(
    runs: Annotated[Path, typer.Argument(metavar="[RUNS]", help="The folder of run folders; else runs.")] = Path(
        "runs"
    ),
    suite: Annotated[str | None, typer.Option(help="Only runs of this suite.")] = None,
    model: Annotated[
        str | None, typer.Option(help="Only runs of this model: its URI, its name or its fingerprint.")
    ] = None,
    measure: Annotated[
        str | None, typer.Option(help="The trend of one measure, with the change from run to run.")
    ] = None,
    diff: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="A B", help="What differs between two runs: folder names, digests, or how these begin."),
    ] = None,
    output: Annotated[
        list[Path] | None,
        typer.Option("--output", "-o", help="Where to write the table too, by suffix (.csv .json); repeatable."),
    ] = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Read every record again instead of trusting the index.")
    ] = False,
) -> None:
    """List the runs of a folder, the trend of a measure over them, or what differs between two of them.

    Exit code 4, after the table of the others, if a record or its predictions were changed since they were written.
    """
    from harness.outputs.tables import render_text, write_table
    from harness.workflows.history import TREND_LEGEND, Chosen, differences, list_runs, open_runs, trend

    if diff and (measure or suite or model):
        raise UserError("--diff names its two runs itself. Leave --suite, --model and --measure out.")
    with progress() as tell:
        index = open_runs(runs, tell, rebuild)
    for name in index.others:
        note(f"{runs / name} holds no audit.json: left out")
    chosen = Chosen(suite, model)
    changed = "" if diff else "\n".join(run.reason for run in index.damaged if run.changed)
    if changed and not index.runs():
        raise IntegrityError(changed)
    if diff:
        table = differences(index, runs, *diff)
    else:
        table = trend(index, measure, chosen) if measure else list_runs(index, chosen)
    written = [write_table(table, path) for path in output or []]
    nothing = "Nothing differs but the time of the runs.\n" if diff else f"There is no run in {runs}.\n"
    typer.echo(render_text(table) if table.rows else nothing, nl=False)
    if measure:
        say(TREND_LEGEND)
    for path in written:
        say(f"Written: {path}")
    if changed:
        raise IntegrityError(changed)
