"""The command line: parse, call one workflow, print, exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.core.audit import Audit

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"auto_envvar_prefix": "HARNESS"},
    help="Audit a vertical model: accuracy, bias, privacy leakage and explanations, judged from intervals.\n\n"
    "Start with [bold]harness demo[/bold]. Exit codes: 0 pass, 1 the policy blocks, 2 wrong input, 3 incomplete, "
    "4 integrity failure, 70 internal error, 130 interrupted.",
)
story = Console(stderr=True)
EXIT_CODES = {"pass": 0, "fail": 1, "incomplete": 3}

SuiteName = Annotated[str, typer.Argument(metavar="SUITE", help="A built-in suite's name, or a path to a YAML file.")]
ModelUri = Annotated[
    str,
    typer.Option("--model", help="A .skops file, a fitted folder, saved predictions, or python:module:factory."),
]
Outputs = Annotated[
    list[str] | None,
    typer.Option(
        "--output",
        "-o",
        help="Where to write, kind by suffix (.html .json .xml .md) or KIND=PATH; repeatable.",
    ),
]
DataFile = Annotated[Path | None, typer.Option("--data", help="Other data: every row of it is a test row.")]
TrainData = Annotated[
    Path | None,
    typer.Option("--train-data", help="The rows that the model was trained on, for the privacy check."),
]
TrainedOnSplit = Annotated[
    bool,
    typer.Option("--trained-on-split", help="State that the model was trained on the suite's training split."),
]
Rows = Annotated[
    int | None,
    typer.Option("--rows", min=1, help="Audit a seeded sample of this many test rows; the record says so."),
]


def main() -> None:
    """Runs the command line; user mistakes end in a message, never in a traceback."""
    try:
        app(standalone_mode=True)
    except HarnessError as error:
        story.print("Error: ", style="bold red", end="")
        story.print(str(error), markup=False, highlight=False, soft_wrap=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:  # noqa: BLE001 - the last resort says how to report
        story.print(f"Internal error: {type(error).__name__}: {error}", markup=False)
        story.print(
            "This is a bug. Report it with the command you typed; set HARNESS_TRACEBACK=1 to see where.",
            markup=False,
        )
        if os.environ.get("HARNESS_TRACEBACK"):
            story.print_exception()
        sys.exit(70)


@app.command()
def suites() -> None:
    """List the built-in suites."""
    from harness.spec.loading import built_in_suites, load_suite

    for name in built_in_suites():
        suite = load_suite(name).suite
        typer.echo(f"{name:42} {suite.title.get('en', ''):28} {len(suite.checks)} checks, {len(suite.policy)} rules")


@app.command()
def show(
    suite: SuiteName,
    yaml: Annotated[bool, typer.Option("--yaml", help="Print the file itself, to copy.")] = False,
) -> None:
    """Show a suite: its data, checks and rules, each with its reason."""
    from harness.resources import resource_folder
    from harness.spec.loading import load_suite

    loaded = load_suite(suite)
    if yaml:
        path = Path(suite) if suite.endswith((".yaml", ".yml")) else resource_folder("suites") / f"{suite}.yaml"
        typer.echo(path.read_text(encoding="utf-8"), nl=False)
        return
    typer.echo(f"{loaded.suite.name} v{loaded.suite.version}: {loaded.suite.title.get('en', '')}")
    typer.echo(f"data      {loaded.suite.data.source}, label {loaded.suite.data.label.column}")
    typer.echo(f"sensitive {', '.join(loaded.suite.data.sensitive) or 'none'}")
    for request in loaded.suite.checks:
        typer.echo(f"check     {request.name}")
    for rule in loaded.suite.policy:
        typer.echo(
            f"rule      {rule.id}: {rule.measure} {rule.limit_text()} ({rule.severity}). {rule.reason} [{rule.source}]"
        )


@app.command()
def validate(suite: SuiteName) -> None:
    """Check a suite file and its data: all problems at once, with line numbers."""
    from harness.workflows.listing import validate as validate_suite

    loaded = validate_suite(suite)
    typer.echo(
        f"{loaded.suite.name} is valid: {len(loaded.suite.checks)} checks, {len(loaded.suite.policy)} rules. {loaded.digest}"
    )


@app.command()
def rows(
    suite: SuiteName,
    output: Annotated[Path, typer.Option("--output", "-o", help="The CSV file to write.")],
    role: Annotated[str, typer.Option(help="test, calibration or train.")] = "test",
) -> None:
    """Write the rows to score elsewhere; audit the answers with --model predictions.csv."""
    from harness.workflows.listing import write_rows

    typer.echo(f"{write_rows(suite, role, output)} rows written to {output}")


@app.command()
def fit(
    suite: SuiteName,
    base: Annotated[
        str,
        typer.Option(help="sklearn:logistic-regression, sklearn:gradient-boosting or sklearn:random-forest."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to write.")],
) -> None:
    """Train a reference model on the suite's training split only."""
    from harness.workflows.fit import fit as fit_model

    with _progress() as say:
        say(f"fitting {base}")
        count = fit_model(suite, base, output)
    typer.echo(f"{base} fitted on {count} training rows, saved in {output}")


@app.command()
def plan(
    suite: SuiteName,
    model: ModelUri,
    data: DataFile = None,
    train_data: TrainData = None,
    trained_on_split: TrainedOnSplit = False,
) -> None:
    """Say what an audit will run, how many rows the model must answer, and what can't be tested and why."""
    from harness.datasets.roles import DataOptions
    from harness.workflows.listing import plan_audit

    steps, count = plan_audit(suite, model, DataOptions(data, train_data, None, trained_on_split))
    typer.echo(f"{count} rows to answer ({', '.join(steps.roles) or 'none'})")
    for step in steps.steps:
        typer.echo(f"{step.request.name:30} " + (f"{step.status}: {step.reason}" if step.status else "will run"))


@app.command()
def audit(
    suite: SuiteName,
    model: ModelUri,
    output: Outputs = None,
    data: DataFile = None,
    train_data: TrainData = None,
    trained_on_split: TrainedOnSplit = False,
    sample: Rows = None,
) -> None:
    """Audit a model. Exit code: 0 pass, 1 the policy blocks, 3 incomplete."""
    from harness.datasets.roles import DataOptions
    from harness.workflows.runs import audit_and_write

    options = DataOptions(data, train_data, None, trained_on_split, sample)
    with _progress() as say:
        record, written = audit_and_write(suite, model, options, output or [], say)
    _print_verdict(record, written)
    raise typer.Exit(EXIT_CODES[record.verdict.outcome])


@app.command()
def judge(
    record: Annotated[Path, typer.Argument(help="An audit.json or a run folder.")],
    policy: Annotated[
        Path | None,
        typer.Option(help="A policy file (a mapping with the key policy); else the record's own."),
    ] = None,
    output: Outputs = None,
) -> None:
    """Judge stored evidence again, without the model."""
    from harness.outputs.writing import write
    from harness.spec.loading import load_policy
    from harness.workflows.audit import rejudge
    from harness.workflows.listing import load_audit

    stored = load_audit(record)
    judged = rejudge(stored, load_policy(policy) if policy else stored.policy.rules)
    _print_verdict(judged, [write(judged, target) for target in output or []])
    raise typer.Exit(EXIT_CODES[judged.verdict.outcome])


@app.command()
def report(
    record: Annotated[Path, typer.Argument(help="An audit.json or a run folder.")],
    output: Annotated[list[str], typer.Option("--output", "-o", help="Where to write, kind by suffix; repeatable.")],
) -> None:
    """Draw a stored record again, without the model."""
    from harness.outputs.writing import write
    from harness.workflows.listing import load_audit

    stored = load_audit(record)
    for target in output:
        typer.echo(write(stored, target))


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where to put the model and the run.")] = Path("runs/demo"),
) -> None:
    """Fit and audit a gradient-boosting model on real mortgage data, then say where the report lies."""
    from harness.datasets.roles import DataOptions
    from harness.workflows.fit import fit as fit_model
    from harness.workflows.runs import audit_and_write

    suite, model = "finance/credit-risk", folder / "model"
    with _progress() as say:
        say("fitting sklearn:gradient-boosting on 2,380 mortgage applications")
        fit_model(suite, "sklearn:gradient-boosting", model)
        targets = [str(folder / name) for name in ("audit.json", "report.html", "junit.xml", "summary.md")]
        record, written = audit_and_write(suite, str(model), DataOptions(), targets, say)
    _print_verdict(record, written)


def _print_verdict(record: Audit, written: list[Path]) -> None:
    from harness.outputs.narrative import OUTCOME_WORDS, about, summary, worst_first

    for d in worst_first(record.verdict.decisions):
        who = about(d.group, d.of)
        typer.echo(f"{OUTCOME_WORDS[d.outcome]:14} {d.rule_id}{f' ({who})' if who else ''}: {d.message}")
    typer.echo(f"Verdict: {OUTCOME_WORDS[record.verdict.outcome].upper()}. {summary(record)}")
    typer.echo(f"Evidence {record.evidence_digest}")
    for path in written:
        typer.echo(f"Written: {path}")


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    if not story.is_terminal:
        yield lambda _: None
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=story, transient=True
    ) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda text: bar.update(task, description=text)
