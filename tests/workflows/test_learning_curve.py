"""The learning curve: every kind of model that can be fitted again, each point against a fit made by hand."""

import json

import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import mean_absolute_error, roc_auc_score
from sklearn.neighbors import KNeighborsClassifier

from harness.core.comparison import Margin
from harness.datasets.roles import DataOptions
from harness.engine.progress import silent
from harness.models.options import ModelOptions
from harness.workflows.audit import AuditRequest, run_audit
from harness.workflows.compare import CompareRequest, compare
from harness.workflows.fit import fit
from harness.workflows.learning_curve import SHARES, learning_curve

AUC, MAE = "performance.roc_auc", "performance.mae"
SUITE = """
name: notes
vertical: test
task: {task}
data:
  source: rows.csv
  label: {label}
  features: [note]
  id: id
  {more}
views: {{text: "{{{{ note }}}}"}}
checks: [performance.{task}]
"""
CLASSES = "{column: risk, positive: high}"


def margin(measure, **more):
    return Margin(measure=measure, by=0.0, reason="r", source="s", **more)


def opened(suite, model, **data):
    return run_audit(AuditRequest(suite, str(model), DataOptions(**data), ModelOptions()), progress=silent).evidence


def curve(suite, model, measure, **data):
    return learning_curve(opened(suite, model, **data), margin(measure), ModelOptions(), silent)


@pytest.fixture
def notes(tmp_path):
    """A suite of 600 notes whose words tell the class, or the amount, with noise."""

    def made(task="classification", label=CLASSES, more=""):
        rng = np.random.default_rng(0)
        words = np.array(["loan", "denied", "granted", "income", "low", "high", "risk"])
        drawn = [rng.choice(words, 6) for _ in range(600)]
        weight = np.array([(row == "denied").sum() + (row == "low").sum() for row in drawn])
        noisy = weight + rng.normal(0, 1, 600)
        frame = pd.DataFrame({
            "id": [f"n{i}" for i in range(600)], "note": [" ".join(row) for row in drawn], "amount": 10 * noisy,
            "risk": np.where(noisy > 1.7, "high", "low"), "person": rng.integers(0, 150, 600),
            "rare": np.where(noisy > np.sort(noisy)[-12], "high", "low"),
        })  # fmt: skip
        frame.to_csv(tmp_path / "rows.csv", index=False)
        (tmp_path / "suite.yaml").write_text(SUITE.format(task=task, label=label, more=more), encoding="utf-8")
        return tmp_path / "suite.yaml"

    return made


def by_hand(evidence, inside):
    """The pipeline behind the pass fitted by hand to some rows: its answers to the test rows."""
    train, test = evidence.split("train"), evidence.split("test")
    inner = evidence._model._model._opened.estimator()
    again = clone(inner).fit(train.inputs["note"][inside], train.labels[inside])
    return again, test.inputs["note"], test.labels


def test_a_pipeline_of_texts_is_fitted_again_to_growing_parts(notes, tmp_path):
    suite = notes()
    fit(suite, "sklearn:tfidf", tmp_path / "tfidf")
    evidence = opened(suite, tmp_path / "tfidf")
    found, gaps = learning_curve(evidence, margin(AUC), ModelOptions(), silent)
    sizes, values = [row[0] for row in found.rows], [row[1] for row in found.rows]
    total = len(evidence.split("train"))
    assert sizes == [*(round(share * total) for share in SHARES), total] and not gaps
    assert values[-1] > values[0] + 0.05
    assert all(low < value < high for _, value, low, high in found.rows)
    rank = np.argsort(evidence.generator("learning-curve").permutation(total))
    again, texts, truth = by_hand(evidence, rank < sizes[2])
    assert values[2] == pytest.approx(roc_auc_score(truth == "high", again.predict_proba(texts)[:, 0]))


def test_numbers_have_a_curve_of_their_own_measure(notes, tmp_path):
    suite = notes("regression", "{column: amount, unit: EUR}")
    fit(suite, "sklearn:tfidf", tmp_path / "tfidf")
    evidence = opened(suite, tmp_path / "tfidf")
    found, _ = learning_curve(evidence, margin(MAE), ModelOptions(), silent)
    assert found.columns == ["training rows", MAE, "low", "high"]
    assert found.rows[-1][1] < found.rows[0][1]
    rank = np.argsort(evidence.generator("learning-curve").permutation(len(evidence.split("train"))))
    again, texts, truth = by_hand(evidence, rank < found.rows[0][0])
    assert found.rows[0][1] == pytest.approx(mean_absolute_error(truth.astype(float), again.predict(texts)))


def test_people_come_in_whole(notes, tmp_path):
    suite = notes(more="cluster: person\n  split: {test: 0.4}")
    fit(suite, "sklearn:tfidf", tmp_path / "tfidf")
    evidence = opened(suite, tmp_path / "tfidf")
    found, _ = learning_curve(evidence, margin(AUC), ModelOptions(), silent)
    people = pd.Series(evidence.split("train").clusters.astype(str))
    order = evidence.generator("learning-curve").permutation(people.nunique())
    names = np.unique(people)
    wanted = [int(people.isin(names[order[: round(s * len(names))]]).sum()) for s in SHARES]
    assert [row[0] for row in found.rows[:-1]] == wanted


@pytest.mark.parametrize(
    ("task", "label", "measure"), [("classification", CLASSES, AUC), ("regression", "{column: amount}", MAE)]
)
def test_a_fine_tuned_model_is_tuned_again_by_its_own_recipe(notes, make_classifier, tmp_path, task, label, measure):
    from harness.fitting.text import Recipe

    base, suite = make_classifier(), notes(task, label)
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    (base / "config.json").write_text(json.dumps({**config, "architectures": ["BertModel"]}), encoding="utf-8")
    fit(suite, str(base), tmp_path / "tuned", Recipe(epochs=8, learning_rate=2e-3, batch=16))
    evidence = opened(suite, tmp_path / "tuned")
    found, gaps = learning_curve(evidence, margin(measure), ModelOptions(), silent)
    total = len(evidence.split("train"))
    assert [row[0] for row in found.rows][-1] == total and len(found.rows) == 6 and not gaps
    assert all(0.85 * share < row[0] / total < share for share, row in zip(SHARES, found.rows, strict=False))
    better = found.rows[-1][1] - found.rows[0][1]
    assert better > 0.02 if measure == AUC else better < 0
    (base / "config.json").write_text(
        json.dumps({**config, "architectures": ["BertModel"], "note": 1}), encoding="utf-8"
    )
    lost, gaps = learning_curve(evidence, margin(measure), ModelOptions(), silent)
    assert len(lost.rows) == 1 and all("not those" in gap.reason for gap in gaps) and len(gaps) == len(SHARES)
    (base / "config.json").unlink()
    lost, gaps = learning_curve(evidence, margin(measure), ModelOptions(), silent)
    assert len(lost.rows) == 1 and all("There is no base" in gap.reason for gap in gaps) and len(gaps) == len(SHARES)


def test_what_can_not_be_fitted_again_says_why(notes, tmp_path):
    suite = notes()
    rows = pd.read_csv(tmp_path / "rows.csv")
    pd.DataFrame({"id": rows["id"], "score": rows["amount"].rank(pct=True)}).to_csv(tmp_path / "saved.csv", index=False)
    fit(suite, "sklearn:tfidf", tmp_path / "tfidf")
    for model, data, measure, why in (
        (tmp_path / "saved.csv", {"trained_on_split": True}, AUC, "no access"),
        (tmp_path / "tfidf" / "model.skops", {}, AUC, "members unknown"),
        (tmp_path / "tfidf", {}, "privacy.membership_auc", "no check of the suite"),
    ):
        found, gaps = curve(suite, model, measure, **data)
        assert found is None
        assert [gap.what for gap in gaps] == ["learning curve"] and why in gaps[0].reason


def test_a_part_without_a_class_is_a_gap_and_not_a_point(notes, tmp_path):
    suite = notes(label="{column: rare, positive: high}")
    fit(suite, "sklearn:tfidf", tmp_path / "tfidf")
    found, gaps = curve(suite, tmp_path / "tfidf", "performance.average_precision")
    assert [row[0] for row in found.rows] == [72, 144, 252, 360]
    assert [(gap.what, gap.reason) for gap in gaps] == [
        (f"learning curve at {n} training rows", "insufficient sample: no row of high") for n in (18, 36)
    ]


def test_a_tuned_part_whose_only_row_of_a_class_is_validated_on_is_a_gap(notes, make_classifier, tmp_path):
    from harness.fitting.text import Recipe

    base, suite = make_classifier(), notes(label="{column: rare, positive: high}")
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    (base / "config.json").write_text(json.dumps({**config, "architectures": ["BertModel"]}), encoding="utf-8")
    fit(suite, str(base), tmp_path / "tuned", Recipe(epochs=1, learning_rate=2e-3, batch=16))
    found, gaps = curve(suite, tmp_path / "tuned", "performance.average_precision")
    train = opened(suite, tmp_path / "tuned").split("train")
    assert gaps and all("insufficient sample" in gap.reason and "high" in gap.reason for gap in gaps)
    assert len(found.rows) + len(gaps) == len(SHARES) + 1 and found.rows[-1][0] == len(train)


def made_of(estimator, frame, folder):
    folder.mkdir()
    skops.io.dump(estimator.fit(frame[["length", "noise"]], frame["risk"]), folder / "m.skops")
    return folder / "m.skops"


@pytest.fixture
def numbers(tmp_path):
    """A suite of two columns of numbers."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"id": np.arange(400), "length": rng.normal(size=400), "noise": rng.normal(size=400)})
    frame["risk"] = np.where(frame["length"] + rng.normal(0, 1, 400) > 0, "high", "low")
    frame.to_csv(tmp_path / "rows.csv", index=False)
    suite = SUITE.format(task="classification", label=CLASSES, more="").replace("[note]", "[length, noise]")
    (tmp_path / "suite.yaml").write_text(suite.replace('views: {text: "{{ note }}"}', ""), encoding="utf-8")
    return tmp_path / "suite.yaml", frame


def test_a_model_with_a_frozen_part_is_not_fitted_again(numbers, tmp_path):
    """A clone of a frozen part is that part, with all that it knows."""
    suite, frame = numbers
    inner = RandomForestClassifier(n_estimators=5, random_state=0).fit(frame[["length", "noise"]], frame["risk"])
    frozen = made_of(CalibratedClassifierCV(FrozenEstimator(inner)), frame, tmp_path / "frozen")
    plain = made_of(CalibratedClassifierCV(RandomForestClassifier(n_estimators=5), cv=2), frame, tmp_path / "plain")
    found, gaps = curve(suite, frozen, AUC, trained_on_split=True)
    assert found is None and "can be fitted again" in gaps[0].reason
    assert len(curve(suite, plain, AUC, trained_on_split=True)[0].rows) == 6


def test_a_part_that_can_not_answer_is_a_gap_and_the_rest_is_drawn(numbers, tmp_path):
    suite, frame = numbers
    near = made_of(KNeighborsClassifier(n_neighbors=25, algorithm="brute"), frame, tmp_path / "near")
    found, gaps = curve(suite, near, AUC, trained_on_split=True)
    assert [row[0] for row in found.rows] == [48, 96, 168, 240]
    assert [gap.what for gap in gaps] == [f"learning curve at {n} training rows" for n in (12, 24)]


def test_what_the_margin_selects_is_measured_or_the_reason_is_told(numbers, tmp_path):
    suite, frame = numbers
    model = made_of(LogisticRegression(), frame, tmp_path / "plain")
    evidence = opened(suite, model, trained_on_split=True)
    one, _ = learning_curve(evidence, margin("performance.recall", of={"class": "high"}), ModelOptions(), silent)
    other, _ = learning_curve(evidence, margin("performance.recall", of={"class": "low"}), ModelOptions(), silent)
    assert one.rows[-1][1] != other.rows[-1][1] and len(one.rows) == 6
    none, gaps = learning_curve(evidence, margin("performance.recall", of={"class": "nope"}), ModelOptions(), silent)
    assert none is None and all("gives no performance.recall" in gap.reason for gap in gaps[1:]) and len(gaps) == 7


def test_a_comparison_that_was_not_asked_for_one_says_so(notes, tmp_path):
    suite = notes()
    fit(suite, "sklearn:tfidf", tmp_path / "tfidf")
    found = compare(CompareRequest(suite, str(tmp_path / "tfidf"), (str(tmp_path / "tfidf"),)))
    assert "--learning-curve" in next(n.reason for n in found.not_compared if n.what == "learning curve")
