"""Verifies a stored record: its digests, then every number that can be recomputed from what is at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.core.audit import Audit
from harness.core.comparison import Comparison
from harness.core.dataset import Dataset
from harness.core.decision import Decision
from harness.core.finding import CheckRecord, Finding
from harness.engine.judge import judge
from harness.engine.policy_facts import policy_facts, with_required_rules
from harness.engine.progress import Progress, silent
from harness.engine.provenance import harness_version
from harness.engine.records import NAMES, open_record, record_path
from harness.engine.waive import waive
from harness.errors import IntegrityError, UserError
from harness.spec.loading import LoadedSuite
from harness.workflows.baseline import CHECK, with_release_rules
from harness.workflows.recomputing import Gap, Part, Stated, counted, intervals_part, named, require_equal
from harness.workflows.replay import Material, NotAtHandError, rebuilt_data, rebuilt_suite, replay
from harness.workflows.saved_answers import saved_answers
from harness.workflows.verify_comparison import comparison_parts

MEASURES = "the measures"


@dataclass(frozen=True)
class Verification:
    """What of a record was recomputed and agrees, what was not recomputed, and the first difference (None: it is intact)."""

    path: Path
    verified: list[str]
    gaps: list[Gap]
    difference: str | None = None


def records_in(path: Path) -> list[Path]:
    """The record of a file or a run folder, or those of every run folder in a folder; UserError where there is none."""
    if not path.is_dir() or record_path(path).is_file():
        return [path]
    runs = [p for p in sorted(path.iterdir()) if not p.name.startswith(".") and any((p / n).is_file() for n in NAMES)]
    if not runs:
        raise UserError(
            f"{path} holds no {' or '.join(NAMES)}, nor folders that do. Give a record or a folder of runs."
        )
    return runs


def verify(path: Path, material: Material | None = None, progress: Progress = silent) -> Verification:
    """The digests alone first; then intervals, decisions, and the measures that need no further answer of the model.

    Raises:
        UserError: there is no record, or what is named in `material` is not what the record was made from.
    """
    path, verified, gaps = record_path(path), [], []
    try:
        record = open_record(path)
        parts: Iterator[Callable[[], Part]] = (
            comparison_parts(record)
            if isinstance(record, Comparison)
            else _audit_parts(record, path.parent, material or Material(), progress)
        )
        for recompute in parts:
            part = recompute()
            verified += [part.verified] if part.verified else []
            gaps += part.gaps
    except IntegrityError as error:
        text = str(error)
        return Verification(path, verified, gaps, text if text.startswith(str(path)) else f"{path}: {text}.")
    return Verification(path, verified, gaps)


def _audit_parts(record: Audit, folder: Path, material: Material, progress: Progress) -> Iterator[Callable[[], Part]]:
    yield lambda: _digests(record, folder)
    yield lambda: intervals_part(list(_intervals(record)))
    yield lambda: _decisions(record)
    yield lambda: _measures(record, folder, material, progress)


def _digests(record: Audit, folder: Path) -> Part:
    saved = record.predictions
    if saved is not None and (folder / saved.path).is_file():
        return Part(f"digest, evidence_digest and {saved.path}")
    what = saved.path if saved else "the predictions"
    return Part("digest and evidence_digest", [Gap(what, "not beside the record" if saved else "the audit saved none")])


def _intervals(record: Audit) -> Iterator[Stated]:
    for check in record.records:
        for finding in check.findings:
            if finding.interval is not None:
                yield Stated(_where(check, finding), finding.value, finding.interval)
    for decision in record.verdict.decisions:
        if decision.interval is not None:
            yield Stated(_decision(decision), decision.observed, decision.interval)


def _decisions(record: Audit) -> Part:
    """Judged again from the record's own findings and policy, on the recorded day."""
    test_rows = next((split.rows for split in record.data.splits if split.role == "test"), 0)
    again, stored = judge(record.policy.rules, record.records, test_rows), record.verdict
    if record.policy.waivers:
        if stored.judged_on is None:
            raise IntegrityError("verdict: the policy has waivers, but the day of judging is not recorded (judged_on)")
        again = waive(again, record.policy.waivers, stored.judged_on)
    left = set() if _same_version(record) else {"message"}
    for one, other in zip(stored.decisions, again.decisions, strict=False):
        require_equal(
            _decision(one), one.model_dump(mode="json", exclude=left), other.model_dump(mode="json", exclude=left)
        )
    require_equal("verdict, number of decisions", len(stored.decisions), len(again.decisions))
    for name in ("outcome", "waived", "judged_on"):
        require_equal(f"verdict, {name}", str(getattr(stored, name)), str(getattr(again, name)))
    return Part(f"{counted(len(again.decisions), 'decision')} and the verdict, from the findings and the policy")


def _measures(record: Audit, folder: Path, material: Material, progress: Progress) -> Part:
    progress("reading suite and data")
    try:
        loaded = rebuilt_suite(record, folder, material)
        data = rebuilt_data(record, loaded, folder, material)
        gaps = _policy(record, loaded, data)
        progress("measuring")
        pairs, left = replay(record, loaded, data, saved_answers(record, folder), progress)
    except NotAtHandError as missing:
        return Part(None, [Gap(MEASURES, str(missing))])
    for stored, again in pairs:
        _same_check(record, stored, again)
    names = ", ".join(stored.check for stored, _ in pairs)
    verified = f"{len(pairs)} of {len(record.records)} checks, from the data and the saved predictions: {names}"
    return Part(verified if pairs else None, [*gaps, *left])


def _policy(record: Audit, loaded: LoadedSuite, data: Dataset) -> list[Gap]:
    """A record that was not judged again has its suite's rules and waivers, and the rules that every policy must have."""
    if record.rejudged_from is not None:
        return [Gap("the policy", "the record was judged again, so that it need not be the suite's")]
    if any(check.check == CHECK and check.status != "not_tested" for check in record.records):
        loaded = with_release_rules(loaded)
    facts = policy_facts(loaded.suite, data, record.model)
    if record.policy.facts is not None:
        require_equal("policy, facts", record.policy.facts, facts)
    require_equal("policy, rules", record.policy.rules, with_required_rules(loaded.suite, facts).policy)
    require_equal("policy, waivers", record.policy.waivers, loaded.suite.waivers)
    return []


def _same_check(record: Audit, stored: CheckRecord, again: CheckRecord) -> None:
    left = set() if _same_version(record) else {"reason"}
    require_equal(f"{stored.check}, status", stored.status, again.status)
    for one, other in zip(stored.findings, again.findings, strict=False):
        where = _where(stored, one)
        require_equal(where, one.model_dump(mode="json", exclude=left), other.model_dump(mode="json", exclude=left))
    require_equal(f"{stored.check}, number of findings", len(stored.findings), len(again.findings))
    if not left:
        require_equal(f"{stored.check}, reason", stored.reason, again.reason)
    for drawn, redrawn in zip(stored.exhibits, again.exhibits, strict=False):
        require_equal(f"{stored.check}, {drawn.title}", drawn, redrawn)
    require_equal(f"{stored.check}, number of exhibits", len(stored.exhibits), len(again.exhibits))


def _same_version(record: Audit) -> bool:
    """Whether texts are made as they were: a later version may word them in another way."""
    return record.harness.get("version") == harness_version()


def _where(check: CheckRecord, finding: Finding) -> str:
    return f"{check.check}, {named(finding.measure, finding.group, finding.of)}"


def _decision(decision: Decision) -> str:
    return f"decision {decision.rule_id}, {named(decision.measure, decision.group, decision.of)}"
