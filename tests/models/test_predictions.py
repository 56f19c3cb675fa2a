import numpy as np
import pandas as pd
import pytest

from harness.core.dataset import Dataset, Split
from harness.datasets.readers import open_table
from harness.errors import ModelError
from harness.models.options import ModelOptions
from harness.models.predictions import load_predictions

IDS = np.array([str(i) for i in range(6)], dtype=object)


def dataset(classes=("no", "yes"), positive="yes"):
    """Test rows 0 to 3 and training rows 4 and 5."""

    def part(role, ids):
        truth = np.array([classes[0]] * len(ids), dtype=object)
        inputs = pd.DataFrame({"x": np.zeros(len(ids))})
        return Split(role, ids, inputs, truth, {}, {}, inputs)

    return Dataset({"test": part("test", IDS[:4]), "train": part("train", IDS[4:])}, classes, positive, "-", 6, 0, {}, "stated")  # fmt: skip


@pytest.fixture
def load(tmp_path):
    """Saves a table under a suffix, and opens it as a model."""

    def loaded(table, suffix="csv", data=None, options=None):
        path = tmp_path / f"p.{suffix}"
        table = pd.DataFrame(table)
        if suffix == "parquet":
            table.to_parquet(path)
        elif suffix == "jsonl":
            table.to_json(path, orient="records", lines=True)
        else:
            table.to_csv(path, index=False)
        return load_predictions(path, open_table(path).frame, data or dataset(), options or ModelOptions())

    return loaded


def answers(model, ids=IDS):
    return model.predict(pd.DataFrame({"x": np.zeros(len(ids))}), np.array(ids, dtype=object))


FULL = {"id": range(6), "label": ["no", "yes", "no", "yes", "no", "yes"], "score:no": [0.9, 0.2, 0.6, 0.4, 0.7, 0.1], "score:yes": [0.1, 0.8, 0.4, 0.6, 0.3, 0.9]}  # fmt: skip


@pytest.mark.parametrize("suffix", ["csv", "csv.gz", "parquet", "jsonl"])
def test_every_format_gives_the_same_answers(suffix, load):
    model = load(FULL, suffix)
    found = answers(model)
    assert found.labels.tolist() == FULL["label"]
    assert found.scores == pytest.approx(np.column_stack([FULL["score:no"], FULL["score:yes"]]), abs=1e-12)
    assert model.info.offers == ["labels", "scores", "train"]


def test_answers_come_in_the_order_asked(load):
    found = answers(load(FULL), ["5", "0", "2"])
    assert found.labels.tolist() == ["yes", "no", "no"]
    assert found.scores[:, 1].tolist() == [0.9, 0.1, 0.4]


def test_the_order_of_score_columns_does_not_matter(load):
    swapped = {key: FULL[key] for key in ("score:yes", "id", "score:no", "label")}
    assert answers(load(swapped)).scores.tolist() == answers(load(FULL)).scores.tolist()


@pytest.mark.parametrize(("positive", "wanted"), [("yes", ["no", "yes", "yes"]), ("no", ["yes", "no", "no"])])
def test_a_single_score_is_the_positive_classs_and_a_half_is_positive(positive, wanted, load):
    found = answers(load({"id": range(3), "score": [0.2, 0.9, 0.5]}, data=dataset(positive=positive)), ["0", "1", "2"])
    assert found.labels.tolist() == wanted
    assert found.positive_scores(positive).tolist() == [0.2, 0.9, 0.5]
    assert found.scores.sum(axis=1).tolist() == [1, 1, 1]


def test_without_labels_the_likeliest_class_is_the_answer(load):
    data = dataset(("a", "b", "c"), None)
    table = {"id": range(3), "score:a": [0.2, 0.5, 0.1], "score:b": [0.5, 0.3, 0.2], "score:c": [0.3, 0.2, 0.7]}
    assert answers(load(table, data=data), ["0", "1", "2"]).labels.tolist() == ["b", "a", "c"]


def test_labels_alone_offer_no_scores(load):
    model = load({"id": range(4), "label": ["no", "yes", "no", "yes"]})
    assert model.info.offers == ["labels"]
    assert answers(model, IDS[:4]).scores is None


def test_numbers_as_labels_and_ids_are_their_names(load):
    data = dataset(("0", "1"), "1")
    for suffix in ("csv", "parquet", "jsonl"):
        model = load({"id": [0.0, 1.0], "label": [1.0, 0.0]}, suffix, data)
        assert answers(model, ["0", "1"]).labels.tolist() == ["1", "0"]


def test_the_files_names_of_classes_are_translated(load):
    told = ModelOptions(label_map={"0": "no", "1": "yes"})
    table = {"id": IDS, "label": [0, 1] * 3, "score:0": [0.9, 0.2] * 3, "score:1": [0.1, 0.8] * 3}
    model = load(table, options=told)
    assert answers(model, IDS).labels.tolist() == ["no", "yes"] * 3
    assert answers(model, IDS).scores[:, 1].tolist() == [0.1, 0.8] * 3
    with pytest.raises(ModelError, match="The label map names 'perhaps'"):
        load(FULL, options=ModelOptions(label_map={"yes": "perhaps"}))


def test_a_missing_label_is_missing_also_where_labels_are_mapped(load):
    told = ModelOptions(label_map={"J": "yes", "N": "no"})
    with pytest.raises(ModelError, match=r"lacks 1 label\(s\)"):
        load({"id": [0, 1, 2, 3], "label": ["J", None, "N", "J"]}, options=told)
    mapped = load({"id": [0, 1, 2, 3], "label": ["J", "N", "N", "J"]}, options=told)
    assert mapped.predict(pd.DataFrame(), IDS[:4]).labels.tolist() == ["yes", "no", "no", "yes"]


def test_scores_that_are_logits_are_refused_until_it_is_said(load):
    table = {"id": IDS, "score:no": [-3.0, 4.0] * 3, "score:yes": [3.0, -4.0] * 3}
    with pytest.raises(ModelError, match="--scores probability"):
        load(table)
    found = answers(load(table, options=ModelOptions(scores="logit")), IDS)
    assert found.labels.tolist() == ["yes", "no"] * 3
    assert found.scores[0, 1] == pytest.approx(1 / (1 + np.exp(-6)))


def test_a_row_without_a_finite_score_is_not_answered(load):
    found = answers(load({"id": IDS, "label": ["no"] * 6, "score": [0.1, None, 0.2, 0.1, 0.1, 0.1]}), IDS)
    assert found.labels[1] is None and found.answered.sum() == 5


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"row": [1], "label": ["no"]}, "no column 'id'"),
        ({"id": [1, 1], "label": ["no", "no"]}, r"repeats 1 id\(s\) \(first: 1\)"),
        ({"id": [1], "note": ["x"]}, "neither 'label' nor scores"),
        ({"id": [1, 2], "label": ["no", None]}, r"lacks 1 label\(s\)"),
        ({"id": [1], "score:yes": [0.5]}, "no column score:no"),
        ({"id": [1], "score": ["high"]}, "must hold numbers"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(table, says, load):
    with pytest.raises(ModelError, match=says):
        load(table)


def test_a_single_score_of_three_classes_is_refused(load):
    with pytest.raises(ModelError, match="names no positive class"):
        load({"id": [0], "score": [0.5]}, data=dataset(("a", "b", "c"), None))


def test_rows_without_a_saved_answer_are_named(load):
    with pytest.raises(ModelError, match="lacks 2 of 6 row ids"):
        answers(load({"id": range(4), "label": ["no"] * 4}))


def test_words_in_the_scores_of_a_class_are_refused(load):
    table = {"id": IDS[:4], "score:no": ["high"] * 4, "score:yes": [0.5] * 4}
    with pytest.raises(ModelError, match="must hold numbers"):
        load(table)


def test_ids_of_numbers_are_found_and_what_was_lost_is_explained(load):
    assert answers(load({"id": [k * 1.0 for k in range(6)], "label": ["no"] * 6})).labels.tolist() == ["no"] * 6
    for name in ("005", "+4", "3e0"):
        with pytest.raises(ModelError, match=r"lacks 1 of 1 row ids .*its ids were read as numbers"):
            answers(load({"id": range(6), "label": ["no"] * 6}), [name])
    for name in ("007", "7", "4a"):
        with pytest.raises(ModelError, match=r"lacks 1 of 1 row ids") as error:
            answers(load({"id": range(6), "label": ["no"] * 6}), [name])
        assert "read as numbers" not in str(error.value)


def test_labels_and_scores_that_write_a_class_in_another_way_are_of_that_class(load):
    given = {"id": range(6), "label": [0.0, 1.0] * 3, "score:0.0": [0.9, 0.1] * 3, "score:1.0": [0.1, 0.9] * 3}
    found = answers(load(given, "parquet", dataset(("0", "1"), "1")))
    assert found.labels.tolist() == ["0", "1"] * 3
    assert found.scores[:, 1].tolist() == [0.1, 0.9] * 3
