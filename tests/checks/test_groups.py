import itertools
from math import comb

import numpy as np
import pandas as pd
import pytest

from harness.checks.bias.groups import groups

NO, YES = "no", "yes"


def counted(tp, fp, fn, tn):
    """Truth and answers of rows with these counts; the favourable outcome is "yes"."""
    return [YES] * tp + [NO] * fp + [YES] * fn + [NO] * tn, [YES] * (tp + fp) + [NO] * (fn + tn)


def two_groups(build, a, b, **more):
    """Evidence of groups a and b from their counts."""
    parts = {name: counted(*counts) for name, counts in {"a": a, "b": b, **more}.items()}
    truth, answers = ([v for part in parts.values() for v in part[i]] for i in (0, 1))
    named = [None if name == "unknown" else name for name, part in parts.items() for _ in part[0]]
    return build(truth, answers=answers, groups={"sex": named}, favourable=YES)


@pytest.fixture(scope="module")
def uneven(build):
    # Of 100 in a 60 are selected, TPR 50/60, FPR 10/40; of 80 in b 32, TPR 20/40, FPR 12/40.
    return groups(two_groups(build, (50, 10, 10, 30), (20, 12, 20, 28)))


def test_rates_by_group_equal_those_of_pandas(build, find):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"g": rng.choice(list("abc"), 900), "t": rng.random(900) < 0.5, "a": rng.random(900) < 0.4})
    text = {True: YES, False: NO}
    scores = rng.random(900)
    measured = groups(
        build(
            frame["t"].map(text).to_list(),
            answers=frame["a"].map(text).to_list(),
            scores=scores,
            groups={"g": frame["g"].to_list()},
            favourable=YES,
        )
    )
    for name, part in frame.groupby("g"):
        wanted = {
            "selection_rate": part["a"].mean(),
            "true_positive_rate": part.loc[part["t"], "a"].mean(),
            "false_positive_rate": part.loc[~part["t"], "a"].mean(),
            "precision": part.loc[part["a"], "t"].mean(),
            "accuracy": (part["a"] == part["t"]).mean(),
            "group_size": len(part),
        }
        up, down = scores[part.index[part["t"]]], scores[part.index[~part["t"]]]
        wanted["roc_auc"] = (up[:, None] > down).mean()
        assert {k: find(measured, f"bias.{k}", {"g": name}).value for k in wanted} == pytest.approx(wanted)


def test_gaps_and_the_impact_ratio_are_those_worked_by_hand(uneven, find):
    at = {"sex": "b"}
    assert find(uneven, "bias.selection_rate_gap", at).value == pytest.approx(32 / 80 - 60 / 100)
    assert find(uneven, "bias.true_positive_rate_gap", at).value == pytest.approx(20 / 40 - 50 / 60)
    assert find(uneven, "bias.false_positive_rate_gap", at).value == pytest.approx(12 / 40 - 10 / 40)
    assert find(uneven, "bias.impact_ratio", at).value == pytest.approx(0.4 / 0.6)
    # A ratio is of group over reference: the reference has none against itself.
    assert [f.group for f in uneven.findings if f.measure == "bias.impact_ratio"] == [at]


def test_the_largest_gaps_are_those_worked_by_hand(uneven, find):
    at = {"sex": "*"}
    # TPR 50/60 against 20/40: 0.333; FPR 0.25 against 0.3: 0.05. The larger one is the equalized odds difference.
    assert find(uneven, "bias.equalized_odds_difference", at).value == pytest.approx(1 / 3)
    assert find(uneven, "bias.equal_opportunity_difference", at).value == pytest.approx(1 / 3)
    assert find(uneven, "bias.demographic_parity_difference", at).value == pytest.approx(0.2)
    assert find(uneven, "bias.demographic_parity_ratio", at).value == pytest.approx(2 / 3)


def test_equalized_odds_takes_the_false_positives_where_they_differ_more(build, find):
    measured = groups(two_groups(build, (30, 5, 10, 35), (28, 25, 12, 15)))
    assert find(measured, "bias.equalized_odds_difference", {"sex": "*"}).value == pytest.approx(25 / 40 - 5 / 40)
    assert find(measured, "bias.equal_opportunity_difference", {"sex": "*"}).value == pytest.approx(30 / 40 - 28 / 40)


def test_the_band_of_the_largest_gap_is_that_of_an_independent_bootstrap(uneven, find):
    rng = np.random.default_rng(4)
    drawn = abs(rng.binomial(100, 0.6, 4000) / 100 - rng.binomial(80, 0.4, 4000) / 80)
    found = find(uneven, "bias.demographic_parity_difference", {"sex": "*"}).interval
    assert (found.low, found.high) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.02)


def test_fishers_p_value_is_the_hypergeometric_sum(build, find):
    measured = groups(two_groups(build, (20, 15, 5, 10), (8, 7, 12, 13)))
    # 35 of 50 selected in a, 15 of 40 in b: of 50 selected among 90, k fall into b.
    chance = {k: comb(40, k) * comb(50, 50 - k) / comb(90, 50) for k in range(41)}
    wanted = sum(p for p in chance.values() if p <= chance[15] * (1 + 1e-9))
    assert find(measured, "bias.selection_p_value", {"sex": "b"}).value == pytest.approx(wanted, rel=1e-9)


def test_a_biased_model_is_caught_and_an_even_handed_one_is_not(build, find):
    at = {"sex": "b"}
    biased = groups(two_groups(build, (300, 60, 60, 180), (120, 30, 120, 130)))
    even = groups(two_groups(build, (300, 60, 60, 180), (200, 40, 40, 120)))
    assert find(biased, "bias.impact_ratio", at).interval.high < 0.8
    assert find(biased, "bias.true_positive_rate_gap", at).interval.high < 0
    assert find(biased, "bias.selection_p_value", at).value < 1e-6
    assert find(even, "bias.impact_ratio", at).value == pytest.approx(1)
    assert find(even, "bias.impact_ratio", at).interval.low > 0.8
    assert find(even, "bias.true_positive_rate_gap", at).value == pytest.approx(0)
    assert find(even, "bias.selection_p_value", at).value == pytest.approx(1)


def test_the_reference_is_the_largest_group_unless_the_suite_names_another(build, find):
    counts = {"a": (20, 10, 10, 10), "b": (40, 20, 20, 20)}
    by_size = groups(two_groups(build, **counts))
    assert find(by_size, "bias.impact_ratio", {"sex": "a"}).reason == "against b"
    parts = {name: counted(*c) for name, c in counts.items()}
    named = build(
        [v for p in parts.values() for v in p[0]],
        answers=[v for p in parts.values() for v in p[1]],
        groups={"sex": ["a"] * 50 + ["b"] * 100},
        favourable=YES,
        data={"reference": {"sex": "a"}},
    )
    assert find(groups(named), "bias.impact_ratio", {"sex": "b"}).reason == "against a"


def test_a_cell_below_the_minimum_of_its_own_denominator_is_undefined(build, find):
    # b has 60 rows, 29 of them deserving and 31 not.
    measured = groups(two_groups(build, (50, 20, 30, 50), (20, 15, 9, 16)))
    at = {"sex": "b"}
    assert find(measured, "bias.selection_rate", at).value == pytest.approx(35 / 60)
    assert find(measured, "bias.false_positive_rate", at).value == pytest.approx(15 / 31)
    for name in ("true_positive_rate", "true_positive_rate_gap"):
        assert find(measured, f"bias.{name}", at).value is None
        assert find(measured, f"bias.{name}", at).reason.startswith("insufficient sample: 29 rows")


def test_a_group_of_29_rows_has_no_ratio_and_one_of_30_has(build, find):
    for size, measured_there in ((29, False), (30, True)):
        measured = groups(two_groups(build, (50, 20, 30, 50), (10, 5, 5, size - 20)))
        assert (find(measured, "bias.impact_ratio", {"sex": "b"}).value is not None) is measured_there
        assert (find(measured, "bias.demographic_parity_difference", {"sex": "*"}).value is not None) is measured_there


def test_a_ratio_of_a_reference_that_nobody_was_selected_from_is_undefined(build, find):
    measured = groups(two_groups(build, (0, 0, 50, 50), (10, 5, 20, 15)))
    assert "nobody in the reference group" in find(measured, "bias.impact_ratio", {"sex": "b"}).reason


def test_unknown_groups_are_counted_and_belong_to_no_group(build, find):
    measured = groups(two_groups(build, (50, 10, 10, 30), (20, 12, 20, 28), unknown=(3, 1, 2, 1)))
    assert find(measured, "bias.unknown_group", {"sex": "*"}).value == 7
    assert find(measured, "bias.selection_rate", {"sex": "b"}).value == pytest.approx(32 / 80)
    assert {f.group["sex"] for f in measured.findings} == {"a", "b", "*"}


def test_one_group_only_is_not_tested(build):
    measured = groups(build([YES, NO] * 50, groups={"sex": ["a"] * 100}, favourable=YES))
    assert (measured.status, measured.reason) == (
        "not_tested",
        "no data: sex has one group only, so nothing can be compared",
    )


def test_intersections_are_groups_of_their_own(build, find):
    rng = np.random.default_rng(3)
    sex, age = rng.choice(["f", "m"], 800), rng.choice(["old", "young"], 800)
    selected = rng.random(800) < np.where((sex == "f") & (age == "old"), 0.2, 0.6)
    answers = np.where(selected, YES, NO)
    evidence = build(
        rng.choice([YES, NO], 800),
        answers=answers,
        groups={"sex": sex, "age": age},
        favourable=YES,
        data={"reference": {"sex": "m", "age": "young"}},
    )
    measured = groups(evidence, intersections=[["sex", "age"]])
    for s, a in itertools.product(["f", "m"], ["old", "young"]):
        found = find(measured, "bias.selection_rate", {"sex × age": f"{s} × {a}"})
        assert found.value == pytest.approx(selected[(sex == s) & (age == a)].mean())
    ratio = find(measured, "bias.impact_ratio", {"sex × age": "f × old"})
    assert ratio.interval.high < 0.8
    assert ratio.reason == "against m × young"


def test_people_in_cells_under_ten_are_not_printed(build):
    measured = groups(two_groups(build, (50, 10, 10, 30), (2, 2, 2, 3)))
    table = next(e for e in measured.exhibits if e.kind == "table")
    assert [row[:3] for row in table.rows] == [["a (reference)", 100, 60], ["b", "< 10", None]]


def test_rates_by_group_are_those_of_fairlearns_metric_frame(build):
    from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate

    rng = np.random.default_rng(8)
    truth, said = rng.choice(["no", "yes"], 400), rng.choice(["no", "yes"], 400)
    group = rng.choice(list("abc"), 400).astype(object)
    metrics = {
        "selection_rate": selection_rate,
        "true_positive_rate": true_positive_rate,
        "false_positive_rate": false_positive_rate,
    }
    frame = MetricFrame(metrics=metrics, y_true=truth == "yes", y_pred=said == "yes", sensitive_features=group)
    data = {"sensitive": {"g": {"column": "g"}}}
    found = groups(build(truth, answers=said, groups={"g": group}, favourable="yes", data=data)).findings
    for name in metrics:
        for value in "abc":
            one = next(f for f in found if f.measure == f"bias.{name}" and f.group == {"g": value})
            assert one.value == pytest.approx(float(frame.by_group.loc[value, name]))


def test_without_a_favourable_outcome_accuracy_and_its_gap_are_all_and_it_is_said(build, find):
    truth = ["x", "y", "z"] * 80
    sex = ["f", "m"] * 120
    answers = [t if s == "m" or i % 4 < 2 else "x" for i, (t, s) in enumerate(zip(truth, sex, strict=True))]
    measured = groups(build(truth, answers=answers, groups={"sex": sex}, positive=None))
    right = {s: np.mean([t == a for t, a, g in zip(truth, answers, sex, strict=True) if g == s]) for s in "fm"}
    assert right["f"] < 1 == right["m"]
    assert find(measured, "bias.accuracy", {"sex": "f"}).value == pytest.approx(right["f"])
    gap = find(measured, "bias.accuracy_gap", {"sex": "f"})
    assert (gap.value, gap.n) == (pytest.approx(right["f"] - right["m"]), 240)
    assert gap.interval.high < 0
    assert "which outcome is favourable" in find(measured, "bias.impact_ratio", {"sex": "*"}).reason
    assert not [f for f in measured.findings if "selection" in f.measure]


def test_the_accuracy_gap_of_two_groups_worked_by_hand(uneven, find):
    # a: (50 + 30) of 100 right; b: (20 + 28) of 80.
    gap = find(uneven, "bias.accuracy_gap", {"sex": "b"})
    assert gap.value == pytest.approx(48 / 80 - 80 / 100)
    assert gap.interval.high < 0
