"""What scores mean: each meaning with its planted fault and its clean twin, and no number made up of what is no number."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from harness.engine.text_pass import NOT_FINITE
from harness.errors import ModelError
from harness.models.scores import MEANINGS, probabilities, text_rows

LOGITS = np.random.default_rng(0).normal(0, 2, (50, 3))
TRUE = softmax(LOGITS, axis=1)


@pytest.mark.parametrize(
    ("given", "meaning"),
    [
        (TRUE, None),
        (TRUE, "probability"),
        (log_softmax(LOGITS, axis=1), "log_probability"),
        (LOGITS, "logit"),
        (LOGITS + 40, "logit"),
        (LOGITS, "decision_function"),
    ],
)
def test_each_meaning_gives_the_probabilities(given, meaning):
    assert probabilities(given, meaning, "m") == pytest.approx(TRUE)


@pytest.mark.parametrize(
    ("given", "meaning", "says"),
    [
        (LOGITS, None, "logits and decision scores look so"),
        (LOGITS, "probability", "--scores says probability"),
        (LOGITS, "log_probability", "--scores says log_probability"),
        (TRUE, "log_probability", "--scores says log_probability"),
        (log_softmax(LOGITS, axis=1), None, "exponentials sum to 1"),
        (1 / (1 + np.exp(-LOGITS)), None, "labels of which one alone is right"),
        (TRUE * 100, None, "whose rows sum to 100 to 100"),
    ],
)
def test_what_does_not_fit_its_meaning_is_refused_by_its_look(given, meaning, says):
    with pytest.raises(ModelError, match=says) as refused:
        probabilities(given, meaning, "m")
    assert "--scores " + "|".join(MEANINGS) in str(refused.value)


@pytest.mark.parametrize("meaning", ["logit", "decision_function"])
def test_probabilities_are_never_taken_for_logits(meaning):
    with pytest.raises(ModelError, match=f"gives probabilities .* of the meaning {meaning}. Leave --scores out"):
        probabilities(TRUE, meaning, "m")


def test_what_rounding_put_outside_of_0_to_1_is_0_or_1():
    assert probabilities(np.array([[-1.2e-7, 1 + 1.2e-7]]), None, "m").tolist() == [[0.0, 1.0]]
    with pytest.raises(ModelError, match="no probabilities"):
        probabilities(np.array([[-0.01, 1.01]]), None, "m")


def test_one_column_is_of_the_second_label():
    one = TRUE[:, :1]
    assert probabilities(one, None, "m") == pytest.approx(np.hstack([1 - one, one]))
    assert probabilities(np.log(one / (1 - one)), "logit", "m") == pytest.approx(np.hstack([1 - one, one]))


def test_impossible_classes_have_log_probability_minus_infinity():
    assert probabilities(np.array([[0.0, -np.inf]]), "log_probability", "m").tolist() == [[1.0, 0.0]]
    assert probabilities(np.array([[-np.inf], [0.0]]), "log_probability", "m").tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert np.isnan(probabilities(np.array([[-np.inf, -np.inf]]), "log_probability", "m")).all()


@pytest.mark.parametrize("meaning", [None, *MEANINGS])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_rows_that_are_not_finite_stay_without_a_number(meaning, bad):
    given = {"log_probability": log_softmax(LOGITS, axis=1), "logit": LOGITS, "decision_function": LOGITS}.get(
        meaning, TRUE
    ).copy()
    given[7, 1] = bad
    found = probabilities(given, meaning, "m")
    assert np.isnan(found[7]).all() and np.isfinite(np.delete(found, 7, axis=0)).all()


def test_the_row_of_a_text_has_a_code_where_a_number_is_missing():
    rows = text_rows(np.array([[0.2, 0.8], [np.nan, 0.5], [np.nan, np.nan]]))
    assert rows[:, 0].tolist() == [1.0, NOT_FINITE, NOT_FINITE]
