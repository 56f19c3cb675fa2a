import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from harness.checks.explainability.attribution import attribution

NUMBERS = ["a", "b", "c"]


def frame(seed, n):
    rng = np.random.default_rng(seed)
    inputs = pd.DataFrame(rng.normal(size=(n, 3)) * [1, 2, 0.5] + [0, 3, -1], columns=NUMBERS)
    return inputs.assign(kind=rng.choice(["p", "q", "r"], n).astype(object))


def pipeline(model, train, truth):
    encoder = OneHotEncoder(sparse_output=False)
    columns = ColumnTransformer(
        [("n", "passthrough", NUMBERS), ("k", encoder, ["kind"])], verbose_feature_names_out=False
    )
    return Pipeline([("c", columns), ("m", model)]).fit(train, truth)


@pytest.fixture(scope="module")
def explain(build):
    """A measured attribution of a fitted model over 40 test and 30 training rows."""
    train, test = frame(1, 30), frame(2, 40)
    truth = np.where(train["a"] + 0.5 * train["b"] + (train["kind"] == "p") > 1.7, "yes", "no")

    def measure(model, positive="yes", groups=None, data=None):
        fitted = pipeline(model, train, truth)
        evidence = build(
            ["no", "yes"] * 20,
            inputs=test,
            train={"labels": truth, "inputs": train},
            function=fitted.predict_proba,
            estimator=fitted,
            positive=positive,
            groups=groups,
            data=data,
        )
        return fitted, attribution(evidence, rows=40)

    return train, test, measure


def sizes(measured):
    return {f.of["feature"]: f.value for f in measured.findings if f.measure == "explainability.attribution"}


@pytest.mark.parametrize(("positive", "sign"), [("yes", 1), ("no", -1)])
def test_a_linear_models_values_are_its_coefficients_times_the_distance_from_the_mean(explain, positive, sign, find):
    train, test, measure = explain
    fitted, measured = measure(LogisticRegression(), positive)
    matrix, background = (fitted[0].transform(part) for part in (test, train))
    parts = sign * fitted[1].coef_[0] * (matrix - background.mean(axis=0))
    values = {name: parts[:, j] for j, name in enumerate(NUMBERS)} | {"kind": parts[:, 3:].sum(axis=1)}
    assert sizes(measured) == pytest.approx({name: np.abs(v).mean() for name, v in values.items()}, abs=1e-9)
    shown = measured.exhibits[1]
    assert shown.columns[2:] == sorted(values, key=lambda name: -np.abs(values[name]).mean())
    assert [row[2:] for row in shown.rows] == [
        pytest.approx([values[n][i] for n in shown.columns[2:]]) for i in range(3)
    ]
    assert [row[1] for row in shown.rows] == pytest.approx(sign * fitted.decision_function(test)[:3])
    assert find(measured, "explainability.additivity_error").value < 1e-9


@pytest.mark.parametrize("model", [GradientBoostingClassifier(n_estimators=15, random_state=0), RandomForestClassifier(15, random_state=0)])  # fmt: skip
def test_a_trees_values_change_sign_with_the_positive_class_and_add_up(explain, model, find):
    measured = [explain[2](model, positive)[1] for positive in ("yes", "no")]
    rows = [[row[2:] for row in m.exhibits[1].rows] for m in measured]
    assert np.array(rows[0]) == pytest.approx(-np.array(rows[1]))
    assert all(find(m, "explainability.additivity_error").value < 1e-6 for m in measured)
    assert "Tree (interventional)" in measured[0].exhibits[0].title


def test_a_stumps_value_is_its_output_minus_the_mean_over_the_background_rows(explain, find):
    train, test, measure = explain
    fitted, measured = measure(GradientBoostingClassifier(n_estimators=1, max_depth=1, random_state=0))
    output = [fitted.decision_function(part) for part in (test, train)]
    used = [*NUMBERS, "kind", "kind", "kind"][fitted[1].estimators_[0, 0].tree_.feature[0]]
    assert sizes(measured)[used] == pytest.approx(np.abs(output[0] - output[1].mean()).mean(), rel=1e-9)
    assert [v for name, v in sizes(measured).items() if name != used] == [0, 0, 0]


def made(function, build, **more):
    """The measurement of a function of three numbers whose structure is not known."""
    test, train = frame(3, 20)[NUMBERS], frame(4, 25)[NUMBERS]

    def answers(inputs):
        score = function(inputs.to_numpy())
        return np.column_stack([1 - score, score])

    evidence = build(
        ["no", "yes"] * 10,
        inputs=test,
        train={"labels": ["no", "yes"] * 12 + ["no"], "inputs": train},
        function=answers,
        **more,
    )
    return test.to_numpy(), train.to_numpy(), attribution(evidence)


def test_the_values_of_a_model_of_unknown_structure_are_those_of_every_coalition(build, find, enumerated):
    def function(x):
        return 0.5 + 0.01 * (x[:, 0] * x[:, 1] - x[:, 1] * x[:, 2] + np.abs(x[:, 0]) + 0.3 * x[:, 2] ** 2)

    test, train, measured = made(function, build)
    wanted = enumerated(lambda f: function(f.to_numpy()), *(pd.DataFrame(part) for part in (test, train)))[..., 0]
    assert sizes(measured) == pytest.approx(dict(zip(NUMBERS, np.abs(wanted).mean(axis=0), strict=True)), abs=1e-9)
    shown = measured.exhibits[1]
    assert [row[2:] for row in shown.rows] == [
        pytest.approx([wanted[i, NUMBERS.index(n)] for n in shown.columns[2:]], abs=1e-9) for i in range(3)
    ]
    assert find(measured, "explainability.additivity_error").value < 1e-9
    assert "Exact (interventional), probability" in measured.exhibits[0].title


def test_a_feature_that_the_model_ignores_gets_nothing(build):
    measured = made(lambda x: expit(x[:, 0] + x[:, 1]), build)[2]
    assert sizes(measured)["c"] == 0
    bands = {f.of["feature"]: f.interval for f in measured.findings if f.measure == "explainability.attribution"}
    assert 0 == bands["c"].low < bands["c"].high
    assert [row[2:] for row in measured.exhibits[0].rows if row[0] == "c"] == [[0, bands["c"].high]]
    assert min(sizes(measured)[name] for name in "ab") > 0.05


def test_categories_pass_through_the_permutation_explainer_unharmed(build):
    test, train = frame(5, 30), frame(6, 30)
    seen = []

    def function(inputs):
        seen.append(set(inputs["kind"]))
        return np.column_stack([0.9 - 0.5 * (inputs["kind"] == "q"), 0.1 + 0.5 * (inputs["kind"] == "q")])

    labels = ["no", "yes"] * 15
    measured = attribution(build(labels, inputs=test, train={"labels": labels, "inputs": train}, function=function))
    assert set().union(*seen) == {"p", "q", "r"}
    share = (train["kind"] == "q").mean()
    wanted = np.abs(0.5 * ((test["kind"] == "q") - share)).mean()
    assert sizes(measured) == pytest.approx({"a": 0, "b": 0, "c": 0, "kind": wanted}, abs=1e-12)


def test_the_sensitive_share_is_that_of_the_sensitive_columns(build, explain, find):
    sensitive = {"sensitive": {"kind": {"column": "kind"}, "level": {"column": "c"}}}
    _, measured = explain[2](LogisticRegression(), data=sensitive)
    size = sizes(measured)
    found = find(measured, "explainability.sensitive_share")
    assert found.value == pytest.approx((size["kind"] + size["c"]) / sum(size.values()))
    assert found.interval.low < found.value < found.interval.high
    assert "c, kind" in found.reason


def test_a_model_that_uses_a_sensitive_column_is_caught_and_one_that_does_not_is_clean(build, find):
    sensitive = {"sensitive": {"level": {"column": "b"}}}
    using = made(lambda x: expit(x[:, 1] - 3), build, data=sensitive)[2]
    blind = made(lambda x: expit(x[:, 0]), build, data=sensitive)[2]
    assert find(using, "explainability.sensitive_share").value == pytest.approx(1)
    assert find(blind, "explainability.sensitive_share").value == 0
    # 0 in all of 20 rows: a row of another kind has a probability of 1 - 0.025^(1/20) at most.
    assert find(blind, "explainability.sensitive_share").interval.high == pytest.approx(1 - 0.025 ** (1 / 20))


def test_no_sensitive_feature_is_a_share_of_nothing(explain, find):
    found = find(explain[2](LogisticRegression())[1], "explainability.sensitive_share")
    assert (found.value, found.exact, found.reason) == (0, True, "no sensitive column is a feature")


THREE = ["p", "q", "r"]


def several(build, function, estimator=None, rows=20, **more):
    """The measurement of a model of three classes without a positive one, on three numbers."""
    test, train = frame(3, rows)[NUMBERS], frame(4, 25)[NUMBERS]
    labels = [THREE[i % 3] for i in range(rows)]
    evidence = build(
        labels,
        inputs=test,
        train={"labels": (THREE * 9)[:25], "inputs": train},
        function=function,
        estimator=estimator,
        positive=None,
        **more,
    )
    return test.to_numpy(), train.to_numpy(), attribution(evidence)


def softmax(x):
    logits = np.column_stack([x[:, 0], 0.5 * x[:, 1], np.zeros(len(x))])
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return raised / raised.sum(axis=1, keepdims=True)


def class_sizes(measured, name):
    return {
        f.of["feature"]: f.value
        for f in measured.findings
        if f.measure == "explainability.attribution" and f.of.get("class") == name
    }


def test_without_a_positive_class_each_class_is_explained_by_every_coalition(build, find, enumerated):
    test, train, measured = several(build, lambda f: softmax(f.to_numpy()))
    every = enumerated(lambda f: softmax(f.to_numpy()), *(pd.DataFrame(part) for part in (test, train)))
    for k, name in enumerate(THREE):
        assert class_sizes(measured, name) == pytest.approx(
            dict(zip(NUMBERS, np.abs(every[..., k]).mean(axis=0), strict=True)), abs=1e-9
        )
    wanted = every[np.arange(len(test)), :, softmax(test).argmax(axis=1)]
    overall = {n: find(measured, "explainability.attribution", {"feature": n}).value for n in NUMBERS}
    assert overall == pytest.approx(dict(zip(NUMBERS, np.abs(wanted).mean(axis=0), strict=True)), abs=1e-9)
    share = find(measured, "explainability.attribution_share", {"feature": "a"})
    assert share.value == pytest.approx(overall["a"] / sum(overall.values()))
    assert share.interval.low < share.value < share.interval.high
    assert find(measured, "explainability.additivity_error").value < 1e-9


def test_a_forest_of_several_classes_is_explained_exactly_and_its_classes_add_up(build, find):
    train = frame(4, 300)
    truth = np.where(train["a"] > 0, "p", np.where(train["b"] > 3, "q", "r"))  # p by a alone
    columns = ColumnTransformer([("n", "passthrough", NUMBERS)], verbose_feature_names_out=False)
    fitted = Pipeline([("c", columns), ("m", RandomForestClassifier(20, random_state=0))]).fit(train[NUMBERS], truth)
    _, _, measured = several(build, fitted.predict_proba, fitted)
    assert "Tree (interventional)" in find(measured, "explainability.additivity_error").reason
    assert find(measured, "explainability.additivity_error").value < 1e-6
    parts = {name: class_sizes(measured, name) for name in THREE}
    assert parts["p"]["a"] > 5 * parts["p"]["b"]
    assert all(parts[name]["b"] > 0.5 * parts[name]["a"] for name in "qr")


def test_a_model_of_several_classes_that_uses_a_leaking_column_is_caught_and_its_twin_is_not(build, find):
    leaking = several(build, lambda f: softmax(np.column_stack([9 * f["c"], 0 * f["a"]])), rows=60)[2]
    clean = several(build, lambda f: softmax(f[NUMBERS].to_numpy()), rows=60)[2]
    assert find(leaking, "explainability.attribution_share", {"feature": "c"}).interval.low > 0.9
    for name in NUMBERS:
        assert find(clean, "explainability.attribution_share", {"feature": name}).interval.high < 0.9


def test_what_no_feature_moves_has_no_shares(build, find):
    even = several(build, lambda f: np.full((len(f), 3), 1 / 3))[2]
    for measure, of in (("attribution_share", {"feature": "a"}), ("additivity_error", None)):
        found = find(even, f"explainability.{measure}", of)
        assert found.value is None and "the output barely varies" in found.reason
    found = find(even, "explainability.attribution", {"feature": "a"})
    assert found.interval.high > 0 and "the output barely varies" in found.reason


def test_a_model_that_varies_by_rounding_has_no_shares_and_one_that_varies_a_little_has(build, find):
    def barely(by):
        return made(lambda x: 0.3 + by * expit(x[:, 0]), build)[2]

    share = "explainability.attribution_share"
    assert "barely varies" in find(barely(1e-7), share, {"feature": "a"}).reason
    assert find(barely(1e-5), share, {"feature": "a"}).value == pytest.approx(1)


def test_a_class_that_is_never_given_says_so_and_the_others_are_explained(build, find):
    def two_of_three(f):
        raised = expit(f["a"].to_numpy())
        return np.column_stack([raised, 1 - raised, np.zeros(len(f))])

    measured = several(build, two_of_three)[2]
    assert "barely varies" in find(measured, "explainability.attribution", {"class": "r", "feature": "a"}).reason
    found = find(measured, "explainability.attribution", {"class": "p", "feature": "a"})
    assert found.value > 0.1 and "barely" not in found.reason


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
def test_the_unit_of_a_column_does_not_change_its_share(build, find, unit):
    def function(f):
        score = expit(2 * f["a"].to_numpy() / unit + f["b"].to_numpy() - 3)
        return np.column_stack([1 - score, score])

    test, train = (frame(s, n)[NUMBERS] for s, n in ((3, 20), (4, 25)))
    scaled = [part.assign(a=part["a"] * unit) for part in (test, train)]
    labels = ["no", "yes"] * 12 + ["no"]
    evidence = build(labels[:20], inputs=scaled[0], train={"labels": labels, "inputs": scaled[1]}, function=function)
    plain = made(lambda x: expit(2 * x[:, 0] + x[:, 1] - 3), build)[2]
    assert sizes(attribution(evidence)) == pytest.approx(sizes(plain))


def test_a_model_that_answers_otherwise_when_asked_again_has_no_attributions(build, find):
    rng = np.random.default_rng(0)
    data = {"sensitive": {"level": {"column": "b"}}}
    shaky = made(lambda x: expit(x[:, 0] + rng.normal(0, 0.1)), build, data=data)[2]
    error = find(shaky, "explainability.additivity_error")
    assert error.value > 0.01 and error.unit == "sd of the output" and "miss the model's output by" in error.reason
    undefined = [find(shaky, f"explainability.{m}", {"feature": "a"}) for m in ("attribution", "attribution_share")]
    for found in (*undefined, find(shaky, "explainability.sensitive_share")):
        assert found.value is None and found.reason.startswith("undefined: base and values miss the model's output")
    assert not shaky.exhibits
    # What a 32-bit model loses to rounding is no error.
    single = made(lambda x: expit(x[:, 0]).astype(np.float32).astype(float), build, data=data)[2]
    assert find(single, "explainability.sensitive_share").value == 0
    assert find(single, "explainability.additivity_error").value < 1e-6


def test_under_five_rows_a_mean_has_no_interval_and_says_why(build, find):
    found = find(several(build, lambda f: softmax(f.to_numpy()), rows=4)[2], "explainability.attribution", {"feature": "a"})  # fmt: skip
    assert found.value > 0 and found.interval is None
    assert "4 rows explained, 5 needed" in found.reason


def test_a_question_answered_unread_gets_nothing(build, find):
    words = pd.DataFrame({"q": [f"question {i}" for i in range(30)], "a": ["x", "y"] * 15, "b": ["y", None, "x"] * 10})
    data = {"options": ["a", "b"], "label": {"column": "y"}}

    def asked(function):
        evidence = build(["0", "1"] * 15, inputs=words, classes=("0", "1"), positive=None, function=function)
        evidence.suite = evidence.suite.model_copy(update={"task": "choice"})
        evidence.suite = evidence.suite.model_copy(
            update={"data": evidence.suite.data.model_copy(update={"options": data["options"]})}
        )
        return attribution(evidence)

    def of(hit):
        return np.column_stack([0.8 - 0.6 * hit, 0.2 + 0.6 * hit])

    unread = asked(lambda f: of((f["a"] == "x").to_numpy()))
    read = asked(lambda f: of((f["q"].str[-1].isin(list("02468"))).to_numpy() ^ (f["a"] == "x").to_numpy()))
    share = "explainability.attribution_share"
    assert find(unread, share, {"feature": "q"}).value == pytest.approx(0, abs=1e-12)
    assert find(read, share, {"feature": "q"}).interval.low > 0.01
    assert not [f for f in read.findings if f.of and "class" in f.of]  # a place means something else in each item


def test_a_model_without_an_answer_for_some_rows_has_no_attributions_and_says_why(build_numbers, find):
    rng = np.random.default_rng(0)
    inputs = pd.DataFrame({"a": rng.normal(size=60), "b": rng.normal(size=60)})
    for missing in (False, True):
        asked = build_numbers(
            inputs["a"].to_numpy(), inputs["a"].to_numpy(), inputs=inputs,
            function=lambda f, missing=missing: np.where(missing & (f["b"] > 0.5), np.nan, f["a"]),
        )  # fmt: skip
        measured = attribution(asked, rows=20, background=20)
        share = find(measured, "explainability.attribution_share", {"feature": "a"})
        error = find(measured, "explainability.additivity_error")
        assert (share.value is None, error.value is None) == (missing, missing)
        if missing:
            assert all("gives no finite number for" in one.reason for one in (share, error))
            assert "barely varies" not in error.reason and "one call to the next" not in share.reason
