"""`harness validate` tells every problem of a suite at once, before any model is there to be asked."""

import pytest
import yaml

from harness import audit
from harness.datasets.roles import DataOptions
from harness.errors import SuiteError
from harness.models.options import ModelOptions
from harness.spec.loading import built_in_suites
from harness.workflows.fit import fit
from harness.workflows.listing import plan_audit, validate

CREDIT, CONCRETE, MACHINES = (
    "finance/credit-risk",
    "manufacturing/process-optimisation",
    "manufacturing/failure-diagnosis",
)
ADVISOR, HEART, PREDICTIVE = "finance/robo-advisor", "medical/diagnosis", "manufacturing/predictive-maintenance"
RULE = {"id": "r", "reason": "r", "source": "s"}


@pytest.fixture
def extended(tmp_path):
    """A suite file over a built-in one, with these checks and rules in place of its own."""

    def made(base, checks, policy=(), **keys):
        document = {
            "extends": base,
            "checks": checks,
            "policy": list(policy),
            "compare": None,
            "release": None,
            "not_applicable": None,
        }
        document |= keys
        path = tmp_path / "suite.yaml"
        path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
        return str(path)

    return made


@pytest.mark.parametrize("name", built_in_suites())
def test_every_shipped_suite_is_valid(name):
    assert validate(name).suite.name == name


WRONG = [
    (CREDIT, "performance.calibration", {"bins": 0}, "bins is 0. Input should be greater than or equal to 2."),
    (CREDIT, "performance.calibration", {"bins": 1}, "Wanted: a whole number, 2 or more and at most 1000."),
    (CREDIT, "performance.calibration", {"bins": True}, "bins is True. Input should be a valid integer"),
    (CREDIT, "performance.calibration", {"bins": 7.5}, "bins is 7.5. Input should be a valid integer"),
    (CREDIT, "performance.calibration", {"resamples": 0}, "resamples is 0. Input should be greater than or equal to 100."),
    (CREDIT, "performance.operating_points", {"resamples": 99}, "resamples is 99"),
    (CREDIT, "performance.operating_points", {"resamples": 10**9}, "less than or equal to 100000"),
    (CREDIT, "performance.operating_points", {"resampels": 500}, "Did you mean resamples?"),
    (CREDIT, "performance.slices", {"minimum": 0}, "minimum is 0"),
    (CREDIT, "performance.slices", {"worst": -1}, "worst is -1"),
    (CREDIT, "performance.operating_points", {"budgets": [0.1, 1.5]}, "At [1]: Input should be less than 1, got 1.5."),
    (CREDIT, "performance.operating_points", {"budgets": [0.0]}, "greater than 0"),
    (CREDIT, "performance.operating_points", {"budgets": []}, "at least 1 item"),
    (CREDIT, "performance.operating_points", {"budgets": [0.1, 0.1]}, "0.1 is listed twice"),
    (CREDIT, "performance.operating_points", {"budgets": 0.1}, "Input should be a valid list"),
    (CREDIT, "performance.operating_points", {"specificities": [90]}, "less than 1"),
    (CREDIT, "performance.operating_points", {"thresholds": [float("nan")]}, "finite number"),
    (CREDIT, "performance.operating_points", {"thresholds": [float("inf")]}, "finite number"),
    (CREDIT, "performance.operating_points", {"first_rows": [0]}, "greater than or equal to 1"),
    (CREDIT, "performance.abstention", {"coverages": [90]}, "less than 1"),
    (CREDIT, "performance.abstention", {"coverages": [0.004]}, "0.004 is no whole percentage"),
    (CREDIT, "performance.approval", {"bad_rate_caps": [0]}, "greater than 0"),
    (CREDIT, "performance.inspection", {"budgets": [1]}, "less than 1"),
    (CREDIT, "performance.inspection", {"defect": "deni"}, "'deni' is no class of the data. Classes: no, yes."),
    (CREDIT, "performance.costs", {"missed": 0}, "missed is 0. Input should be greater than 0."),
    (CREDIT, "performance.costs", {"false_alarm": float("inf")}, "finite number"),
    (CREDIT, "performance.costs", {"unit": ""}, "at least 1 character"),
    (CREDIT, "performance.costs", {"matrix": {"yes": {"yes": 0, "no": 9}}}, "each class of the data"),
    (CREDIT, "performance.costs", {"matrix": {"yes": {"yes": 0, "no": 9}, "no": {"yes": 2, "maybe": 0}}}, "'maybe' is no class"),
    (CREDIT, "performance.costs", {"matrix": {"yes": {"yes": 9, "no": 9}, "no": {"yes": 2, "no": 0}}}, "cost more than the right one"),
    (CREDIT, "performance.costs", {"matrix": {"yes": {"yes": 0, "no": 9}, "no": {"yes": 2, "no": 0}}, "missed": 2}, "repeat it"),
    (MACHINES, "performance.transfer", {"by": "plant"}, "'plant' is no column of the data."),
    (HEART, "data.sites", {"by": "datset"}, "Did you mean dataset?"),
    (HEART, "data.sites", {"by": "dataset", "minimum": 2}, "greater than or equal to 10"),
    (HEART, "performance.transfer", {"by": "dataset", "minimum": 0}, "greater than or equal to 1"),
    (CREDIT, "bias.groups", {"minimum_group": -5}, "minimum_group is -5. Input should be greater than or equal to 1."),
    (CREDIT, "bias.groups", {"minimum_group": "30"}, "minimum_group is '30'. Input should be a valid integer; write the number plainly"),
    (CREDIT, "bias.groups", {"intersections": [["race", "maritalstatus"]]}, "Did you mean marital_status?"),
    (CREDIT, "bias.groups", {"intersections": [["race"]]}, "at least 2 items"),
    (CREDIT, "bias.groups", {"intersections": [["race", "race"]]}, "'race' is listed twice"),
    (ADVISOR, "bias.calibration", {"slices": ["eligible"]}, "'eligible' is no slice under data.slices."),
    (CONCRETE, "performance.regression", {"tolerances": [0]}, "greater than 0"),
    (CONCRETE, "performance.conformal", {"levels": [90]}, "less than 1"),
    (CONCRETE, "bias.errors", {"minimum_group": 0}, "greater than or equal to 1"),
    (CONCRETE, "privacy.membership", {"attacks": ["loss"]}, "there is no attack loss on regression. Attacks: residual."),
    (CREDIT, "privacy.membership", {"attacks": ["residual"]}, "there is no attack residual on classification. Attacks: gap, loss."),
    (CREDIT, "privacy.membership", {"attacks": ["los"]}, "Did you mean loss?"),
    (CREDIT, "privacy.membership", {"minimum": 1}, "greater than or equal to 10"),
    (CREDIT, "explainability.attribution", {"rows": 0}, "rows is 0"),
    (CREDIT, "explainability.attribution", {"background": 0}, "background is 0"),
    (CREDIT, "explainability.attribution", {"calls": 0}, "calls is 0"),
    (CREDIT, "explainability.reasons", {"top": 0}, "top is 0"),
    (CREDIT, "explainability.reasons", {"overlap": 1.5}, "overlap is 1.5. Input should be less than or equal to 1."),
    (CONCRETE, "explainability.direction", {"expected": {"Cemment": "up"}}, "'Cemment' is no feature of the suite. Did you mean Cement?"),
    (CONCRETE, "explainability.direction", {"expected": {"Cement": "upp"}}, "Did you mean up?"),
    (CONCRETE, "explainability.direction", {"expected": {}}, "at least 1 item"),
    (MACHINES, "explainability.direction", {"by_class": {"Wear": {"Torque [Nm]": "up"}}}, "'Wear' is no class of the data."),
    (MACHINES, "explainability.direction", {"by_class": {"No Failure": {"Type": "up"}}}, "'Type' is no feature of numbers."),
    (CREDIT, "data.quality", {"leak_auc": 0.4}, "greater than 0.5"),
    (CREDIT, "data.near_duplicates", {"tolerance": 0.0}, "greater than 0"),
    (CREDIT, "data.near_duplicates", {"similarity": 1.5}, "less than or equal to 1"),
    (CREDIT, "data.near_duplicates", {"text_length": 0}, "greater than or equal to 1"),
    (CREDIT, "data.shift", {"minimum": 2}, "greater than or equal to 10"),
    (CREDIT, "data.signal", {"minimum": 2}, "greater than or equal to 10"),
    (CREDIT, "data.clusters", {"differ": 3}, "less than or equal to 2"),
    (CREDIT, "bias.log_odds", {"minimum_questions": 1}, "greater than or equal to 2"),
]  # fmt: skip


@pytest.mark.parametrize(("base", "check", "parameters", "says"), WRONG)
def test_a_value_that_a_parameter_can_not_have_is_refused(base, check, parameters, says, extended):
    with pytest.raises(SuiteError) as error:
        validate(extended(base, [{check: parameters}]))
    assert says in str(error.value)
    assert check in str(error.value)


def test_all_problems_of_all_checks_and_rules_come_at_once(extended):
    checks = [
        {"performance.calibration": {"bins": 0, "resamples": 0}},
        {"bias.groups": {"minimum_group": -5}},
        {"privacy.membership": {"attacks": ["residual"]}},
        {"performance.inspection": {"defect": "denied"}},
        "data.qualty",
    ]
    policy = [
        {**RULE, "id": "a", "measure": "performance.acuracy", "at_least": 0.5},
        {**RULE, "id": "b", "measure": "performance.ece", "at_most": 1.5},
        {**RULE, "id": "c", "measure": "performance.recall", "of": {"class": "yess"}, "at_least": 0.5},
        {**RULE, "id": "d", "measure": "bias.impact_ratio", "group": {"race": "blak"}, "at_least": 0.8},
    ]
    path = extended(CREDIT, checks, policy, views={"text": "{{ deny }}"})
    with pytest.raises(SuiteError) as error:
        validate(path)
    for said in (
        "parameter bins is 0",
        "parameter resamples is 0",
        "parameter minimum_group is -5",
        "no attack residual",
        "'denied' is no class",
        "Did you mean data.quality?",
        "Did you mean performance.accuracy?",
        "can never be missed",
        "'yess', which nothing has. Did you mean yes?",
        "the group 'blak' of race, which nothing has. Did you mean black?",
        "views.text names deny",
    ):
        assert said in str(error.value)


@pytest.mark.parametrize("model", ["python:no_such_module:factory", "https://nobody.invalid/v1#m"])
def test_an_audit_and_a_plan_tell_the_same_before_they_open_the_model(model, extended):
    checks = [{"performance.calibration": {"bins": 0}}, {"bias.groups": {"minimum_group": -5}}]
    path = extended(CREDIT, checks, [{**RULE, "measure": "performance.accuracy", "at_least": 1.5}])
    for run in (lambda: audit(path, model), lambda: plan_audit(path, model, DataOptions(), ModelOptions())):
        with pytest.raises(SuiteError) as error:
            run()
        for said in ("bins is 0", "minimum_group is -5", "can never be met"):
            assert said in str(error.value)


def test_nothing_is_fitted_to_a_suite_that_is_not_valid(extended, tmp_path):
    with pytest.raises(SuiteError, match="bins is 0"):
        fit(extended(CREDIT, [{"performance.calibration": {"bins": 0}}]), "sklearn:gradient-boosting", tmp_path / "m")
    assert not (tmp_path / "m").exists()


def test_a_blocking_rule_that_no_check_of_the_suite_measures_needs_a_waiver_and_a_warning_does_not(extended):
    rule = {**RULE, "measure": "performance.calibration_slope", "at_least": 0.1}
    with pytest.raises(SuiteError, match=r"does not run performance\.calibration"):
        validate(extended(CREDIT, ["data.quality"], [rule]))
    assert validate(extended(CREDIT, ["data.quality"], [{**rule, "severity": "warn"}]))
    waiver = {"rule": "r", "owner": "o", "reason": "r", "compensating_control": "c", "expires": "2026-12-31"}
    assert validate(extended(CREDIT, ["data.quality"], [rule], waivers=[waiver]))


def test_the_positive_class_of_approvals_is_the_bad_one(extended):
    label = {"label": {"favourable": "yes"}}
    with pytest.raises(
        SuiteError, match=r"performance\.approval: the positive class is taken .* 'yes' is favourable too"
    ):
        validate(extended(CREDIT, ["performance.approval"], data=label))


def test_a_slice_with_the_name_of_an_attribute_is_refused(extended):
    path = extended(CREDIT, [{"bias.calibration": {"slices": ["race"]}}], data={"slices": {"race": {"column": "afam"}}})
    with pytest.raises(SuiteError, match="race is a sensitive attribute and a slice"):
        validate(path)


def test_a_cost_matrix_of_the_check_is_of_two_classes(extended):
    label, names = {"positive": "No Failure"}, ["No Failure", "Power Failure", "Tool Wear Failure"]
    matrix = {truth: {decision: float(truth != decision) for decision in names} for truth in names}
    with pytest.raises(SuiteError, match=r"the parameter matrix is of two classes, and the data has \d"):
        validate(extended(MACHINES, [{"performance.costs": {"matrix": matrix}}], data={"label": label}))


@pytest.mark.parametrize(
    ("measure", "instead"),
    [
        ("performance.ks", "performance.informedness"),
        ("performance.ece", "performance.calibration_slope"),
        ("performance.top_label_ece", "performance.top_label_gap"),
        ("performance.rmse", "performance.mae"),
        ("performance.r2", "performance.mae"),
    ],
)
def test_a_measure_whose_interval_misses_is_refused_with_the_measure_to_use(extended, measure, instead):
    rule = {"id": "r", "measure": measure, "at_least": 0.1, "reason": "r", "source": "s"}
    with pytest.raises(SuiteError, match=rf"can't be judged: .* Use {instead}"):
        validate(extended(CREDIT, ["performance.calibration", "performance.operating_points"], [rule]))


def test_a_decision_that_does_not_fit_the_classes_is_refused(extended):
    matrix = {"a": {"a": 0, "b": 1}, "b": {"a": 1, "b": 0}}
    with pytest.raises(SuiteError, match="each class of the data"):
        validate(extended(MACHINES, ["data.quality"], decision={"costs": {"matrix": matrix}}))
    with pytest.raises(SuiteError, match="is of two classes, and the data has"):
        validate(
            extended(
                MACHINES, ["data.quality"], decision={"threshold": 0.5}, data={"label": {"positive": "No Failure"}}
            )
        )


def test_a_label_of_agrees_that_is_no_class_is_refused(extended):
    with pytest.raises(SuiteError, match=r"data\.agrees of 'afam' names the label\(s\) Y, but the classes are no, yes"):
        validate(extended(CREDIT, ["data.quality"], data={"agrees": {"afam": {"yes": "yes", "no": "Y"}}}))


def test_a_check_without_a_meaning_in_the_suite_is_held_to_ranges_only(extended):
    reason = {"not_applicable": {"performance.inspection": "nothing is inspected"}}
    assert validate(extended(CREDIT, [{"performance.inspection": {"defect": "scratch"}}], **reason))
    with pytest.raises(SuiteError, match="less than 1"):
        validate(extended(CREDIT, [{"performance.inspection": {"budgets": [2]}}], **reason))


@pytest.mark.parametrize(
    ("limit", "says"),
    [
        ({"measure": "performance.accuracy", "at_least": 1.5}, "≥ 1.5 can never be met, because performance.accuracy lies between 0 and 1"),
        ({"measure": "performance.accuracy", "above": 1}, "> 1 can never be met"),
        ({"measure": "performance.accuracy", "at_most": -0.1}, "≤ -0.1 can never be met"),
        ({"measure": "performance.accuracy", "at_least": 0}, "≥ 0 can never be missed"),
        ({"measure": "performance.accuracy", "at_least": 90}, "can never be met"),
        ({"measure": "performance.ece", "at_most": 1}, "≤ 1 can never be missed"),
        ({"measure": "bias.impact_ratio", "group": {"race": "*"}, "at_least": 0}, "lies at 0 or above"),
        ({"measure": "performance.brier_skill", "above": 1}, "lies at 1 or below"),
        ({"measure": "bias.selection_rate_gap", "group": {"race": "*"}, "between": [-1, 1]}, "can never be missed"),
        ({"measure": "performance.accuracy", "between": [0.9, 0.1]}, "low < high"),
        ({"measure": "performance.accuracy", "at_least": float("nan")}, "finite number"),
        ({"measure": "performance.accuracy", "at_most": float("inf")}, "finite number"),
    ],
)  # fmt: skip
def test_a_limit_that_nothing_or_everything_meets_is_refused(limit, says, extended):
    with pytest.raises(SuiteError) as error:
        validate(extended(CREDIT, ["performance.classification", "performance.calibration", "bias.groups"], [{**RULE, **limit}]))  # fmt: skip
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"measure": "performance.ece"}, "the suite does not run performance.calibration, which gives it"),
        ({"measure": "performance.recall", "of": {"class": "Yes"}}, "the class 'Yes', which nothing has. Did you mean yes?"),
        ({"measure": "bias.impact_ratio", "group": {"race": "Black"}}, "the group 'Black' of race"),
        ({"measure": "bias.accuracy", "group": {"race × marital_status": "black × singel"}}, "Did you mean black × single?"),
        ({"measure": "bias.accuracy", "group": {"marital_status × race": "*"}}, "Add [marital_status, race] to the intersections"),
        ({"measure": "bias.accuracy", "of": {"race": "*"}}, "selects by 'race' under of, which no finding has. It is a sensitive attribute"),
        ({"measure": "performance.recall", "group": {"race": "*"}}, "performance.recall is of no group"),
        ({"measure": "privacy.membership_auc", "of": {"attack": "lira"}}, "the attack 'lira', which nothing has"),
        ({"measure": "explainability.attribution_share", "of": {"feature": "pirrat"}}, "Did you mean pirat?"),
    ],
)  # fmt: skip
def test_a_rule_on_what_nothing_has_is_refused(rule, says, extended):
    groups = {"bias.groups": {"intersections": [["race", "marital_status"]]}}
    checks = ["performance.classification", groups, "privacy.membership", "explainability.attribution"]
    with pytest.raises(SuiteError) as error:
        validate(extended(CREDIT, checks, [{**RULE, "at_least": 0.5, **rule}]))
    assert says in str(error.value)


def test_a_slice_of_a_rule_or_a_margin_that_nothing_has_is_refused(extended):
    base, of = "medical/drug-discovery", {"slice": "activity clif = yes"}
    rule = {**RULE, "measure": "performance.slice_auc", "of": of, "at_least": 0.6}
    with pytest.raises(SuiteError, match="Did you mean activity cliff = yes"):
        validate(extended(base, ["performance.slices"], [rule]))
    margin = {"measure": "performance.slice_accuracy", "of": of, "by": 0.1, "reason": "r", "source": "s"}
    with pytest.raises(SuiteError, match=r"The margin \(performance.slice_accuracy\) names the slice"):
        validate(extended(base, ["performance.slices"], release=[margin]))
    wide = {**margin, "of": {"slice": "activity cliff = yes"}, "by": 1}
    with pytest.raises(SuiteError, match="can't differ by more than 1"):
        validate(extended(base, ["performance.slices"], release=[wide]))
