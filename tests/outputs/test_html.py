"""The head of the report, as the person who signs reads it; whole pages are looked at through the verbs."""

import re

from harness.engine.provenance import environment
from harness.outputs.html import render_html


def counts(record):
    stated = record.model_copy(update={"environment": environment()})
    block = re.search(r'<div class="counts">(.*?)</div>', render_html(stated), re.DOTALL)[1]
    return " ".join(re.sub(r"<[^>]+>", " ", block).split())


def test_a_warning_is_told_from_what_blocks(make_record, decision, every_outcome):
    alone = counts(make_record([decision("pass"), decision("fail", "warn"), decision("inconclusive")]))
    assert "Fail 1 (warning)" in alone and "Inconclusive 1 –" in alone and "Pass 1 ?" in alone
    assert "Fail 2 (1 of them only warn)" in counts(every_outcome)
    both = [decision("fail", "warn", rule) for rule in ("a", "b")]
    assert "Fail 2 (warnings)" in counts(make_record(both))
