import numpy as np
import pandas as pd
import pytest

from harness.errors import ModelError
from harness.models.callable import load_callable
from harness.models.options import ModelOptions

SOURCE = """
import sys

import numpy as np

def chances():
    return lambda frame: np.column_stack([1 - frame["x"], frame["x"]])

def labels():
    return lambda frame: ["yes" if x > 0.3 else "no" for x in frame["x"]]

def numbers():
    return lambda frame: (frame["x"] > 0.3).astype(int)

def thin():
    return lambda frame: np.ones((len(frame), 3))

def broken():
    return lambda frame: 1 / 0

def exits():
    return lambda frame: sys.exit(0)

def exits_late():
    class Label:
        def __str__(self):
            sys.exit(0)
    return lambda frame: [Label() for _ in frame["x"]]

def factory_exits():
    sys.exit(0)

def factory_breaks():
    raise ValueError("no weights")

def interrupted():
    raise KeyboardInterrupt

def predict_interrupted():
    def predict(frame):
        raise KeyboardInterrupt
    return predict

def named():
    import pandas
    return lambda frame: pandas.DataFrame({"yes": frame["x"], "no": 1 - frame["x"]})

def shuffled():
    return lambda frame: frame["x"].map(lambda x: "yes" if x > 0.3 else "no").sample(frac=1, random_state=1)

def of_yes():
    import pandas
    return lambda frame: pandas.DataFrame({"yes": frame["x"]})

def of_no():
    import pandas
    return lambda frame: pandas.DataFrame({"no": 1 - frame["x"]})

def framed_labels():
    import pandas
    return lambda frame: pandas.DataFrame({"answer": ["yes" if x > 0.3 else "no" for x in frame["x"]]})

def column_of_labels():
    return lambda frame: np.array([["yes" if x > 0.3 else "no"] for x in frame["x"]])

def column_of_numbers():
    return lambda frame: frame[["x"]].to_numpy()

def masked():
    def predict(frame):
        found = np.column_stack([1 - frame["x"], frame["x"]])
        return np.ma.masked_array(found, mask=np.arange(len(frame))[:, None] + np.zeros((1, 2)) == 0)
    return predict

def nullable():
    import pandas
    def predict(frame):
        found = pandas.DataFrame({"yes": frame["x"], "no": 1 - frame["x"]}).astype("Float64")
        found.iloc[0] = pandas.NA
        return found
    return predict

def dictionaries():
    return lambda frame: [{"yes": x, "no": 1 - x} for x in frame["x"]]

def dictionary():
    return lambda frame: {"yes": frame["x"], "no": 1 - frame["x"]}

def generator():
    return lambda frame: ("yes" for _ in frame["x"])

def nothing():
    return lambda frame: None

def with_words():
    import pandas
    return lambda frame: pandas.DataFrame({"yes": frame["x"], "no": "n/a"})

def renumbered():
    return lambda frame: frame["x"].map(str).set_axis(range(7, 7 + len(frame)))

def cut():
    return lambda frame: frame["x"].map(str).iloc[1:]

def logits():
    return lambda frame: np.column_stack([-frame["x"], frame["x"]])

def fractions():
    return lambda frame: frame["x"].to_numpy()

def unsure():
    return lambda frame: ["no", None, "yes"][: len(frame)]

def tensor():
    import torch
    def predict(frame):
        chance = torch.tensor(frame["x"].to_numpy(), requires_grad=True)
        return torch.stack([1 - chance, chance], 1)
    return predict

def overwrites():
    def predict(frame):
        frame["x"] = 0.0
        return ["yes"] * len(frame)
    return predict
"""
FRAME, ROWS = pd.DataFrame({"x": [0.1, 0.4, 0.9]}), np.array(["0", "1", "2"])


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Opens a factory of a module in the working directory."""
    (tmp_path / "their_model.py").write_text(SOURCE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "their_model", raising=False)
    return lambda factory, classes=("no", "yes"): load_callable(
        f"their_model:{factory}", "python:x", classes, ModelOptions()
    )


def test_probabilities_are_taken_in_the_order_of_the_classes(load):
    found = load("chances").predict(FRAME, ROWS)
    assert found.scores.tolist() == [[0.9, 0.1], [0.6, 0.4], [pytest.approx(0.1), 0.9]]
    assert found.labels.tolist() == ["no", "no", "yes"]


@pytest.mark.parametrize("factory", ["named", "tensor"])
def test_columns_are_taken_by_name_where_they_have_one(load, factory):
    found = load(factory).predict(FRAME, ROWS)
    assert found.scores[:, 1] == pytest.approx(FRAME["x"].to_numpy())
    assert found.labels.tolist() == ["no", "no", "yes"]


def test_a_series_in_another_order_is_read_by_its_index(load):
    assert load("shuffled").predict(FRAME, ROWS).labels.tolist() == ["no", "yes", "yes"]


def test_none_is_no_answer(load):
    assert load("unsure").predict(FRAME, ROWS).labels.tolist() == ["no", None, "yes"]


def test_logits_are_probabilities_where_the_user_says_so(load, tmp_path):
    with pytest.raises(ModelError, match="--scores probability"):
        load("logits").predict(FRAME, ROWS)
    told = load_callable("their_model:logits", "python:x", ("no", "yes"), ModelOptions(scores="logit"))
    assert told.predict(FRAME, ROWS).scores[:, 1] == pytest.approx(1 / (1 + np.exp(-2 * FRAME["x"])))


def test_a_label_map_translates_what_it_says(load):
    told = ModelOptions(label_map={"0": "no", "1": "yes"})
    load("numbers")
    found = load_callable("their_model:numbers", "python:x", ("no", "yes"), told).predict(FRAME, ROWS)
    assert found.labels.tolist() == ["no", "yes", "yes"]


@pytest.mark.parametrize(("factory", "classes"), [("labels", ("no", "yes")), ("numbers", ("0", "1"))])
def test_labels_are_taken_as_names_and_there_are_no_scores(factory, classes, load):
    found = load(factory, classes).predict(FRAME, ROWS)
    assert found.labels.tolist() == [classes[0], classes[1], classes[1]]
    assert found.scores is None


def test_that_the_users_code_answered_is_told(load):
    model = load("labels")
    assert [(w.measure, w.value) for w in model.warnings] == [("model.user_code", 1)]
    assert model.estimator() is None
    assert (model.info.kind, "estimator" in model.info.offers) == ("callable", False)


def test_the_fingerprint_is_that_of_the_source(load, tmp_path):
    import hashlib

    source = hashlib.sha256((tmp_path / "their_model.py").read_bytes()).hexdigest()
    assert load("labels").info.fingerprint == f"sha256:{source}"


@pytest.mark.parametrize(
    ("factory", "says"),
    [
        ("thin", r"shape \(3, 3\); wanted labels \(n,\) or probabilities \(n, 2\)"),
        ("renumbered", "whose index is not that of the 3 rows"),
        ("cut", "returned 2 rows whose index"),
        ("fractions", "one number with a fraction a row"),
        ("broken", "raised ZeroDivisionError"),
        ("exits", r"called sys\.exit\(0\) in predict"),
        ("exits_late", r"called sys\.exit\(0\) in predict"),
    ],
)
def test_an_answer_that_does_not_fit_is_the_models_mistake(factory, says, load):
    with pytest.raises(ModelError, match=says):
        load(factory).predict(FRAME, ROWS)


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("their_model", "names no factory"),
        ("their_model:absent", "can't be loaded"),
        ("no_such_module:make", "can't be loaded"),
        ("their_model:factory_exits", r"called sys\.exit\(0\) while it was loaded"),
        ("their_model:factory_breaks", "raised ValueError while it was loaded: no weights"),
    ],
)
def test_a_factory_that_is_not_there_is_named(target, says, load):
    with pytest.raises(ModelError, match=says):
        load_callable(target, f"python:{target}", ("no", "yes"), ModelOptions())


@pytest.mark.parametrize(
    ("statement", "says"),
    [("sys.exit(0)", r"called sys\.exit\(0\) while it was loaded"), ("1 / 0", "raised ZeroDivisionError")],
)
def test_a_module_that_ends_or_crashes_while_it_is_imported_is_the_models_mistake(statement, says, load, tmp_path):
    (tmp_path / "their_model.py").write_text(f"import sys\n{statement}\n", encoding="utf-8")
    with pytest.raises(ModelError, match=says):
        load("labels")


def test_an_interrupt_is_no_mistake_of_the_model(load):
    with pytest.raises(KeyboardInterrupt):
        load("interrupted")
    with pytest.raises(KeyboardInterrupt):
        load("predict_interrupted").predict(FRAME, ROWS)


def test_a_callable_that_writes_into_its_frame_changes_no_one_elses(load):
    frame = FRAME.copy()
    load("overwrites").predict(frame, ROWS)
    assert frame.equals(FRAME)


@pytest.mark.parametrize("factory", ["of_yes", "of_no"])
def test_one_column_with_a_classs_name_is_its_probability_and_the_other_class_has_the_rest(load, factory):
    answers = load(factory).predict(FRAME, np.arange(len(FRAME)))
    assert answers.scores[:, answers.classes.index("yes")] == pytest.approx(FRAME["x"].to_numpy())


@pytest.mark.parametrize("factory", ["framed_labels", "column_of_labels"])
def test_a_column_of_words_is_labels(load, factory):
    answers = load(factory).predict(FRAME, np.arange(len(FRAME)))
    assert answers.labels.tolist() == np.where(FRAME["x"] > 0.3, "yes", "no").tolist() and answers.scores is None


@pytest.mark.parametrize("factory", ["masked", "nullable"])
def test_what_is_masked_or_missing_is_no_answer(load, factory):
    answers = load(factory).predict(FRAME, np.arange(len(FRAME)))
    assert answers.labels[0] is None and answers.answered.sum() == len(FRAME) - 1


@pytest.mark.parametrize(
    ("factory", "says"),
    [
        ("dictionaries", "returned a dict a row; wanted labels"),
        ("dictionary", "returned a dict; wanted labels"),
        ("generator", "returned a generator; wanted labels"),
        ("nothing", "returned a NoneType; wanted labels"),
        ("with_words", "words beside its probabilities"),
        ("column_of_numbers", "one number with a fraction a row"),
    ],
)
def test_what_is_neither_labels_nor_probabilities_is_named(factory, says, load):
    with pytest.raises(ModelError, match=says) as refused:
        load(factory).predict(FRAME, np.arange(len(FRAME)))
    assert "in a frame whose columns are no, yes" in str(refused.value)
