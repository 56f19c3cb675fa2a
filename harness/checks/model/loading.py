"""How the model was opened: what a reader must know before trusting it.

Runs in every audit. `unsafe_load` is 1 where a pickle was opened on purpose (the reason is given), `user_code` is 1 where
the user's own code answered, `label_contradicts_score` counts rows whose label is not the class with the model's largest probability,
`unlearned_classes` classes of the data that the model does not know, `untrained_weights` weights that a model's files lack or hold beyond its
config, `not_finite_answers` texts or rows for which the model gave no finite number,
`truncated_texts` counts distinct texts cut to the model's context, `unknown_tokens` is the share of their tokens that its vocabulary lacks, `empty_texts` texts without a character, `refused_answers` and
`unreadable_answers` those that got no class, `truncated_answers` those that were cut off at the token budget (no rule is judged on them), `unscored_answers` those that got a class but no probabilities where others did, `precision_change` is the largest change of a probability that a smaller data type
makes on 64 test rows, `damaged_cache_rows` counts cached sizes and predictions that did not match their checksum and were recomputed, `threshold` is that of a zero-shot model's score. All are counts or values of the very rows, judged on their value. Limitation: a model's own files are not searched for tampering.
"""

from __future__ import annotations

import numpy as np

from harness.core.finding import Finding
from harness.core.predictions import Predictions
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement

MEASURES = (
    *("unsafe_load", "user_code", "unlearned_classes", "untrained_weights", "truncated_texts", "empty_texts"),
    *(
        "not_finite_answers",
        "unknown_tokens",
        "refused_answers",
        "unreadable_answers",
        "unscored_answers",
        "precision_change",
    ),
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


def _contradictions(evidence: Evidence) -> Finding:
    """Rows of the shared pass whose own label has a smaller probability than another class."""
    rows = contrary = 0
    for own in _answers(evidence):
        if own.scores is not None and own.answered.any():
            known = own.only(own.answered)
            place = {name: k for k, name in enumerate(known.classes)}
            assert known.scores is not None
            of_label = known.scores[np.arange(len(known.labels)), [place[name] for name in known.labels]]
            contrary += int((of_label < known.scores.max(axis=1) - 1e-9).sum())
            rows += len(known.labels)
    why = (
        "the model's own label is not the class with its largest probability; the label is its answer"
        if contrary
        else None
    )
    return _count("label_contradicts_score", contrary, rows, why)


def _not_finite(evidence: Evidence) -> Finding:
    """Rows without an answer of a model that reads columns."""
    answers = _answers(evidence)
    without = sum(int((~own.answered).sum()) for own in answers)
    why = "the model gave no label, or no finite number: they count as not answered" if without else None
    return _count("not_finite_answers", without, sum(len(own.labels) for own in answers), why)


def _answers(evidence: Evidence) -> list[Predictions]:
    return [evidence.own_predictions(role) for role in evidence.data.splits if evidence.has_predictions(role)]


def _count(name: str, value: int, rows: int, why: str | None) -> Finding:
    return Finding(
        measure=f"model.{name}", value=value, n=max(1, rows), exact=True, better="lower", unit="rows", reason=why
    )


def loading(evidence: Evidence) -> Measurement:
    """The adapter's warnings; 0 for each that it did not give."""
    given = {finding.measure: finding for finding in evidence.model_warnings}
    names = [f"model.{name}" for name in MEASURES]
    findings = [_contradictions(evidence), *_threshold(evidence)]
    if evidence.model.view == "columns":
        findings.append(_not_finite(evidence))
        names.remove("model.not_finite_answers")
    return Measurement(
        findings
        + [given.get(name) or Finding(measure=name, value=0, n=1, exact=True, better="lower") for name in names]
    )
