"""harness audit."""

from __future__ import annotations

from harness.cli import options
from harness.cli.printing import print_verdict, progress, story
from harness.models.options import ModelOptions

EXIT_CODES = {"pass": 0, "fail": 1, "incomplete": 3}


@options.of_a_model()
def audit(
    *,
    suite: options.SuiteName,
    model: options.ModelUri,
    output: options.Outputs = None,
    data: options.OtherData = None,
    train_data: options.TrainData = None,
    trained_on_split: options.TrainedOnSplit = False,
    rows: options.Rows = None,
    of_model: ModelOptions,
    baseline: options.BaselineRecord = None,
    id_key: options.IdKey = None,
) -> int:
    """Audit a model. Exit code: 0 pass, 1 the policy blocks, 3 incomplete."""
    from harness.datasets.roles import DataOptions
    from harness.workflows.audit import AuditRequest
    from harness.workflows.runs import audit_and_write, key_from

    of_data = DataOptions(data, train_data, None, trained_on_split, rows)
    request = AuditRequest(suite, model, of_data, of_model, baseline, id_key=key_from(id_key, output or []))
    with progress() as tell:
        record, written = audit_and_write(request, output or [], tell)
    print_verdict(record, written)
    if baseline is not None and all(rule.measure != "baseline.gain" for rule in record.policy.rules):
        story.print("Note: the suite has no release margins (key release), so nothing was judged against the baseline.")
    return EXIT_CODES[record.verdict.outcome]
