import pytest

from harness.core.audit import ModelInfo
from harness.engine.absence import absence
from harness.engine.planner import ALWAYS, plan
from harness.engine.registry import check_entries
from harness.errors import SuiteError

EVERYTHING = ("labels", "scores", "train", "estimator", "ask")


def model(offers=EVERYTHING):
    return ModelInfo(uri="m", kind="sklearn", fingerprint="-", offers=list(offers))


def only(found, name):
    return next((step.status, step.reason) for step in found.steps if step.request.name == name)


SENSITIVE = {"sensitive": {"sex": {"column": "k"}}}


@pytest.mark.parametrize(
    ("check", "given", "says"),
    [
        ("privacy.membership", {"members": "unknown"}, "members unknown"),
        ("privacy.membership", {"offers": ("labels", "scores")}, "no rows of the training split"),
        ("performance.calibration", {"offers": ("labels", "train")}, "labels but no probabilities"),
        ("performance.operating_points", {"positive": None}, "declares no positive class"),
        ("explainability.attribution", {"offers": ("labels", "scores")}, "only saved answers are known"),
        ("performance.transfer", {"offers": ("labels", "scores")}, "fitted again"),
        ("bias.groups", {"sensitive": {}}, "declares no sensitive attribute"),
        ("explainability.reasons", {"label": {"column": "y", "positive": "yes"}}, "which outcome is favourable"),
    ],
)
def test_a_check_that_lacks_something_is_not_tested_and_says_what(check, given, says, suite, data):
    rows = data(members=given.pop("members", "stated"), positive=given.pop("positive", "yes"))
    info = model(given.pop("offers", EVERYTHING))
    status, reason = only(plan(suite([check], **{**SENSITIVE, **given}), rows, info), check)
    assert status == "not_tested"
    assert says in reason


def test_a_check_that_lacks_nothing_runs(suite, data):
    checks = [
        *("privacy.membership", "performance.calibration", "explainability.attribution"),
        *("bias.groups", "data.quality", "performance.classification", "performance.slices"),
    ]
    found = plan(suite(checks, **SENSITIVE), data(), model())
    assert {step.request.name: step.status for step in found.steps} == dict.fromkeys([*checks, *ALWAYS])


def test_every_reason_is_told(suite, data):
    _, reason = only(
        plan(suite(["explainability.reasons"]), data(positive=None), model(["labels"])),
        "explainability.reasons",
    )
    assert reason.count(";") == 2


def test_what_the_suite_or_the_task_rules_out_is_not_applicable_with_its_reason(suite, data):
    given = suite(["bias.groups"], not_applicable={"bias.groups": "machines have no gender"})
    assert only(plan(given, data(), model()), "bias.groups") == ("not_applicable", "machines have no gender")
    other = suite(["performance.classification"], task="regression")
    status, reason = only(plan(other, data(), model()), "performance.classification")
    assert (status, reason) == ("not_applicable", "a number is no class: performance.regression measures its error")


def test_every_built_in_check_says_truly_why_a_task_has_no_use_for_it(suite, data):
    for entry in check_entries().values():
        for task in {"classification", "regression", "choice"} - set(entry.tasks):
            reason = absence(entry.name, entry.tasks, task)
            assert "no such concept" not in reason
            named = [part.rstrip(":") for part in reason.split() if part.partition(":")[0] in check_entries()]
            assert all(task in check_entries()[name].tasks for name in named), (entry.name, reason)


@pytest.mark.parametrize(
    ("checks", "roles"),
    [
        (["data.quality"], ("test",)),  # whether the model beats guessing is always measured
        (["performance.classification"], ("test",)),
        (["performance.classification", "privacy.membership"], ("test", "train")),
    ],
)
def test_only_the_splits_that_a_running_check_needs_are_asked(checks, roles, suite, data):
    assert plan(suite(checks), data(), model()).roles == roles


def test_training_rows_are_not_asked_for_a_check_that_will_not_run(suite, data):
    found = plan(suite(["performance.classification", "privacy.membership"]), data(members="unknown"), model())
    assert found.roles == ("test",)


def test_how_the_model_was_opened_is_always_told_and_once(suite, data):
    for checks in (["data.quality"], ["model.loading", "data.quality"]):
        names = [step.request.name for step in plan(suite(checks), data(), model()).steps]
        assert sorted(names) == ["data.quality", *ALWAYS]


def test_every_mistake_of_a_suite_comes_at_once(suite, data):
    rule = {"id": "r", "measure": "performance.acuracy", "at_least": 0.5, "reason": "r", "source": "s"}
    given = suite(["data.qualty", {"bias.groups": {"minimum": 3}}], policy=[rule])
    with pytest.raises(SuiteError) as error:
        plan(given, data(), model())
    for said in ("Did you mean data.quality?", "no parameter minimum", "Did you mean performance.accuracy?"):
        assert said in str(error.value)
