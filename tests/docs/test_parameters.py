"""docs/methods/parameters.md is what the checks' signatures say; `PYTHONPATH=. python tests/docs/test_parameters.py` writes it."""

import inspect
from pathlib import Path
from typing import get_type_hints

from pydantic import TypeAdapter

from harness.engine.parameter_text import wanted_text
from harness.engine.registry import BUILT_IN
from harness.engine.validation import STRICT

PAGE = Path(__file__).parents[2] / "docs" / "methods" / "parameters.md"
HEAD = """# Parameters

What each built-in check takes, and what each parameter may be. `harness validate` refuses anything else, names that the suite or
its data lack too, before a model is asked. Where a check takes none it is not listed. What a default of – does is on the check's page.
A parameter that changes what a measure is stands in the finding: in `of`, or in its reason.

| check | parameter | default | wanted |
|---|---|---|---|
"""


def render():
    lines = []
    for entry in BUILT_IN:
        hints = get_type_hints(entry.load(), include_extras=True)
        for key, one in inspect.signature(entry.load()).parameters.items():
            if key != "evidence":
                default = "–" if one.default is None else f"`{one.default}`"
                wanted = wanted_text(TypeAdapter(hints[key], config=STRICT))
                lines.append(f"| `{entry.name}` | `{key}` | {default} | {wanted} |\n")
    return HEAD + "".join(lines)


def test_the_page_says_what_the_signatures_say():
    assert PAGE.read_text(encoding="utf-8") == render()


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
