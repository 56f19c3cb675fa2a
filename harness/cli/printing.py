"""What the command line says: the verdict on stdout, the story on stderr; all of it as text that no terminal obeys."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from harness.core.safe_text import one_line, shown
from harness.engine.progress import Progress, silent

if TYPE_CHECKING:
    from harness.core.audit import Audit
    from harness.core.comparison import Comparison

story = Console(stderr=True)


def say(text: str) -> None:
    """A line of the result, on stdout: what a name holds can't begin another one."""
    typer.echo(one_line(text))


def note(text: str) -> None:
    """What is told beside the result, on stderr; it may have several lines."""
    story.print(shown(text), markup=False, emoji=False, highlight=False, soft_wrap=True)


def print_error(text: str) -> None:
    """An error as every verb shows it."""
    story.print("Error: ", style="bold red", end="")
    note(text)


class PrintedWarnings(logging.Handler):
    """Shows the warnings of the logger `harness`."""

    def emit(self, record: logging.LogRecord) -> None:
        """Prints one."""
        story.print(f"Warning: {record.getMessage()}", markup=False, highlight=False, soft_wrap=True)


def print_verdict(record: Audit, written: list[Path]) -> None:
    """What makes the numbers void, what the model does and how scores become answers; one line a rule, worst first; then every
    waiver, the verdict, the evidence digest and the files.
    """
    from harness.engine.disclosure import for_readers
    from harness.outputs.first_page import decision_line, first_sentences, to_whom, what_it_does
    from harness.outputs.narrative import line, verdict_reason, verdict_words, worst_first
    from harness.outputs.origin import origin
    from harness.outputs.waivers import waiver_rows

    record = for_readers(record)
    for sentence in (*first_sentences(record), what_it_does(record), to_whom(record), decision_line(record)):
        if sentence:
            say(sentence)
    for decision in worst_first(record.verdict.decisions):
        say(line(decision))
    for row in waiver_rows(record):
        say(f"{'Waiver':14} {row.line}")
    say(f"Verdict: {verdict_words(record).upper()}. {verdict_reason(record)}")
    for sentence in origin(record):
        note(sentence)
    say(f"Evidence {record.evidence_digest}")
    for path in written:
        say(f"Written: {path}")


def print_choice(found: Comparison, written: list[Path]) -> None:
    """The recommendation, then the digest and the files."""
    from harness.engine.disclosure import for_readers
    from harness.outputs.recommendation import recommendation

    for sentence in recommendation(for_readers(found)):
        say(sentence)
    say(f"Evidence {found.evidence_digest}")
    for path in written:
        say(f"Written: {path}")


@contextmanager
def progress() -> Iterator[Progress]:
    """A bar on a terminal, with the time left where the end is known; nothing elsewhere."""
    if not story.is_terminal:
        yield silent
        return
    from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:.0f}/s" if task.speed and task.total else "")

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=story, transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def tell(text: str, done: int = 0, total: int = 0) -> None:
            bar.update(task, description=one_line(text), completed=done, total=total or None)

        yield tell
