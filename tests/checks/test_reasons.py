from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from harness.checks.explainability.reasons import _compared, reasons

NAMES = [f"f{j}" for j in range(12)]


def linear(weights, cut):
    """A pipeline whose log-odds of "yes" are weights · x - cut."""
    frame = pd.DataFrame(np.zeros((2, len(weights))), columns=NAMES[: len(weights)])
    columns = ColumnTransformer([("n", "passthrough", list(frame))], verbose_feature_names_out=False)
    made = Pipeline([("c", columns), ("m", LogisticRegression())]).fit(frame, ["no", "yes"])
    made[1].coef_, made[1].intercept_ = np.array([weights], dtype=float), np.array([-float(cut)])
    return made


def flags(seed, n, features=12):
    """Rows of independent yes-or-no features."""
    drawn = np.random.default_rng(seed).integers(0, 2, (n, features)).astype(float)
    return pd.DataFrame(drawn, columns=NAMES[:features])


@pytest.fixture
def judged(build):
    """What the check measures of a model over test rows, against training rows; "no" is favourable unless told otherwise."""

    def made(model, test, train, favourable="no", data=None, **parameters):
        estimator = model if isinstance(model, Pipeline) else None
        parts = {"inputs": test, "train": {"labels": ["no", "yes"] * (len(train) // 2), "inputs": train}}
        evidence = build(["no", "yes"] * (len(test) // 2), function=estimator.predict_proba if estimator else model,
                         estimator=estimator, favourable=favourable, data=data, **parts)  # fmt: skip
        return evidence, reasons(evidence, **parameters)

    return made


def both(score):
    """A model of unknown structure, from its probability of "yes"."""

    def answer(frame):
        found = score(frame.to_numpy())
        return np.column_stack([1 - found, found])

    return answer


def rates(measured):
    return {f.of["feature"]: f.value for f in measured.findings if f.measure == "explainability.principal_reason_rate"}


@pytest.mark.parametrize(("favourable", "sign"), [("no", 1), ("yes", -1)])
def test_a_linear_models_reasons_are_the_largest_coefficients_times_the_distance_from_the_mean(
    judged, favourable, sign, find
):
    rng = np.random.default_rng(1)
    test, train = (pd.DataFrame(rng.normal(size=(n, 5)), columns=NAMES[:5]) for n in (200, 100))
    model = linear([1, -2, 0.5, 3, 0], 0)
    # The two backgrounds of 50 are all 100 training rows, so the reasons named are against their mean.
    evidence, measured = judged(model, test, train, favourable, top=2, background=50)
    denied = model.predict(test) != favourable
    push = sign * np.array([1, -2, 0.5, 3, 0]) * (test.to_numpy()[denied] - train.to_numpy().mean(axis=0))
    order = np.argsort(-push, axis=1)[:, :2]
    wanted = [[NAMES[j] for j in own if push[i, j] > 0] for i, own in enumerate(order)]
    shares = {name: np.mean([name in own for own in wanted]) for name in NAMES[:5]}
    assert rates(measured) == pytest.approx(shares)
    assert {f.n for f in measured.findings} == {denied.sum()}
    by_row = dict(zip(evidence.split("test").ids[denied], ["; ".join(own) for own in wanted], strict=True))
    assert {row: said for row, said, _ in measured.exhibits[1].rows}.items() <= by_row.items()
    assert [row[:2] for row in measured.exhibits[0].rows] == [list(pair) for pair in rates(measured).items()]
    assert (
        "Linear (interventional), log-odds, background 50 a run"
        in find(measured, "explainability.reason_agreement").reason
    )


def test_agreement_and_flags_of_two_runs_worked_by_hand(judged):
    evidence, _ = judged(linear([1, 1], 1), flags(0, 40, 2), flags(1, 40, 2))
    runs = [
        np.array(
            [[4, 3, 2, 1, 0], [4, 3, 2, 1, 0], [4, 3, 2, 1, 0], [4, 3, -1, -1, -1], [-1, -1, -1, -1, -2]], dtype=float
        ),
        np.array(
            [[4, 3, 2, 0, 1], [3, 4, 2, 1, 0], [4, 0, 0, 2, 3], [4, -3, -1, -1, 5], [-1, -1, -1, -1, -2]], dtype=float
        ),
    ]
    found = _compared(evidence, runs, top=3, overlap=0.6)
    # {0,1,2} both times; the same three, another one first; {0,1,2} and {0,4,3}; {0,1} and {4,0}; no reason at all.
    assert found.jaccard == pytest.approx([1, 1, 1 / 5, 1 / 3, 0])
    assert found.same_first.tolist() == [True, False, True, False, False]
    assert found.flagged.tolist() == [False, True, True, True, True]
    assert found.named == [[0, 1, 2], [0, 1, 2], [0, 1, 3], [0, 4], []]
    assert found.among([1, 4]).tolist() == [True, True, True, True, False]


def test_interchangeable_features_are_flagged_and_distinct_ones_are_not(judged, find):
    # Equal weights: every feature that is on pushes alike, and the background's chance decides which four are named.
    test, train = flags(2, 400), flags(3, 200)
    _, alike = judged(linear([1] * 12, 6), test, train, background=100)
    _, distinct = judged(linear(2.0 ** np.arange(12), 2048), test, train, background=100)
    assert find(alike, "explainability.unstable_reason_rate").interval.low > 0.5
    assert find(alike, "explainability.reason_agreement").interval.high < 0.7
    assert find(alike, "explainability.first_reason_agreement").interval.high < 0.5
    assert find(distinct, "explainability.unstable_reason_rate").value == 0
    assert find(distinct, "explainability.unstable_reason_rate").interval.high < 0.05
    assert find(distinct, "explainability.first_reason_agreement").value == 1


def test_a_black_box_of_interchangeable_features_is_flagged_and_its_distinct_twin_is_not(judged, find):
    test, train = (pd.DataFrame(np.random.default_rng(s).normal(size=(100, 4)), columns=NAMES[:4]) for s in (5, 6))
    distinct = both(lambda x: expit(x @ [8, 4, 2, 1]))
    evidence, measured = judged(distinct, test, train, top=2)
    assert evidence.queries - 200 <= 300_000
    assert (
        "Exact (interventional), probability, background 50 a run"
        in find(measured, "explainability.reason_agreement").reason
    )
    assert find(measured, "explainability.unstable_reason_rate").interval.high < 0.35
    alike = judged(both(lambda x: expit(x.sum(axis=1) - 6)), flags(5, 100), flags(6, 100), favourable="yes", top=2)[1]
    assert "Permutation (interventional)" in find(alike, "explainability.reason_agreement").reason
    assert find(alike, "explainability.unstable_reason_rate").interval.low > 0.35


def test_a_black_box_that_answers_at_random_has_no_reasons(judged):
    rng = np.random.default_rng(4)
    test, train = (pd.DataFrame(np.random.default_rng(s).normal(size=(100, 4)), columns=NAMES[:4]) for s in (5, 6))
    noisy = both(lambda x: np.clip(expit(0.3 * x.sum(axis=1)) + rng.normal(0, 0.3, len(x)), 0, 1))
    measured = judged(noisy, test, train, top=2)[1]
    assert (
        measured.status == "not_tested" and "undefined: base and values miss the model's output by" in measured.reason
    )


def test_a_model_that_varies_by_rounding_alone_names_no_reason(judged, find):
    test, train = flags(9, 40, 3), flags(10, 40, 3)
    _, measured = judged(both(lambda x: 0.9 + 1e-9 * expit(x[:, 0])), test, train)
    assert set(rates(measured).values()) == {0}
    assert "barely varies" in find(measured, "explainability.unstable_reason_rate").reason


def test_a_sensitive_column_among_the_reasons_is_caught_and_a_blind_model_is_clean(judged, find):
    test, train = flags(7, 200, 4), flags(8, 100, 4)
    data = {"sensitive": {"marital_status": {"column": "f3"}}}
    using = find(judged(linear([1, 1, 1, 9], 5), test, train, data=data)[1], "explainability.sensitive_reason_rate")
    blind = find(judged(linear([3, 2, 1, 0], 3), test, train, data=data)[1], "explainability.sensitive_reason_rate")
    assert (using.value, blind.value) == (1, 0)
    assert using.interval.low > 0.95
    assert blind.interval.high < 0.05
    assert using.reason.startswith("features that are sensitive: f3; ")
    without = find(judged(linear([1, 1, 1, 9], 5), test, train)[1], "explainability.sensitive_reason_rate")
    assert (without.value, without.exact, without.reason) == (0, True, "no sensitive column is a feature")


def test_a_denial_without_any_reason_is_flagged(judged, find):
    test, train = flags(9, 40, 3), flags(10, 40, 3)
    _, measured = judged(both(lambda x: np.full(len(x), 0.9)), test, train)
    assert set(rates(measured).values()) == {0}
    assert find(measured, "explainability.unstable_reason_rate").value == 1
    assert find(measured, "explainability.reason_agreement").value == 0
    assert {row[1] for row in measured.exhibits[1].rows} == {"none"}


def test_the_table_shows_twenty_rows_at_most_flagged_ones_first_and_no_id_of_the_data(judged):
    test, train = flags(2, 400), flags(3, 200)
    weights = [1] * 6 + [8, 8.5, 16, 32, 64, 128]
    _, measured = judged(linear(weights, 130), test, train, background=100)
    shown = measured.exhibits[1].rows
    assert len(shown) == 20
    states = [row[2] for row in shown]
    assert states == sorted(states, key=["flagged", "stable"].index)
    assert set(states) == {"flagged", "stable"}
    assert {name for row in shown for name in row[1].split("; ")} <= set(NAMES)
    assert all(row[0].startswith("test") and " " not in row[0] for row in shown)
    _, named = judged(linear(weights, 130), test, train, data={"id": "customer"}, background=100)
    assert all(row[0].startswith("test row ") for row in named.exhibits[1].rows)


def test_rows_that_belong_together_widen_the_intervals(build, judged, find):
    test, train = flags(11, 400), flags(12, 200)
    test = test.iloc[np.repeat(np.arange(40), 10)].reset_index(drop=True)
    evidence, alone = judged(linear([1] * 12, 6), test, train, background=100)
    owner = np.repeat(np.arange(40), 10).astype(str).astype(object)
    evidence.data.splits["test"] = replace(evidence.data.splits["test"], clusters=owner)
    together = reasons(evidence, background=100)
    for measure in ("reason_agreement", "unstable_reason_rate", "first_reason_agreement"):
        one, other = (find(m, f"explainability.{measure}") for m in (alone, together))
        assert other.value == pytest.approx(one.value)
        assert other.interval.high - other.interval.low > 1.5 * (one.interval.high - one.interval.low)


def test_what_cannot_be_explained_is_not_tested(judged, build):
    test, train = flags(13, 60, 3), flags(14, 60, 3)
    assert "0 test rows are decided unfavourably, 10 needed" in judged(linear([1, 1, 1], 9), test, train)[1].reason
    assert "18 rows to draw two backgrounds from, 20 needed" in judged(linear([1, 1, 1], 1), test, train[:18])[1].reason
    boxed = both(lambda x: expit(5 * x.sum(axis=1) - 6))
    evidence, poor = judged(boxed, test, train, background=10, calls=2 * 430 - 1)
    assert "859 calls explain fewer than 10 denials twice" in poor.reason
    assert evidence.queries == 8  # the distinct rows of the shared pass, and nothing for the check
    rich = judged(boxed, test, train, background=10, calls=2 * 430)[1]
    assert {f.n for f in rich.findings} == {10}
    assert "single feature" in judged(linear([1], 0.5), flags(1, 60, 1), flags(2, 60, 1))[1].reason
    three = build(["a", "b", "c"] * 20, classes=("a", "b", "c"), positive="a", favourable="b", inputs=test)
    assert "more than two classes" in reasons(three).reason


def test_a_row_without_an_answer_is_no_denial(build):
    answers = np.array(["no"] * 30 + [None] * 30, dtype=object)
    evidence = build(
        ["no", "yes"] * 30, answers=answers, classes=("no", "yes"), favourable="no", inputs=flags(15, 60, 3)
    )
    assert "0 test rows are decided unfavourably" in reasons(evidence).reason
