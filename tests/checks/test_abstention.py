"""Abstention: shares by hand; a model whose confidence tells its errors gains, one whose confidence is noise does not."""

from dataclasses import replace

import numpy as np
import pytest

from harness.checks.performance.abstention import abstention


def made(build, telling, n=1000, seed=0):
    rng = np.random.default_rng(seed)
    sure = rng.uniform(0.5, 1, n)
    truth = np.where(rng.random(n) < 0.5, "yes", "no").astype(object)
    right = rng.random(n) < (sure if telling else 0.75)
    said = np.where(right, truth, np.where(truth == "yes", "no", "yes")).astype(object)
    score = np.where(said == "yes", sure, 1 - sure)
    return build(list(truth), answers=list(said), scores=score), right, sure


def test_the_accuracy_of_the_surest_rows_is_that_counted_by_hand(build, find):
    evidence, right, sure = made(build, telling=True)
    found = find(abstention(evidence), "performance.accuracy_at_coverage", {"at": "80% of rows"})
    assert found.value == pytest.approx(right[np.argsort(-sure)][:800].mean())
    gain = find(abstention(evidence), "performance.selective_gain", {"at": "80% of rows"})
    assert gain.value == pytest.approx(found.value - right.mean())
    risks = [1 - right[np.argsort(-sure)][: 10 * k].mean() for k in range(1, 101)]
    assert find(abstention(evidence), "performance.aurc").value == pytest.approx(np.mean(risks))


@pytest.mark.parametrize(("telling", "gains"), [(True, True), (False, False)])
def test_confidence_that_tells_errors_gains_and_noise_does_not(build, find, telling, gains):
    found = find(abstention(made(build, telling)[0]), "performance.selective_gain", {"at": "50% of rows"})
    assert (found.interval.low > 0) == gains


def test_equal_confidence_counts_as_its_average(build, find):
    evidence = build(["yes"] * 50 + ["no"] * 50, answers=["yes"] * 100, scores=np.full(100, 0.9))
    assert find(abstention(evidence), "performance.accuracy_at_coverage", {"at": "50% of rows"}).value == 0.5


def test_without_an_error_every_measure_has_an_interval(build, find):
    truth = ["yes"] * 60 + ["no"] * 40
    found = abstention(build(truth, answers=truth, scores=np.r_[np.linspace(0.6, 1, 60), np.linspace(0, 0.4, 40)]))
    accuracy = find(found, "performance.accuracy_at_coverage", {"at": "50% of rows"}).interval
    assert (accuracy.low, accuracy.high) == (pytest.approx(0.025 ** (1 / 50)), 1)
    gain = find(found, "performance.selective_gain", {"at": "50% of rows"}).interval
    assert (gain.low, gain.high) == pytest.approx((-(1 - 0.025 ** (1 / 50)) / 2, (1 - 0.025 ** (1 / 50)) / 2))
    area = find(found, "performance.aurc")
    assert (area.value, area.interval.low) == (0, 0)
    assert area.interval.high == pytest.approx(1 - 0.025 ** (1 / 50))


def test_clustered_rows_widen_the_intervals(build, find):
    evidence = made(build, telling=True)[0]
    apart = abstention(evidence)
    once = evidence.data.splits["test"]
    owners = np.array(
        [f"{label}{k % 10}" for k, label in enumerate(once.labels == evidence.predictions("test").labels)]
    )
    evidence.data.splits["test"] = replace(once, clusters=owners.astype(object))
    together = abstention(evidence)
    for one, other in zip(apart.findings, together.findings, strict=True):
        assert other.value == pytest.approx(one.value)
        if not one.measure.endswith("gain"):
            assert other.interval.high - other.interval.low > 1.3 * (one.interval.high - one.interval.low)


def test_without_scores_or_rows_it_is_not_tested(build):
    assert "no probabilities" in abstention(build(["yes", "no"] * 40)).reason
    assert "50 needed" in abstention(made(build, telling=True, n=20)[0]).reason
