"""What the rows allow of a rule is told before the run, and the run's own check and the judge agree with it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from harness import audit, load_suite
from harness.checks.bias.groups import groups
from harness.checks.data.power import forecasts, power
from harness.checks.performance.classification import classification
from harness.checks.privacy.membership import membership
from harness.core.finding import CheckRecord
from harness.core.rule import Rule
from harness.datasets.roles import DataOptions, load_dataset
from harness.engine.evidence import Evidence
from harness.engine.judge import judge
from harness.engine.policy_facts import with_required_rules
from harness.spec.suite import CheckRequest

CHECKS = ("performance.classification", "performance.slices", "bias.groups", "privacy.membership")
RATIO = {"measure": "bias.impact_ratio", "group": {"g": "*"}, "between": [0.8, 1.25]}


def rule(measure, name="r", **limit):
    return Rule.model_validate({"id": name, "measure": measure, "reason": "r", "source": "s", **limit})


def with_policy(evidence, *rules, checks=CHECKS, **parameters):
    requests = [CheckRequest(name=name, parameters=parameters.get(name.partition(".")[0], {})) for name in checks]
    evidence.suite = evidence.suite.model_copy(update={"policy": list(rules), "checks": requests})
    return evidence


def labelled(positives, negatives):
    return ["yes"] * positives + ["no"] * negatives


def two_groups(small, large, rate=0.75, answers=None):
    """A small group b and a large group a, of the same base rate."""
    labels = [label for n in (small, large) for label in labelled(round(rate * n), n - round(rate * n))]
    names = ["b"] * small + ["a"] * large
    return {"labels": labels, "favourable": "yes", "answers": answers, "groups": {"g": names}}


def only(evidence):
    (found,) = forecasts(evidence)
    return found


def test_24_positives_can_show_no_recall_of_nine_tenths_and_100_can(build, find):
    rules = rule("performance.recall", of={"class": "yes"}, at_least=0.9)
    few = with_policy(build(labelled(24, 400)), rules)
    assert only(few).text == "can't pass: 24 rows: even 24 of 24 gives a lower bound of 0.858, below 0.9"
    measured = power(few)
    assert find(measured, "data.undecidable_rules").value == 1
    least = find(measured, "data.value_to_pass", {"rule": "r", "class": "yes", "end": "least"})
    assert (least.value, least.n) == (None, 24)
    assert "24 of 24" in least.reason
    many = power(with_policy(build(labelled(100, 400)), rules))
    assert find(many, "data.undecidable_rules").value == 0
    # The exact lower bound of 96 of 100 is 0.9007, that of 95 is 0.887.
    assert find(many, "data.value_to_pass", {"rule": "r", "class": "yes", "end": "least"}).value == 0.96


def test_an_at_most_has_its_largest_value_and_a_reason_where_none_is_small_enough(build):
    limit = {"group": {"g": "*"}, "at_most": 0.1}
    evidence = build(**two_groups(60, 120, rate=0.5))
    found = forecasts(with_policy(evidence, rule("bias.false_positive_rate", **limit)))
    assert [(f.group, f.n, f.least, f.most) for f in found] == [
        ({"g": "a"}, 60, None, 1 / 60),
        ({"g": "b"}, 30, None, None),
    ]
    assert "even 0 of 30 gives an upper bound of 0.116, above 0.1" in found[1].text
    assert found[0].text == "60 rows: passes up to 0.016 observed"  # 1 / 60 rounded inwards


def test_a_planted_tiny_group_makes_its_rule_undecidable_and_its_large_twin_does_not(build, find):
    tiny = with_policy(build(**two_groups(24, 400)), rule(**RATIO))
    assert "24 rows in the denominator, 30 needed" in only(tiny).text
    assert find(power(tiny), "data.undecidable_rules").value == 1
    large = with_policy(build(**two_groups(200, 400)), rule(**RATIO))
    assert only(large).decidable == "yes"
    assert find(power(large), "data.undecidable_rules").value == 0


def test_rates_slices_and_rankings_of_too_few_rows_are_never_tested(build):
    made = build(**two_groups(24, 400), slices={"s": ["few"] * 20 + ["many"] * 404})
    rules = [
        rule("bias.selection_rate", "rate", group={"g": "*"}, at_least=0.5),
        rule("bias.roc_auc", "auc", group={"g": "*"}, at_least=0.6),
        rule("performance.slice_accuracy", "slice", of={"slice": "*"}, at_least=0.5),
    ]
    found = forecasts(with_policy(made, *rules))
    assert [f.decidable for f in found] == ["yes", "no", "yes", "no", "no", "yes"]
    assert [f.n for f in found] == [400, 24, 400, 24, 20, 404]
    assert all("insufficient sample" in f.text for f in found if f.decidable == "no")


def test_the_suites_own_minimum_and_intersections_count(build):
    evidence = build(**two_groups(36, 60, rate=0.5))
    assert only(with_policy(evidence, rule(**RATIO), bias={"minimum_group": 10})).decidable == "not at the assumed rate"
    wider = rule(**{**RATIO, "between": [0.5, 2]})
    assert only(with_policy(evidence, wider, bias={"minimum_group": 10})).decidable == "yes"
    crossed = build(**{**two_groups(100, 400), "groups": {"g": ["b"] * 100 + ["a"] * 400, "h": ["c", "d"] * 250}})
    both = rule("bias.impact_ratio", group={"g × h": "*"}, between=[0.8, 1.25])
    found = forecasts(with_policy(crossed, both, bias={"intersections": [["g", "h"]]}))
    assert [f.group["g × h"] for f in found] == ["a × c", "b × c", "b × d"]


def test_a_rule_that_only_a_model_which_selects_most_could_pass_says_so_and_is_not_counted(build, find):
    evidence = with_policy(build(**two_groups(36, 60, rate=0.5)), rule(**RATIO))
    assert only(evidence).decidable == "not at the assumed rate"
    assert "no interval fits between" in only(evidence).text
    assert "taken as 0.500" in only(evidence).text
    assert find(power(evidence), "data.undecidable_rules").value == 0


def judged(check, evidence):
    (policy,) = evidence.suite.policy
    found = check(evidence)
    record = CheckRecord(check="c", status=found.status, findings=found.findings, reason=found.reason)
    return judge([policy], [record], 10).decisions[0].outcome


@pytest.mark.parametrize(("measure", "limit"), [("bias.impact_ratio", 0.8), ("bias.selection_rate_gap", -0.15)])
def test_the_judge_passes_the_value_to_pass_of_a_group_and_not_one_row_less(build, measure, limit):
    policy = rule(measure, group={"g": "*"}, at_least=limit)
    least = only(with_policy(build(**two_groups(80, 400)), policy)).least
    base = 0.75 if measure.endswith("ratio") else 1
    hits = round((least * base + (0 if base < 1 else 0.75)) * 80)
    for selected, outcome in ((hits, "pass"), (hits - 1, "inconclusive")):
        answers = labelled(selected, 80 - selected) + labelled(300, 100)
        evidence = with_policy(build(**two_groups(80, 400, answers=answers)), policy)
        assert judged(groups, evidence) == outcome


def test_the_judge_passes_the_value_to_pass_of_a_recall_and_not_one_row_less(build):
    policy = rule("performance.recall", of={"class": "yes"}, at_least=0.7)
    hits = round(only(with_policy(build(labelled(178, 100)), policy)).least * 178)
    for found, outcome in ((hits, "pass"), (hits - 1, "inconclusive")):
        answers = labelled(found, 178 - found) + labelled(0, 100)
        assert judged(classification, with_policy(build(labelled(178, 100), answers=answers), policy)) == outcome


def test_the_judge_passes_the_value_to_pass_of_the_gap_attack_and_not_one_row_more(build):
    policy = rule("privacy.membership_auc", of={"attack": "gap"}, at_most=0.58)
    rng = np.random.default_rng(0)
    noise, own = (pd.DataFrame({"x": rng.normal(size=n)}) for n in (200, 300))
    members = {"labels": labelled(120, 180), "inputs": own}
    foreseen = only(with_policy(build(labelled(80, 120), inputs=noise, train=members), policy))
    # Always "no" is right in 0.6 of the test rows; a few of the members' "yes" are known besides.
    hits = round((2 * foreseen.most - 1 + 0.6) * 300)
    assert hits > 180
    for right, outcome in ((hits, "pass"), (hits + 1, "inconclusive")):
        answered = members | {"answers": labelled(right - 180, 480 - right)}
        evidence = build(labelled(80, 120), answers=["no"] * 200, inputs=noise, train=answered)
        assert judged(membership, with_policy(evidence, policy, checks=["privacy.membership"])) == outcome


def test_a_perfect_auc_of_few_rows_is_judged_by_the_very_interval_that_was_foreseen(build):
    for n, limit, answer in ((12, 0.9, "no"), (60, 0.9, "yes")):
        policy = rule("performance.roc_auc", at_least=limit)
        evidence = with_policy(build(labelled(n, n), scores=np.r_[np.ones(n), np.zeros(n)]), policy)
        assert only(evidence).decidable == answer
        assert judged(classification, evidence) == ("pass" if answer == "yes" else "inconclusive")


def test_what_follows_from_the_answers_is_not_known_and_not_counted(build, find):
    rules = [
        rule("performance.precision", "p", of={"class": "yes"}, at_least=0.5),
        rule("performance.f1_macro", "f", at_least=0.5),
        rule("data.leak_suspects", "l", at_most=0),
        rule("acme/review.recall", "a", at_least=0.5),
    ]
    evidence = with_policy(build(labelled(50, 50)), *rules, checks=[*CHECKS, "data.quality"])
    assert [f.decidable for f in forecasts(evidence)] == ["not known before the run"] * 4
    assert "how often the model will say this class" in forecasts(evidence)[0].text
    measured = power(evidence)
    assert (find(measured, "data.undecidable_rules").value, find(measured, "data.undecidable_rules").n) == (0, 4)
    assert all(f.value is None and f.reason for f in measured.findings[1:])


def test_unknown_members_are_no_members_yet(build):
    policy = rule("privacy.membership_auc", of={"attack": "*"}, at_most=0.6)
    evidence = with_policy(build(labelled(100, 100), train={"labels": labelled(100, 100)}), policy)
    assert [(f.of["attack"], f.decidable) for f in forecasts(evidence)] == [("gap", "yes"), ("loss", "yes")]
    evidence.data = replace(evidence.data, members="unknown")
    assert {f.decidable for f in forecasts(evidence)} == {"not known before the run"}
    few = with_policy(build(labelled(40, 40), train={"labels": labelled(100, 100)}), policy)
    assert all("80 non-members; 100 of each needed" in f.text for f in forecasts(few))


def test_a_rule_that_nothing_will_measure_is_undecidable(build, find):
    rules = [
        rule("performance.recall", "r", of={"class": "maybe"}, at_least=0.5),
        rule("performance.mae", "m", at_most=2),
        rule("performance.ece", "e", at_most=0.1),
    ]
    found = power(with_policy(build(labelled(50, 50)), *rules, checks=[*CHECKS, "performance.regression"]))
    assert [row[-1] for row in found.exhibits[0].rows] == ["no", "not applicable", "no"]
    assert find(found, "data.undecidable_rules").value == 2
    assert "does not run performance.calibration" in find(found, "data.chance_to_pass", {"rule": "e"}).reason


def test_rows_that_belong_together_are_told(build):
    evidence = with_policy(build(labelled(50, 50)), rule("performance.accuracy", at_least=0.5))
    assert "belong together" not in only(evidence).reason
    object.__setattr__(evidence.data.splits["test"], "clusters", np.array(["a", "b"] * 50, dtype=object))
    assert "not taken into account" in only(evidence).reason


def test_groups_under_ten_people_are_not_printed_and_no_policy_is_not_tested(build):
    found = power(with_policy(build(**two_groups(8, 400)), rule(**RATIO)))
    assert found.exhibits[0].rows[0][2] == "< 10"
    assert power(with_policy(build(labelled(5, 5)))).status == "not_tested"


def test_a_regression_knows_its_tolerances(build_numbers):
    evidence = build_numbers(np.arange(200.0), np.arange(200.0))
    policy = [
        rule("performance.within_tolerance", of={"at": "5 mm"}, at_least=0.8),
        rule("performance.r2", "q", at_least=0.5),
    ]
    requests = [CheckRequest(name="performance.regression", parameters={"tolerances": [5]})]
    evidence.suite = evidence.suite.model_copy(update={"policy": policy, "checks": requests})
    within, r2 = forecasts(evidence)
    # 0.8 + 1.96 √(0.16 / 200) = 0.8554: 172 of 200.
    assert (within.least, r2.decidable) == (172 / 200, "not known before the run")


def test_mortgage_denials_before_the_run():
    loaded = load_suite("finance/credit-risk")
    found = forecasts(Evidence(loaded.suite, load_dataset(loaded, DataOptions(trained_on_split=True)), None, 0))
    lines = {(f.rule.id, *(f.group or f.of or {}).values()): f for f in found}
    black = lines["four-fifths", "black"]
    assert black.text == "135 rows: passes from 0.889 to 1.099 observed"
    # statsmodels: 109 and 108 of 135 against 741 of 815, the base rate.
    from statsmodels.stats.proportion import confint_proportions_2indep

    hits = round(black.least * 135 * 741 / 815)
    lows = [
        confint_proportions_2indep(k, 135, 741, 815, method="score", compare="ratio", correction=True)[0]
        for k in (hits - 1, hits)
    ]
    assert lows[0] < 0.8 <= lows[1]
    assert lines["useful",].least == pytest.approx(0.753, abs=0.001)
    assert {f.decidable for f in found} == {"yes", "not known before the run"}


def test_the_audit_comes_to_the_very_decisions_that_were_foreseen(credit_model):
    record = audit("finance/credit-risk", str(credit_model))
    loaded = load_suite("finance/credit-risk")
    data = load_dataset(loaded, DataOptions(trained_on_split=True))
    found = forecasts(Evidence(with_required_rules(loaded.suite, record.policy.facts), data, None, 0))
    decided = [(d.rule_id, d.group, d.of) for d in record.verdict.decisions]
    assert [(f.rule.id, f.group, f.of) for f in found] == decided
    (own,) = [r for r in record.records if r.check == "data.power"]
    assert own.findings[0].model_dump(include={"measure", "value", "n"}) == {
        "measure": "data.undecidable_rules",
        "value": 0,
        "n": len(found),
    }
