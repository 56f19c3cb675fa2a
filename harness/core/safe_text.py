"""Text that is safe where it is shown: one function for each kind of output, called where that output is written.

A name, a message or an answer may hold anything: it came from a file, a model or a server. Here it stays text. `shown` is what
all kinds share: a character that a reader can't see, and that a terminal, a browser or an XML parser may obey or refuse, is
written as Python escapes it, for example `\\x1b` or `\\u202e`; and the credentials of a URL are left out.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from typing import Any

HIDDEN_SECRET = "***"  # noqa: S105 - what stands where one was
_UNUSUAL = re.compile(r"[^ -~\t\n]")
_JOINERS = "\u200c\u200d"  # which Persian, Hindi and emoji are written with
_HIDDEN = {"Cc", "Cs", "Zl", "Zp"}
_VISIBLE_FORMATS = re.compile(
    "[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd]"
)  # Arabic, Kaithi signs
_BEGINS_A_FORMULA = re.compile(r"\s*[=+\-@|%]")
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
_MARKUP = re.compile(r"[\\`*_\[\]~$]")
_BEGINS_A_BLOCK = re.compile(r"^([#+\-=:]|\d+(?=[.)]))")
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;"}
# Where Markdown of GitHub makes a link, a mention or an emoji of plain text: after the sign a space of no width stops it.
_MAKES_A_LINK = re.compile(
    r"(?:@|(?<!&)#(?=\d)|:(?=//)|:(?=[\w+\\-]+:)|www(?=\.)|mailto:|xmpp:|GH-(?=\d))", re.IGNORECASE
)
_NO_WIDTH = "&#8203;"
_URL = re.compile(r"""(?<![A-Za-z0-9+.\-])[A-Za-z][A-Za-z0-9+.\-]*://[^\s<>"'`]+""")
_SECRET_NAME = re.compile(
    r"key|token|secret|passw|pwd|auth|signature|credential|session|jwt|bearer|^(?:sig|code|pat|sas|k)$", re.IGNORECASE
)
_LOOKS_SECRET = re.compile(
    r"(?:sk|pk|rk|gsk|hf|xai|nvapi|gh[a-z]|github_pat|glpat|xox[a-z]|key|token)[-_][A-Za-z0-9_.*~-]{6,}"
    r"|(?:AKIA|ASIA|AIza|ya29|eyJ)[A-Za-z0-9_.~-]{8,}"
    r"|(?!(?:[0-9a-f]{40}|[0-9a-f]{64})$)(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9_+=~-]{20,}",  # but for digests of files
    re.IGNORECASE,
)


def shown(text: str) -> str:
    """The text with every unprintable character escaped; tabs and line ends stay. What is left is legal in XML 1.0 and UTF-8."""
    text = without_credentials(text.replace("\r\n", "\n"))
    return _UNUSUAL.sub(lambda found: found.group() if _is_shown(found.group()) else _escaped(found.group()), text)


def one_line(text: str) -> str:
    """As `shown`, in one line: a name can't begin a line of its own on a terminal or in a log."""
    return re.sub(r"[\t\n]+", " ", shown(text).rstrip("\t\n"))


def markdown(text: str, longest: int = 500) -> str:
    """The text in a paragraph or a cell of GitHub's Markdown: nothing becomes a link, an image, a tag, a mention, a block or a cell."""
    text = " ".join(shown(text).split())
    text = text if len(text) <= longest else text[: longest - 1] + "…"
    text = _MARKUP.sub(lambda found: "\\" + found.group(), text)
    text = _BEGINS_A_BLOCK.sub(lambda found: _not_a_block(found.group()), text)
    text = "".join(_ENTITIES.get(letter, letter) for letter in text)
    return _MAKES_A_LINK.sub(lambda found: found.group() + _NO_WIDTH, text)


def workflow_data(text: str) -> str:
    """The text behind `::error ::` in a workflow command of GitHub, whose runner reads it back."""
    return shown(text).replace("%", "%25").replace("\n", "%0A")


def workflow_property(text: str) -> str:
    """The text as a property of a workflow command, such as its title."""
    return workflow_data(text).replace(":", "%3A").replace(",", "%2C")


def sarif_message(text: str) -> str:
    """The text as a message of SARIF, in which `[text](target)` would be a link (3.11.6)."""
    return shown(text).replace("](", "] (")


def csv_cell(text: str) -> str:
    """The text as a cell that no spreadsheet computes: an apostrophe stands before what would be a formula; a number stays."""
    text = shown(text)
    return "'" + text if _BEGINS_A_FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def json_text(value: object, indent: int | None = 1, *, sort_keys: bool = True) -> str:
    """The value as JSON; a lone surrogate, which no file can hold, is escaped as JSON escapes it. ValueError for infinities."""
    text = json.dumps(value, indent=indent, sort_keys=sort_keys, ensure_ascii=False, allow_nan=False)
    return re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found.group()):04x}", text)


def in_every_text(value: Any, safe: Callable[[str], str]) -> Any:
    """The lists and mappings with every text in them, but for keys, made safe."""
    if isinstance(value, dict):
        return {key: in_every_text(inner, safe) for key, inner in value.items()}
    if isinstance(value, list):
        return [in_every_text(inner, safe) for inner in value]
    return safe(value) if isinstance(value, str) else value


def without_credentials(text: str) -> str:
    """The text with `***` for what a URL in it tells of credentials: its user and password, a query's secret, a key in its path.

    A digest of 40 or 64 hexadecimal digits (a commit, a file) stays, and so does what follows `#`.
    """
    return _URL.sub(lambda found: _without_credentials(found.group()), text) if "://" in text else text


def _without_credentials(url: str) -> str:
    scheme, _, rest = url.partition("://")
    rest, hash_sign, fragment = rest.partition("#")
    rest, question, query = rest.partition("?")
    host, *path = rest.split("/")
    user, at, host = host.rpartition("@")
    path = [HIDDEN_SECRET if _LOOKS_SECRET.fullmatch(part) else part for part in path]
    pairs = [_without_secret(pair) for pair in query.split("&")]
    place = "/".join([(HIDDEN_SECRET if user else "") + at + host, *path])
    return f"{scheme}://{place}{question}{'&'.join(pairs)}{hash_sign}{fragment}"


def _without_secret(pair: str) -> str:
    name, equals, value = pair.partition("=")
    if not equals:
        return HIDDEN_SECRET if _LOOKS_SECRET.fullmatch(name) else name
    is_secret = _SECRET_NAME.search(name) or _LOOKS_SECRET.fullmatch(value)
    return f"{name}={HIDDEN_SECRET if is_secret and value else value}"


def _is_shown(letter: str) -> bool:
    kind = unicodedata.category(letter)
    if letter in _JOINERS or (kind not in _HIDDEN and kind != "Cf"):
        return ord(letter) & 0xFFFE != 0xFFFE and not 0xFDD0 <= ord(letter) <= 0xFDEF
    return bool(_VISIBLE_FORMATS.match(letter))


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode()


def _not_a_block(start: str) -> str:
    return start + "\\" if start.isdigit() else "\\" + start
