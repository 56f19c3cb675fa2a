"""Every built-in check says in its signature what its parameters may be."""

import inspect
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import pytest
from pydantic import Field, TypeAdapter

from harness.core.dataset import Dataset
from harness.engine.measure_ranges import RANGES
from harness.engine.parameter_text import wanted_text
from harness.engine.parameters import ClassName, NumberFeature, Shares, names_of, refuses
from harness.engine.planner import validate_checks
from harness.engine.registry import BUILT_IN
from harness.engine.validation import STRICT, problems_of_parameters, problems_together
from harness.errors import SuiteError

PARAMETERS = [
    (entry.name, key, hint, inspect.signature(entry.load()).parameters[key].default)
    for entry in BUILT_IN
    for key, hint in get_type_hints(entry.load(), include_extras=True).items()
    if key not in ("evidence", "return")
]


def bare(hint: Any) -> list[Any]:
    """The parts of a type that are a number, a text or a list of any kind, without a word on which."""
    if get_origin(hint) is Annotated:
        inner = get_args(hint)[0]
        return [] if inner in (int, float, str) else [part for one in get_args(inner) for part in bare(one)]
    if hint in (int, float, str, list, dict):
        return [hint]
    if get_origin(hint) is Literal:
        return []
    if get_origin(hint) is list:
        return [hint]
    return [part for one in get_args(hint) for part in bare(one)]


def test_a_type_without_a_range_is_seen():
    assert bare(int | None) == [int]
    assert bare(Annotated[list[float], Field(min_length=1)]) == [float]
    assert bare(list[Annotated[int, Field(ge=1)]]) != []
    assert bare(Shares | None) == []


@pytest.mark.parametrize(("check", "key", "hint", "default"), PARAMETERS, ids=[f"{p[0]}:{p[1]}" for p in PARAMETERS])
def test_every_parameter_declares_its_range_and_its_default_lies_within(check, key, hint, default):
    # What a cost is has no range: a caught positive may earn something.
    assert bare(hint) == ([float] if (check, key) == ("performance.costs", "matrix") else [])
    adapter = TypeAdapter(hint, config=STRICT)
    assert adapter.validate_python(default) == default
    assert wanted_text(adapter)


def test_every_measure_of_a_built_in_check_has_a_range_and_no_other():
    assert set(RANGES) == {measure for entry in BUILT_IN for measure in entry.declared()}


@pytest.mark.parametrize(
    ("hint", "words"),
    [
        (Annotated[int, Field(ge=2, le=9)], "a whole number, 2 or more and at most 9"),
        (Shares | None, "a list of one or more, each a number, above 0 and below 1"),
        (dict[str, Literal["up", "down"]], "a mapping from a name to one of up, down"),
        (Annotated[list[str], Field(min_length=2)], "a list of 2 or more, each a text"),
        (
            dict[ClassName, list[NumberFeature]],
            "a mapping from a class of the data to a list of one or more, each a feature of numbers",
        ),
        (bool, "true or false"),
        (object, ""),
    ],
)
def test_what_is_wanted_is_said_in_words(hint, words):
    assert wanted_text(TypeAdapter(hint)) == words


def test_names_are_let_through_where_the_data_are_not_at_hand(suite):
    entry = next(entry for entry in BUILT_IN if entry.name == "performance.inspection")
    without = names_of(suite(), None)
    assert problems_of_parameters(entry, {"defect": "anything"}, without) == []


def test_a_feature_is_known_of_the_suite_alone(suite):
    entry = next(entry for entry in BUILT_IN if entry.name == "explainability.direction")
    (problem,) = problems_of_parameters(entry, {"expected": {"y": "up"}}, names_of(suite(), None))
    assert "At [y]: 'y' is no feature of the suite. Features: x, k." in problem


def test_a_check_sees_its_defaults_in_what_it_refuses(suite):
    def misfits(_: object, data: Dataset | None, parameters: dict[str, Any]) -> list[str]:
        return [f"{parameters['a']} and {parameters['b']} without data"] if data is None else []

    @refuses(misfits)
    def check(evidence, *, a=1, b=2):
        """Nothing."""

    entry = type("Entry", (), {"name": "x/y", "load": staticmethod(lambda: check)})()
    assert problems_together(entry, {"b": 3}, suite(), None) == ["x/y: 1 and 3 without data"]


def test_data_of_the_suite_are_needed_to_call_a_name_of_a_rule_unknown(suite, data):
    rule = {"id": "r", "measure": "performance.recall", "of": {"class": "maybe"}, "at_least": 0.5, "reason": "r", "source": "s"}  # fmt: skip
    given = suite(["performance.classification"], policy=[rule])
    validate_checks(given)
    rows = data()
    with pytest.raises(SuiteError, match="the class 'maybe', which nothing has"):
        validate_checks(given, rows)
    object.__setattr__(rows, "of_suite", False)
    validate_checks(given, rows)
