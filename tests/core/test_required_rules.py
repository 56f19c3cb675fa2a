import pytest

from harness.core.required_rules import PolicyFacts, completed, required_ids
from harness.core.rule import Rule

OWN = Rule(id="useful", measure="performance.roc_auc", at_least=0.7, reason="r", source="s")


def rule(**given):
    return Rule(**{"id": "own", "measure": "performance.informedness", "reason": "r", "source": "s", **given})


def found(rules, **facts):
    added = completed(rules, PolicyFacts("classification", **facts))[len(rules) :]
    return {r.id: r.severity for r in added}


def test_a_policy_gets_what_it_lacks_and_each_added_rule_is_marked():
    added = completed([OWN], PolicyFacts("classification"))[1:]
    assert all(r.required and r.above == 0 for r in added)
    assert found([OWN]) == {
        "better-than-guessing": "block",
        "better-than-base-rate": "warn",
        "better-than-base-rate-in-log-loss": "warn",
        "better-than-majority": "block",
    }


@pytest.mark.parametrize(("given", "covered"), [({"above": 0}, True), ({"at_least": 0.1}, True), ({"between": (0.2, 1)}, True), ({"at_least": 0}, False),
                                                ({"above": -0.5}, False), ({"above": 0, "severity": "warn"}, False), ({"above": 0, "of": {"class": "yes"}}, False)])  # fmt: skip
def test_only_a_rule_that_is_as_strict_covers_the_required_one(given, covered):
    assert ("better-than-guessing" not in found([rule(**given)])) == covered


def test_scores_used_as_probabilities_make_the_base_rate_block():
    calibrated = rule(measure="performance.calibration_slope", between=(0.7, 1.4), severity="warn")
    assert found([calibrated])["better-than-base-rate"] == "block"
    assert found([OWN], costs=True)["better-than-base-rate"] == "block"
    assert found([OWN], costs=True)["saves-cost"] == "warn"


def test_accuracy_is_held_against_the_majority_only_at_the_models_own_labels():
    assert "better-than-majority" not in found([OWN], own_labels=False)
    assert found([OWN], rare_class=True)["better-than-majority"] == "warn"


def test_other_tasks_have_rules_of_their_own():
    for task, measure in (("regression", "performance.squared_error_skill"), ("choice", "performance.choice_gain")):
        (added,) = completed([], PolicyFacts(task))
        assert (added.measure, added.severity) == (measure, "block")


def test_an_id_that_is_taken_gets_a_number():
    other = rule(id="better-than-guessing", measure="performance.accuracy", at_least=0.5)
    assert "better-than-guessing-2" in found([other])
    assert {r.id for r in required_ids("classification")} >= {"better-than-guessing", "saves-cost"}
