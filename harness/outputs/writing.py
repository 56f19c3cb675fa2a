"""Writes an audit or a comparison in every form that it has, by suffix."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.core.audit import Audit
from harness.core.comparison import Comparison
from harness.engine.disclosure import for_readers
from harness.engine.durable import write_file
from harness.engine.plugins import did_you_mean, load_target, targets
from harness.errors import UserError

SUFFIXES = {".json": "json", ".html": "html", ".xml": "junit", ".md": "markdown", ".sarif": "sarif"}
_OF_AUDIT = {
    "github": "harness.outputs.github:render_github",
    "html": "harness.outputs.html:render_html",
    "json": "harness.outputs.record:render_record",
    "junit": "harness.outputs.junit:render_junit",
    "markdown": "harness.outputs.markdown:render_markdown",
    "sarif": "harness.outputs.sarif:render_sarif",
}
_OF_COMPARISON = {
    "html": "harness.outputs.comparison_html:render_comparison_html",
    "json": "harness.outputs.record:render_record",
    "markdown": "harness.outputs.comparison_markdown:render_comparison_markdown",
}


def write(record: Audit | Comparison, target: str) -> Path:
    """Writes to PATH by its suffix, or KIND=PATH; UserError where the kind is unknown or the folder can't be written."""
    return write_file(path_of(target), render(record, kind_of(target, type(record))).encode())


def render(record: Audit | Comparison, kind: str) -> str:
    """An audit as github, html, json, junit, markdown, sarif, or a kind that a plugin (entry point harness.outputs) gives.

    A comparison as html, json or markdown. All but json show no row id, and no numbers of few people.
    """
    built_in = kind in _OF_AUDIT or kind in _OF_COMPARISON
    given = record if kind == "json" else for_readers(record)
    given = given if built_in else given.model_copy(deep=True)  # what a plugin changes reaches nobody else
    return str(load_target(_kinds(type(record))[kind])(given))


def path_of(target: str) -> Path:
    """The path of PATH or KIND=PATH."""
    return Path(target.rpartition("=")[2])


def kind_of(target: str, of: type[Audit] | type[Comparison] = Audit) -> str:
    """The kind of output that PATH or KIND=PATH asks for; UserError where such a record has none."""
    kind, _, name = target.rpartition("=")
    suffix = Path(name).suffix.lower()
    kind = kind or SUFFIXES.get(suffix, suffix or target)
    known = _kinds(of)
    if kind not in known:
        what = "A comparison has" if of is Comparison else "There is"
        suffixes = ", ".join(end for end, its in SUFFIXES.items() if its in known)
        raise UserError(
            f"{what} no output {kind!r}.{did_you_mean(kind, known)} Wanted a path ending in {suffixes}, "
            f"or KIND=PATH with KIND one of {', '.join(sorted(known))}."
        )
    return kind


def _kinds(of: type[Audit] | type[Comparison]) -> Mapping[str, str]:
    return _OF_COMPARISON if of is Comparison else targets("harness.outputs", _OF_AUDIT)
