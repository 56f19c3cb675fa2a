"""The known flaws of the shipped data, put back: data.quality finds each, and does not find it in the suite as shipped."""

from dataclasses import replace

import numpy as np
import pytest

from harness import load_suite
from harness.checks.data.quality import quality
from harness.datasets.roles import load_dataset
from harness.engine.evidence import Evidence


def findings(name, **changes):
    """What data.quality finds in a suite whose data section is changed."""
    loaded = load_suite(name)
    suite = loaded.suite.model_copy(update={"data": loaded.suite.data.model_copy(update=changes)})
    changed = replace(loaded, suite=suite)
    return quality(Evidence(suite, load_dataset(changed), None, 0)).findings


def value(found, measure):
    return next(f.value for f in found if f.measure == measure)


def suspects(found, measure="data.leak_suspect"):
    return {f.of["feature"] for f in found if f.measure == measure}


@pytest.mark.parametrize(
    ("name", "rows", "duplicates"),
    [
        ("finance/credit-risk", 2380, 3),
        ("finance/fraud-detection", 1250, 587),
        ("manufacturing/quality-control", 4898, 937),
    ],
)
def test_duplicates_that_a_suite_drops_are_found_when_they_stay(name, rows, duplicates):
    kept = findings(name, drop_duplicates=False)
    assert round(value(kept, "data.duplicate_rate") * rows) >= duplicates
    assert value(findings(name), "data.duplicate_rate") * rows < value(kept, "data.duplicate_rate") * rows


@pytest.mark.parametrize(
    ("name", "column"),
    [("medical/health-management", "yrdth"), ("medical/health-management", "dadth"), ("manufacturing/predictive-maintenance", "Failure Type")],
)  # fmt: skip
def test_a_column_of_the_future_is_a_leak_when_it_comes_back(name, column):
    features = load_suite(name).suite.data.features
    assert suspects(findings(name, features=[*features, column])) == {column}
    assert suspects(findings(name)) == set()


def test_eligibility_leaves_one_answer_for_those_who_are_not_eligible():
    data = load_suite("finance/robo-advisor").suite.data
    label = data.label.model_copy(update={"column": "p401k"})
    split = data.split.model_copy(update={"stratify": ["p401k"]})
    found = findings("finance/robo-advisor", label=label, split=split)
    assert "e401k" in suspects(found, "data.determined_label_rate")
    assert "e401k" not in suspects(findings("finance/robo-advisor"), "data.determined_label_rate")


def test_cholesterol_of_zero_is_missing_in_disguise_until_the_suite_says_so():
    found = findings("medical/diagnosis", missing={})
    assert {"feature": "chol"} in [f.of for f in found if f.measure == "data.disguised_missing"]
    assert {"feature": "chol"} not in [
        f.of for f in findings("medical/diagnosis") if f.measure == "data.disguised_missing"
    ]


def test_missing_cells_of_the_four_sites_are_counted():
    data = load_suite("medical/diagnosis").suite.data
    plain = data.model_copy(update={"missing": {}})
    loaded = load_suite("medical/diagnosis")
    suite = loaded.suite.model_copy(update={"data": plain})
    splits = load_dataset(replace(loaded, suite=suite)).splits.values()
    cells = sum(int(part.inputs.isna().to_numpy().sum()) for part in splits)
    assert cells == pytest.approx(1759, abs=10)


def test_grouped_mixes_never_straddle_and_split_columns_are_obeyed():
    splits = load_dataset(load_suite("medical/drug-discovery")).splits
    assert (len(splits["test"]), len(splits["train"])) == (553, 2201)
    assert not set(splits["test"].ids) & set(splits["train"].ids)
    assert np.unique(splits["test"].labels).tolist() == ["active", "inactive"]
