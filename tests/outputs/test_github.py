"""Workflow commands, read back by the rules that GitHub's runner reads them by."""

import re

from harness.core.safe_text import shown
from harness.outputs.github import render_github

COMMAND = re.compile(r"^::(error|warning|notice) title=([^:,]*)::(.*)$")


def commands(record):
    """Kind, title and text of each line, unescaped."""
    text = render_github(record)
    assert text.endswith("\n")
    found = [COMMAND.match(line) for line in text.splitlines()]
    assert all(found)
    return [(m[1], _unescaped(m[2]), _unescaped(m[3])) for m in found]


def _unescaped(text):
    for code, sign in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, sign)
    return text


def test_the_verdict_comes_first_then_the_worst(every_outcome):
    found = commands(every_outcome)
    assert found[0][:2] == ("error", "own/loans: Fail")
    assert found[1] == ("error", "r-fail-block", "Fail: 0.8 against ≥ 0.7")
    assert [kind for kind, *_ in found] == ["error"] * 2 + ["warning"] * 4 + ["notice"] * 3


def test_a_pass_is_one_notice(make_record, decision):
    ((kind, title, _),) = commands(make_record([decision("pass")], outcome="pass"))
    assert (kind, title) == ("notice", "own/loans: Pass")


def test_no_name_from_the_data_can_end_a_property_or_begin_a_command(make_record, decision):
    evil = "50%,x::y\r\n::stop-commands::z"
    found = commands(make_record([decision("fail", group={"g": evil}, message=evil)], outcome="fail"))
    assert len(found) == 2
    assert found[1][1:] == (f"r-fail-block g: {shown(evil)}", f"Fail: {shown(evil)}")


def test_of_each_kind_ten_are_given_and_the_tenth_counts_the_rest(make_record, decision):
    failed = [decision("fail", group={"g": str(i)}) for i in range(25)]
    found = commands(make_record(failed, outcome="fail"))
    assert len(found) == 10
    assert found[-1] == ("error", "More", "17 more stand in the summary")  # 1 verdict + 25 − 9 shown
    assert len(commands(make_record(failed[:9], outcome="fail"))) == 10


def test_a_defect_that_no_rule_judged_is_a_notice(make_record, found):
    record = make_record(findings=[found("data.out_of_range", 3, of={"feature": "age"}, unit="rows")])
    assert commands(record)[-1] == ("notice", "data.out_of_range", "Out of range (feature: age): 3 rows, n = 10")
