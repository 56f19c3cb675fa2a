"""Writes a starter suite for the user's own data: every guess explained, and what to decide by hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.datasets.column_roles import (
    FEW,
    LabelChoice,
    choose_label,
    guess_columns,
    looks_like_data,
    require_columns,
)
from harness.datasets.outcomes import guess_outcome
from harness.datasets.reading import read_guessed, read_names
from harness.engine.durable import write_file
from harness.errors import DataError, UserError
from harness.workflows.leaks import find_leaks
from harness.workflows.starter import Starter, write_starter
from harness.workflows.survey import Survey

if TYPE_CHECKING:
    import pandas as pd

HEADER = (
    "The first line of the file was taken for the columns' names, but holds numbers only. If the file has no header, add one: "
    "else its first row is lost."
)


@dataclass(frozen=True)
class Wishes:
    """What the user says of their data; None is guessed."""

    label: str | None = None
    positive: str | None = None
    favourable: str | None = None
    sensitive: tuple[str, ...] = ()


def init(data: str | Path, target: Path, wishes: Wishes, *, force: bool = False) -> Starter:
    """Reads the data, a file or a name, and writes the suite to `target`; of a name, what it stood for is written.

    Raises:
        UserError: the target is there already, and `force` is not given.
        DataError: the data can't be read, hold no label, or lack a column or class that the user named.
    """
    if target.exists() and not force:
        raise UserError(
            f"{target} is there already, and what you wrote in it would be lost. Give another name: -o FILE, or --force."
        )
    found, read = read_guessed(data)
    table = found.table
    require_columns(table, [] if wishes.label is None else [wishes.label])
    choice = (
        LabelChoice(wishes.label, "named by you") if wishes.label is not None else choose_label(table, wishes.sensitive)
    )
    label = choice.column
    if label in wishes.sensitive:
        raise DataError(f"{label!r} is the label, so it can't be sensitive too. Leave out --sensitive {label}.")
    guesses = guess_columns(_labelled(table, label), label, list(wishes.sensitive))
    found, read = read_names(data, read, [label, *(guess.column for guess in guesses if guess.role == "sensitive")])
    table = found.table
    if table[label].dtype.kind not in "iuf" or table[label].nunique() <= FEW:
        table = table.assign(**{label: found.read.written[label].where(table[label].notna(), None)})
    labelled = _labelled(table, label)
    guesses = guess_columns(labelled, label, list(wishes.sensitive))
    outcome = guess_outcome(labelled[label], label, wishes.positive, wishes.favourable)
    source = Path(data).resolve()
    shown = found.origin or (source.name if source.parent == target.resolve().parent else str(source))
    survey = Survey(
        source=shown,
        read=read,
        table=labelled,
        unlabelled=len(table) - len(labelled),
        label=choice,
        outcome=outcome,
        guesses=guesses,
        leaks=find_leaks(labelled, guesses, label, outcome),
        remarks=(HEADER,) if looks_like_data([str(name) for name in table.columns]) else (),
    )
    starter = write_starter(survey)
    write_file(target, starter.text.encode())
    return starter


def _labelled(table: pd.DataFrame, label: str) -> pd.DataFrame:
    labelled = table.dropna(subset=[label])
    if not len(labelled):
        raise DataError(f"Every row of {label!r} is empty. Name another column: --label COLUMN.")
    return labelled
