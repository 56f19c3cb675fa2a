"""The step summary, rendered by an independent Markdown parser."""

import html
import re

from markdown_it import MarkdownIt

from harness.outputs.markdown import render_markdown

EVIL = "a|b `c` <img src=x> ![i](http://x/y.png) [l](http://x) *e* __s__ ~~d~~ \\| @someone\n# not a heading"


def html_of(record):
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(render_markdown(record))


def test_every_decision_is_a_row_of_as_many_cells_as_the_head(every_outcome):
    rows = re.findall(r"<tr>(.*?)</tr>", html_of(every_outcome), re.DOTALL)
    assert len(rows) == 1 + 12
    assert {len(re.findall(r"<t[hd]>", row)) for row in rows} == {8}


def test_the_worst_row_stands_first_with_its_n_and_interval(every_outcome):
    first = re.findall(r"<td>(.*?)</td>", html_of(every_outcome))[:8]
    assert first == ["Fail", "r-fail-block", "", "0.800", "0.750 – 0.850", "950", "≥ 0.7", "–"]


def test_a_warning_is_told_from_what_blocks(every_outcome):
    assert "| Fail (warning) | r-fail-warn |" in render_markdown(every_outcome)


def test_what_was_not_tested_comes_before_the_results(make_record, decision):
    text = render_markdown(make_record([decision("not_tested", observed=None, interval=None)]))
    assert 0 < text.index("## Not tested") < text.index("## Decisions")


def test_names_from_the_data_stay_text(make_record, decision):
    page = html_of(make_record([decision("fail", group={"g": EVIL}, rule=EVIL)], outcome="fail"))
    assert not re.search(r"<(a|img|em|strong|s|h2|code)\b(?![^<]*sha256)", page.replace("<h2>Decisions</h2>", ""))
    cells = [html.unescape(cell).replace("\u200b", "") for cell in re.findall(r"<td>(.*?)</td>", page)]
    assert len(cells) == 8
    assert cells[1:3] == [f"{' '.join(EVIL.split())}-fail-block", f"g: {' '.join(EVIL.split())}"]
    assert "@someone" not in render_markdown(make_record([decision("fail", rule=EVIL)]))


def test_a_summary_stays_under_the_megabyte_that_github_takes_and_counts_what_it_left_out(make_record, decision):
    many = [
        decision("not_tested", group={"g": f"{i} {'é' * 2000}"}, observed=None, message=f"{i} {'x' * 400}")
        for i in range(5000)
    ]
    text = render_markdown(make_record([decision("fail"), *many], outcome="fail"))
    assert len(text.encode()) < 1_000_000
    left = int(re.search(r"\| … \| (\d+) more", text)[1])
    assert left + text.count("\n| Not tested") == 5000
    assert "r-fail-block" in text
    assert re.search(r"- and \d+ more", text)


def test_a_record_without_decisions_has_no_empty_table(make_record):
    assert "## Decisions" not in render_markdown(make_record())
