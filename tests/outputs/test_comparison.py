"""The comparison page, its Markdown, and how a stored comparison is read and written."""

import html
import re

import pytest
from markdown_it import MarkdownIt

from harness.engine import provenance
from harness.engine.records import open_audit, open_record
from harness.errors import UserError
from harness.outputs.comparison_html import gain_drawings, trade_drawings
from harness.outputs.pair import pair_of
from harness.outputs.writing import kind_of, render, write

EVIL = "<script>alert(1)</script>|`c`\n# not a heading ![i](http://x/y.png)"


def test_the_recommendation_and_what_was_not_compared_stand_before_the_results(make_comparison):
    page = render(make_comparison(), "html")
    order = ['id="decision"', "Choose the vertical model", 'id="not-compared"', "gives no attributions", 'id="conditions"',
             'id="differences"', "<svg", 'id="trade"', 'id="learning"', 'id="errors"', 'id="disagreements"', 'id="integrity"']  # fmt: skip
    places = [page.index(part) for part in order]
    assert places == sorted(places)


def sealed(record, evidence):
    """The record with its digests."""
    body = record.model_dump(mode="json", by_alias=True)
    body["evidence_digest"] = evidence(body)
    body["digest"] = provenance.record_digest(body)
    return type(record).model_validate(body)


def test_the_page_asks_nothing_of_the_network_and_the_same_record_gives_the_same_bytes(make_comparison):
    record = sealed(make_comparison(), provenance.comparison_digest)
    page = render(record, "html")
    assert page == render(record, "html")
    assert set(re.findall(r'(?:src|href|action)="([^"#]*)', page)) == {""}
    assert set(re.findall(r"https?://[^\s\"]*", page)) == {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert "url(" not in page
    assert "default-src 'none'" in page
    assert "<script" not in page


def test_items_on_which_the_models_disagree_are_listed(make_comparison):
    page = render(make_comparison(row_hashes={"r17": "abcdefghijkl", "r23": "mnopqrstuvwx"}), "html")
    assert "Where the models disagree (2 items, 2 shown)" in page
    assert re.search(r"<td>abcdefghijkl</td><td>yes</td><td>yes</td><td>no</td>", page)
    assert "r17" not in page
    assert re.search(r"<td>row 1</td><td>yes</td><td>yes</td><td>no</td>", render(make_comparison(), "html"))
    assert "The record lists none" in render(make_comparison(exhibits=[]), "html")


def test_hostile_names_stay_text_everywhere(make_comparison):
    record = make_comparison()
    models = [m.model_copy(update={"name": f"{m.name} {EVIL}"}) for m in record.models]
    against = models[1].name
    choice = record.decision.model_copy(update={"against": against})
    differences = [d.model_copy(update={"of": {"slice": EVIL}}) if d.of else d for d in record.differences]
    evil = record.model_copy(
        update={"models": models, "decision": choice, "choices": [choice], "differences": differences}
    )
    page = render(evil, "html")
    assert "<script>alert" not in page
    assert html.unescape(page).count("alert(1)") > 5
    text = MarkdownIt("commonmark").enable("table").render(render(evil, "markdown"))
    assert not re.search(r"<(script|img|a)\b", text)
    assert {len(re.findall("<td>", row)) for row in re.findall("<tr>(.*?)</tr>", text, re.DOTALL)} == {0, 7, 8}


def test_a_model_without_a_cost_is_named_and_not_drawn(make_comparison):
    cost, latency = trade_drawings(make_comparison())
    assert cost.note == "On the Pareto front (filled): loans. Another is at least as good in both as: chat."
    assert "<svg" in latency.svg
    models = [m.model_dump() for m in make_comparison().models]
    models[0]["cost_per_1000"] = None
    cost, latency = trade_drawings(make_comparison(models=models))
    assert (cost.svg, latency.svg is None) == (None, False)
    assert cost.note == "Not drawn, for it needs two models. Not in the chart: loans (not measured)."


def test_a_dearer_and_better_model_is_on_the_front_too(make_comparison):
    cost, _ = trade_drawings(make_comparison(shares=(0.75, 0.9)))
    assert cost.note == "On the Pareto front (filled): loans, chat."


def test_gains_are_drawn_by_family_and_what_is_not_paired_apart(make_comparison):
    record = make_comparison()
    drawn = {d.title: d.svg for d in gain_drawings(pair_of(record, record.decision))}
    assert set(drawn) == {"Performance", "Slices", "Performance, in nats", "Bias", "Privacy, not paired"}
    assert "Recognising training rows" in drawn["Privacy, not paired"]
    assert all(drawn[title].startswith("<svg") for title in drawn)


def test_a_cost_that_nobody_gave_is_left_to_be_filled_in(make_comparison):
    page = render(make_comparison(), "html")
    assert page.count('<td class="num fill"></td>') == 2
    assert "a miss costs more than 0.5 times a false alarm" in page
    table = make_comparison().exhibits[1]
    given = table.model_copy(update={"rows": [["loans", 40.0, 90.0, 490.0], ["chat", 120.0, 50.0, 1250.0]]})
    page = render(make_comparison(exhibits=[given.model_dump()]), "html")
    assert "at the costs given that is 490 against 1,250" in page
    assert "write yours here" not in page


def test_a_choice_against_a_model_that_the_record_lacks_is_a_clear_mistake(make_comparison):
    record = make_comparison()
    choice = record.decision.model_copy(update={"against": "nobody"})
    with pytest.raises(UserError, match="'nobody'"):
        render(record.model_copy(update={"decision": choice}), "markdown")


@pytest.mark.parametrize("made", [{}, {"shares": (0.86, 0.85)}, {"exhibits": [], "also": [], "not_compared": []}])
def test_the_markdown_begins_with_the_decision_and_stays_small(make_comparison, made):
    record = make_comparison(**made)
    text = render(record, "markdown")
    assert text.index("- Decision: ") < text.index("## Conditions") < text.index("## Differences")
    assert len(text.encode()) < 20_000
    assert "This does not determine legal compliance." in text


def test_a_markdown_of_very_many_differences_is_bounded_and_counts_what_it_left_out(make_comparison):
    record = make_comparison()
    many = [record.differences[1].model_copy(update={"of": {"slice": f"{i} {'é' * 400}"}}) for i in range(3000)]
    text = render(record.model_copy(update={"differences": [record.differences[0], *many]}), "markdown")
    assert len(text.encode()) < 700_000
    left = int(re.search(r"\| … \| (\d+) more", text)[1])
    assert left + text.count("| performance.slice") == 3000


def test_a_stored_comparison_is_read_back_and_drawn_and_an_audit_is_not_taken_for_one(
    make_comparison, make_record, tmp_path
):
    record = sealed(make_comparison(), provenance.comparison_digest)
    path = write(record, str(tmp_path / "comparison.json"))
    assert open_record(path) == record
    assert open_record(tmp_path) == record
    with pytest.raises(UserError, match="is a comparison"):
        open_audit(path)
    audit = sealed(make_record(), provenance.evidence_digest)
    assert open_record(write(audit, str(tmp_path / "audit.json"))) == audit
    (tmp_path / "broken.json").write_text('{"schema": "vertical-harness/comparison/1"}', encoding="utf-8")
    with pytest.raises(UserError, match="is not a comparison of this harness"):
        open_record(tmp_path / "broken.json")


@pytest.mark.parametrize("target", ["out.xml", "out.sarif", "github=out.txt"])
def test_an_output_that_a_comparison_lacks_names_those_that_it_has(make_comparison, target, tmp_path):
    with pytest.raises(UserError, match=r"A comparison has no output .* one of html, json, markdown"):
        write(make_comparison(), target)
    assert kind_of(target)
