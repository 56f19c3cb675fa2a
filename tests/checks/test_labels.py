"""Labels that are determined, disagree with another column, or come at another rate than in use; and clean twins."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from harness.checks.data.quality import quality
from harness.spec.suite import Suite


def determined(measured):
    found = {f.of["feature"]: f for f in measured.findings if f.measure == "data.determined_label_rate"}
    (count,) = [f.value for f in measured.findings if f.measure == "data.determined_label_columns"]
    assert count == len(found)
    return found


@pytest.mark.parametrize(("n", "flagged"), [(9, False), (10, True)])
def test_a_determined_label_is_held_against_chance_by_hand(build, n, flagged):
    """20 of 40 rows are yes. That n rows get one label has probability 2·C(20, n) / C(40, n): 0.0012 for 9, 0.00044 for 10.

    Two values are looked at, so Holm's first limit is 0.0005.
    """
    labels = ["yes"] * 20 + ["no"] * 20
    inputs = pd.DataFrame({"status": np.array(["gone"] * n + ["here"] * (40 - n), dtype=object)})
    found = determined(quality(build(labels, inputs=inputs)))
    assert set(found) == ({"status"} if flagged else set())
    if flagged:
        assert found["status"].value == 10 / 40
        assert "gone" in found["status"].reason
        assert "p = 0.0004" in found["status"].reason


def many(seed, n=4000):
    rng = np.random.default_rng(seed)
    wealth = np.round(rng.normal(0, 3, n), 1)
    labels = np.where(rng.random(n) < np.where(wealth < 1, 0.02, 0.5), "yes", "no")
    return labels, pd.DataFrame({"wealth": wealth, "town": rng.choice(list("abcdefghij"), n).astype(object)})


def test_values_of_a_neighbourhood_with_a_low_rate_are_no_leak(build):
    """Of the values below 1 one in fifty is yes, so 50 rows of a value are often all no, though 0.25 of all rows are yes."""
    pure = 0
    for seed in range(10):
        labels, inputs = many(seed)
        assert determined(quality(build(labels, inputs=inputs))) == {}
        counts = pd.crosstab(inputs["wealth"], labels)
        pure += int(((counts["yes"] == 0) & (counts["no"] > 40)).sum())
    assert pure > 50  # the twin would be empty if such values were rare


def test_one_value_among_others_that_leaves_one_label_is_a_leak_and_shown_rounded(build):
    labels, inputs = many(0)
    inputs.loc[labels == "no", "wealth"] = (
        inputs["wealth"].where(np.arange(4000) % 10 > 0, np.float32(2.1)).astype(float)
    )
    inputs.loc[(labels == "yes") & (np.abs(inputs["wealth"] - 2.1) < 0.01), "wealth"] = 2.2
    found = determined(quality(build(labels, inputs=inputs)))
    assert set(found) == {"wealth"}
    assert "where it is 2.1, the label" in found["wealth"].reason


def test_rows_of_one_cluster_count_once(build):
    labels = ["yes"] * 20 + ["no"] * 20
    inputs = pd.DataFrame({"status": np.array(["gone"] * 12 + ["here"] * 28, dtype=object)})
    evidence = build(labels, inputs=inputs)
    assert set(determined(quality(evidence))) == {"status"}
    names = np.array([f"c{max(0, i - 11)}" for i in range(40)], dtype=object)
    evidence.data.splits["test"] = replace(evidence.data.splits["test"], clusters=names)
    assert determined(quality(evidence)) == {}


AGREES = {"agrees": {"kind": {"none": "no", "*": ["yes", "maybe"]}}}


def of_kind(labels, kinds):
    return {"labels": labels, "inputs": pd.DataFrame({"kind": np.array(kinds, dtype=object)})}


def test_labels_that_another_column_contradicts_are_counted(build, find):
    rows = of_kind(["no", "yes", "yes", "no", "yes"], ["none", "heat", "none", "heat", None])
    found = find(quality(build(**rows, data=AGREES)), "data.label_disagreement_rate", {"column": "kind"})
    assert (found.value, found.n) == (2 / 4, 4)
    assert found.interval.low < 0.5 < found.interval.high
    assert "'heat' with 'no': 1" in found.reason
    assert "'none' with 'yes': 1" in found.reason


def test_labels_that_agree_are_not_flagged_and_undeclared_values_say_nothing(build, find):
    rows = of_kind(["no", "yes", "yes", "no"], ["none", "heat", "heat", "none"])
    found = find(quality(build(**rows, data=AGREES)), "data.label_disagreement_rate", {"column": "kind"})
    assert (found.value, found.n, found.reason) == (0, 4, None)
    only = {"agrees": {"kind": {"heat": "yes"}}}
    assert find(quality(build(**rows, data=only)), "data.label_disagreement_rate", {"column": "kind"}).n == 2
    nothing = {"agrees": {"kind": {"frost": "yes"}}}
    unseen = find(quality(build(**rows, data=nothing)), "data.label_disagreement_rate", {"column": "kind"})
    assert unseen.value is None
    assert "no row" in unseen.reason


def test_a_missing_column_is_no_zero(build, find):
    rows = of_kind(["no", "yes"], ["none", "heat"])
    found = find(quality(build(**rows, data={"agrees": {"other": {"none": "no"}}})), "data.label_disagreement_rate", {"column": "other"})  # fmt: skip
    assert found.value is None
    assert "no column" in found.reason


def at_rate(share, rate, n=1000):
    labels = ["yes"] * round(share * n) + ["no"] * round((1 - share) * n)
    label = {"column": "y", "positive": "yes", "prevalence": {"rate": rate, "source": "the bank's book"}}
    return {"labels": labels, "data": {"label": label}}


def test_a_class_that_is_oversampled_is_told_with_what_it_does_to_scores(build, find):
    found = find(quality(build(**at_rate(0.3, 0.05))), "data.prevalence_gap")
    assert found.value == pytest.approx(0.25)
    # The exact interval of 300 in 1,000: 0.2717 to 0.3295.
    assert (found.interval.low, found.interval.high) == pytest.approx((0.2217, 0.2795), abs=1e-4)
    assert "8.1 times" in found.reason  # (0.3 / 0.7) / (0.05 / 0.95)
    assert "the bank's book" in found.reason


def test_a_class_at_its_own_rate_is_not_flagged(build, find):
    found = find(quality(build(**at_rate(0.06, 0.05))), "data.prevalence_gap")
    assert found.interval.low < 0 < found.interval.high
    assert "odds" not in found.reason


def made(task="classification", **data):
    label = {"column": "y", "positive": "yes", **data.pop("label", {})}
    section = {"source": "-", "label": label, "features": ["x"], **data}
    return Suite.model_validate(
        {"name": "m", "vertical": "m", "task": task, "checks": ["data.quality"], "data": section}
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"label": {"positive": None, "prevalence": {"rate": 0.1, "source": "s"}}}, "name that class under positive"),
        ({"label": {"prevalence": {"rate": 1, "source": "s"}}}, "less than 1"),
        ({"label": {"prevalence": {"rate": 0.1, "source": ""}}}, "at least 1 character"),
        ({"agrees": {"kind": {"none": []}}}, "at least 1 item"),
        ({"task": "regression", "label": {"positive": None}, "agrees": {"kind": {"a": "b"}}}, "leave it out"),
    ],
)
def test_declarations_that_say_nothing_are_refused(wrong, message):
    with pytest.raises(ValidationError, match=message):
        made(**wrong)
    assert made(agrees={"kind": {"none": 0}}).data.agrees == {"kind": {"none": ["0"]}}
