"""harness audit."""

from __future__ import annotations

from harness.cli import options
from harness.cli.printing import print_verdict, progress, story

EXIT_CODES = {"pass": 0, "fail": 1, "incomplete": 3}


def audit(
    suite: options.SuiteName,
    model: options.ModelUri,
    output: options.Outputs = None,
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
    max_calls: options.MaxCalls = None,
    max_cost: options.MaxCost = None,
    max_tokens: options.MaxTokens = None,
    concurrency: options.Concurrency = 4,
    price_in: options.PriceIn = None,
    price_out: options.PriceOut = None,
    allow_unsafe_load: options.AllowUnsafeLoad = None,
    baseline: options.BaselineRecord = None,
    id_key: options.IdKey = None,
) -> int:
    """Audit a model. Exit code: 0 pass, 1 the policy blocks, 3 incomplete."""
    from harness.datasets.roles import DataOptions
    from harness.models.options import ModelOptions
    from harness.workflows.audit import AuditRequest
    from harness.workflows.runs import audit_and_write, key_from

    asked = ModelOptions(
        view=view,
        allow_unsafe_load=allow_unsafe_load,
        label_map=options.label_map(label_map),
        scores=options.scores(scores),
        allow_untrained=allow_untrained,
        dtype=options.data_type(dtype),
        device=device,
        window=window,
        max_calls=max_calls,
        max_cost=max_cost,
        max_tokens=max_tokens,
        concurrency=concurrency,
        price_in=price_in,
        price_out=price_out,
    )
    of_data = DataOptions(data, train_data, None, trained_on_split, rows)
    request = AuditRequest(suite, model, of_data, asked, baseline, id_key=key_from(id_key, output or []))
    with progress() as tell:
        record, written = audit_and_write(request, output or [], tell)
    print_verdict(record, written)
    if baseline is not None and all(rule.measure != "baseline.gain" for rule in record.policy.rules):
        story.print("Note: the suite has no release margins (key release), so nothing was judged against the baseline.")
    return EXIT_CODES[record.verdict.outcome]
