"""Columns that should be no features are named; honest columns are not."""

import numpy as np
import pandas as pd
import pytest

from harness.checks.data.columns import functional
from harness.checks.data.quality import quality

KINDS = ("forbidden_feature", "identifier_feature", "redundant_column")


def rows(seed=0, n=200):
    rng = np.random.default_rng(seed)
    return pd.DataFrame({
        "income": rng.lognormal(3, 0.5, n), "age": rng.integers(20, 80, n).astype(float), "amount": rng.integers(200, 20_000, n).astype(float),
        "town": rng.choice(["a", "b", "c"], n).astype(object),
    })  # fmt: skip


@pytest.fixture
def labels():
    return np.random.default_rng(9).choice(["no", "yes"], 200)


def named(measured, kind):
    found = {f.of["feature"] for f in measured.findings if f.measure == f"data.{kind}"}
    (count,) = [f.value for f in measured.findings if f.measure == f"data.{kind}s"]
    assert count == len(found)
    return found


def test_honest_columns_are_neither_identifiers_nor_redundant_nor_declared_out(build, labels):
    for seed in range(10):
        measured = quality(build(labels, inputs=rows(seed), data={"not_features": {"later": "known after the label"}}))
        assert [named(measured, kind) for kind in KINDS] == [set(), set(), set()]


def test_a_feature_that_the_suite_declares_out_is_named_with_the_reason(build, labels, find):
    measured = quality(build(labels, inputs=rows(), data={"not_features": {"age": "protected by law"}}))
    assert named(measured, "forbidden_feature") == {"age"}
    assert "protected by law" in find(measured, "data.forbidden_feature", {"feature": "age"}).reason


def test_without_declarations_nothing_is_said_of_them(build, labels):
    measured = quality(build(labels, inputs=rows()))
    assert [f for f in measured.findings if f.measure.startswith("data.forbidden")] == []


@pytest.mark.parametrize(
    "column",
    [
        np.arange(200.0),
        np.arange(10_000_000.0, 0.0, -50_000.0),
        np.random.default_rng(1).permutation(200).astype(float),
        np.sort(np.random.default_rng(2).choice(10**9, 200, replace=False)).astype(float),
        np.array([f"M{i:05}" for i in np.random.default_rng(3).permutation(200)], dtype=object),
    ],
    ids=["counted up", "counted down", "shuffled", "rising with gaps", "words"],
)
def test_numbers_of_the_rows_are_identifiers(build, labels, column):
    measured = quality(build(labels, inputs=rows().assign(own=column)))
    assert named(measured, "identifier_feature") == {"own"}


@pytest.mark.parametrize(
    "column",
    [
        np.sort(np.random.default_rng(1).normal(size=200)),
        np.random.default_rng(2).choice(10**9, 200, replace=False).astype(float),
        np.repeat(np.arange(100.0), 2),
        np.array([f"M{i % 150}" for i in range(200)], dtype=object),
        np.array([f"{i} km away" for i in range(200)], dtype=object),
        np.array([f"a story in words, number {i}" for i in range(200)], dtype=object),
    ],
    ids=["sorted measurements", "wide range", "in pairs", "names that repeat", "short texts", "texts"],
)
def test_measurements_wide_amounts_and_texts_are_no_identifiers(build, labels, column):
    measured = quality(build(labels, inputs=rows().assign(own=column)))
    assert named(measured, "identifier_feature") == set()


def test_so_few_repetitions_are_held_against_the_birthday_problem(build, find):
    """50 different numbers among 50 possible ones: 50·49/2/50 = 24.5 equal pairs on average, none with probability e^-24.5."""
    labels = ["yes", "no"] * 25
    for possible, found in ((50, {"own"}), (5000, set())):
        own = np.r_[0, possible - 1, np.random.default_rng(0).choice(np.arange(1, possible - 1), 48, replace=False)]
        measured = quality(build(labels, inputs=rows(n=50).assign(own=own.astype(float))))
        assert named(measured, "identifier_feature") == found
        if found:
            assert "chance repeats 24 pairs" in find(measured, "data.identifier_feature", {"feature": "own"}).reason


def test_the_only_feature_is_what_a_model_reads(build, labels):
    inputs = pd.DataFrame({"text": np.array([f"w{i}" for i in range(200)], dtype=object)})
    assert named(quality(build(labels, inputs=inputs)), "identifier_feature") == set()


@pytest.mark.parametrize(
    "derived",
    [lambda x: x**2, lambda x: (x - 25) ** 2, lambda x: np.round(1.8 * x + 32), lambda x: -np.log(x)],
    ids=["square", "square of a centred one", "rounded Fahrenheit", "logarithm"],
)
def test_a_number_made_of_another_is_redundant_and_the_later_one_is_named(build, derived, find):
    labels = ["no", "yes"] * 500
    inputs = rows(n=1000).assign(extra=lambda frame: derived(frame["income"]))
    inputs.loc[:99, "income"] = np.nan
    inputs.loc[50:150, "extra"] = np.nan
    measured = quality(build(labels, inputs=inputs))
    assert named(measured, "redundant_column") == {"extra"}
    assert "'income'" in find(measured, "data.redundant_column", {"feature": "extra"}).reason


def test_columns_that_go_together_are_not_redundant(build, labels):
    rng = np.random.default_rng(1)
    inputs = rows().assign(near=lambda frame: frame["income"] * rng.normal(1, 0.1, 200))
    assert named(quality(build(labels, inputs=inputs)), "redundant_column") == set()


def test_the_coefficient_of_a_function_is_worked_by_hand():
    """Ranks 1, 2, 3, 4 against 2, 1, 4, 3: Σ|Δr| = 1 + 3 + 1 = 5, ξ = 1 - 3·5/15 = 0; an exact function reaches 2/5."""
    ordered = np.arange(4.0)
    assert functional(ordered, np.array([2.0, 1.0, 4.0, 3.0])) == pytest.approx(0)
    assert functional(ordered, np.array([1.0, 3.0, 2.0, 4.0])) == pytest.approx((1 - 3 * 5 / 15) / (2 / 5))
    assert functional(ordered, ordered**3) == pytest.approx(1)
    assert functional(ordered, np.ones(4)) == 0
