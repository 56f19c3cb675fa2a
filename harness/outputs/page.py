"""What every HTML page shares: one file, styled by our own CSS alone, text escaped, the record embedded."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING

from harness.core.audit import Audit
from harness.core.comparison import Comparison
from harness.outputs import narrative
from harness.outputs.record import stored_form
from harness.resources import resource_folder

if TYPE_CHECKING:
    from jinja2 import Template


def page(template: str, record: Audit | Comparison) -> Template:
    """A template of reports/templates that knows the style, its digest, and the record as JSON."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    root = resource_folder("reports")
    environment = Environment(
        loader=FileSystemLoader(root / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = narrative.number
    style = (root / "assets" / "report.css").read_text(encoding="utf-8")
    text = json.dumps(stored_form(record), sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    embedded = text.replace("<", "\\u003c")
    environment.globals |= {
        "style": Markup(style),  # noqa: S704 - our own CSS
        "style_digest": base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        "embedded": Markup(embedded),  # noqa: S704 - JSON with < escaped
        "about": narrative.about,
        "title_of": narrative.measure_title,
    }
    return environment.get_template(template)
