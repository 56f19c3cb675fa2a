"""harness plan."""

from __future__ import annotations

from harness.cli import options
from harness.cli.printing import say


def plan(
    suite: options.SuiteName,
    model: options.ModelUri,
    data: options.OtherData = None,
    train_data: options.TrainData = None,
    trained_on_split: options.TrainedOnSplit = False,
    rows: options.Rows = None,
    view: options.View = None,
    label_map: options.LabelMap = None,
    scores: options.ScoresMean = None,
    allow_untrained: options.AllowUntrained = None,
    dtype: options.Dtype = "float32",
    device: options.Device = None,
    window: options.Window = False,
    max_tokens: options.MaxTokens = None,
    price_in: options.PriceIn = None,
    price_out: options.PriceOut = None,
    allow_unsafe_load: options.AllowUnsafeLoad = None,
) -> None:
    """Say what an audit will run, how many calls and tokens, at what price, what can't be tested, and what each rule needs."""
    from harness.datasets.roles import DataOptions
    from harness.models.options import ModelOptions
    from harness.outputs.narrative import about
    from harness.workflows.listing import plan_audit

    asked = ModelOptions(
        view=view,
        allow_unsafe_load=allow_unsafe_load,
        label_map=options.label_map(label_map),
        scores=options.scores(scores),
        allow_untrained=allow_untrained,
        dtype=options.data_type(dtype),
        device=device,
        window=window,
        max_tokens=max_tokens,
        price_in=price_in,
        price_out=price_out,
        probe=False,
    )
    found = plan_audit(suite, model, DataOptions(data, train_data, None, trained_on_split, rows), asked)
    say(f"{found.rows} rows to answer ({', '.join(found.plan.roles) or 'none'}), {found.calls} of them not yet kept")
    if found.tokens is not None:
        say(f"about {found.tokens:,} tokens" + (f", about {found.cost:.4g} by the prices given" if found.cost else ""))
    for step in found.plan.steps:
        say(f"{step.request.name:30} " + (f"{step.status}: {step.reason}" if step.status else "will run"))
    for forecast in found.forecasts:
        who = about(forecast.group, forecast.of)
        say(f"{forecast.rule.id + (f' ({who})' if who else ''):40} {forecast.text}")
