"""The command line: one verb, one file; errors end in a message and an exit code, never in a traceback."""

from __future__ import annotations

import functools
import logging
import os
import sys
import traceback
from collections.abc import Callable
from typing import ParamSpec

import typer

from harness.cli.audit import audit
from harness.cli.compare import compare
from harness.cli.demo import demo
from harness.cli.fit import fit
from harness.cli.history import history
from harness.cli.init import init
from harness.cli.interrupts import Terminated, ending_in_time
from harness.cli.judge import judge
from harness.cli.plan import plan
from harness.cli.printing import PrintedWarnings, note, print_error, story
from harness.cli.report import report
from harness.cli.rows import rows
from harness.cli.schema import schema
from harness.cli.show import show
from harness.cli.suites import suites
from harness.cli.supervisor import runs_code_of_others, supervised
from harness.cli.validate import validate
from harness.cli.verify import verify
from harness.engine.durable import refusal
from harness.engine.plugins import what_happened
from harness.engine.warned import warned
from harness.errors import HarnessError, UserError

P = ParamSpec("P")
INTERNAL_ERROR = HarnessError.exit_code
VERBS = (suites, show, init, validate, rows, fit, plan, audit, compare, judge, verify, report, history, schema, demo)

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    context_settings={"auto_envvar_prefix": "HARNESS", "help_option_names": ["-h", "--help"]},
    help="Audit a vertical model: accuracy, bias, privacy leakage and explanations, judged from intervals.\n\n"
    "Start with [bold]harness demo[/bold]. Every option can be given as an environment variable: "
    "HARNESS_AUDIT_MODEL is --model of audit.\n\n"
    "Exit codes: 0 pass, 1 the policy blocks, 2 wrong input, 3 incomplete, "
    "4 integrity failure, 70 internal error, 130 interrupted.",
)


def main() -> None:
    """Runs the command line; in a supervised process where code that we don't ship can run."""
    sys.exit(supervised(_run) if runs_code_of_others(sys.argv[1:], os.environ) else ending_in_time(_run))


def _run() -> int:
    """Runs the command line in this process; its exit code."""
    logging.getLogger("harness").addHandler(PrintedWarnings())
    try:
        app()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except OSError:  # not even the error could be printed
        return UserError.exit_code
    return INTERNAL_ERROR


def _guarded(verb: Callable[P, int | None]) -> Callable[P, None]:
    """The verb, with every error turned into a message and an exit code; a verb that returns none ends with 0.

    Only what the verb returns can become 0: whatever ends it otherwise, `sys.exit(0)` in a plugin included, is an error.
    """

    @functools.wraps(verb)
    def run(*arguments: P.args, **options: P.kwargs) -> None:
        try:
            with warned():
                code = verb(*arguments, **options)
        except HarnessError as error:
            print_error(str(error))
            raise typer.Exit(error.exit_code or INTERNAL_ERROR) from error
        except KeyboardInterrupt as error:
            story.print("Terminated." if isinstance(error, Terminated) else "Interrupted.")
            raise typer.Exit(130) from error
        except BrokenPipeError:
            raise
        except OSError as error:
            _leave_a_broken_output()
            print_error(f"{error.filename or 'Standard output or a file'} can't be used: {refusal(error)}.")
            raise typer.Exit(UserError.exit_code) from error
        except SystemExit as error:
            print_error(f"a plugin {what_happened(error, 'before the command had finished')}.")
            raise typer.Exit(INTERNAL_ERROR) from error
        except BaseException as error:
            note(f"Internal error: {type(error).__name__}: {error}")
            story.print("This is a bug. Report it with the command you typed; HARNESS_TRACEBACK=1 shows where.")
            if os.environ.get("HARNESS_TRACEBACK"):
                note(traceback.format_exc())
            raise typer.Exit(INTERNAL_ERROR) from error
        raise typer.Exit(code or 0)

    return run


def _leave_a_broken_output() -> None:
    """Gives up a standard output that takes no more: what is buffered for it would fail again at the process's end."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


for _verb in VERBS:
    app.command()(_guarded(_verb))
