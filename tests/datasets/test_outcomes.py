import pandas as pd
import pytest

from harness.datasets.outcomes import guess_outcome
from harness.errors import DataError


def picked(label, values, positive=None, favourable=None):
    found = guess_outcome(pd.Series(values), label, positive, favourable)
    return found.positive.name, found.favourable.name


@pytest.mark.parametrize(
    ("label", "values", "positive", "favourable"),
    [
        ("Approved", [True, False, False], "true", "true"),
        ("hired", [0, 1, 0], "1", "1"),
        ("是否批准", ["是", "否", "否"], "是", "是"),
        ("denied", ["yes", "no", "no"], "yes", "no"),
        ("是否违约", ["是", "否", "否"], "是", "否"),
        ("not.fully.paid", [1, 0, 0], "1", "0"),
        ("未违约", [1, 0, 0], "1", "1"),
        ("result", ["rejected", "accepted", "accepted"], "rejected", "accepted"),
        ("default", ["good", "bad", "good"], "bad", "good"),
        ("loan_status", ["Fully Paid", "Charged Off", "Fully Paid"], "Charged Off", "Fully Paid"),
        ("审批", ["通过", "未通过", "通过"], "未通过", "通过"),
        ("granted", ["refused", "other", "other"], "refused", "other"),
        ("answer", ["granted", "pending", "denied"], None, "granted"),
    ],
)
def test_the_favourable_class_follows_from_the_words_of_the_classes_else_from_the_labels_with_yes_and_no(
    label, values, positive, favourable
):
    assert picked(label, values) == (positive, favourable)


@pytest.mark.parametrize(
    ("label", "values", "positive", "why"),
    [
        ("y", [0, 1, 0], "1", "neither a good nor a bad outcome"),
        ("segment", ["a", "b", "c"], None, "neither a good nor a bad outcome"),
        ("Approved", ["A1", "A2", "A1"], "A2", "no yes and no"),
        ("answer", ["approved", "accepted", "denied"], None, "don't say which one"),
        ("outcome", ["died", "relapse", "stable", "moved"], None, "don't say which one"),
    ],
)
def test_where_no_word_tells_no_class_is_favourable_and_the_reason_says_so(label, values, positive, why):
    found = guess_outcome(pd.Series(values), label, None, None)
    assert (found.positive.name, found.favourable.name) == (positive, None)
    assert why in found.favourable.reason


def test_what_the_user_names_is_taken_as_said_or_refused():
    assert picked("Approved", ["y", "n", "n"], positive="n", favourable="n") == ("n", "n")
    with pytest.raises(DataError, match="is no class"):
        picked("Approved", ["y", "n"], favourable="maybe")
    with pytest.raises(DataError, match="label holds numbers"):
        picked("price", range(20), favourable="cheap")


def test_the_good_end_of_a_number_follows_from_the_labels_name():
    days = [float(n) for n in range(30)]
    assert picked("days overdue", days, positive="10") == ("positive", "negative")
    assert picked("repaid", days, positive="10") == ("positive", "positive")
    assert picked("chol", days, positive="10") == ("positive", None)
    assert picked("chol", days) == (None, None)
    with pytest.raises(DataError, match=r"--positive 99 makes one class only of 'chol', whose numbers go from 0 to 29"):
        picked("chol", days, positive="99")


def test_classes_of_fewer_than_ten_rows_are_rare():
    rows = pd.Series(["a"] * 30 + ["b"] * 10 + ["c"] * 9)
    assert guess_outcome(rows, "kind", None, None).rare == ("c",)
