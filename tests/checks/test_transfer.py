"""Leave one site out: a site that is the other way round is caught, sites alike are not; the paired error against a bootstrap."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score, roc_auc_score

from harness.checks.performance.transfer import transfer
from harness.stats.auc import delong, paired_standard_error
from harness.stats.estimates import estimate
from harness.stats.exact import mean_share


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


def three(build, flipped, few=False):
    """Three classes by the sign of two columns; at site c the first is turned, if flipped."""

    def rows(seed, n=900):
        rng = np.random.default_rng(seed)
        site = np.array(["a", "b", "c"], dtype=object)[rng.integers(0, 3, n)]
        x, y = rng.normal(size=(2, n))
        turned = np.where((site == "c") & flipped, -x, x) + rng.normal(0, 0.3, n)
        labels = np.where(turned > 0.3, "p", np.where(y > 0, "q", "r")).astype(object)
        if few:
            labels[site == "b"] = "p"
        return labels, pd.DataFrame({"x": x, "x_at_c": x * (site == "c"), "z": y, "site": site})

    train_labels, train = rows(2)
    labels, inputs = rows(1)
    wrapped = Named(["x", "x_at_c", "z"]).fit(train, train_labels)
    return build(labels, train={"labels": train_labels, "inputs": train}, inputs=inputs, positive=None,
                 function=wrapped.predict_proba, estimator=wrapped)  # fmt: skip


class Named(LogisticRegression):
    """Reads the named columns of a wider frame."""

    def __init__(self, names=None):
        super().__init__()
        self.names = names

    def fit(self, frame, labels):
        return super().fit(frame[self.names], labels)

    def predict_proba(self, frame):
        return super().predict_proba(frame[self.names])


def test_several_classes_are_compared_by_mean_recall_which_scikit_learn_agrees_with(build, find):
    made_evidence = three(build, flipped=True)
    found = transfer(made_evidence, by="site")
    test, train = made_evidence.split("test"), made_evidence.split("train")
    own, others = ((part.inputs["site"] == "c").to_numpy() for part in (test, train))
    truth, of = test.labels[own], {"site": "c"}
    wanted = recall_score(truth, made_evidence.predictions("test").labels[own], average="macro")
    assert find(found, "performance.site_recall_macro", of).value == pytest.approx(wanted)
    clone = Named(["x", "x_at_c", "z"]).fit(train.inputs[~others], train.labels[~others])
    said = clone.classes_[clone.predict_proba(test.inputs[own]).argmax(axis=1)]
    left = recall_score(truth, said, average="macro")
    assert find(found, "performance.left_out_recall_macro", of).value == pytest.approx(left)
    gap = find(found, "performance.recall_transfer_gap", of)
    assert (gap.value, gap.n) == (pytest.approx(left - wanted), int(own.sum()))
    assert gap.interval.high < -0.1
    clean = find(transfer(three(build, flipped=False), by="site"), "performance.recall_transfer_gap", of)
    assert clean.interval.low < 0 < clean.interval.high
    assert estimate(gap.interval) == pytest.approx(gap.value)
    recall = find(found, "performance.left_out_recall_macro", of)
    hits = [int((said[truth == name] == name).sum()) for name in "pqr"]
    assert recall.interval == mean_share(hits, [int((truth == name).sum()) for name in "pqr"])
    assert abs(clean.value) < 0.03


def test_a_site_of_one_class_has_no_mean_recall_and_says_so(build, find):
    found = transfer(three(build, flipped=False, few=True), by="site")
    one = find(found, "performance.recall_transfer_gap", {"site": "b"})
    assert one.value is None
    assert "1 classes have 10 rows" in one.reason
