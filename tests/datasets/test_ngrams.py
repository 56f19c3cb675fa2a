"""Columns that count pieces of a text: by hand, for a model of columns alone, and with the pieces that the training rows hold."""

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from harness import audit, load_suite
from harness.datasets.ngrams import piece_counts
from harness.datasets.roles import DataOptions, load_dataset
from harness.spec.data import Data
from harness.workflows.fit import fit

DRUGS = "medical/drug-discovery"


def test_pieces_are_counted_by_hand_where_they_overlap_and_where_a_text_is_missing():
    texts = pd.DataFrame({"t": np.array(["aaa", "Ab", None, ""], dtype=object)})
    found = piece_counts(texts, [("t:a", "t", "a"), ("t:aa", "t", "aa"), ("t:A", "t", "A")])
    assert list(found) == ["t:a", "t:aa", "t:A"]
    for name, wanted in {"t:a": [3, 0, np.nan, 0], "t:aa": [2, 0, np.nan, 0], "t:A": [0, 1, np.nan, 0]}.items():
        np.testing.assert_array_equal(found[name], wanted)


@pytest.mark.parametrize(
    ("ngrams", "wrong"),
    [({"other": ["a"]}, "not among the features"), ({"t": []}, "each once"), ({"t": ["a", "a"]}, "each once"),
     ({"t": [""]}, "none empty"), ({"t": ["x"]}, "features already")],
)  # fmt: skip
def test_pieces_that_can_not_be_counted_are_refused(ngrams, wrong):
    with pytest.raises(ValueError, match=wrong):
        Data.model_validate({"source": "-", "label": {"column": "y"}, "features": ["t", "t:x"], "ngrams": ngrams})


@pytest.fixture(scope="module")
def drugs():
    return load_dataset(load_suite(DRUGS))


def test_the_pieces_of_drug_discovery_are_the_64_that_most_training_molecules_hold(drugs):
    holding = Counter()
    for text in drugs.splits["train"].inputs["smiles"]:
        holding.update({text[i : i + size] for size in (1, 2) for i in range(len(text) - size + 1)})
    top = sorted(holding, key=lambda piece: (-holding[piece], piece))[:64]
    assert load_suite(DRUGS).suite.data.ngrams == {"smiles": top}


def test_the_counts_stand_after_the_features_and_not_among_the_columns_as_read(drugs):
    test = drugs.splits["test"]
    assert list(test.inputs.columns)[:3] == ["smiles", "smiles:(", "smiles:)"]
    assert test.inputs.shape[1] == 65
    assert not [name for name in test.columns.columns if ":" in name]
    assert test.inputs["smiles:("].tolist() == [text.count("(") for text in test.inputs["smiles"]]


def test_other_data_get_the_same_columns(drugs, tmp_path):
    drugs.splits["test"].columns.head(40).to_csv(tmp_path / "own.csv", index=False)
    own = load_dataset(load_suite(DRUGS), DataOptions(data=tmp_path / "own.csv"))
    pd.testing.assert_frame_equal(own.splits["test"].inputs, drugs.splits["test"].inputs.head(40))


@pytest.mark.parametrize(("base", "explained"), [("sklearn:gradient-boosting", 65), ("sklearn:tfidf", 1)])
def test_a_model_of_columns_is_explained_by_pieces_and_one_of_texts_by_its_text(base, explained, tmp_path):
    fit(DRUGS, base, tmp_path / "m")
    records = {record.check: record for record in audit(DRUGS, str(tmp_path / "m")).records}
    told = [f for f in records["explainability.attribution"].findings if f.measure == "explainability.attribution"]
    assert len(told) == explained
    values = {f.of["feature"]: f.value for f in told}
    assert max(values.values()) > 0.1
    if explained > 1:
        assert values["smiles"] == 0  # each molecule is its own: no tree can read it
    auc = next(f for f in records["performance.classification"].findings if f.measure == "performance.roc_auc")
    assert auc.interval.low > 0.75
