"""Text made safe for each kind of output: attacks worked by hand, then arbitrary text read back by independent parsers."""

import csv
import html
import io
import json
import re
import unicodedata
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from harness.core.safe_text import (
    csv_cell,
    in_every_text,
    json_text,
    markdown,
    one_line,
    sarif_message,
    shown,
    without_credentials,
    workflow_data,
    workflow_property,
)

ATTACKS = [
    *map(chr, (*range(32), *range(127, 160))), "\ufffe", "\uffff", "\U0001fffe", "\ud800", "\udfff x", "a\u202eb", "\u2066x",
    "\u200b", "\ufeff", "\U000e0041", "::set-output name=a::b", "\n::error::x", "x\r\n::stop-commands::y", "javascript:alert(1)",
    "=1+1", "@SUM(A1)", "-2+3", "\t=1", "<script>alert(1)</script>", "![i](http://x/y.png)", "[l](javascript:x)", "https://evil.example/a",
    "www.evil.example", "mail@evil.example", "@someone", "#12", "a|b", "`c`", "# heading", "- item", "1. item", "===", "\\", "\x1b]8;;http://x\x07",
    "\x9b31m", "$x$", ":warning:", "&lt;b&gt;", "&#60;b&#62;", "```\nx", "]]>", "http://u:p@h/",
]  # fmt: skip
ANYTHING = st.one_of(
    st.text(st.characters(codec=None), max_size=60),
    st.sampled_from(ATTACKS),
    st.lists(st.one_of(st.sampled_from(ATTACKS), st.text(max_size=5)), max_size=5).map("".join),
)
PLAIN = ["Männer über 65", "女", "می‌خواهم", "👩‍👧", "a, b; c: d", "≥ 0.7 – 0.9", "own/loans"]


@pytest.mark.parametrize("text", PLAIN)
def test_a_plain_name_stays_as_it_is(text):
    assert shown(text) == one_line(text) == csv_cell(text) == sarif_message(text) == workflow_data(text) == text
    assert html.unescape(MarkdownIt().render(markdown(text))) == f"<p>{text}</p>\n"


def test_what_can_not_be_seen_is_escaped_as_python_does():
    assert shown("a\x0bb\x1b[31m\ufffe\u202e\ud800\x9b\u2028\U000e0041") == (
        r"a\x0bb\x1b[31m\ufffe\u202e\ud800\x9b\u2028\U000e0041"
    )
    assert shown("a\r\nb\tc") == "a\nb\tc"
    assert one_line("a\n::error::b\n") == "a ::error::b"


@given(ANYTHING)
def test_shown_text_is_printable_legal_in_xml_and_stays_so(text):
    safe = shown(text)
    assert not {unicodedata.category(c) for c in safe.replace("\n", "").replace("\t", "")} & {"Cc", "Cs", "Zl", "Zp"}
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c\ufffe\uffff]", safe)
    element = ElementTree.fromstring(f"<a b={quoteattr(safe)}/>")
    assert element.get("b") == safe
    assert shown(safe) == safe
    assert safe.encode().decode() == safe


@given(ANYTHING)
def test_one_line_is_one_line(text):
    assert len(one_line(text).splitlines()) <= 1


LINKS = re.compile(r"https?://|ftp://|www\.\w|mailto:\S|[\w.+-]+@[\w-]+\.\w|(?<!\w)@\w|#\d|:[a-z_]+:", re.IGNORECASE)


@given(ANYTHING)
@example("http://x")
def test_markdown_makes_nothing_of_it(text):
    page = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(
        f"- {markdown(text)}\n\n{markdown(text)}\n\n| a | b |\n|---|---|\n| {markdown(text)} | c |\n"
    )  # fmt: skip
    tags = set(re.findall(r"</?([a-z0-9]+)", page))
    assert tags <= {"ul", "li", "p", "table", "thead", "tbody", "tr", "th", "td"}
    assert [len(re.findall(r"<td>", row)) for row in page.split("<tr>")[2:]] == [2]
    texts = [html.unescape(part) for part in re.findall(r"<(?:li|p|td)>(.*)</(?:li|p|td)>", page)]
    assert not LINKS.search(" ".join(texts))
    assert [part.replace("\u200b", "") for part in texts[:1]] == (
        [" ".join(shown(text).split())] if shown(text).strip() else [""]
    )


@given(ANYTHING)
def test_a_workflow_command_holds_it_and_nothing_more(text):
    line = f"::error title={workflow_property(text)}::{workflow_data(text)}"
    assert len(line.split("\n")) == 1 and "\r" not in line
    found = re.fullmatch(r"::error title=([^:,]*)::(.*)", line, re.DOTALL)
    assert found and _decoded(found[1]) == _decoded(found[2]) == shown(text)


def _decoded(text):
    for code, sign in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, sign)
    return text


@given(ANYTHING)
def test_no_cell_is_a_formula_and_every_cell_is_read_back(text):
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerow([csv_cell(text), "next"])
    ((cell, following),) = csv.reader(io.StringIO(stream.getvalue(), newline=""))
    assert (cell.removeprefix("'") if cell.startswith("'") else cell) in (shown(text), shown(text).removeprefix("'"))
    assert following == "next"
    assert not re.match(r"\s*[=+\-@]", cell) or _is_number(cell)


def _is_number(cell):
    try:
        float(cell)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("number", ["-0.5", "+1", "-1e-3"])
def test_a_number_is_no_formula(number):
    assert csv_cell(number) == number


@given(ANYTHING)
def test_json_holds_any_text(text):
    assert json.loads(json_text({"a": text}).encode()) == {"a": text}


@given(ANYTHING)
def test_no_link_is_in_a_message_of_sarif(text):
    assert "](" not in sarif_message(text)


def test_every_text_of_a_structure_is_made_safe():
    assert in_every_text({"a": ["\x1b", {"b": "\x00", "n": 1}]}, shown) == {"a": [r"\x1b", {"b": r"\x00", "n": 1}]}


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://user:pass@host/v1#m", "https://***@host/v1#m"),
        ("https://sk-abc123def@host/v1", "https://***@host/v1"),
        ("https://host/v1?api_key=abc&version=2", "https://host/v1?api_key=***&version=2"),
        ("https://h/x?se=1&sig=a%2Fb", "https://h/x?se=1&sig=***"),
        ("https://host/sk-proj-abcdef/v1#gpt-4o", "https://host/***/v1#gpt-4o"),
        ("see https://host/0123456789abcdef0123456789abcdef/v1, it", "see https://host/***/v1, it"),
        ("postgresql://me:secret@db:5432/x", "postgresql://***@db:5432/x"),
    ],
)
def test_a_credential_in_a_url_is_left_out_of_every_output(url, safe):
    assert without_credentials(url) == safe
    assert one_line(url) == safe
    assert without_credentials(safe) == safe


@pytest.mark.parametrize(
    "url",
    [
        "https://host:8000/v1#Qwen/Qwen3-0.6B",
        "https://github.com/a/b/blob/0123456789abcdef0123456789abcdef01234567/x.csv",
        "https://archive.ics.uci.edu/dataset/2/adult?page=3",
        "hf:org/name",
        "https://my.openai.azure.com/openai/deployments/gpt-4o-mini/v1",
    ],
)
def test_a_url_without_credentials_stays_as_it_is(url):
    assert without_credentials(url) == url
