"""Waivers worked by hand: 800 of 1,000 right against ≥ 0.9 fails; 905 is inconclusive; 950 passes."""

from datetime import date, timedelta

import pytest

from harness.core.finding import CheckRecord, Finding
from harness.core.rule import Rule
from harness.core.waiver import Waiver
from harness.engine.judge import judge
from harness.engine.waive import waive
from harness.stats.intervals import wilson

TODAY = date(2026, 6, 30)
DAY = timedelta(days=1)


def rule(name="useful", measure="performance.accuracy", **keys):
    return Rule.model_validate(
        {"id": name, "measure": measure, "at_least": 0.9, "reason": "because", "source": "a test", **keys}
    )


def waiver(name="useful", expires=TODAY + 30 * DAY, **keys):
    said = {"owner": "head of credit", "reason": "pilot", "compensating_control": "a person reads each case"}
    return Waiver.model_validate({"rule": name, "expires": expires, **said, **keys})


def record(*hits, measure="performance.accuracy", groups=(None,)):
    found = [
        Finding(measure=measure, value=h / 1000, n=1000, interval=wilson(h, 1000), group=group)
        for h, group in zip(hits, groups, strict=True)
    ]
    return CheckRecord(check="performance.classification", status="measured", findings=found)


def waived(rules, records, *waivers, day=TODAY):
    return waive(judge(rules, records, 1000), list(waivers), day)


def test_an_active_waiver_lets_a_failing_blocking_rule_through_and_the_outcome_stays_true():
    verdict = waived([rule()], [record(800)], waiver())
    decision = verdict.decisions[0]
    assert (verdict.outcome, verdict.waived, verdict.judged_on) == ("pass", 1, TODAY)
    assert (decision.outcome, decision.waived, decision.waiver) == ("fail", True, waiver())


@pytest.mark.parametrize(("hits", "records"), [(905, None), (None, [])])
def test_what_is_inconclusive_or_not_tested_can_be_waived(hits, records):
    verdict = waived([rule()], [record(hits)] if hits else records, waiver())
    assert verdict.decisions[0].outcome == ("inconclusive" if hits else "not_tested")
    assert (verdict.outcome, verdict.waived) == ("pass", 1)


@pytest.mark.parametrize(
    ("expires", "granted", "state", "overall"),
    [
        (TODAY - DAY, None, "expired", "fail"),
        (TODAY, None, "active", "pass"),
        (TODAY + 30 * DAY, TODAY, "active", "pass"),
        (TODAY + 30 * DAY, TODAY + DAY, "pending", "fail"),
        (TODAY + 366 * DAY, None, "active", "pass"),
        (TODAY + 367 * DAY, None, "pending", "fail"),
        (date(9999, 12, 31), None, "pending", "fail"),
    ],
)
def test_a_waiver_holds_from_its_first_to_its_last_day_and_366_days_at_most(expires, granted, state, overall):
    verdict = waived([rule()], [record(800)], waiver(expires=expires, granted=granted))
    assert (verdict.decisions[0].waiver_state, verdict.outcome) == (state, overall)
    assert verdict.waived == (state == "active")


def test_a_waiver_of_one_group_does_not_cover_another():
    by_group = rule("parity", "performance.group_accuracy", group={"race": "*"})
    groups = ({"race": "black"}, {"race": "white"})
    records = [record(800, 800, measure="performance.group_accuracy", groups=groups)]
    narrow = waived([by_group], records, waiver("parity", group={"race": "black"}))
    assert [(d.group["race"], d.waived) for d in narrow.decisions] == [("black", True), ("white", False)]
    assert (narrow.outcome, narrow.waived) == ("fail", 1)
    wide = waived([by_group], records, waiver("parity", group={"race": "*"}))
    assert (wide.outcome, wide.waived) == ("pass", 2)


def test_a_waiver_of_one_rule_leaves_the_others_and_their_correction_alone():
    rules, records = [rule("a"), rule("b")], [record(800)]
    verdict = waived(rules, records, waiver("a"))
    assert [d.waived for d in verdict.decisions] == [True, False]
    assert verdict.outcome == "fail"
    bare = judge(rules, records, 1000)
    assert [(d.outcome, d.p_fail) for d in verdict.decisions] == [(d.outcome, d.p_fail) for d in bare.decisions]


def test_an_error_cannot_be_waived():
    why = "50 of 300 test rows were used to train the model"
    crashed = CheckRecord(check="performance.classification", status="error", reason=why)
    verdict = waived([rule()], [crashed], waiver())
    assert (verdict.decisions[0].outcome, verdict.decisions[0].waiver) == ("error", None)
    assert (verdict.outcome, verdict.waived) == ("incomplete", 0)


def test_a_rule_that_passes_needs_no_waiver():
    verdict = waived([rule()], [record(950)], waiver())
    assert (verdict.outcome, verdict.waived, verdict.decisions[0].waiver) == ("pass", 0, None)


@pytest.mark.parametrize("turn", [1, -1])
def test_of_two_waivers_the_one_in_force_counts_in_either_order(turn):
    old, renewed = waiver(expires=TODAY - DAY), waiver(expires=TODAY + DAY)
    verdict = waived([rule()], [record(800)], *[old, renewed][::turn])
    assert verdict.decisions[0].waiver == renewed
    assert verdict.outcome == "pass"


def test_a_waived_warning_is_not_counted_as_blocking():
    verdict = waived([rule(), rule("told", severity="warn")], [record(950)], waiver("told"))
    assert (verdict.outcome, verdict.waived) == ("pass", 0)
    failing = waived([rule(), rule("told", severity="warn")], [record(800)], waiver("told"))
    assert [d.waived for d in failing.decisions] == [False, True]
    assert (failing.outcome, failing.waived) == ("fail", 0)


def test_without_waivers_the_verdict_is_the_judges_own_on_every_day():
    verdict = judge([rule()], [record(800)], 1000)
    assert waive(verdict, [], TODAY) is verdict
    assert verdict.judged_on is None
