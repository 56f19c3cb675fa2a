"""harness schema."""

from __future__ import annotations

from typing import Annotated

import typer


def schema(kind: Annotated[str, typer.Argument(metavar="KIND", help="suite, policy, audit or comparison.")]) -> None:
    """Print a JSON Schema: of a suite or a policy for your editor, of a record for your own tools."""
    from harness.spec.schema import schema_text

    typer.echo(schema_text(kind), nl=False)
