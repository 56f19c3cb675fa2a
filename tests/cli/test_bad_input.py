"""User mistakes: exit 2, a message that says what to do, and never a traceback."""

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from harness import load_suite
from harness.datasets.roles import load_dataset
from harness.resources import resource_folder

SUITE = "finance/credit-risk"


def run(*arguments, folder):
    done = subprocess.run(
        [sys.executable, "-m", "harness.cli", *map(str, arguments)], capture_output=True, text=True, cwd=folder
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


@pytest.fixture
def suite_text():
    return (resource_folder("suites") / f"{SUITE}.yaml").read_text(encoding="utf-8")


@pytest.fixture
def source():
    return (resource_folder("suites") / "finance" / "hmda_boston.csv").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def good_predictions():
    data = load_dataset(load_suite(SUITE))
    ids = data.splits["test"].ids
    return pd.DataFrame({"id": ids, "score": np.linspace(0.01, 0.99, len(ids))})


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("deny, positive", "denied, positive", "lacks the column(s) denied"),
        ("- data.quality", "- data.qualty", "Did you mean data.quality?"),
        ("  features:", "  feature:", "did you mean 'features'?"),
        ("at_least: 0.7", "at_least: high", "got 'high'"),
        ("source: hmda_boston.csv", "source: none.csv", "There is no data file"),
        ('favourable: "no"', 'favourable: "maybe"', "label.favourable is 'maybe'"),
        ("bias.impact_ratio", "bias.demographic_parity_difference", "per-group measure"),
        ("{minimum_group: 30", "{minimum_grp: 30", "has no parameter minimum_grp"),
        ("seed: 20260101\nsystem", "seed: 20260101\nseed: 2\nsystem", "repeats keys: seed"),
        ("vertical: finance\n", "vertical: finance\n\tname: x\n", "not valid YAML"),
    ],
)
def test_a_wrong_suite_file(old, new, says, suite_text, source, tmp_path):
    (tmp_path / "hmda_boston.csv").write_text(source, encoding="utf-8")
    card = (resource_folder("suites") / "finance" / "hmda_boston.card.yaml").read_text(encoding="utf-8")
    (tmp_path / "hmda_boston.card.yaml").write_text(card, encoding="utf-8")
    assert old in suite_text
    (tmp_path / "suite.yaml").write_text(suite_text.replace(old, new), encoding="utf-8")
    code, error = run("validate", "suite.yaml", folder=tmp_path)
    assert code == 2, error
    assert says in error


def test_all_problems_of_a_suite_come_at_once_with_their_lines(suite_text, tmp_path):
    broken = suite_text.replace("vertical: finance", "vertcal: finance").replace("at_most: 0.55", "at_most: low")
    (tmp_path / "suite.yaml").write_text(broken, encoding="utf-8")
    code, error = run("validate", "suite.yaml", folder=tmp_path)
    assert code == 2
    line = broken.splitlines().index("vertcal: finance") + 1
    assert f"suite.yaml:{line}: vertcal" in error
    assert "at_most" in error


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "not empty"),
        (b"deny,pirat\n", "holds no rows"),
        (b"deny,pirat\nyes,\xff\xfe\n", "is not utf-8 text"),
        (b"deny,pirat\nyes,1\n", "lacks the column(s)"),
    ],
)
def test_wrong_data(content, says, tmp_path, good_predictions):
    (tmp_path / "data.csv").write_bytes(content)
    good_predictions.to_csv(tmp_path / "p.csv", index=False)
    code, error = run("audit", SUITE, "--model", "p.csv", "--data", "data.csv", folder=tmp_path)
    assert code == 2
    assert says in error


def test_other_data_of_one_class_only_give_no_verdict(source, tmp_path):
    rows = [line for line in source.splitlines() if not line.startswith("yes")]
    (tmp_path / "data.csv").write_text("\n".join(rows), encoding="utf-8")
    predictions = pd.DataFrame({"id": range(len(rows) - 1)}).assign(score=lambda frame: frame["id"] / len(rows))
    predictions.to_csv(tmp_path / "p.csv", index=False)
    code, error = run("audit", SUITE, "--model", "p.csv", "--data", "data.csv", "-o", "a.json", folder=tmp_path)
    assert code == 3, error
    assert "Internal error" not in error


def damaged(frame, how):
    frame = frame.copy()
    other = 1 - frame["score"]
    return {
        "few": frame.iloc[5:],
        "twice": pd.concat([frame, frame.iloc[:3]]),
        "above one": frame.assign(score=frame["score"] * 3),
        "sum": frame.assign(**{"score:yes": frame["score"], "score:no": other * 0.5}).drop(columns="score"),
        "words": frame.assign(score="high"),
        "no id": frame.drop(columns="id"),
        "nothing": frame[["id"]],
        "unknown class": frame.assign(label="perhaps"),
    }[how]


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("few", "lacks 5 of 950 row ids"),
        ("twice", "repeats 3 id(s)"),
        ("above one", "so no probabilities"),
        ("sum", "labels of which one alone is right"),
        ("words", "must hold numbers"),
        ("no id", "no column 'id'"),
        ("nothing", "neither 'label' nor scores"),
        ("unknown class", "classes that the data does not have: perhaps"),
    ],
)
def test_wrong_predictions(how, says, tmp_path, good_predictions):
    damaged(good_predictions, how).to_csv(tmp_path / "p.csv", index=False)
    code, error = run("audit", SUITE, "--model", "p.csv", folder=tmp_path)
    assert code == 2, error
    assert says in error


def test_a_pickle_is_refused_with_the_way_to_convert_it(tmp_path):
    (tmp_path / "model.pkl").write_bytes(pickle.dumps({"a": 1}))
    code, error = run("audit", SUITE, "--model", "model.pkl", folder=tmp_path)
    assert code == 2
    assert "skops.io.dump" in error


def test_a_truncated_skops_file(tmp_path, credit_model):
    whole = (credit_model / "model.skops").read_bytes()
    (tmp_path / "model.skops").write_bytes(whole[: len(whole) // 2])
    code, error = run("audit", SUITE, "--model", "model.skops", folder=tmp_path)
    assert code == 2
    assert "cut short" in error


def test_a_missing_model(tmp_path):
    code, error = run("audit", SUITE, "--model", "nowhere.skops", folder=tmp_path)
    assert code == 2
    assert "There is no model" in error


def test_one_group_only_makes_bias_not_tested(source, tmp_path, good_predictions):
    from harness import audit
    from harness.datasets.roles import DataOptions

    frame = pd.read_csv(resource_folder("suites") / "finance" / "hmda_boston.csv").assign(afam="no", single="no")
    frame.to_csv(tmp_path / "data.csv", index=False)
    scores = pd.DataFrame({"id": range(len(frame)), "score": np.linspace(0.01, 0.99, len(frame))})
    scores.to_csv(tmp_path / "p.csv", index=False)
    (tmp_path / "own.yaml").write_text(f"extends: {SUITE}\ndecision: null\n", encoding="utf-8")
    record = audit(tmp_path / "own.yaml", str(tmp_path / "p.csv"), DataOptions(data=tmp_path / "data.csv"))
    bias = next(r for r in record.records if r.check == "bias.groups")
    assert bias.status == "not_tested"
    assert "one group only" in bias.reason


def test_script_tags_in_names_are_shown_and_never_executed(tmp_path):
    from harness import audit
    from harness.outputs.writing import render

    evil = "<script>alert(1)</script>"
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {evil: rng.normal(size=400), "g": rng.choice([evil, "b"], 400), "y": rng.choice([evil, "n"], 400)}
    )
    frame.to_csv(tmp_path / "d.csv", index=False)
    text = f"""
name: own/evil
vertical: test
data:
  source: d.csv
  label: {{column: y, positive: "{evil}", favourable: n}}
  features: ["{evil}"]
  sensitive: {{g: {{column: g}}}}
checks: [performance.classification, bias.groups, data.quality]
policy: []
"""
    (tmp_path / "s.yaml").write_text(text, encoding="utf-8")
    data = load_dataset(load_suite(tmp_path / "s.yaml"))
    ids = data.splits["test"].ids
    pd.DataFrame({"id": ids, "score": rng.random(len(ids))}).to_csv(tmp_path / "p.csv", index=False)
    record = audit(tmp_path / "s.yaml", str(tmp_path / "p.csv"))
    page = render(record, "html")
    assert evil not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>" not in render(record, "markdown")
    assert evil not in render(record, "junit")
