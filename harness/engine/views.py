"""Renders rows as texts or prompts, by the suite's sandboxed templates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.errors import SuiteError
from harness.spec.suite import Suite

if TYPE_CHECKING:
    import pandas as pd

COLUMNS, TEXT, PROMPT = "columns", "text", "prompt"


def problems_of_views(suite: Suite) -> list[str]:
    """Templates that can't be read, or that name what is no feature (the label must not be shown to a model)."""
    from jinja2 import TemplateSyntaxError, meta

    allowed = {*suite.data.features, "row"}
    templates = [(TEXT, suite.views.text, allowed)]
    if suite.views.prompt is not None:
        templates.append((PROMPT, suite.views.prompt.template, {*allowed, "text"}))
    found = []
    for view, template, names in templates:
        if template is None:
            continue
        try:
            used = meta.find_undeclared_variables(_environment().parse(template))
        except TemplateSyntaxError as error:
            found.append(f"views.{view} is no valid template (line {error.lineno}): {str(error.message).rstrip('.')}.")
            continue
        if unknown := sorted(used - names):
            found.append(
                f"views.{view} names {', '.join(unknown)}, which is no feature. A template may use the features, "
                "row['a feature whose name is no word'] and, in a prompt, text."
            )
    return found


def render_view(suite: Suite, view: str, rows: pd.DataFrame) -> list[str]:
    """The rows (n) as texts (n); SuiteError where the suite has no such view or its template fails."""
    from jinja2 import TemplateError

    if problems := problems_of_views(suite):
        raise SuiteError("\n".join(problems))
    try:
        texts = _render(suite.views.text, _contexts(rows), view) if suite.views.text or view == TEXT else None
        if view == TEXT:
            assert texts is not None
            return texts
        contexts = _contexts(rows)
        if texts is not None:
            contexts = [{**context, "text": text} for context, text in zip(contexts, texts, strict=True)]
        return _render(suite.views.prompt.template if suite.views.prompt else None, contexts, view)
    except TemplateError as error:
        raise SuiteError(f"views.{view} fails on a row: {error}.") from error


def _render(template: str | None, contexts: list[dict[str, Any]], view: str) -> list[str]:
    if template is None:
        raise SuiteError(f"The model reads the {view} view, but the suite has none. Write views.{view} in the suite.")
    compiled = _environment().from_string(template)
    return [compiled.render(context).strip() for context in contexts]


def _contexts(rows: pd.DataFrame) -> list[dict[str, Any]]:
    names = [str(name) for name in rows.columns]
    values = [dict(zip(names, row, strict=True)) for row in rows.itertuples(index=False, name=None)]
    return [{**value, "row": value} for value in values]


def _environment() -> Any:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, finalize=_shown, keep_trailing_newline=True)


def _shown(value: object) -> object:
    if value is None or value != value:
        return "unknown"
    return f"{value:.6g}" if isinstance(value, float) else value
