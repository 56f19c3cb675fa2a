"""harness verify."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options
from harness.cli.printing import print_error, progress, say
from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.workflows.verify import Verification


def verify(
    record: Annotated[
        Path,
        typer.Argument(
            metavar="RECORD", help="An audit.json, a comparison.json, a run folder, or a folder of run folders."
        ),
    ],
    suite: Annotated[
        str | None, typer.Option(help="The suite of the record, where its recorded path or name does not lead to it.")
    ] = None,
    data: options.OtherData = None,
    train_data: options.TrainData = None,
) -> int:
    """Check a record's digests, then recompute its intervals, decisions and, where suite, data and predictions are at hand, measures.

    Needs no model. Says what was recomputed and what was not, and why. Exit code 4 names the first difference.
    """
    from harness.workflows.replay import Material
    from harness.workflows.verify import records_in
    from harness.workflows.verify import verify as verified

    worst = 0
    for path in records_in(record):
        try:
            with progress() as tell:
                found = verified(path, Material(suite, data, train_data), tell)
        except HarnessError as error:
            print_error(str(error))
            worst = max(worst, error.exit_code)
            continue
        _print(found)
        worst = max(worst, 4 if found.difference else 0)
    return worst


def _print(found: Verification) -> None:
    for text in found.verified:
        say(f"{'Verified':15} {text}")
    for gap in found.gaps:
        say(f"{'Not recomputed':15} {gap.what}: {gap.reason}")
    if found.difference:
        print_error(found.difference)
        return
    count = len(found.gaps)
    left = f"; {count} part{'s were' if count > 1 else ' was'} not recomputed" if count else ""
    say(f"{found.path}: what was recomputed agrees{left}.")
