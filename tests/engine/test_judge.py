import pytest

from harness.core.finding import CheckRecord, Finding
from harness.core.interval import Interval
from harness.core.rule import Rule
from harness.engine.judge import judge
from harness.engine.rule_problems import problems_of_rules
from harness.stats.intervals import wilson


def rule(**limit):
    return Rule(id="r", measure="performance.accuracy", reason="because", source="a test", **limit)


def record(hits, n):
    finding = Finding(measure="performance.accuracy", value=hits / n, n=n, interval=wilson(hits, n))
    return CheckRecord(check="performance.classification", status="measured", findings=[finding])


@pytest.mark.parametrize(
    ("hits", "outcome", "overall"),
    [(950, "pass", "pass"), (905, "inconclusive", "incomplete"), (800, "fail", "fail")],
)
def test_the_whole_interval_decides_three_ways(hits, outcome, overall):
    verdict = judge([rule(at_least=0.9)], [record(hits, 1000)], 1000)
    assert [d.outcome for d in verdict.decisions] == [outcome]
    assert verdict.outcome == overall


def test_an_inconclusive_decision_names_the_rows_that_decide():
    decision = judge([rule(at_least=0.9)], [record(905, 1000)], 1000).decisions[0]
    half = 0.905 - decision.interval.low
    assert decision.n_needed == pytest.approx(1000 * (2.8016 / 1.96 * half / 0.005) ** 2, rel=0.01)


def test_a_rule_nothing_measured_is_not_a_pass():
    verdict = judge([rule(at_least=0.9)], [], 10)
    assert verdict.decisions[0].outcome == "not_tested"
    assert verdict.outcome == "incomplete"


def test_a_crashed_check_is_not_a_pass():
    crashed = CheckRecord(check="performance.classification", status="error", reason="boom")
    assert judge([rule(at_least=0.1)], [crashed], 10).decisions[0].outcome == "error"


def test_no_blocking_rule_is_incomplete():
    verdict = judge([rule(at_least=0.5, severity="warn")], [record(900, 1000)], 1000)
    assert verdict.outcome == "incomplete"


def test_a_value_without_an_interval_is_not_judged():
    bare = CheckRecord(
        check="performance.classification",
        status="measured",
        findings=[Finding(measure="performance.accuracy", value=0.99, n=9)],
    )
    assert judge([rule(at_least=0.9)], [bare], 9).decisions[0].outcome == "not_tested"


def test_failing_one_of_many_rules_is_judged_at_holms_level():
    one = judge([rule(at_least=0.9)], [record(880, 1000)], 1000)
    many = [Rule(id=f"r{i}", measure="performance.accuracy", at_least=0.9, reason="r", source="s") for i in range(40)]
    assert one.outcome == "fail"
    clean = [d.outcome for d in judge([*many], [record(880, 1000)], 1000).decisions]
    assert set(clean) == {"inconclusive"}


def test_how_far_numbers_are_better_than_their_mean_is_judged_above_0_alone():
    limits = {"above": 0}, {"at_least": 0.5}
    rules = [Rule(id="x", measure="performance.squared_error_skill", reason="r", source="s", **one) for one in limits]
    (problem,) = problems_of_rules(rules)
    assert "heavy tails" in problem and "performance.mae" in problem


@pytest.mark.parametrize("measure", ["brier_skill", "log_loss_skill"])
def test_a_skill_is_not_judged_against_less_than_the_best_constant(measure):
    limits = {"above": 0}, {"at_least": 0.1}, {"at_least": -0.05}
    rules = [Rule(id="x", measure=f"performance.{measure}", reason="r", source="s", **one) for one in limits]
    (problem,) = problems_of_rules(rules)
    assert "below 0" in problem and f"performance.{measure.removesuffix('_skill')} with" in problem


@pytest.mark.parametrize("measure", ["bias.demographic_parity_difference", "bias.calibration_difference"])
def test_a_maximum_over_groups_is_refused_as_a_rule(measure):
    (problem,) = problems_of_rules([Rule(id="x", measure=measure, at_most=0.1, reason="r", source="s")])
    assert "maximum over groups" in problem and "per-group measure" in problem


def skill(value, low, high, exact=False):
    interval = Interval(
        low=low,
        high=high,
        level=0.95,
        method="wald",
        inputs={"value": (low + high) / 2, "standard_error": (high - low) / 3.92},
    )
    found = Finding(measure="performance.accuracy", value=value, n=100, interval=interval, exact=exact)
    return CheckRecord(check="performance.classification", status="measured", findings=[found])


def test_above_is_a_limit_that_the_interval_must_not_touch():
    assert judge([rule(above=0)], [skill(0.2, 0.1, 0.3)], 100).outcome == "pass"
    assert judge([rule(above=0)], [skill(0.2, -0.001, 0.4)], 100).outcome == "incomplete"
    assert judge([rule(above=0)], [skill(0.2, 0.2, 0.2)], 100).outcome != "pass"  # without a width nothing is shown
    assert judge([rule(above=0)], [skill(0.0, -0.1, 0.1, exact=True)], 100).outcome == "fail"
    assert rule(above=0).limit_text() == "> 0"


def test_required_rules_stop_a_model_but_let_none_pass_alone():
    required = rule(above=0).model_copy(update={"required": True})
    assert judge([required], [skill(0.2, 0.1, 0.3)], 100).outcome == "incomplete"
    assert judge([required], [skill(0.0, -0.1, 0.1, exact=True)], 100).outcome == "fail"
