"""Kin across a split is found without a declared cluster; independent rows have none, and coarse ones can't tell."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from harness.checks.data.clusters import clusters
from harness.checks.data.kin import kin_by_columns


def mixes(seed, n_mixes=60, ages=(3, 7, 28, 90)):
    """Each mix at several ages: split by rows, most test rows have kin in training."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(300, 50, (n_mixes, 4)).round(1), columns=["cement", "water", "sand", "gravel"])
    frame = frame.loc[np.repeat(np.arange(n_mixes), len(ages))].assign(age=np.tile(ages, n_mixes).astype(float))
    return frame.reset_index(drop=True), np.repeat(np.arange(n_mixes), len(ages))


def labels_of(rows):
    return (["yes", "no"] * len(rows))[: len(rows)]


def by(build, frame, test):
    """Evidence of a split of the frame (n, k) by the mask test (n,)."""
    own, rest = frame[test].reset_index(drop=True), frame[~test].reset_index(drop=True)
    return build(labels_of(own), inputs=own, train={"labels": labels_of(rest), "inputs": rest})


def test_the_same_mix_at_another_age_on_the_other_side_is_kin(build, find):
    frame, mix = mixes(0)
    random = np.random.default_rng(1).random(len(frame)) < 0.4
    found = find(clusters(by(build, frame, random)), "data.kin_rate")
    truth = np.isin(mix[random], mix[~random]).mean()
    assert found.value == pytest.approx(truth)
    assert found.n == random.sum()
    assert found.interval.low > 0.9
    assert "most differ in age" in found.reason


def test_a_split_by_mix_and_independent_rows_have_no_kin(build, find):
    frame, mix = mixes(0)
    assert find(clusters(by(build, frame, mix < 24)), "data.kin_rate").value == 0
    rng = np.random.default_rng(2)
    alone = pd.DataFrame(rng.normal(size=(400, 3)), columns=list("abc"))
    measured = clusters(by(build, alone, np.arange(400) < 150))
    assert find(measured, "data.kin_rate").value == 0
    assert measured.exhibits == []
    assert find(measured, "data.straddling_rate").value is None


def test_in_coarse_columns_equality_tells_nothing(build):
    coarse = pd.DataFrame(np.random.default_rng(0).integers(0, 3, (400, 4)).astype(float), columns=list("abcd"))
    measured = clusters(by(build, coarse, np.arange(400) < 150))
    assert measured.status == "not_tested"
    assert "too coarse" in measured.reason


def test_columns_too_coarse_to_tell_are_left_out_and_the_others_still_tell(build, find):
    """Shuffled, a number and the age meet again by chance when the other number may differ; both numbers never do."""
    frame, mix = mixes(0, n_mixes=400)
    random = np.random.default_rng(1).random(len(frame)) < 0.4
    found = find(clusters(by(build, frame[["cement", "water", "age"]], random)), "data.kin_rate")
    assert found.value == pytest.approx(np.isin(mix[random], mix[~random]).mean())
    assert "2 of 3 such sets" in found.reason


def test_with_a_declared_cluster_coarse_columns_leave_that_count(build, find):
    coarse = pd.DataFrame(np.random.default_rng(0).integers(0, 3, (400, 4)).astype(float), columns=list("abcd"))
    evidence = by(build, coarse, np.arange(400) < 150)
    for role, split in evidence.data.splits.items():
        names = np.array([f"{role}{i}" for i in range(len(split))], dtype=object)
        evidence.data.splits[role] = replace(split, clusters=names)
    measured = clusters(evidence)
    assert find(measured, "data.straddling_clusters").value == 0
    assert find(measured, "data.kin_rate").value is None


def test_kin_are_worked_by_hand():
    """Rows 0 to 2 are test. 0 equals 3 but in column 2; 1 is a copy of 4 and of 8 alone; 2 is a copy of 5 and has kin in 6 and 7."""
    rows = np.array(
        [[1, 2, 3], [4, 5, 6], [7, 8, 9], [1, 2, 30], [4, 5, 6], [7, 8, 9], [7, 80, 9], [7, 80, 9], [4, 5, 6]],
        dtype=np.uint64,
    )
    found = {columns: has.tolist() for columns, has in kin_by_columns(rows * np.uint64(10**15), 3, 1)}
    assert found == {(0,): [False] * 3, (1,): [False, False, True], (2,): [True, False, False]}


def test_kin_that_differ_in_two_columns_are_found_when_asked_for(build, find):
    frame, _ = mixes(0)
    frame["slump"] = np.random.default_rng(5).normal(size=len(frame))
    random = np.random.default_rng(1).random(len(frame)) < 0.4
    evidence = by(build, frame, random)
    assert find(clusters(evidence), "data.kin_rate").value == 0
    assert find(clusters(evidence, differ=2), "data.kin_rate").value > 0.9
