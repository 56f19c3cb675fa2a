"""How the model was opened: what a reader must know before trusting it.

Runs in every audit. `unsafe_load` is 1 where a pickle was opened on purpose (the reason is given), `user_code` is 1 where
the user's own code answered, `label_contradicts_score` counts saved labels that differ from their scores' choice,
`truncated_texts` counts distinct texts cut to the model's context, `unknown_tokens` is the share of their tokens that its vocabulary lacks, `empty_texts` texts without a character, `refused_answers` and
`unreadable_answers` those that got no class, `truncated_answers` those that were cut off at the token budget (no rule is judged on them), `unscored_answers` those that got a class but no probabilities where others did, `precision_change` is the largest change of a probability that a smaller data type
makes on 64 test rows, `damaged_cache_rows` counts cached sizes and predictions that did not match their checksum and were recomputed, `threshold` is that of a zero-shot model's score. All are counts or values of the very rows, judged on their value. Limitation: a model's own files are not searched for tampering.
"""

from __future__ import annotations

from harness.core.finding import Finding
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement

MEASURES = (
    *("unsafe_load", "user_code", "label_contradicts_score", "truncated_texts", "empty_texts"),
    *("unknown_tokens", "refused_answers", "unreadable_answers", "unscored_answers", "precision_change"),
    *("truncated_answers", "damaged_cache_rows"),
)


def _threshold(evidence: Evidence) -> list[Finding]:
    """Of a zero-shot model alone; what the suite's decision sets is measured by performance.decision."""
    point = evidence.decision.point
    if point.mode != "balanced_accuracy" or point.threshold is None:
        return []
    why = "the model's threshold is not calibrated: balanced accuracy on the calibration split is highest here"
    n = point.calibration_rows or 0
    return [Finding(measure="model.threshold", value=point.threshold, n=n, exact=True, reason=why)]


def loading(evidence: Evidence) -> Measurement:
    """The adapter's warnings; 0 for each that it did not give."""
    given = {finding.measure: finding for finding in evidence.model_warnings}
    names = [f"model.{name}" for name in MEASURES]
    findings = _threshold(evidence)
    return Measurement(
        findings
        + [given.get(name) or Finding(measure=name, value=0, n=1, exact=True, better="lower") for name in names]
    )
