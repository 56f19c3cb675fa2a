import numpy as np
import pytest
from sklearn import metrics

from harness.checks.performance.classification import classification


@pytest.fixture(scope="module")
def binary(build):
    rng = np.random.default_rng(1)
    truth = rng.choice(["no", "yes"], 400, p=[0.7, 0.3])
    score = np.round(np.clip(rng.normal(np.where(truth == "yes", 0.6, 0.35), 0.2), 0.02, 0.98), 2)
    answers = np.where(score >= 0.5, "yes", "no")
    return truth, answers, score, classification(build(truth, answers=answers, scores=score))


@pytest.fixture(scope="module")
def three(build):
    rng = np.random.default_rng(2)
    truth = rng.choice(["a", "b", "c"], 500, p=[0.5, 0.3, 0.2])
    answers = np.where(rng.random(500) < 0.6, truth, rng.choice(["a", "b", "c"], 500))
    scores = rng.dirichlet([1, 1, 1], 500)
    return truth, answers, scores, classification(build(truth, answers=answers, scores=scores, positive=None))


LABEL_MEASURES = {
    "accuracy": metrics.accuracy_score,
    "balanced_accuracy": metrics.balanced_accuracy_score,
    "mcc": metrics.matthews_corrcoef,
    "precision_macro": lambda t, a: metrics.precision_score(t, a, average="macro"),
    "recall_macro": lambda t, a: metrics.recall_score(t, a, average="macro"),
    "f1_macro": lambda t, a: metrics.f1_score(t, a, average="macro"),
    "f1_micro": lambda t, a: metrics.f1_score(t, a, average="micro"),
    "f1_weighted": lambda t, a: metrics.f1_score(t, a, average="weighted"),
}


@pytest.mark.parametrize("data", ["binary", "three"])
@pytest.mark.parametrize("name", LABEL_MEASURES)
def test_a_label_measure_equals_scikit_learn(name, data, request, find):
    truth, answers, _, measured = request.getfixturevalue(data)
    found = find(measured, f"performance.{name}")
    assert found.value == pytest.approx(LABEL_MEASURES[name](truth, answers), abs=1e-12)
    assert found.interval.low < found.value < found.interval.high


@pytest.mark.parametrize("data", ["binary", "three"])
def test_precision_recall_and_f1_by_class_equal_scikit_learn(data, request, find):
    truth, answers, _, measured = request.getfixturevalue(data)
    wanted = metrics.precision_recall_fscore_support(truth, answers)
    for i, label in enumerate(sorted(set(truth))):
        for kind, values in zip(("precision", "recall", "f1"), wanted, strict=False):
            assert find(measured, f"performance.{kind}", {"class": label}).value == pytest.approx(values[i], abs=1e-12)
        assert find(measured, "performance.recall", {"class": label}).n == wanted[3][i]
        assert find(measured, "performance.precision", {"class": label}).n == (answers == label).sum()


def test_score_measures_equal_scikit_learn(binary, find):
    truth, _, score, measured = binary
    positive = truth == "yes"
    wanted = {
        "log_loss": metrics.log_loss(positive, score),
        "brier": metrics.brier_score_loss(positive, score),
        "roc_auc": metrics.roc_auc_score(positive, score),
    }
    assert {name: find(measured, f"performance.{name}").value for name in wanted} == pytest.approx(wanted, abs=1e-12)


def test_score_measures_of_three_classes_equal_their_definitions(three, find):
    truth, _, scores, measured = three
    onehot = truth[:, None] == np.array(["a", "b", "c"])
    assert find(measured, "performance.log_loss").value == pytest.approx(metrics.log_loss(truth, scores), abs=1e-12)
    assert find(measured, "performance.brier").value == pytest.approx(((scores - onehot) ** 2).sum() / 500, abs=1e-12)
    for name in ("roc_auc", "average_precision"):
        assert find(measured, f"performance.{name}").reason == "the suite names no positive class"


def test_average_precision_is_the_sum_worked_by_hand(build, find):
    # By falling score, twice each: + - + (tie: + -) -. Precision at each recall step: 2/2, 4/6, 6/10; each step is a third.
    truth = np.repeat(["yes", "no", "yes", "yes", "no", "no"], 2)
    measured = classification(build(truth, answers=truth, scores=np.repeat([0.9, 0.8, 0.7, 0.6, 0.6, 0.1], 2)))
    found = find(measured, "performance.average_precision")
    assert found.value == pytest.approx((1 + 2 / 3 + 3 / 5) / 3)
    few = classification(build(truth[:6], answers=truth[:6], scores=np.linspace(1, 0, 6)))
    assert "fewer than five" in find(few, "performance.average_precision").reason


def test_the_interval_of_average_precision_is_near_that_of_a_bootstrap_of_scikit_learns(binary, find):
    truth, _, score, measured = binary
    rng = np.random.default_rng(9)
    drawn = [
        metrics.average_precision_score(truth[rows] == "yes", score[rows])
        for rows in (rng.integers(0, 400, 400) for _ in range(500))
    ]
    found = find(measured, "performance.average_precision")
    assert found.value == pytest.approx(metrics.average_precision_score(truth == "yes", score))
    # The bootstrap knows nothing of the bias: the limits lie a little outside of its.
    assert (found.interval.low, found.interval.high) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.03)


def test_a_perfect_ranking_has_the_interval_of_as_many_right_answers_as_positives(build, find):
    truth = np.repeat(["yes", "no"], [40, 160])
    band = find(classification(build(truth, scores=np.linspace(1, 0, 200))), "performance.average_precision").interval
    assert (band.low, band.high) == (pytest.approx(0.025 ** (1 / 40)), 1)


def test_the_majority_baseline_is_the_largest_class_of_the_test_rows(binary, three, find):
    assert find(binary[3], "performance.majority_baseline").value == (binary[0] == "no").mean()
    assert find(three[3], "performance.majority_baseline").value == (three[0] == "a").mean()


def test_a_constant_answer_is_no_better_than_the_baseline_and_a_perfect_one_is(build, find):
    truth = np.array(["no"] * 70 + ["yes"] * 30)
    constant, perfect = (classification(build(truth, answers=a)) for a in (np.array(["no"] * 100), truth))
    assert find(constant, "performance.accuracy").value == find(constant, "performance.majority_baseline").value == 0.7
    assert find(constant, "performance.balanced_accuracy").value == 0.5
    assert find(constant, "performance.mcc").value is None
    assert find(constant, "performance.mcc").reason.startswith("undefined")
    assert find(perfect, "performance.mcc").value == find(perfect, "performance.f1_macro").value == 1


def test_precision_of_a_class_that_was_never_answered_is_undefined_not_zero(build, find):
    truth = ["no"] * 40 + ["yes"] * 10
    measured = classification(build(truth, answers=["no"] * 50))
    found = find(measured, "performance.precision", {"class": "yes"})
    assert (found.value, found.interval, found.n, found.reason) == (None, None, 0, "no rows to divide by")
    assert find(measured, "performance.recall", {"class": "yes"}).value == 0
    clean = classification(build(truth, answers=["no"] * 49 + ["yes"]))
    assert find(clean, "performance.precision", {"class": "yes"}).value == 1


def test_a_class_without_rows_and_answers_has_no_f1_and_leaves_the_macro_mean_alone(build, find):
    truth, answers = ["a", "b"] * 20, ["a", "b", "b", "b"] * 10
    measured = classification(build(truth, answers=answers, classes=("a", "b", "c"), positive=None))
    assert find(measured, "performance.f1", {"class": "c"}).value is None
    assert find(measured, "performance.recall", {"class": "c"}).value is None
    wanted = metrics.f1_score(truth, answers, average="macro")
    assert find(measured, "performance.f1_macro").value == pytest.approx(wanted)
    assert find(measured, "performance.balanced_accuracy").value == pytest.approx(0.75)


def test_without_probabilities_score_measures_are_undefined_and_label_measures_stand(build, find):
    measured = classification(build(["no", "yes"] * 10, answers=["no"] * 20))
    for name in ("roc_auc", "average_precision", "log_loss", "brier"):
        found = find(measured, f"performance.{name}")
        assert found.value is None and found.reason.startswith("no access")
    assert find(measured, "performance.accuracy").value == 0.5


def test_auc_of_test_rows_of_one_class_is_undefined(build, find):
    measured = classification(build(["no"] * 20, answers=["no"] * 20, scores=[0.2] * 20, classes=("no", "yes")))
    assert find(measured, "performance.roc_auc").reason.startswith("insufficient sample")


@pytest.mark.parametrize("name", ["balanced_accuracy", "f1_macro", "mcc"])
def test_the_interval_is_that_of_an_independent_bootstrap_of_rows(name, binary, find):
    truth, answers, _, measured = binary
    rng = np.random.default_rng(7)
    measure = LABEL_MEASURES[name]
    drawn = [measure(truth[rows], answers[rows]) for rows in (rng.integers(0, 400, 400) for _ in range(600))]
    found = find(measured, f"performance.{name}").interval
    # Monte Carlo error of a 2.5 % quantile of 600 resamples is about 0.1 sd; 0.35 sd is beyond chance.
    assert (found.low, found.high) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.35 * np.std(drawn))


def test_the_confusion_matrix_shown_is_that_of_scikit_learn(three):
    truth, answers, _, measured = three
    shown = next(e for e in measured.exhibits if e.kind == "matrix")
    assert [row[1:] for row in shown.rows] == metrics.confusion_matrix(truth, answers).tolist()


def test_without_test_rows_nothing_is_tested(build):
    assert classification(build([], classes=("no", "yes"))).status == "not_tested"


def test_rows_that_stand_twice_in_their_cluster_tell_no_more_than_once(build, find):
    rng = np.random.default_rng(3)
    truth = rng.choice(["no", "yes"], 120)
    score = np.clip(rng.normal(np.where(truth == "yes", 0.6, 0.4), 0.2), 0.01, 0.99)

    def measured(times, clustered):
        rows = np.repeat(np.arange(120), times)
        answers = np.where(score >= 0.5, "yes", "no")[rows]
        evidence = build(truth[rows], answers=answers, scores=score[rows])
        if clustered:
            object.__setattr__(evidence.data.splits["test"], "clusters", rows.astype(str).astype(object))
        return classification(evidence)

    once, together, apart = measured(1, False), measured(2, True), measured(2, False)
    classes = [{"class": "yes"}]
    for measure in (
        "accuracy",
        "roc_auc",
        "mcc",
        "log_loss",
        "brier",
        "average_precision",
        "recall",
        "precision",
        "f1",
    ):
        of = classes[0] if measure in ("recall", "precision", "f1") else None
        found = [find(m, f"performance.{measure}", of) for m in (once, together, apart)]
        widths = [f.interval.high - f.interval.low for f in found]
        assert found[1].value == pytest.approx(found[0].value)
        assert widths[1] == pytest.approx(widths[0], rel=0.12)
        assert widths[2] < 0.8 * widths[0]


def test_clusters_of_unlike_rows_are_drawn_with_all_their_rows(build, find):
    rows = np.repeat(np.arange(60), 2)
    rng = np.random.default_rng(4)
    truth = rng.choice(["no", "yes"], 120)
    right = (np.arange(120) % 2 == 0) | (rng.random(120) < 0.3)  # the first row of a cluster always, the second seldom
    answers = np.where(right, truth, np.where(truth == "yes", "no", "yes"))
    evidence = build(truth, answers=answers)
    object.__setattr__(evidence.data.splits["test"], "clusters", rows.astype(str).astype(object))
    for measure in ("accuracy", "balanced_accuracy", "mcc", "f1_macro", "f1_weighted", "precision_macro"):
        found = find(classification(evidence), f"performance.{measure}")
        assert found.interval.low < found.value < found.interval.high


def test_clusters_of_a_perfect_model_still_have_widths(build, find):
    rows = np.repeat(np.arange(40), 3)
    truth = np.where(rows % 2, "yes", "no")
    evidence = build(truth, scores=np.where(truth == "yes", 0.9, 0.1))
    object.__setattr__(evidence.data.splits["test"], "clusters", rows.astype(str).astype(object))
    for measure in ("accuracy", "balanced_accuracy", "mcc", "f1_macro"):
        interval = find(classification(evidence), f"performance.{measure}").interval
        assert 0.8 < interval.low < 0.97  # what 40 clusters can say, not 120 rows
