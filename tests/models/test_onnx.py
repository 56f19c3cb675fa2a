import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression

from harness.errors import ModelError
from harness.models.onnx import load_onnx
from harness.models.options import ModelOptions

pytest.importorskip("onnxruntime")
onnx = pytest.importorskip("onnx")
skl2onnx = pytest.importorskip("skl2onnx")


RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(RNG.normal(size=(200, 3)), columns=["a", "b", "c"])
LABELS = np.where(FRAME["a"] + RNG.normal(0, 0.5, 200) > 0, "yes", "no")


def saved(folder, zipmap):
    fitted = LogisticRegression().fit(FRAME.to_numpy(), LABELS)
    shape = [("inputs", skl2onnx.common.data_types.FloatTensorType([None, 3]))]
    graph = skl2onnx.convert_sklearn(fitted, initial_types=shape, options={id(fitted): {"zipmap": zipmap}})
    (folder / "m.onnx").write_bytes(graph.SerializeToString())
    return folder / "m.onnx", fitted


def test_a_table_model_answers_as_the_model_it_was_made_of(tmp_path):
    path, fitted = saved(tmp_path, True)
    answers = load_onnx(path, "m", ("no", "yes"), ModelOptions()).predict(FRAME, np.arange(200))
    assert np.abs(answers.scores - fitted.predict_proba(FRAME.to_numpy())).max() < 1e-5
    assert answers.labels.tolist() == fitted.predict(FRAME.to_numpy()).tolist()


def test_labels_inside_a_graph_are_read_and_its_columns_have_names_of_their_own(tmp_path):
    path, fitted = saved(tmp_path, False)
    for told in ({}, {"output_0": "no", "output_1": "yes"}, {"yes": "yes", "no": "no"}):
        answers = load_onnx(path, "m", ("no", "yes"), ModelOptions(label_map=told)).predict(FRAME, np.arange(200))
        assert np.abs(answers.scores - fitted.predict_proba(FRAME.to_numpy())).max() < 1e-5
        assert answers.labels.tolist() == fitted.predict(FRAME.to_numpy()).tolist()


WEIGHTS = np.array([[0, 2], [0, 0], [0, 0]], dtype=np.float32)


def linear(folder, tail, shift=0.0, label_above=None, columns=2):
    """A graph of a linear model that ends in `tail`, the same softmax for every shift; its own label 1 above a probability."""
    from onnx import TensorProto, helper, numpy_helper

    wide = columns == 2
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["m"]),
        helper.make_node("Add", ["m", "b"], ["z"]),
        helper.make_node(tail, ["z"], ["out"], **({"axis": 1} if "oftmax" in tail else {})),
    ]
    outputs = [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["n", columns])]
    if label_above is not None:
        nodes += [
            helper.make_node("Gather", ["out", "one"], ["p"], axis=1),
            helper.make_node("Greater", ["p", "t"], ["g"]),
            helper.make_node("Cast", ["g"], ["label"], to=TensorProto.INT64),
        ]
        outputs.insert(0, helper.make_tensor_value_info("label", TensorProto.INT64, ["n"]))
    constants = {
        "w": WEIGHTS if wide else WEIGHTS[:, 1:],
        "b": np.full(columns, shift, dtype=np.float32),
        "one": np.array(1),
        "t": np.float32(label_above or 0.5),
    }
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])],
        outputs,
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    graph = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)])
    graph.ir_version = 10
    (folder / "m.onnx").write_bytes(graph.SerializeToString())
    return folder / "m.onnx"


MAP = {"output_0": "no", "output_1": "yes"}
TRUE = softmax(FRAME.to_numpy() @ WEIGHTS, axis=1)


def asked(path, **options):
    model = load_onnx(path, "m", ("no", "yes"), ModelOptions(label_map=MAP, **options))
    return model.predict(FRAME, np.arange(200))


@pytest.mark.parametrize("tail", ["Softmax", "LogSoftmax"])
def test_probabilities_and_log_probabilities_are_told_by_the_graph(tmp_path, tail):
    assert asked(linear(tmp_path, tail)).scores == pytest.approx(TRUE, abs=1e-5)


@pytest.mark.parametrize("shift", [0.0, 30.0, -30.0])
def test_logits_are_refused_until_the_user_says_what_they_are(tmp_path, shift):
    path = linear(tmp_path, "Identity", shift)
    with pytest.raises(
        ModelError, match=r"no probabilities \(logits and decision scores look so\). Say what they are: --scores"
    ):
        asked(path)
    for meaning in ("logit", "decision_function"):
        assert asked(path, scores=meaning).scores == pytest.approx(TRUE, abs=1e-4)
    with pytest.raises(ModelError, match="--scores says log_probability"):
        asked(path, scores="log_probability")


def test_one_column_is_of_the_class_that_the_user_names(tmp_path):
    path = linear(tmp_path, "Sigmoid", columns=1)
    with pytest.raises(ModelError, match="--label-map 'not output_0'"):
        load_onnx(path, "m", ("no", "yes"), ModelOptions()).predict(FRAME, np.arange(200))
    answers = load_onnx(path, "m", ("no", "yes"), ModelOptions(label_map={"output_0": "yes"})).predict(
        FRAME, np.arange(200)
    )
    assert answers.scores == pytest.approx(TRUE, abs=1e-5)


def test_the_graphs_own_label_is_its_answer(tmp_path):
    answers = asked(linear(tmp_path, "Softmax", label_above=0.8))
    assert answers.labels.tolist() == np.where(TRUE[:, 1] > 0.8, "yes", "no").tolist()
    assert answers.scores == pytest.approx(TRUE, abs=1e-5)


def test_columns_in_another_order_than_the_labels_are_refused(tmp_path):
    from sklearn.svm import SVC

    fitted = SVC(kernel="linear").fit(FRAME.to_numpy(dtype=np.float32), LABELS)
    shape = [("inputs", skl2onnx.common.data_types.FloatTensorType([None, 3]))]
    graph = skl2onnx.convert_sklearn(fitted, initial_types=shape, options={id(fitted): {"zipmap": False}})
    (tmp_path / "m.onnx").write_bytes(graph.SerializeToString())
    with pytest.raises(ModelError, match="not in the order of its labels"):
        asked(tmp_path / "m.onnx")


def test_a_row_without_a_finite_number_is_not_answered(tmp_path):
    rows = FRAME.copy()
    rows.loc[3, "a"] = np.nan
    answers = load_onnx(linear(tmp_path, "Softmax"), "m", ("no", "yes"), ModelOptions(label_map=MAP)).predict(
        rows, np.arange(200)
    )
    assert answers.labels[3] is None and np.isnan(answers.scores[3]).all()
    assert answers.answered.sum() == 199


def test_columns_that_do_not_fit_say_what_is_wanted(tmp_path):
    path, _ = saved(tmp_path, True)
    with pytest.raises(ModelError, match="It wants: inputs"):
        load_onnx(path, "m", ("no", "yes"), ModelOptions()).predict(FRAME[["a"]], np.arange(200))


def test_a_broken_file_is_refused(tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"no graph")
    with pytest.raises(ModelError, match="not a readable ONNX model"):
        load_onnx(tmp_path / "m.onnx", "m", ("no", "yes"), ModelOptions())


def text_graph(folder, masked, tail=None):
    """Logits are the sum of a table's rows over the tokens, those of the filling left out only where a mask comes in.

    With a tail the first output is another one, and the last is the operator's of the logits.
    """
    from onnx import TensorProto, helper, numpy_helper

    table = RNG.normal(size=(200, 2)).astype(np.float32)
    kept = [
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["mask", "axis"], ["wide"]),
        helper.make_node("Mul", ["found", "wide"], ["kept"]),
    ]
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["found"]),
        *(kept if masked else []),
        helper.make_node("ReduceSum", ["kept" if masked else "found", "one"], ["logits"], keepdims=0),
    ]
    if tail:
        nodes.append(helper.make_node(tail, ["logits"], ["said"]))
    names = ["input_ids", *(["attention_mask"] if masked else [])]
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["n", "t"]) for name in names]
    constants = {"table": table, "axis": np.array([2]), "one": np.array([1])}
    made = helper.make_graph(
        nodes, "g", inputs,
        [helper.make_tensor_value_info("found", TensorProto.FLOAT, ["n", "t", 2]),
         helper.make_tensor_value_info("said", TensorProto.FLOAT, ["n", 2])]
        if tail else [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 2])],
        [numpy_helper.from_array(v, k) for k, v in constants.items()],
    )  # fmt: skip
    graph = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)])
    graph.ir_version = 10
    (folder / "model.onnx").write_bytes(graph.SerializeToString())
    return table


@pytest.mark.parametrize("masked", [True, False])
def test_a_text_model_answers_as_its_own_arithmetic_with_a_mask_or_without(make_classifier, masked):
    transformers = pytest.importorskip("transformers")
    folder = make_classifier(("yes", "no"))
    table = text_graph(folder, masked)
    model = load_onnx(folder / "model.onnx", "m", ("no", "yes"), ModelOptions())
    texts = ["the loan is denied", "high risk", "a"]
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    ids = [tokenizer(text)["input_ids"] for text in texts]
    wanted = softmax(np.array([table[i].sum(axis=0) for i in ids]), axis=1)[:, [1, 0]]
    assert np.abs(model.score(texts)[:, 1:] - wanted).max() < 1e-5


def converted(folder, estimator, labels, zipmap=False):
    """A graph of scikit-learn's estimator, fitted to these labels."""
    fitted = estimator.fit(FRAME.to_numpy(np.float32), labels)
    shape = [("inputs", skl2onnx.common.data_types.FloatTensorType([None, 3]))]
    graph = skl2onnx.convert_sklearn(fitted, initial_types=shape, options={id(fitted): {"zipmap": zipmap}})
    (folder / "m.onnx").write_bytes(graph.SerializeToString())
    return folder / "m.onnx", fitted


def agrees(path, fitted, classes, **options):
    """Whether labels, and where they are probabilities the scores, are those of the estimator."""
    answers = load_onnx(path, "m", classes, ModelOptions(**options)).predict(FRAME, np.arange(200))
    inputs = FRAME.to_numpy(np.float32)
    assert answers.labels.tolist() == [str(label) for label in fitted.predict(inputs)]
    if hasattr(fitted, "predict_proba"):
        order = [list(map(str, fitted.classes_)).index(name) for name in classes]
        assert answers.scores == pytest.approx(fitted.predict_proba(inputs)[:, order], abs=1e-5)


THREE = np.where(FRAME["a"] > 0.5, "up", np.where(FRAME["a"] < -0.5, "down", "level"))


@pytest.mark.parametrize("labels", [LABELS, THREE, (LABELS == "yes").astype(int), np.searchsorted([-0.5, 0.5], FRAME["a"]) * 5 + 1])  # fmt: skip
@pytest.mark.parametrize("kind", ["logistic", "forest", "network", "calibrated"])
def test_the_labels_of_unnamed_columns_are_those_that_the_graph_picks_its_label_from(tmp_path, labels, kind):
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.naive_bayes import GaussianNB
    from sklearn.neural_network import MLPClassifier

    estimator = {
        "logistic": LogisticRegression(),
        "forest": RandomForestClassifier(20, random_state=0),  # its float32 sums lie just outside of 0 to 1
        "network": MLPClassifier((4,), solver="lbfgs", max_iter=20, random_state=0, tol=1e9),
        "calibrated": CalibratedClassifierCV(GaussianNB(), cv=2),
    }[kind]
    classes = tuple(sorted({str(label) for label in labels}))
    agrees(*converted(tmp_path, estimator, labels), classes)


@pytest.mark.parametrize("labels", [LABELS, THREE])
def test_a_decision_function_of_one_column_has_the_labels_of_its_classifier(tmp_path, labels):
    from sklearn.linear_model import RidgeClassifier

    path, fitted = converted(tmp_path, RidgeClassifier(), labels)
    agrees(path, fitted, tuple(sorted(set(labels))), scores="decision_function")


@pytest.mark.parametrize("labels", [LABELS, THREE])
def test_columns_that_are_outputs_of_their_own_are_named_and_the_graphs_labels_are_read_by_their_class(
    tmp_path, labels
):
    path, fitted = converted(tmp_path, LogisticRegression(), labels, zipmap="columns")
    classes = tuple(sorted(set(labels)))
    with pytest.raises(ModelError, match="--label-map 's"):
        agrees(path, fitted, classes)
    agrees(path, fitted, classes, label_map={f"s{name}": name for name in classes})


def beside(folder, *outputs):
    """A graph whose outputs are the constant columns (200, k) given by name, added to zero times the inputs."""
    from onnx import TensorProto, helper, numpy_helper

    nodes, constants, kinds = [], {"k": np.zeros((3, 1), dtype=np.float32)}, []
    for name, values in outputs:
        wide, values = np.ndim(values) == 2, np.asarray(values)
        kind = (
            TensorProto.FLOAT
            if values.dtype.kind == "f"
            else TensorProto.INT64
            if values.dtype.kind == "i"
            else TensorProto.BOOL
        )
        constants[f"of {name}"] = values.astype(np.float32) if values.dtype.kind == "f" else values
        nodes.append(helper.make_node("Identity", [f"of {name}"], [name]))
        kinds.append(helper.make_tensor_value_info(name, kind, ["n", values.shape[1]] if wide else ["n"]))
    made = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])], kinds,
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )  # fmt: skip
    graph = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)])
    graph.ir_version = 10
    (folder / "m.onnx").write_bytes(graph.SerializeToString())
    return folder / "m.onnx"


def test_a_column_beside_the_probabilities_is_not_taken_for_them(tmp_path):
    answers = asked(beside(tmp_path, ("probabilities", TRUE), ("margin", TRUE[:, 0] - TRUE[:, 1])))
    assert answers.scores == pytest.approx(TRUE, abs=1e-5)


@pytest.mark.parametrize("kind", [float, bool, int])
def test_a_graphs_own_label_is_read_in_every_type_of_number(tmp_path, kind):
    label = TRUE[:, 1] > 0.8
    answers = asked(beside(tmp_path, ("probabilities", TRUE), ("label", label.astype(kind))))
    assert answers.labels.tolist() == np.where(label, "yes", "no").tolist()


def test_labels_that_are_whole_numbers_are_classes_before_they_are_positions(tmp_path):
    label = np.where(TRUE[:, 1] > 0.5, 2, 1)
    three = np.column_stack([TRUE, np.zeros(200)])
    given = {f"output_{k}": str(k + 1) for k in range(3)}
    path = beside(tmp_path, ("probabilities", three), ("label", label))
    answers = load_onnx(path, "m", ("1", "2", "3"), ModelOptions(label_map=given)).predict(FRAME, np.arange(200))
    assert answers.labels.tolist() == label.astype(str).tolist()


def test_words_of_a_graphs_label_are_translated_beside_its_columns_and_a_wrong_name_is_refused(tmp_path):
    path = beside(tmp_path, ("probabilities", TRUE), ("label", np.where(TRUE[:, 1] > 0.8, 7, 5)))
    with pytest.raises(ModelError, match="--label-map '5'='no' --label-map '7'='yes'"):
        asked(path)
    translated = ModelOptions(label_map={**MAP, "5": "no", "7": "yes"})
    answers = load_onnx(path, "m", ("no", "yes"), translated).predict(FRAME, np.arange(200))
    assert answers.labels.tolist() == np.where(TRUE[:, 1] > 0.8, "yes", "no").tolist()
    path, _ = saved(tmp_path, False)
    with pytest.raises(ModelError, match="label map names 'si'"):
        load_onnx(path, "m", ("no", "yes"), ModelOptions(label_map={"si": "yes"})).predict(FRAME, np.arange(200))


def text_truth(folder, table, texts):
    ids = [
        pytest.importorskip("transformers").AutoTokenizer.from_pretrained(folder)(text)["input_ids"] for text in texts
    ]
    return softmax(np.array([table[i].sum(axis=0) for i in ids]), axis=1)[:, [1, 0]]


def test_the_output_of_a_text_graph_with_a_meaning_is_read_wherever_it_stands(make_classifier):
    folder, texts = make_classifier(("yes", "no")), ["the loan is denied", "high risk", "a"]
    table = text_graph(folder, True, "Softmax")
    found = load_onnx(folder / "model.onnx", "m", ("no", "yes"), ModelOptions()).score(texts)
    assert found[:, 1:] == pytest.approx(text_truth(folder, table, texts), abs=1e-5)


def test_an_output_of_a_text_graph_without_a_meaning_is_not_taken_for_logits(make_classifier):
    folder, texts = make_classifier(("yes", "no")), ["the loan is denied", "high risk", "a"]
    text_graph(folder, True, "Sigmoid")
    with pytest.raises(ModelError, match=r"'found' of shape .* Export it for sequence classification"):
        load_onnx(folder / "model.onnx", "m", ("no", "yes"), ModelOptions()).score(texts)
