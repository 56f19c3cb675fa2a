"""harness compare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options
from harness.cli.printing import print_choice, progress
from harness.models.options import ModelOptions

if TYPE_CHECKING:
    from harness.workflows.exhibits import Costs

EXIT_CODES = {"choose_vertical": 0, "choose_general": 1, "no_difference": 1, "trade_off": 1, "inconclusive": 3}


@options.of_a_model("view", "max_calls", "max_cost", "allow_unsafe_load")
def compare(
    *,
    suite: options.SuiteName,
    vertical: Annotated[str, typer.Option(help="The vertical model: a URI as --model of audit takes.")],
    general: Annotated[list[str], typer.Option(help="A general model; repeatable.")],
    output: options.Outputs = None,
    guard_suite: Annotated[
        str | None, typer.Option(help="A general or safety suite on which the chosen model must not be worse.")
    ] = None,
    cost_missed: Annotated[float | None, typer.Option(help="What a missed positive costs.")] = None,
    cost_false_alarm: Annotated[float | None, typer.Option(help="What a false alarm costs, in the same unit.")] = None,
    learning_curve: Annotated[
        bool, typer.Option("--learning-curve", help="Fit the vertical model again to parts of its training rows.")
    ] = False,
    data: options.OtherData = None,
    train_data: options.TrainData = None,
    trained_on_split: options.TrainedOnSplit = False,
    rows: options.Rows = None,
    of_model: ModelOptions,
    gate: options.Gate = False,
    id_key: options.IdKey = None,
) -> int:
    """Vertical or general? Paired differences on the same items, and a choice by the suite's margins.

    A model is chosen if it is better on the domain by the suite's margin, and not worse on bias and on a guard set. Exit code 0
    whatever is chosen, unless --gate is given.
    """
    from harness.datasets.roles import DataOptions
    from harness.workflows.compare import CompareRequest
    from harness.workflows.runs import compare_and_write, key_from

    costs = _costs(cost_missed, cost_false_alarm)
    of_data = DataOptions(data, train_data, None, trained_on_split, rows)
    key = key_from(id_key, output or [])
    request = CompareRequest(
        suite, vertical, tuple(general), of_data, of_model, guard_suite, costs, learning_curve, key
    )
    with progress() as tell:
        found, written = compare_and_write(request, output or [], tell)
    print_choice(found, written)
    return EXIT_CODES[found.decision.outcome] if gate else 0


def _costs(missed: float | None, false_alarm: float | None) -> Costs | None:
    from harness.errors import UserError
    from harness.workflows.exhibits import Costs

    if missed is None and false_alarm is None:
        return None
    if missed is None or false_alarm is None:
        raise UserError("Costs come in pairs. Give both --cost-missed and --cost-false-alarm, or neither.")
    return Costs(missed, false_alarm)
