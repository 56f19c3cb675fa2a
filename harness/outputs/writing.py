"""Writes an audit in every form: by suffix, whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path

from harness.core.audit import Audit
from harness.errors import UserError
from harness.outputs import narrative

SUFFIXES = {".json": "json", ".html": "html", ".xml": "junit", ".md": "markdown"}


def write(audit: Audit, target: str) -> Path:
    """Writes to PATH by its suffix, or KIND=PATH; UserError where the kind is unknown or the folder can't be written."""
    kind, _, name = target.rpartition("=")
    path = Path(name)
    kind = kind or SUFFIXES.get(path.suffix.lower(), "")
    if kind not in SUFFIXES.values():
        raise UserError(
            f"{target} names no known output. Wanted a path ending in {', '.join(SUFFIXES)}, or KIND=PATH "
            f"with KIND one of {', '.join(SUFFIXES.values())}."
        )
    content = render(audit, kind)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{os.getpid()}.part")
        partial.write_text(content, encoding="utf-8", newline="\n")
        partial.replace(path)
    except OSError as error:
        raise UserError(f"{path} can't be written: {error.strerror}.") from error
    return path


def render(audit: Audit, kind: str) -> str:
    """The audit as json, html, junit or markdown."""
    if kind == "json":
        return (
            json.dumps(audit.model_dump(mode="json", by_alias=True), indent=1, sort_keys=True, ensure_ascii=False)
            + "\n"
        )
    if kind == "html":
        from harness.outputs.html import render_html

        return render_html(audit)
    return _junit(audit) if kind == "junit" else _markdown(audit)


def _markdown(audit: Audit) -> str:
    lines = [
        f"# {audit.suite.name}: {narrative.OUTCOME_WORDS[audit.verdict.outcome]}",
        "",
        _plain(narrative.summary(audit)),
        "",
        "| rule | about | observed | 95 % interval | limit | outcome |",
        "|---|---|---|---|---|---|",
    ]
    for d in narrative.worst_first(audit.verdict.decisions):
        band = f"{narrative.number(d.interval.low)} – {narrative.number(d.interval.high)}" if d.interval else "–"
        cells = [
            d.rule_id,
            narrative.about(d.group, d.of),
            narrative.number(d.observed),
            band,
            d.limit,
            narrative.OUTCOME_WORDS[d.outcome],
        ]
        lines.append("| " + " | ".join(_plain(c) for c in cells) + " |")
    missing = narrative.not_tested(audit)
    if missing:
        lines += ["", "Not tested:", ""] + [f"- {_plain(what)}: {_plain(why)}" for what, why in missing]
    lines += [
        "",
        f"Record `{audit.digest}`, evidence `{audit.evidence_digest}`.",
        "",
        "This does not determine legal compliance.",
    ]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    return text.replace("<", "&lt;").replace("|", "\\|").replace("\n", " ")


def _junit(audit: Audit) -> str:
    from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

    suite = TestSuite(audit.suite.name)
    for d in audit.verdict.decisions:
        case = TestCase(f"{d.rule_id} {narrative.about(d.group, d.of)}".strip(), classname=d.measure)
        blocks = d.severity == "block"
        if d.outcome == "fail" and blocks:
            case.result = [Failure(d.message)]
        elif d.outcome in ("inconclusive", "not_tested", "error") and blocks:
            case.result = [Error(f"{d.outcome}: {d.message}")]
        elif d.outcome != "pass":
            case.result = [Skipped(f"{d.outcome} ({d.severity}): {d.message}")]
        suite.add_testcase(case)
    xml = JUnitXml()
    xml.add_testsuite(suite)
    return str(xml.tostring().decode()) + "\n"  # type: ignore[no-untyped-call]  # junitparser has no types
