"""A model's labels and the suite's classes: fewer, shared, in another order; and answers that are none."""

import numpy as np
import pandas as pd
import pytest

from harness.errors import ModelError
from harness.models.labels import map_labels

CLASSES = ("bronze", "gold", "silver")


def test_scores_are_spread_by_name():
    labels = map_labels(("silver", "BRONZE ", "gold"), CLASSES, {}, "m")
    assert labels.spread(np.array([[0.1, 0.2, 0.7]])).tolist() == [[0.2, 0.7, 0.1]]
    assert labels.warnings() == ()


def test_classes_that_differ_in_case_are_told_apart():
    classes = ("A", "a", "b")
    assert map_labels(("A", "b"), classes, {}, "m").order == (0, 2)
    assert map_labels(("b", "a", "A"), classes, {}, "m").order == (2, 1, 0)
    assert map_labels(("B", "A"), classes, {}, "m").order == (2, 0)  # only one class is equal but for case
    with pytest.raises(ModelError, match="Which is which"):
        map_labels((" a", "b"), classes, {}, "m")


def test_labels_may_share_a_class_where_the_user_says_so():
    labels = map_labels(("a", "b", "c", "d"), CLASSES, {"a": "gold", "b": "gold", "c": "silver", "d": "bronze"}, "m")
    assert labels.spread(np.array([[0.1, 0.2, 0.3, 0.4]]))[0] == pytest.approx([0.4, 0.3, 0.3])
    assert labels.answers(np.array(["b", "d"]), None).labels.tolist() == ["gold", "bronze"]


def test_a_class_that_was_not_learned_has_probability_0_and_is_told():
    labels = map_labels(("silver", "bronze"), CLASSES, {}, "m")
    answers = labels.answers(None, np.array([[0.3, 0.7]]))
    assert answers.labels.tolist() == ["bronze"] and answers.scores.tolist() == [[0.7, 0.0, 0.3]]
    (told,) = labels.warnings()
    assert (told.measure, told.value, told.n) == ("model.unlearned_classes", 1, 3)
    assert "does not know gold" in told.reason


@pytest.mark.parametrize("name", ["NaT", "<NA>", "nan", "None"])
def test_a_text_is_a_label_whatever_it_says(name):
    answers = map_labels((name, "gold"), (name, "gold"), {}, "m").answers(np.array([name, "gold"], dtype=object), None)
    assert answers.labels.tolist() == [name, "gold"]


@pytest.mark.parametrize("nothing", [None, float("nan"), np.float64("inf"), pd.NA, pd.NaT])
def test_no_label_is_no_answer(nothing):
    answers = map_labels(CLASSES, CLASSES, {}, "m").answers(np.array(["gold", nothing], dtype=object), None)
    assert answers.labels.tolist() == ["gold", None]


def test_a_label_said_without_a_finite_score_is_no_answer():
    answers = map_labels(("gold", "silver"), ("gold", "silver"), {}, "m").answers(
        np.array(["gold", "gold"], dtype=object), np.array([[0.9, 0.1], [np.nan, 0.1]])
    )
    assert answers.labels.tolist() == ["gold", None]
    assert np.isnan(answers.scores[1]).all()


def test_the_advice_on_labels_works():
    with pytest.raises(ModelError, match="--label-map") as refused:
        map_labels(("gold", "0", "1"), CLASSES, {}, "m")
    words = str(refused.value).split("for example: ")[1].split("--label-map ")[1:]
    given = dict(tuple(part.strip().strip("'") for part in pair.split("'='")) for pair in words)
    labels = map_labels(("gold", "0", "1"), CLASSES, given, "m")
    assert labels.order[0] == 1 and len(set(labels.order)) == 3


def test_labels_and_classes_that_differ_in_case_only_are_told_apart_by_equal_names():
    spellings = ("APPROVED", "Approved", "approved", "declined")
    found = map_labels(list(reversed(spellings)), spellings, {}, "m")
    assert [found.classes[k] for k in found.order] == list(reversed(spellings))
    with pytest.raises(ModelError, match="can't be told from the names"):
        map_labels(["aPPROVED", "Approved"], spellings, {}, "m")
