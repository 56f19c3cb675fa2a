"""What a reviewer must be told when a policy changes; every expected sentence is written by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.rule import Rule
from harness.engine.policy_diff import policy_changes
from harness.spec.loading import built_in_suites, load_suite


def rule(id="useful", measure="performance.roc_auc", **parts):
    if not {"at_least", "at_most", "between"} & set(parts):
        parts["at_least"] = 0.7
    return Rule(id=id, measure=measure, **{"reason": "because", "source": "a test", **parts})


def texts(old, new):
    return [(change.kind, change.text) for change in policy_changes([old], [new])]


def test_a_lower_limit_that_falls_is_relaxed_by_so_much():
    changes = policy_changes([rule(at_least=0.70)], [rule(at_least=0.68)])
    assert [c.text for c in changes] == ["useful: performance.roc_auc at least 0.7 → 0.68: relaxed by 0.02"]
    assert (changes[0].kind, changes[0].weakens) == ("relaxed", True)
    assert (changes[0].old.at_least, changes[0].new.at_least) == (0.70, 0.68)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"at_least": 0.68}, {"at_least": 0.7}, ["tightened: at least 0.68 → 0.7: tightened by 0.02"]),
        ({"at_most": 0.05}, {"at_most": 0.1}, ["relaxed: at most 0.05 → 0.1: relaxed by 0.05"]),
        ({"at_most": 0.1}, {"at_most": 0.05}, ["tightened: at most 0.1 → 0.05: tightened by 0.05"]),
        ({"between": (0.8, 1.25)}, {"between": (0.75, 1.2)}, [
            "relaxed: at least 0.8 → 0.75: relaxed by 0.05", "tightened: at most 1.25 → 1.2: tightened by 0.05"]),
        ({"between": (0.8, 1.25)}, {"at_least": 0.8}, ["relaxed: at most 1.25: relaxed, the limit is gone"]),
        ({"at_least": 0.8}, {"at_most": 0.9}, [
            "relaxed: at least 0.8: relaxed, the limit is gone", "tightened: at most 0.9: tightened, a limit is new"]),
        ({"severity": "block"}, {"severity": "warn"}, ["relaxed: severity block → warn: relaxed"]),
        ({"severity": "warn"}, {"severity": "block"}, ["tightened: severity warn → block: tightened"]),
        ({"of": {"class": "*"}}, {"of": {"class": "yes"}}, [
            "relaxed: of class: * → class: yes: relaxed, fewer findings are judged"]),
        ({"group": {"race": "black"}}, {"group": {"race": "*"}}, [
            "tightened: group race: black → race: *: tightened, more findings are judged"]),
        ({"group": {"race": "*"}}, {"group": {"sex": "*"}}, [
            "changed: group race: * → sex: *: others are judged"]),
        ({"clauses": ["a", "b"]}, {"clauses": []}, ["changed: clauses changed: a, b → none"]),
        ({"reason": "because"}, {"reason": "for"}, ["changed: reason changed: because → for"]),
        ({"group": None}, {"group": {}}, []),
    ],
)  # fmt: skip
def test_each_way_of_changing_a_rule_is_said(old, new, expected):
    wanted = [(kind, f"useful: performance.roc_auc {text}") for kind, text in (e.split(": ", 1) for e in expected)]
    assert texts(rule(**old), rule(**new)) == wanted


def test_a_rule_that_judges_another_measure_was_removed_and_another_added():
    assert texts(rule(), rule(measure="performance.accuracy")) == [
        ("removed", "useful: performance.roc_auc ≥ 0.7: removed"),
        ("added", "useful: performance.accuracy ≥ 0.7: added"),
    ]


def test_a_new_id_does_not_hide_that_the_old_rule_is_gone():
    changes = policy_changes([rule()], [rule("useful-2", at_least=0.5)])
    assert [(c.kind, c.weakens) for c in changes] == [("removed", True), ("added", False)]


def test_rules_of_one_id_and_measure_are_paired_in_order_and_none_is_lost():
    old = [rule(at_least=0.7), rule(at_least=0.6)]
    assert [c.text for c in policy_changes(old, [rule(at_least=0.7)])] == ["useful: performance.roc_auc ≥ 0.6: removed"]


@pytest.mark.parametrize("name", built_in_suites())
def test_a_policy_does_not_differ_from_itself_in_another_order(name):
    rules = load_suite(name).suite.policy
    assert policy_changes(rules, rules[::-1]) == []


limits = st.one_of(
    st.builds(lambda v: {"at_least": v}, st.floats(0, 1)),
    st.builds(lambda v: {"at_most": v}, st.floats(0, 1)),
    st.builds(lambda v, w: {"between": (v, v + w)}, st.floats(0, 1), st.floats(0.01, 1)),
)


@given(limits, limits, st.floats(-0.5, 2.5))
def test_a_value_stopped_before_and_let_through_now_always_shows_as_a_weakening(before, after, value):
    old, new = rule(**before), rule(**after)

    def passes(one):
        low, high = one.bounds
        return (low is None or value >= low) and (high is None or value <= high)

    kinds = {change.kind for change in policy_changes([old], [new])}
    if passes(new) and not passes(old):
        assert "relaxed" in kinds
    if passes(old) and not passes(new):
        assert "tightened" in kinds


def test_a_limit_that_may_be_touched_no_more_is_tightened():
    old, new = (
        Rule(id="r", measure="performance.accuracy", reason="r", source="s", **limit)
        for limit in ({"at_least": 0}, {"above": 0})
    )
    assert [(c.kind, c.weakens) for c in policy_changes([old], [new])] == [("tightened", False)]
    assert [(c.kind, c.weakens) for c in policy_changes([new], [old])] == [("relaxed", True)]
