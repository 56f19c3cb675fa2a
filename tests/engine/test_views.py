import numpy as np
import pandas as pd
import pytest

from harness.engine.views import problems_of_views, render_view
from harness.errors import SuiteError
from harness.spec.suite import Suite


def suite(**views):
    return Suite.model_validate({
        "name": "t", "vertical": "t", "views": views, "checks": ["data.quality"],
        "data": {"source": "-", "label": {"column": "y", "positive": "b"}, "features": ["age", "blood pressure [mm]"]},
    })  # fmt: skip


ROWS = pd.DataFrame({"age": [41.0, np.nan], "blood pressure [mm]": ["120", None]})


def test_a_row_is_shown_as_its_author_wrote_it_and_a_missing_value_is_unknown():
    made = suite(text="Age {{ age }}, pressure {{ row['blood pressure [mm]'] }}.")
    assert render_view(made, "text", ROWS) == ["Age 41, pressure 120.", "Age unknown, pressure unknown."]


def test_a_prompt_holds_the_text_and_is_shown_to_a_language_model():
    made = suite(text="Age {{ age }}", prompt={"template": "{{ text }}\nSick?", "choices": {"a": " no", "b": " yes"}})
    assert render_view(made, "prompt", ROWS.iloc[:1]) == ["Age 41\nSick?"]


@pytest.mark.parametrize(
    ("template", "says"), [("{{ y }}", "names y, which is no feature"), ("{{ age", "no valid template"), ("{% import 'x' %}", "template")]
)  # fmt: skip
def test_a_template_that_shows_the_label_or_is_none_is_a_problem(template, says):
    assert says in problems_of_views(suite(text=template))[0]


@pytest.mark.parametrize(
    "template",
    ["{{ row.__class__.__mro__ }}", "{{ ''.__class__.__base__.__subclasses__() }}", "{{ row.update({'a': 1}) }}"],
)
def test_a_template_that_tries_to_do_harm_is_stopped_by_the_sandbox(template):
    with pytest.raises(SuiteError, match="fails on a row"):
        render_view(suite(text=template), "text", ROWS)


def test_a_view_that_the_suite_lacks_is_asked_for():
    with pytest.raises(SuiteError, match=r"Write views\.text"):
        render_view(suite(), "text", ROWS)
