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


def test_a_graph_that_does_not_name_its_classes_is_asked_for_them(tmp_path):
    path, fitted = saved(tmp_path, False)
    with pytest.raises(ModelError, match="--label-map"):
        load_onnx(path, "m", ("no", "yes"), ModelOptions()).predict(FRAME, np.arange(200))
    told = ModelOptions(label_map={"output_0": "no", "output_1": "yes"})
    answers = load_onnx(path, "m", ("no", "yes"), told).predict(FRAME, np.arange(200))
    assert np.abs(answers.scores - fitted.predict_proba(FRAME.to_numpy())).max() < 1e-5


def test_columns_that_do_not_fit_say_what_is_wanted(tmp_path):
    path, _ = saved(tmp_path, True)
    with pytest.raises(ModelError, match="It wants: inputs"):
        load_onnx(path, "m", ("no", "yes"), ModelOptions()).predict(FRAME[["a"]], np.arange(200))


def test_a_broken_file_is_refused(tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"no graph")
    with pytest.raises(ModelError, match="not a readable ONNX model"):
        load_onnx(tmp_path / "m.onnx", "m", ("no", "yes"), ModelOptions())


def text_graph(folder, masked):
    """Logits are the sum of a table's rows over the tokens, those of the filling left out only where a mask comes in."""
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
    names = ["input_ids", *(["attention_mask"] if masked else [])]
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["n", "t"]) for name in names]
    constants = {"table": table, "axis": np.array([2]), "one": np.array([1])}
    made = helper.make_graph(
        nodes, "g", inputs, [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 2])],
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
