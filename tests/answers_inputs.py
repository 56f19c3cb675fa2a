"""Makes what tests/answers.sh audits: loans with ids and words that are easily misread, and models whose answers are.

Without arguments it writes the files. `measured RECORD MEASURE` prints a value of a record; `scored ROWS FILE` writes
answers to the rows of `harness rows`, with the ids as they are written there; `hostile` writes loans whose groups have names that
would end a chart library, colour a terminal or start a workflow command.
"""

import csv
import json
import sys

import numpy as np
import pandas as pd

SUITE = """
name: own/answers
version: 1
vertical: own
task: classification
data:
  source: loans.csv
  label: {column: granted, positive: "yes", favourable: "yes"}
  features: [age, income]
  sensitive: {sex: {column: sex}}
  id: case
  split: {column: part}
checks:
  - performance.classification
  - bias.groups: {minimum_group: 20}
policy:
  - {id: useful, measure: performance.roc_auc, at_least: 0.6, severity: block, reason: r, source: s}
seed: 1
"""
CALLABLES = """
import numpy as np
import pandas as pd

def chance(frame):
    return 1 / (1 + np.exp(-(frame["income"].to_numpy(float) - 49.99) / 8))

def named():
    return lambda frame: pd.DataFrame({"yes": chance(frame), "no": 1 - chance(frame)})

def shuffled():
    said = lambda frame: pd.Series(np.where(chance(frame) > 0.5, "yes", "no"), index=frame.index)
    return lambda frame: said(frame).sample(frac=1, random_state=0)

def unfinished():
    return lambda frame: np.column_stack([np.full(len(frame), np.nan), chance(frame)])
"""


def write_loans():
    """400 loans, of which income decides most, with ids that look like numbers."""
    rng = np.random.default_rng(0)
    loans = pd.DataFrame({"case": [f"{k:05d}" for k in range(400)], "age": rng.integers(20, 80, 400)})
    loans["income"] = rng.normal(50, 15, 400).round(1)
    loans["sex"] = rng.choice(["f", "m"], 400)
    loans["granted"] = np.where((loans["income"] - 50) / 15 + rng.normal(0, 0.8, 400) > 0, "yes", "no")
    loans["part"] = np.where(np.arange(400) % 2 == 0, "test", "train")
    loans.to_csv("loans.csv", index=False)
    with open("answers.yaml", "w", encoding="utf-8") as file:
        file.write(SUITE)
    return loans


IDS = {
    "padded": lambda k: f"{k:05d}",
    "long": lambda k: str(9007199254740993 + k),
    "decimal": lambda k: f"{k / 10:.2f}",
    "exponent": lambda k: f"{k + 1}e{k % 7}",
}
"""Ids that a table which makes numbers of them spoils."""
PROMPT = """views:
  prompt:
    template: "age {{ age }} income {{ income }} . Granted? Answer Yes or No."
    choices: {"yes": "Yes", "no": "No"}
"""


def write_suites(loans):
    """A suite for each kind of ids, and one that asks in words."""
    for kind, called in IDS.items():
        loans.assign(case=[called(k) for k in range(len(loans))]).to_csv(f"{kind}.csv", index=False)
        with open(f"{kind}.yaml", "w", encoding="utf-8") as file:
            file.write(SUITE.replace("loans.csv", f"{kind}.csv"))
    loans.head(60).to_csv("asked.csv", index=False)
    with open("asked.yaml", "w", encoding="utf-8") as file:
        asked = SUITE.replace("loans.csv", "asked.csv").replace("performance.roc_auc", "performance.accuracy")
        file.write(asked.replace("checks:", f"{PROMPT}checks:"))


def write_hostile():
    """The loans with hostile names of groups, and their suite."""
    names = {"f": "men\x0b", "m": "\x1b[31mred\n::error::planted"}
    loans = pd.read_csv("loans.csv", dtype={"case": str})
    loans.assign(sex=loans["sex"].map(names)).to_parquet("hostile.parquet")
    with open("hostile.yaml", "w", encoding="utf-8") as file:
        file.write(SUITE.replace("loans.csv", "hostile.parquet"))


def write_scores(rows, scored):
    """A score of each row by its income."""
    with open(rows, encoding="utf-8", newline="") as asked, open(scored, "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["id", "score"])
        for row in csv.DictReader(asked):
            table.writerow([row["id"], round(1 / (1 + np.exp((49.99 - float(row["income"])) / 8)), 4)])


def write_estimators(loans):
    """XGBoost and logistic regression on labels 0 and 1; a model of three classes that learned two."""
    import skops.io
    from sklearn.linear_model import LogisticRegression
    from xgboost import XGBClassifier

    train = loans[loans["part"] == "train"]
    columns = train[["age", "income"]].astype(float)
    skops.io.dump(XGBClassifier(n_estimators=20, max_depth=2).fit(columns, train["granted"] == "yes"), "xgb.skops")
    three = loans.assign(granted=np.where(loans["income"] > 62, "gold", loans["granted"]))
    three.to_csv("three.csv", index=False)
    known = three[(three["part"] == "train") & (three["granted"] != "gold")]
    skops.io.dump(LogisticRegression().fit(known[["age", "income"]].astype(float), known["granted"]), "unlearned.skops")


def write_graphs(loans):
    """The same logistic regression as a graph that ends in a softmax, in logits, and in a label of its own beside the softmax."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from sklearn.linear_model import LogisticRegression

    train = loans[loans["part"] == "train"]
    fitted = LogisticRegression().fit(train[["income"]] / 15, train["granted"])
    weights = np.zeros((2, 2), dtype=np.float32)
    weights[1, 1] = fitted.coef_[0, 0] / 15
    constants = {
        "w": weights,
        "b": np.array([0, fitted.intercept_[0]], dtype=np.float32),
        "one": np.array(1),
        "t": np.float32(0.8),
    }
    score = [helper.make_node("MatMul", ["x", "w"], ["m"]), helper.make_node("Add", ["m", "b"], ["z"])]
    label = [
        helper.make_node("Gather", ["out", "one"], ["p"], axis=1),
        helper.make_node("Greater", ["p", "t"], ["g"]),
        helper.make_node("Cast", ["g"], ["label"], to=TensorProto.INT64),
    ]
    output = helper.make_tensor_value_info("out", TensorProto.FLOAT, ["n", 2])
    own = helper.make_tensor_value_info("label", TensorProto.INT64, ["n"])
    softmax = helper.make_node("Softmax", ["z"], ["out"], axis=1)
    for name, nodes, outputs in (
        ("softmax", [*score, softmax], [output]),
        ("logits", [*score, helper.make_node("Identity", ["z"], ["out"])], [output]),
        ("own", [*score, softmax, *label], [own, output]),
    ):
        given = [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2])]
        tensors = [numpy_helper.from_array(np.asarray(value), key) for key, value in constants.items()]
        graph = helper.make_model(
            helper.make_graph(nodes, "g", given, outputs, tensors), opset_imports=[helper.make_opsetid("", 17)]
        )
        graph.ir_version = 9
        onnx.save(graph, f"{name}.onnx")


def measured(record, measure):
    """The first value of a measure in a record, to three places."""
    with open(record, encoding="utf-8") as file:
        found = [f for one in json.load(file)["records"] for f in one["findings"] if f["measure"] == measure]
    return float(f"{found[0]['value']:.3f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["measured"]:
        sys.stdout.write(f"{measured(sys.argv[2], sys.argv[3])}\n")
    elif sys.argv[1:2] == ["hostile"]:
        write_hostile()
    elif sys.argv[1:2] == ["scored"]:
        write_scores(sys.argv[2], sys.argv[3])
    else:
        table = write_loans()
        write_suites(table)
        write_estimators(table)
        write_graphs(table)
        with open("their_answers.py", "w", encoding="utf-8") as code:
            code.write(CALLABLES)
