"""Compares a vertical model with general ones on the same items, and chooses."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from harness.checks.baseline.differences import paired_differences, unpaired_differences
from harness.checks.baseline.sides import Sides
from harness.core.comparison import Choice, ComparedModel, Comparison, Difference, Margin, Margins, NotCompared
from harness.core.decision import Decision
from harness.core.finding import Exhibit
from harness.core.required_rules import guessing_rule
from harness.core.safe_text import without_credentials
from harness.datasets.roles import DataOptions
from harness.engine import provenance
from harness.engine.choosing import NO_GUARD, Compared, choose
from harness.engine.judge import judge
from harness.engine.progress import Progress, silent
from harness.engine.row_hashes import IdKey, row_hashes
from harness.engine.warned import warned
from harness.errors import DataError, ModelError, SuiteError
from harness.models.options import ModelOptions
from harness.spec.loading import load_suite
from harness.spec.suite import Suite
from harness.workflows.audit import AuditRequest, AuditRun, run_audit
from harness.workflows.exhibits import Costs, cost_difference, disagreements, errors_table, power_table
from harness.workflows.learning_curve import TITLE, learning_curve

TIMED = {"columns": 200, "text": 16, "prompt": 4}
FAMILIES = ("performance", "bias", "privacy", "explainability", "robustness", "efficiency")
DEFAULT_REASON = "The suite states no margin of its own (key compare), so any sure difference counts"


@dataclass(frozen=True)
class CompareRequest:
    """What is compared and how. `guard_suite` is the general or safety set; `costs` are what errors cost; `id_key` as of an audit."""

    suite: str | Path
    vertical: str
    general: tuple[str, ...]
    data: DataOptions = field(default_factory=DataOptions)
    model_options: ModelOptions = field(default_factory=ModelOptions)
    guard_suite: str | None = None
    costs: Costs | None = None
    learning_curve: bool = False
    id_key: IdKey | None = None


def compare(request: CompareRequest, progress: Progress = silent) -> Comparison:
    """Audits every model on the same test rows, takes the paired differences, and decides by the suite's margins.

    Several general models are each compared with the vertical one at level 1 - 0.05 / their number (Bonferroni).

    Raises:
        DataError: the models were not answered on the same test rows.
        SuiteError: a margin names what no check measures.
    """
    with warned() as warnings:
        return _compare(request, progress, warnings)


def _compare(request: CompareRequest, progress: Progress, warnings: list[str]) -> Comparison:
    started, clock = datetime.now(UTC), time.monotonic()
    loaded = load_suite(request.suite)
    margins, source = _margins(loaded.suite)
    runs = [_run(request, uri, progress) for uri in (request.vertical, *request.general)]
    names = _names([request.vertical, *request.general])
    level = 1 - 0.05 / len(request.general)
    differences: list[Difference] = []
    choices: list[Choice] = []
    for run, uri, name in zip(runs[1:], request.general, names[1:], strict=True):
        found = _differences(runs[0], run, request.costs)
        of_guard = _guard(request, uri, margins, progress)
        skills = [_skill(one) for one in (runs[0], run)]
        compared = Compared(found, *of_guard, _test_rows(runs[0]), *skills)
        choices.append(choose(margins, compared, name, level))
        differences += [d.model_copy(update={"against": name}) for d in [*found, *(compared.guard or [])]]
    progress("timing")
    models = [
        _compared("general" if i else "vertical", n, r, request)
        for i, (n, r) in enumerate(zip(names, runs, strict=True))
    ]
    curve, gaps = _learning(request, runs[0], margins, progress)
    exhibits = [*_exhibits(request, runs, names, margins, differences), *([curve] if curve else [])]
    body = {
        "schema": "vertical-harness/comparison/1",
        "suite": runs[0].record.suite.model_dump(mode="json"),
        "data": runs[0].record.data.model_dump(mode="json"),
        "models": [model.model_dump(mode="json") for model in models],
        "margins": margins.model_dump(mode="json"),
        "margins_source": source,
        "level": level,
        "differences": [d.model_dump(mode="json") for d in differences],
        "choices": [choice.model_dump(mode="json") for choice in choices],
        "decision": overall(choices).model_dump(mode="json"),
        "not_compared": [n.model_dump(mode="json") for n in [*_not_compared(differences, models), *gaps]],
        "notes": _notes(runs, names),
        "exhibits": [e.model_dump(mode="json") for e in exhibits],
        "row_hashes": None if request.id_key is None else row_hashes(request.id_key, exhibits),
        "harness": runs[0].record.harness,
        "environment": runs[0].record.environment,
        "started": started.isoformat(timespec="milliseconds"),
        "seconds": round(time.monotonic() - clock, 3),
        "warnings": warnings,
    }
    return _sealed(body)


def overall(choices: list[Choice]) -> Choice:
    """One decision over all general models: the vertical one is chosen only against every one of them."""
    outcomes = [choice.outcome for choice in choices]
    for outcome in ("choose_general", "trade_off", "inconclusive", "no_difference", "choose_vertical"):
        if outcome in outcomes:
            worst = [choice for choice in choices if choice.outcome == outcome]
            needed = [choice.n_needed for choice in worst if choice.n_needed]
            return worst[0].model_copy(update={"n_needed": max(needed) if needed else None})
    raise ValueError("a comparison needs one general model at least")


def _skill(run: AuditRun) -> list[Decision]:
    """Whether the model beats guessing, whatever the suite's author asks beyond it; nothing where no true answer exists."""
    if run.evidence.suite.data.label.column is None:
        return []
    rule = guessing_rule(run.evidence.suite.task)
    return judge([rule], run.record.records, _test_rows(run)).decisions


def _run(request: CompareRequest, uri: str, progress: Progress) -> AuditRun:
    def tell(text: str, done: int = 0, total: int = 0) -> None:
        progress(f"{_names([uri])[0]}: {text}", done, total)

    run = run_audit(AuditRequest(request.suite, uri, request.data, request.model_options), progress=tell)
    if run.evidence.exhausted:
        raise ModelError(f"{uri}: {run.evidence.exhausted}. Nothing is compared on a part of the rows.")
    return run


def _margins(suite: Suite) -> tuple[Margins, str]:
    margins = suite.compare
    if margins is None:
        main = {"regression": "performance.mae", "choice": "performance.accuracy"}.get(suite.task)
        main = main or ("performance.accuracy" if suite.data.label.positive is None else "performance.roc_auc")
        return Margins(
            superior=Margin(measure=main, by=0.0, reason=DEFAULT_REASON, source="the harness's default")
        ), "default"
    return margins, "suite"


def _differences(vertical: AuditRun, general: AuditRun, costs: Costs | None) -> list[Difference]:
    sides = _sides(vertical, general)
    paired = paired_differences(sides)
    if costs is not None and (found := cost_difference(sides, costs)) is not None:
        paired.append(found)
    return [*paired, *unpaired_differences(vertical.record.records, general.record.records, paired)]


def _sides(vertical: AuditRun, general: AuditRun) -> Sides:
    one, other = vertical.evidence, general.evidence
    test = one.data.splits["test"]
    if list(test.ids) != list(other.data.splits["test"].ids):
        raise DataError("The models were not answered on the same test rows, so nothing can be paired.")
    rng = one.generator("compare")
    return Sides(one.suite, one.data, test, one.predictions("test"), other.predictions("test"), rng)


def _guard(
    request: CompareRequest, general: str, margins: Margins, progress: Progress
) -> tuple[list[Difference] | None, str]:
    """The differences on the guard suite, or why there are none."""
    if request.guard_suite is None or margins.guard is None:
        why = NO_GUARD if request.guard_suite is None else "the suite states no margin for a guard set (compare.guard)"
        return None, why
    asked = replace(request, suite=request.guard_suite, data=DataOptions(rows=request.data.rows))
    try:
        runs = [_run(asked, uri, progress) for uri in (request.vertical, general)]
    except (ModelError, SuiteError) as error:
        return None, f"{request.guard_suite} can't be asked of both models: {error}"
    found = [d for d in _differences(runs[0], runs[1], None) if d.measure == margins.guard.measure]
    return [d.model_copy(update={"guard_suite": request.guard_suite}) for d in found], ""


def _compared(role: Literal["vertical", "general"], name: str, run: AuditRun, request: CompareRequest) -> ComparedModel:
    evidence, record = run.evidence, run.record
    timed = None
    if evidence.model.kind not in ("predictions", "openai-server"):
        timed = evidence.seconds_per_row(TIMED.get(evidence.model.view, 16))
    usage, cost = record.usage, None
    if usage is not None and usage.cost is not None and usage.calls:
        cost = 1000 * usage.cost / usage.calls
    return ComparedModel(
        role=role,
        name=name,
        info=record.model,
        verdict=record.verdict.outcome,
        evidence_digest=record.evidence_digest,
        members=record.data.members,
        skill=_skill(run),
        threshold=evidence.decision.point.threshold,
        decision=record.decision,
        seconds_per_1000=None if timed is None else float(f"{1000 * timed[0]:.3g}"),
        timed_rows=None if timed is None else timed[1],
        cost_per_1000=cost,
        usage=usage,
    )


def _not_compared(differences: list[Difference], models: list[ComparedModel]) -> list[NotCompared]:
    """Whole families first, then single measures that are undefined."""
    measured = {d.measure.partition(".")[0] for d in differences if d.value is not None}
    timed = [model for model in models if model.seconds_per_1000 is not None]
    found = []
    for family in FAMILIES:
        if family == "efficiency" and len(timed) == len(models):
            continue
        if family not in measured:
            why = "no measure of this family has an interval for both models"
            if family == "privacy" and any(model.members == "unknown" for model in models):
                unknown = ", ".join(model.name for model in models if model.members == "unknown")
                why = f"members unknown: which rows {unknown} was trained on is not recorded"
            if family == "efficiency":
                why = "saved answers and servers have no time of their own: " + ", ".join(
                    m.name for m in models if m not in timed
                )
            found.append(NotCompared(what=family, reason=why))
    reasons: dict[str, list[str]] = {}
    for d in differences:
        if d.value is None:
            about = ", ".join(f"{k}: {v}" for k, v in {**(d.group or {}), **(d.of or {})}.items())
            name = f"{d.measure} ({about})" if about else d.measure
            if name not in reasons.setdefault(d.reason or "", []):
                reasons[d.reason or ""].append(name)
    return [*found, *(NotCompared(what="; ".join(names), reason=why) for why, names in reasons.items())]


def _notes(runs: list[AuditRun], names: list[str]) -> list[str]:
    record, notes = runs[0].record, []
    card = record.data.card
    readers = [
        n for n, r in zip(names, runs, strict=True) if r.record.model.view in ("prompt", "text") and not _fitted(r)
    ]
    if card is not None and card.public and readers:
        notes.append(
            f"Contamination: {card.title} is public, so {', '.join(readers)} may have seen its rows in training; figures of "
            "such a model may be too good."
        )
    if record.data.sampled_rows:
        notes.append(f"A seeded sample of {record.data.sampled_rows} test rows was compared.")
    return notes


def _fitted(run: AuditRun) -> bool:
    return run.record.data.members == "fitted"


def _learning(
    request: CompareRequest, vertical: AuditRun, margins: Margins, progress: Progress
) -> tuple[Exhibit | None, list[NotCompared]]:
    if not request.learning_curve:
        return None, [NotCompared(what=TITLE.lower(), reason="it was not asked for (--learning-curve)")]
    return learning_curve(vertical.evidence, margins.superior, request.model_options, progress)


def _exhibits(
    request: CompareRequest,
    runs: list[AuditRun],
    names: list[str],
    margins: Margins,
    differences: list[Difference],
) -> list[Exhibit]:
    evidence = [run.evidence for run in runs]
    found = [
        power_table(margins.superior, differences),
        disagreements(evidence, names),
        errors_table(evidence, names, request.costs),
    ]
    return [exhibit for exhibit in found if exhibit is not None]


def _names(uris: Iterable[str]) -> list[str]:
    """Short names, each once: the last part of a URI, with a number where two are alike."""
    found: list[str] = []
    for uri in uris:
        uri = without_credentials(uri)
        short = uri.rstrip("/").rpartition("/")[2] or uri
        same = sum(name == short or name.startswith(f"{short} (") for name in found)
        found.append(f"{short} ({same + 1})" if same else short)
    return found


def _test_rows(run: AuditRun) -> int:
    return len(run.evidence.data.splits["test"])


def _sealed(body: dict[str, Any]) -> Comparison:
    body = Comparison.model_validate({**body, "evidence_digest": "", "digest": ""}).model_dump(
        mode="json", by_alias=True
    )
    body["evidence_digest"] = provenance.comparison_digest(body)
    body["digest"] = provenance.record_digest(body)
    return Comparison.model_validate(body)
