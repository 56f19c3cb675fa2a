import pytest

from harness.core.finding import Finding
from harness.core.rule import Rule
from harness.engine.judge import judge
from harness.engine.measurement import Measurement, not_tested
from harness.engine.planner import Plan, Step
from harness.engine.progress import silent
from harness.engine.registry import CheckEntry
from harness.engine.runner import run
from harness.errors import ModelError
from harness.spec.suite import CheckRequest

GOOD = Finding(measure="performance.accuracy", value=1, n=4, exact=True)


def crashes(evidence):
    return 1 / 0


def counts(evidence, *, times=2):
    for _ in range(times):
        evidence.ask(evidence.split("test").inputs)
    return Measurement([GOOD])


def blames_the_user(evidence):
    raise ModelError("your model is wrong")


def step(name, check=None, status=None, reason=None, needs=(), **parameters):
    class Entry(CheckEntry):
        def load(self):
            return check

        def declared(self):
            return (GOOD.measure,)

    return Step(CheckRequest(name=name, parameters=parameters), Entry(name, "-", needs, name), status, reason)


def records(evidence, *steps):
    return run(Plan(list(steps), ("test",)), evidence, silent)


def test_a_crash_becomes_an_error_record_and_the_next_check_runs(evidence):
    crashed, fine = records(
        evidence(), step("performance.classification", crashes, bins=3), step("data.quality", lambda e: Measurement([GOOD]))
    )  # fmt: skip
    # The parameter that `crashes` does not take makes the crash a TypeError.
    assert (crashed.status, crashed.findings, crashed.parameters) == ("error", [], {"bins": 3})
    assert crashed.reason.startswith("the check crashed: TypeError")
    assert (fine.status, fine.findings) == ("measured", [GOOD])


def test_a_crash_says_what_crashed_and_its_rule_is_not_passed(evidence):
    (crashed,) = records(evidence(), step("performance.classification", crashes))
    assert crashed.reason == "the check crashed: ZeroDivisionError: division by zero"
    rule = Rule(id="r", measure="performance.accuracy", at_least=0.1, reason="r", source="s")
    assert judge([rule], [crashed], 4).outcome == "incomplete"


def test_a_mistake_of_the_user_is_not_swallowed(evidence):
    with pytest.raises(ModelError, match="your model is wrong"):
        records(evidence(), step("data.quality", blames_the_user))


def ends(code):
    def check(evidence):
        raise SystemExit(code)

    return check


def test_a_check_that_ends_the_process_is_an_error_and_the_next_check_runs(evidence):
    ended, fine = records(evidence(), step("bias.groups", ends(0)), step("data.quality", lambda e: Measurement([GOOD])))
    assert (ended.status, ended.reason) == ("error", "the check crashed: it called sys.exit(0)")
    assert fine.status == "measured"


def test_a_check_that_gives_back_no_measurement_is_an_error(evidence):
    wrong, empty = records(evidence(), step("bias.groups", lambda e: None), step("data.quality", lambda e: [GOOD]))
    assert (wrong.status, empty.status) == ("error", "error")
    assert wrong.reason == "the check gave back NoneType. Wanted: a Measurement"


def test_an_interrupt_in_a_check_is_an_interrupt(evidence):
    def interrupted(evidence):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        records(evidence(), step("bias.groups", interrupted))


def test_a_planned_status_is_recorded_and_the_check_never_runs(evidence):
    planned = [("not_tested", "no data"), ("not_applicable", "no such concept")]
    found = records(evidence(), *[step("bias.groups", crashes, *given) for given in planned])
    assert [(r.status, r.reason) for r in found] == planned


def test_what_a_check_could_not_test_keeps_its_findings_and_reason(evidence):
    (found,) = records(evidence(), step("privacy.membership", lambda e: not_tested("shifted", [GOOD])))
    assert (found.status, found.reason, found.findings) == ("not_tested", "shifted", [GOOD])


def test_queries_are_those_of_the_check_itself_or_the_test_rows_of_the_shared_pass(evidence):
    found = evidence()
    found.collect(("test",))
    own, shared, none = records(
        found,
        step("explainability.attribution", counts, times=3),
        step("performance.slices", lambda e: Measurement([GOOD]), needs=("predictions",)),
        step("data.quality", lambda e: Measurement([GOOD])),
    )
    assert (own.queries, shared.queries, none.queries) == (12, 4, 0)


def test_performance_on_rows_that_trained_the_model_is_an_error(evidence, data):
    rows = {"test": {"x": [0.1, 0.9], "ids": ["r1", "r2"]}, "train": {"x": [0.9, 0.3], "ids": ["r2", "r3"]}}
    steps = [step(name, lambda e: Measurement([GOOD])) for name in ("performance.slices", "data.quality")]
    seen = records(evidence(rows=data(**rows)), *steps)
    assert [r.status for r in seen] == ["error", "measured"]
    assert seen[0].reason.startswith("1 of 2 test rows were used to train the model")
    rows["train"]["ids"] = ["r4", "r3"]
    assert [r.status for r in records(evidence(rows=data(**rows)), *steps)] == ["measured", "measured"]


def test_progress_is_told_for_each_step_in_order(evidence):
    told = []
    steps = [step(name, lambda e: Measurement([GOOD])) for name in ("data.quality", "bias.groups")]
    run(Plan(steps, ()), evidence(), lambda text, done=0, total=0: told.append((text, done, total)))
    assert told == [("data.quality", 0, 2), ("bias.groups", 1, 2)]
