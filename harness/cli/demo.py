"""harness demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from harness.cli.printing import print_verdict, progress


def demo(
    folder: Annotated[Path, typer.Option(help="Where to put the model and the run.")] = Path("runs/demo"),
) -> None:
    """Fit and audit a gradient-boosting model on real mortgage data, then say where the report lies."""
    from harness.workflows.audit import AuditRequest
    from harness.workflows.fit import fit
    from harness.workflows.runs import OUTPUTS, audit_and_write

    suite, model = "finance/credit-risk", folder / "model"
    with progress() as tell:
        tell("fitting sklearn:gradient-boosting on 2,380 mortgage applications")
        fit(suite, "sklearn:gradient-boosting", model)
        targets = [str(folder / name) for name in OUTPUTS]
        record, written = audit_and_write(AuditRequest(suite, str(model)), targets, tell)
    print_verdict(record, written)
