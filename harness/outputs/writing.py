"""Writes an audit in every form, by suffix."""

from __future__ import annotations

from pathlib import Path

from harness.core.audit import Audit
from harness.engine.durable import write_file
from harness.engine.plugins import did_you_mean, load_target, targets
from harness.errors import UserError

SUFFIXES = {".json": "json", ".html": "html", ".xml": "junit", ".md": "markdown", ".sarif": "sarif"}
_BUILT_IN = {
    "github": "harness.outputs.github:render_github",
    "html": "harness.outputs.html:render_html",
    "json": "harness.outputs.record:render_record",
    "junit": "harness.outputs.junit:render_junit",
    "markdown": "harness.outputs.markdown:render_markdown",
    "sarif": "harness.outputs.sarif:render_sarif",
}


def write(audit: Audit, target: str) -> Path:
    """Writes to PATH by its suffix, or KIND=PATH; UserError where the kind is unknown or the folder can't be written."""
    return write_file(path_of(target), render(audit, kind_of(target)).encode())


def render(audit: Audit, kind: str) -> str:
    """The audit as github, html, json, junit, markdown, sarif, or a kind that a plugin (entry point harness.outputs) gives."""
    return str(load_target(targets("harness.outputs", _BUILT_IN)[kind])(audit))


def path_of(target: str) -> Path:
    """The path of PATH or KIND=PATH."""
    return Path(target.rpartition("=")[2])


def kind_of(target: str) -> str:
    """The kind of output that PATH or KIND=PATH asks for; UserError where there is none."""
    kind, _, name = target.rpartition("=")
    suffix = Path(name).suffix.lower()
    kind = kind or SUFFIXES.get(suffix, suffix or target)
    known = targets("harness.outputs", _BUILT_IN)
    if kind not in known:
        raise UserError(
            f"There is no output {kind!r}.{did_you_mean(kind, known)} Wanted a path ending in {', '.join(SUFFIXES)}, "
            f"or KIND=PATH with KIND one of {', '.join(sorted(known))}."
        )
    return kind
