"""Leave one site out: a site that is the other way round is caught, sites alike are not; the paired error against a bootstrap."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from harness.checks.performance.transfer import transfer
from harness.errors import SuiteError
from harness.stats.auc import delong, paired_standard_error


def made(flipped, seed, n=600):
    rng = np.random.default_rng(seed)
    site = np.array(["a", "b", "c"], dtype=object)[rng.integers(0, 3, n)]
    x = rng.normal(size=n)
    sign = np.where((site == "c") & flipped, -1.0, 1.0)
    labels = np.where(sign * x + rng.normal(0, 0.7, n) > 0, "yes", "no").astype(object)
    inputs = pd.DataFrame({"x": x, "x_at_c": x * (site == "c"), "site": site})
    return labels, inputs


def evidence(build, flipped):
    labels, inputs = made(flipped, 1)
    train_labels, train = made(flipped, 2)
    model = LogisticRegression().fit(train[["x", "x_at_c"]], train_labels)
    wrapped = Columns(model)
    return build(
        labels,
        train={"labels": train_labels, "inputs": train},
        inputs=inputs,
        function=lambda f: model.predict_proba(f[["x", "x_at_c"]]),
        estimator=wrapped,
    )


class Columns(LogisticRegression):
    """Reads two columns of a wider frame."""

    def __init__(self, inner=None):
        super().__init__()
        self.inner = inner

    def fit(self, frame, labels):
        return super().fit(frame[["x", "x_at_c"]], labels)

    def predict_proba(self, frame):
        return super().predict_proba(frame[["x", "x_at_c"]])


def test_a_site_that_is_the_other_way_round_is_caught_and_sites_alike_are_not(build, find):
    turned, alike = (transfer(evidence(build, flipped), by="site") for flipped in (True, False))
    assert find(turned, "performance.site_auc", {"site": "c"}).value > 0.8
    assert find(turned, "performance.left_out_auc", {"site": "c"}).value < 0.2
    assert find(turned, "performance.transfer_gap", {"site": "c"}).interval.high < -0.5
    gap = find(alike, "performance.transfer_gap", {"site": "c"})
    assert gap.interval.low <= 0.01
    assert abs(gap.value) < 0.02
    mean = find(alike, "performance.left_out_auc_mean")
    values = [find(alike, "performance.left_out_auc", {"site": s}).value for s in "abc"]
    assert mean.value == pytest.approx(np.mean(values))


def test_the_site_auc_is_that_of_the_audited_model(build, find):
    made_evidence = evidence(build, flipped=False)
    test = made_evidence.split("test")
    own = (test.inputs["site"] == "a").to_numpy()
    score = made_evidence.predictions("test").positive_scores("yes")
    found = find(transfer(made_evidence, by="site"), "performance.site_auc", {"site": "a"})
    assert found.value == pytest.approx(roc_auc_score(test.labels[own] == "yes", score[own]))


def test_a_column_of_sites_that_the_data_lacks_is_refused(build):
    with pytest.raises(SuiteError, match="no column"):
        transfer(evidence(build, flipped=False), by="hospital")


def test_a_site_with_too_few_rows_is_undefined(build, find):
    found = transfer(evidence(build, flipped=False), by="site", minimum=1000)
    assert find(found, "performance.left_out_auc", {"site": "a"}).value is None
    assert "insufficient sample" in find(found, "performance.left_out_auc_mean").reason


def test_the_paired_standard_error_is_that_of_a_bootstrap_of_rows():
    rng = np.random.default_rng(0)
    positive = rng.random(500) < 0.4
    first = positive + rng.normal(0, 1, 500)
    second = first + rng.normal(0, 0.5, 500)
    drawn = []
    for _ in range(1500):
        rows = rng.integers(0, 500, 500)
        drawn.append(roc_auc_score(positive[rows], first[rows]) - roc_auc_score(positive[rows], second[rows]))
    found = paired_standard_error(delong(first, positive), delong(second, positive))
    assert found == pytest.approx(np.std(drawn), rel=0.08)
