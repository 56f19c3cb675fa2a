"""What every HTML page shares: one file, styled by our own CSS alone, text escaped; the record stays in its own file, for it tells more of few people than a page may."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping

from harness.core.safe_text import shown
from harness.outputs import narrative
from harness.resources import resource_folder


def page(template: str, values: Mapping[str, object]) -> str:
    """A page made of a template of reports/templates, which also knows the style and its digest."""
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
    environment.globals |= {
        "style": Markup(style),  # noqa: S704 - our own CSS
        "style_digest": base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
        "about": narrative.about,
        "title_of": narrative.measure_title,
    }
    return shown(environment.get_template(template).render(values))
