"""Audits a model with a suite: plan, predict once, check, judge, record."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from harness.core.audit import Audit
from harness.core.comparison import release_rules
from harness.core.dataset import Dataset
from harness.core.finding import CheckRecord
from harness.core.names import portable
from harness.core.required_rules import PolicyFacts
from harness.core.rule import Rule
from harness.core.safe_text import in_every_text, without_credentials
from harness.core.waiver import Waiver
from harness.datasets.roles import DataOptions
from harness.engine import provenance
from harness.engine.durable import write_file
from harness.engine.evidence import Evidence, Model
from harness.engine.judge import judge
from harness.engine.planner import Plan, plan
from harness.engine.policy_facts import policy_facts, with_required_rules, with_required_rules_of
from harness.engine.progress import Progress, silent
from harness.engine.row_hashes import IdKey, row_hashes
from harness.engine.rule_problems import problems_of_rules
from harness.engine.run_index import earlier_audits
from harness.engine.runner import run
from harness.engine.text_pass import TextPass
from harness.engine.waive import waive
from harness.engine.warned import warned
from harness.errors import SuiteError
from harness.models.options import ModelOptions
from harness.spec.loading import LoadedSuite, Policy, digest_of, load_suite
from harness.workflows.baseline import CHECK, against_baseline
from harness.workflows.opening import open_model, wrap_model

Keep = Callable[[bytes], str]
"""Saves a file and gives its name."""


def audit(
    suite: str | Path,
    model: str,
    options: DataOptions | None = None,
    run_folder: Path | None = None,
    progress: Progress = silent,
    model_options: ModelOptions | None = None,
) -> Audit:
    """Runs the suite on the model; with a run folder the predictions are saved there as predictions.parquet."""
    keep = None if run_folder is None else partial(keep_in, run_folder)
    request = AuditRequest(suite, model, options or DataOptions(), model_options or ModelOptions())
    return run_audit(request, keep, progress).record


@dataclass(frozen=True)
class AuditRequest:
    """What is audited and how. `baseline` is an earlier release's record (or its run folder) to compare with.

    `runs` is the folder of runs in which earlier audits of the same test rows are counted; None counts none. `id_key` is the key
    of the hashes that reports show for row ids; without one they show numbers.
    """

    suite: str | Path
    model: str
    data: DataOptions = field(default_factory=DataOptions)
    model_options: ModelOptions = field(default_factory=ModelOptions)
    baseline: Path | None = None
    runs: Path | None = None
    id_key: IdKey | None = None


@dataclass(frozen=True)
class AuditRun:
    """A finished audit: its record, and the evidence that it was made from."""

    record: Audit
    evidence: Evidence


def run_audit(request: AuditRequest, keep: Keep | None = None, progress: Progress = silent) -> AuditRun:
    """As `audit`; `keep` is given the predictions as a Parquet file and says under what name it saved them."""
    with warned() as warnings:
        return _run_audit(request, keep, progress, warnings)


def _run_audit(request: AuditRequest, keep: Keep | None, progress: Progress, warnings: list[str]) -> AuditRun:
    started, clock = datetime.now(UTC), time.monotonic()
    loaded = load_suite(request.suite)
    progress("reading data and model")
    found, data = open_model(request.model, loaded, request.data, request.model_options)
    earlier = None
    if request.baseline is not None:
        loaded, earlier = against_baseline(loaded, data, request.baseline)
    facts = policy_facts(loaded.suite, data, found.info)
    loaded = replace(loaded, suite=with_required_rules(loaded.suite, facts))
    opened = wrap_model(found, loaded.suite, request.model_options, progress)
    steps = plan(loaded.suite, data, opened.info)
    evidence = Evidence(loaded.suite, data, opened, loaded.suite.seed, earlier)
    progress("predicting")
    evidence.collect(steps.roles)
    records = run(steps, evidence, progress)
    saved = _save(keep, evidence, steps) if keep and not evidence.exhausted else None
    body = _assembled(loaded, opened, data, records)
    policy = _Policy(loaded.suite.policy, loaded.suite.waivers, facts)
    body |= _judged(policy, records, _test_rows(body["data"]), started.date())
    body |= {
        "earlier_audits": _earlier(request.runs, body["data"], progress),
        "predictions": saved,
        "decision": evidence.decision.point.model_dump(mode="json"),
        "row_hashes": None
        if request.id_key is None
        else row_hashes(request.id_key, (e for r in records for e in r.exhibits)),
        "usage": opened.usage().model_dump() if isinstance(opened, TextPass) else None,
        "warnings": warnings,
        "started": started.isoformat(timespec="milliseconds"),
        "seconds": round(time.monotonic() - clock, 3),
    }
    return AuditRun(_sealed(body), evidence)


def rejudge(stored: Audit, policy: Policy | None, day: date) -> Audit:
    """The same evidence on this day, under another policy or its own; SuiteError where a rule of another policy names no known measure, or has a
    limit that nothing or everything meets."""
    rules, waivers = stored.policy.rules, stored.policy.waivers
    if policy is not None:
        waivers = policy.waivers
        has_baseline = any(record.check == CHECK for record in stored.records)
        rules = policy.policy + (release_rules(policy.release) if has_baseline else [])
        if problems := problems_of_rules(rules):
            raise SuiteError("\n".join(problems))
    rules = with_required_rules_of(stored, rules)
    body = stored.model_dump(mode="json", by_alias=True)
    body |= {"rejudged_from": stored.digest}
    judged = _Policy(rules, waivers, stored.policy.facts)
    return _sealed(body | _judged(judged, stored.records, _test_rows(body["data"]), day))


@dataclass(frozen=True)
class _Policy:
    rules: list[Rule]
    waivers: list[Waiver]
    facts: PolicyFacts | None


def _judged(policy: _Policy, records: list[CheckRecord], test_rows: int, day: date) -> dict[str, Any]:
    """The policy and the verdict as they stand in the record."""
    return {
        "policy": {
            "digest": digest_of([*policy.rules, *policy.waivers]),
            "rules": [rule.model_dump(mode="json") for rule in policy.rules],
            "waivers": [waiver.model_dump(mode="json") for waiver in policy.waivers],
            "facts": None if policy.facts is None else asdict(policy.facts),
        },
        "verdict": waive(judge(policy.rules, records, test_rows), policy.waivers, day).model_dump(mode="json"),
    }


def _assembled(loaded: LoadedSuite, model: Model, data: Dataset, records: list[CheckRecord]) -> dict[str, Any]:
    suite = loaded.suite
    part = {
        "fingerprint": data.fingerprint,
        "rows": data.rows,
        "duplicates_dropped": data.duplicates_dropped,
        "splits": [
            {"role": role, "rows": len(split), "ids_digest": provenance.sha256_texts(list(split.ids))}
            for role, split in sorted(data.splits.items())
            if len(split)
        ],
        "card": None if data.card is None else in_every_text(data.card.model_dump(mode="json"), without_credentials),
        "members": data.members,
        "sampled_rows": data.sampled_rows,
        "source": data.origin,
    }
    return {
        "schema": "vertical-harness/audit/1",
        "suite": {
            "name": suite.name,
            "uri": portable(str(loaded.path)),
            "version": suite.version,
            "digest": loaded.digest,
            "vertical": suite.vertical,
            "task": suite.task,
            "title": suite.title,
            "words": suite.data.words.model_dump(exclude_defaults=True),
            "seed": suite.seed,
            "extends": [parent.model_dump(mode="json") for parent in loaded.parents],
        },
        "model": in_every_text(model.info.model_dump(mode="json"), without_credentials),
        "data": part,
        "records": [record.model_dump(mode="json") for record in records],
        "system": suite.system.model_dump(mode="json"),
        "harness": {"version": provenance.harness_version()},
        "environment": provenance.environment(getattr(model, "accelerator", None)),
    }


def _sealed(body: dict[str, Any]) -> Audit:
    body = {**body, "digest_version": provenance.DIGEST_VERSION, "evidence_digest": "", "digest": ""}
    body = Audit.model_validate(body).model_dump(mode="json", by_alias=True)
    body["evidence_digest"] = provenance.evidence_digest(body)
    body["digest"] = provenance.record_digest(body)
    return Audit.model_validate(body)


def _test_rows(data: dict[str, Any]) -> int:
    return next((int(split["rows"]) for split in data["splits"] if split["role"] == "test"), 0)


def _earlier(runs: Path | None, data: dict[str, Any], progress: Progress) -> dict[str, int] | None:
    test = next((str(split["ids_digest"]) for split in data["splits"] if split["role"] == "test"), "")
    found = earlier_audits(runs, (data["fingerprint"], test), progress)
    return None if found is None else found.model_dump()


def keep_in(folder: Path, content: bytes) -> str:
    """Saves the predictions in a folder of their own run."""
    return write_file(folder / "predictions.parquet", content).name


def _save(keep: Keep, evidence: Evidence, steps: Plan) -> dict[str, str] | None:
    import pandas as pd

    frames = []
    for role in steps.roles:
        split = evidence.split(role)
        if split is not None:
            frames.append(_frame(role, list(split.ids), evidence))
    if not frames:
        return None
    content = pd.concat(frames, ignore_index=True).to_parquet(index=False)
    return {"path": keep(content), "sha256": provenance.sha256_bytes(content)}


def _frame(role: str, ids: list[str], evidence: Evidence) -> Any:
    """The model's own labels and scores, and its answers at the decision, where that is not its own labels."""
    import pandas as pd

    answers = evidence.own_predictions(role)
    scores = (
        {} if answers.scores is None else {f"score:{c}": answers.scores[:, i] for i, c in enumerate(answers.classes)}
    )
    decided = {} if evidence.decision.point.own_labels else {"decision": evidence.predictions(role).labels}
    return pd.DataFrame({"id": ids, "role": role, "label": answers.labels, **decided, **scores})
