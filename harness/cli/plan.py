"""harness plan."""

from __future__ import annotations

from dataclasses import replace

from harness.cli import options
from harness.cli.printing import say
from harness.models.options import ModelOptions


@options.of_a_model("max_calls", "max_cost", "concurrency")
def plan(
    *,
    suite: options.SuiteName,
    model: options.ModelUri,
    data: options.OtherData = None,
    train_data: options.TrainData = None,
    trained_on_split: options.TrainedOnSplit = False,
    rows: options.Rows = None,
    of_model: ModelOptions,
) -> None:
    """Say what an audit will run, how many calls and tokens, at what price, what can't be tested, and what each rule needs."""
    from harness.datasets.roles import DataOptions
    from harness.outputs.narrative import about
    from harness.workflows.listing import plan_audit

    of_data = DataOptions(data, train_data, None, trained_on_split, rows)
    found = plan_audit(suite, model, of_data, replace(of_model, probe=False))
    say(f"{found.rows} rows to answer ({', '.join(found.plan.roles) or 'none'}), {found.calls} of them not yet kept")
    if found.tokens is not None:
        say(f"about {found.tokens:,} tokens" + (f", about {found.cost:.4g} by the prices given" if found.cost else ""))
    for step in found.plan.steps:
        say(f"{step.request.name:30} " + (f"{step.status}: {step.reason}" if step.status else "will run"))
    for forecast in found.forecasts:
        who = about(forecast.group, forecast.of)
        say(f"{forecast.rule.id + (f' ({who})' if who else ''):40} {forecast.text}")
