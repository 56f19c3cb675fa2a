"""A pytest fixture: an audit as a test, which fails with the decisions that block.

Registered by the entry point `pytest11`; nothing of the harness is imported before a test calls the fixture.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from harness.core.audit import Audit
    from harness.datasets.roles import DataOptions
    from harness.models.options import ModelOptions


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the command line."""
    group = parser.getgroup("harness", "audits of models (vertical-harness)")
    group.addoption(
        "--harness-output", metavar="DIR", type=Path, help="where records and reports go; else into pytest's tmp folder"
    )
    group.addoption(
        "--harness-allow-incomplete", action="store_true", help="an audit that can't be decided does not fail its test"
    )


@dataclass(frozen=True)
class HarnessAudit:
    """What the fixture `harness_audit` is: called, it audits and fails the test unless the policy is met."""

    next_folder: Callable[[], Path]
    allow_incomplete: bool
    note: Callable[[str, object], None]

    def __call__(
        self,
        suite: str | Path,
        model: str | Path,
        options: DataOptions | None = None,
        model_options: ModelOptions | None = None,
        *,
        allow_incomplete: bool = False,
    ) -> Audit:
        """The record of the audit. The test fails if the policy blocks, if the input is wrong, and, unless that is
        allowed, if the verdict is incomplete."""
        from harness.core.safe_text import shown
        from harness.errors import UserError

        folder = self.next_folder()
        try:
            record = _audited(str(suite), str(model), folder, options, model_options)
        except UserError as error:
            pytest.fail(shown(f"{suite} can't be audited: {error}"), pytrace=False)
        self.note("harness_verdict", record.verdict.outcome)
        self.note("harness_waived", record.verdict.waived)
        self.note("harness_evidence", record.evidence_digest)
        allowed = {"pass", "incomplete"} if allow_incomplete or self.allow_incomplete else {"pass"}
        if record.verdict.outcome not in allowed:
            pytest.fail(_blocking(record, folder / "report.html"), pytrace=False)
        return record


@pytest.fixture
def harness_audit(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    record_property: Callable[[str, object], None],
) -> HarnessAudit:
    """Audits a model: harness_audit(suite, model, …) gives the record, or fails the test with what blocks."""
    name = re.sub(r"[^A-Za-z0-9]+", "-", request.node.nodeid).strip("-")
    chosen: Path | None = request.config.getoption("--harness-output")
    calls = 0

    def next_folder() -> Path:
        nonlocal calls
        calls += 1
        if chosen is None:
            return tmp_path_factory.mktemp(name[-60:])
        return chosen / (name if calls == 1 else f"{name}-{calls}")

    allow = bool(request.config.getoption("--harness-allow-incomplete"))
    return HarnessAudit(next_folder, allow, record_property)


def _audited(
    suite: str, model: str, folder: Path, options: DataOptions | None, model_options: ModelOptions | None
) -> Audit:
    from harness.datasets.roles import DataOptions
    from harness.engine.progress import silent
    from harness.models.options import ModelOptions
    from harness.workflows.audit import AuditRequest
    from harness.workflows.runs import OUTPUTS, audit_and_write

    targets = [str(folder / name) for name in OUTPUTS]
    options, asked = options or DataOptions(), model_options or ModelOptions()
    with warnings.catch_warnings():
        # A test session that makes warnings errors would crash checks that run well on the command line.
        warnings.simplefilter("default")
        return audit_and_write(AuditRequest(suite, model, options, asked), targets, silent)[0]


def _blocking(record: Audit, report: Path) -> str:
    from harness.core.safe_text import one_line
    from harness.engine.disclosure import for_readers
    from harness.outputs.narrative import OUTCOME_WORDS, line, summary, worst_first

    record = for_readers(record)
    blocking = [d for d in worst_first(record.verdict.decisions) if d.severity == "block" and not d.waived]
    lines = [line(d) for d in blocking if d.outcome not in ("pass", "not_applicable")]
    verdict = f"{record.suite.name}: {OUTCOME_WORDS[record.verdict.outcome]}. {summary(record)}"
    return "\n".join(map(one_line, [verdict, *lines, f"Report: {report}"]))
