"""YAML without its surprises: what is not plainly a number or true or false stays the text that was written.

YAML 1.1 reads `1:30` as 90 (base 60), `017` as 15 (octal), `1_000` as 1000, `no` as false and `2024-01-01` as a date; a class
or a group may be called so. Here a number is decimal digits with at most one point (and an exponent with a point and a sign, `1.0e-3`), true
and false are the words themselves, and all else is text. Where a number is wanted such text is refused (`advice`). What PyYAML writes
is read back as it was: it quotes a text that YAML 1.1 would take for something else.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

_LOOSE = {f"tag:yaml.org,2002:{name}" for name in ("bool", "int", "float", "timestamp", "value")}
_WHOLE = re.compile(r"^[-+]?(?:0|[1-9][0-9]*)$")
_POINT = re.compile(
    r"^(?:[-+]?(?:0|[1-9][0-9]*)\.[0-9]*(?:[eE][-+][0-9]+)?|\.[0-9]+(?:[eE][-+][0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
)
_WORD = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")


class PlainLoader(yaml.SafeLoader):
    """SafeLoader that takes fewer plain words for something else than text."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML's own class attribute
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in _LOOSE]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


PlainLoader.add_implicit_resolver("tag:yaml.org,2002:bool", _WORD, list("tTfF"))
PlainLoader.add_implicit_resolver("tag:yaml.org,2002:int", _WHOLE, list("-+0123456789"))
PlainLoader.add_implicit_resolver("tag:yaml.org,2002:float", _POINT, list("-+0123456789."))


def read_yaml(text: str) -> tuple[Any, yaml.Node | None]:
    """The document, and its nodes as written, which know their lines; YAMLError where it is none."""
    # Read twice, because making the document writes merged keys (`<<`) into the nodes.
    return yaml.load(text, Loader=PlainLoader), yaml.compose(text, Loader=PlainLoader)  # noqa: S506 - a SafeLoader


def advice(kind: str, value: object) -> str:
    """What to do about a pydantic error of this kind; empty where the message says enough."""
    if kind.startswith(("int_", "float_")) and isinstance(value, str) and re.search(r"[0-9]", value):
        return "; write the number plainly, with digits and a point and without quotes (90, 0.001): 1:30, 017, 1_000 and 1e-3 are texts"
    if kind == "string_type" and isinstance(value, bool | int | float):
        word = {True: "true", False: "false"}[value] if isinstance(value, bool) else value
        return f'; write a name in quotes: "{word}"'
    return ""
