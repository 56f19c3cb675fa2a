import pytest

from harness.engine.registry import check_entries
from harness.errors import SuiteError
from tests.engine.known_checks import find_check


@pytest.mark.parametrize(
    ("name", "near"), [("performance.clasification", "performance.classification"), ("bias.group", "bias.groups")]
)
def test_a_misspelt_check_is_named_with_its_neighbour_and_all_that_are_known(name, near):
    with pytest.raises(SuiteError, match=f"Did you mean {near}") as error:
        find_check(name, {})
    assert all(known in str(error.value) for known in check_entries())


def test_a_name_like_nothing_known_has_no_neighbour():
    with pytest.raises(SuiteError, match="There is no check") as error:
        find_check("zzz", {})
    assert "Did you mean" not in str(error.value)


def test_an_unknown_parameter_is_named_with_those_that_are_taken():
    with pytest.raises(
        SuiteError,
        match=r"no parameter minimum_grp\. Did you mean minimum_group\? It takes: minimum_group, intersections",
    ):
        find_check("bias.groups", {"minimum_grp": 3})
    with pytest.raises(SuiteError, match="It takes: none"):
        find_check("model.loading", {"bins": 3})


def test_the_evidence_is_no_parameter():
    with pytest.raises(SuiteError, match="no parameter evidence"):
        find_check("data.quality", {"evidence": 1})


@pytest.mark.parametrize(
    ("check", "parameters"),
    [
        ("bias.groups", {"minimum_group": "30"}),
        ("bias.groups", {"minimum_group": True}),
        ("bias.groups", {"intersections": ["sex", "race"]}),
        ("data.quality", {"leak_auc": None}),
        ("privacy.membership", {"attacks": "loss"}),
        ("performance.calibration", {"bins": 7.5}),
    ],
)
def test_a_parameter_of_another_type_is_refused(check, parameters):
    (name,) = parameters
    with pytest.raises(SuiteError, match=f"Check {check}: parameter {name} is"):
        find_check(check, parameters)


def test_every_wrong_parameter_of_a_check_is_named():
    with pytest.raises(SuiteError) as error:
        find_check("performance.calibration", {"bins": 0, "resamples": "many", "bin": 3})
    assert [line.partition(".")[0] for line in str(error.value).splitlines()] == ["Check performance"] * 3
    for said in ("no parameter bin.", "parameter bins is 0", "parameter resamples is 'many'"):
        assert said in str(error.value)


@pytest.mark.parametrize(
    ("check", "parameters"),
    [
        ("bias.groups", {"minimum_group": 10, "intersections": [["sex", "race"]]}),
        ("bias.groups", {"intersections": None}),
        ("data.quality", {"leak_auc": 1}),
        ("privacy.membership", {"attacks": ["loss"]}),
    ],
)
def test_a_parameter_of_the_right_type_is_taken(check, parameters):
    assert find_check(check, parameters).name == check
