"""Models of which only the answers are known: every coalition, or sampled permutations, within the calls."""

import numpy as np
import pandas as pd
import pytest

from harness.checks.explainability.coalitions import Plan, by_coalitions, plan_coalitions

RNG = np.random.default_rng(0)
ROWS = pd.DataFrame(RNG.normal(size=(30, 5)), columns=list("abcde"))
SAMPLE, BACKGROUND = ROWS.iloc[:8], ROWS.iloc[8:].reset_index(drop=True)


def entangled(rows):
    x = rows.to_numpy()
    return np.column_stack([np.tanh(x[:, 0] * x[:, 1] * x[:, 2] + x[:, 3]), x[:, 4]])


def explained(plan, function=entangled, sample=SAMPLE, background=BACKGROUND):
    return by_coalitions(sample, background, plan, 0, function)


def test_every_coalition_gives_the_values_of_the_enumeration(enumerated):
    values, base, output = explained(Plan("exact", 8, 22))
    assert values == pytest.approx(enumerated(entangled, SAMPLE, BACKGROUND), abs=1e-12)
    assert base == pytest.approx(np.broadcast_to(entangled(BACKGROUND).mean(axis=0), (8, 2)))
    assert output == pytest.approx(entangled(SAMPLE))


def test_permutations_add_up_and_come_nearer_with_each_pass(enumerated):
    exact = enumerated(entangled, SAMPLE, BACKGROUND)
    errors = []
    for passes in (1, 16, 256):
        values, base, output = explained(Plan("permutation", 8, 22, passes))
        assert base + values.sum(axis=1) == pytest.approx(output)
        errors.append(np.abs(values - exact).max())
    assert errors[0] > 2 * errors[1] > 4 * errors[2]


def test_a_permutation_read_both_ways_is_exact_where_pairs_interact(enumerated):
    def pairs(rows):
        x = rows.to_numpy()
        return x[:, :1] * x[:, 1:2] + x[:, 2:3] * x[:, 4:]

    assert explained(Plan("permutation", 8, 22), pairs)[0] == pytest.approx(enumerated(pairs, SAMPLE, BACKGROUND))


@pytest.mark.parametrize("kind", ["exact", "permutation"])
def test_values_that_are_nearly_equal_are_other_values(kind):
    # SHAP's own masker takes what differs by 1e-8, or by 1e-5 of itself, for unchanged.
    sample, background = (
        pd.DataFrame({"a": [1e-9, 0.0], "b": 1e6}),
        pd.DataFrame({"a": [0.0, 0.0], "b": [1e6, 1e6 + 1]}),
    )
    values = explained(
        Plan(kind, 2, 2), lambda f: f[["a"]].to_numpy() * 1e9 + f[["b"]].to_numpy() - 1e6, sample, background
    )[0]
    assert values[..., 0] == pytest.approx(np.array([[1, -0.5], [0, -0.5]]))


def test_the_model_gets_the_types_that_the_data_has():
    frame = pd.DataFrame(
        {"i": [1, 2, 3, 4], "f": [0.5, np.nan, 1.5, 2.5], "o": ["x", None, "y", "x"], "b": [True, False, True, True]}
    ).assign(c=pd.Categorical(["u", "v", "u", "v"]), t=pd.array(["p", "q", None, "p"], dtype="string"))
    seen = []

    def answers(rows):
        seen.append(dict(rows.dtypes))
        return rows[["i"]].to_numpy() + rows[["f"]].fillna(9).to_numpy() + (rows[["o"]] == "x").to_numpy()

    values, base, output = explained(Plan("exact", 2, 2), answers, frame.iloc[:2], frame.iloc[2:])
    assert base + values.sum(axis=1) == pytest.approx(output)
    assert all(one == dict(frame.dtypes) for one in seen)


@pytest.mark.parametrize("features", [1, 2, 5, 8, 9, 20])
@pytest.mark.parametrize("calls", [2_000, 30_000, 300_000])
def test_the_calls_are_kept(features, calls):
    plan = plan_coalitions(300, features, 50, calls)
    asked = []

    def count(rows):
        asked.append(len(rows))
        return np.zeros((len(rows), 1))

    rows = pd.DataFrame(np.zeros((300, features)))
    if plan.rows:
        by_coalitions(rows, rows.iloc[:50], plan, 0, count)
    assert sum(asked) <= calls
    assert plan.rows <= 100


def test_few_features_are_enumerated_where_ten_rows_can_be():
    assert plan_coalitions(300, 8, 50, 300_000) == Plan("exact", 23, 50)
    assert plan_coalitions(300, 8, 50, 100_000).kind == "permutation"
    assert plan_coalitions(300, 9, 50, 300_000) == Plan("permutation", 100, 50, 3)
