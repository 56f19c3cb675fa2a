"""Audits a model with a suite: plan, predict once, check, judge, record."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, cast

from harness.core.audit import Audit
from harness.core.dataset import Dataset
from harness.core.finding import CheckRecord
from harness.core.names import portable
from harness.core.predictions import Predictions
from harness.core.rule import Rule
from harness.datasets.roles import DataOptions
from harness.engine import provenance
from harness.engine.durable import write_file
from harness.engine.evidence import Evidence, Model
from harness.engine.judge import judge
from harness.engine.planner import Plan, plan
from harness.engine.progress import Progress, silent
from harness.engine.registry import validate_measures
from harness.engine.runner import run
from harness.engine.text_pass import Limits, TextModel, TextPass
from harness.errors import SuiteError
from harness.models.options import ModelOptions
from harness.spec.loading import LoadedSuite, digest_of, load_suite
from harness.spec.suite import Suite
from harness.workflows.opening import answer_cache, open_model

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
    keep = None if run_folder is None else partial(_keep_in, run_folder)
    return audit_keeping(suite, model, options, keep, progress, model_options)


def audit_keeping(
    suite: str | Path,
    model: str,
    options: DataOptions | None,
    keep: Keep | None,
    progress: Progress,
    model_options: ModelOptions | None,
) -> Audit:
    """As `audit`; `keep` is given the predictions as a Parquet file and says under what name it saved them."""
    started, clock = datetime.now(UTC), time.monotonic()
    loaded = load_suite(suite)
    progress("reading data and model")
    asked = model_options or ModelOptions()
    found, data = open_model(model, loaded, options or DataOptions(), asked)
    opened = passable(found, loaded.suite, asked, progress)
    steps = plan(loaded.suite, data, opened.info)
    evidence = Evidence(loaded.suite, data, opened, loaded.suite.seed)
    progress("predicting")
    evidence.collect(steps.roles)
    records = run(steps, evidence, progress)
    saved = _save(keep, evidence, steps) if keep and not evidence.exhausted else None
    body = _assembled(loaded, opened, data, records) | {
        "predictions": saved,
        "usage": opened.usage().model_dump() if isinstance(opened, TextPass) else None,
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - clock, 3),
    }
    return _sealed(body)


def passable(found: Model | TextModel, suite: Suite, options: ModelOptions, progress: Progress) -> Model:
    """A model of columns as it is; a model of texts behind the batched, cached pass."""
    if not hasattr(found, "score"):
        return found
    return TextPass(
        cast(TextModel, found), suite, answer_cache(found.info), Limits(options.max_calls, options.max_cost), progress
    )


def rejudge(stored: Audit, rules: list[Rule]) -> Audit:
    """The same evidence under another policy; SuiteError where a rule names no known measure."""
    if problems := validate_measures(rules):
        raise SuiteError("\n".join(problems))
    body = stored.model_dump(mode="json", by_alias=True)
    body["policy"] = {"digest": digest_of(rules), "rules": [rule.model_dump(mode="json") for rule in rules]}
    body["verdict"] = judge(rules, stored.records, _test_rows(body["data"])).model_dump(mode="json")
    return _sealed(body)


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
        "card": None if data.card is None else data.card.model_dump(mode="json"),
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
            "seed": suite.seed,
        },
        "model": model.info.model_dump(mode="json"),
        "data": part,
        "records": [record.model_dump(mode="json") for record in records],
        "policy": {
            "digest": digest_of(suite.policy),
            "rules": [rule.model_dump(mode="json") for rule in suite.policy],
        },
        "verdict": judge(suite.policy, records, _test_rows(part)).model_dump(mode="json"),
        "system": suite.system.model_dump(mode="json"),
        "harness": {"version": provenance.harness_version()},
        "environment": provenance.environment(),
    }


def _sealed(body: dict[str, Any]) -> Audit:
    body = {**body, "evidence_digest": "", "digest": ""}
    body = Audit.model_validate(body).model_dump(mode="json", by_alias=True)
    body["evidence_digest"] = provenance.evidence_digest(body)
    body["digest"] = provenance.record_digest(body)
    return Audit.model_validate(body)


def _test_rows(data: dict[str, Any]) -> int:
    return next((int(split["rows"]) for split in data["splits"] if split["role"] == "test"), 0)


def _keep_in(folder: Path, content: bytes) -> str:
    return write_file(folder / "predictions.parquet", content).name


def _save(keep: Keep, evidence: Evidence, steps: Plan) -> dict[str, str] | None:
    import pandas as pd

    frames = []
    for role in steps.roles:
        split = evidence.split(role)
        if split is not None:
            frames.append(_frame(role, list(split.ids), evidence.predictions(role)))
    if not frames:
        return None
    content = pd.concat(frames, ignore_index=True).to_parquet(index=False)
    return {"path": keep(content), "sha256": provenance.sha256_bytes(content)}


def _frame(role: str, ids: list[str], answers: Predictions) -> Any:
    import pandas as pd

    scores = (
        {} if answers.scores is None else {f"score:{c}": answers.scores[:, i] for i, c in enumerate(answers.classes)}
    )
    return pd.DataFrame({"id": ids, "role": role, "label": answers.labels, **scores})
