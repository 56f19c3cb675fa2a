"""A text's tokens: once tokenised, filled up and cut as the tokenizer itself would."""

import numpy as np
import pytest

from harness.models import tokens as module
from harness.models.tokens import Tokens, fill_of

transformers = pytest.importorskip("transformers")

TEXTS = ["the loan is denied", "a", "high risk of a low income 1 2 3 4 5 6 7 8", "", "yes no yes", "the loan"]


class Counting:
    """A tokenizer that counts the texts that it is given."""

    def __init__(self, inner):
        self._inner, self.texts = inner, 0

    def __call__(self, texts, **how):
        self.texts += len(texts)
        return self._inner(texts, **how)

    def __getattr__(self, name):
        return getattr(self._inner, name)


@pytest.fixture
def tokenizer(make_classifier):
    return transformers.AutoTokenizer.from_pretrained(make_classifier())


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("known", [True, False])
def test_a_batch_is_what_the_tokenizer_itself_gives(tokenizer, side, known):
    tokenizer.padding_side = tokenizer.truncation_side = side
    texts, own = [text for text in TEXTS if text], Tokens(tokenizer, 8, fill=0, side=side)
    if known:
        own.sizes(texts)
    wanted = tokenizer(texts, padding=True, truncation=True, max_length=8, return_tensors="np")
    found = own.batch(texts)
    assert found.keys() == set(wanted)
    for name in wanted:
        assert np.array_equal(found[name], wanted[name]), name
        assert found[name].dtype == np.int64


def test_a_bundled_tokenizer_with_signs_of_its_own_gives_the_same():
    from harness.models.bundled import bundled_folder

    tokenizer = transformers.AutoTokenizer.from_pretrained(bundled_folder("minilm"))
    texts = ["The bank denies the loan.", "", "贷款 granted?", "word " * 30]
    own = Tokens(tokenizer, 16, fill=0)
    assert own.sizes(texts).tokens.tolist() == [8, 2, *own.sizes(texts[2:3]).tokens.tolist(), 32]
    wanted = tokenizer(texts, padding=True, truncation=True, max_length=16, return_tensors="np")
    assert all(np.array_equal(own.batch(texts)[name], wanted[name]) for name in wanted)


def test_each_text_is_tokenised_once(tokenizer):
    counting = Counting(tokenizer)
    own, texts = Tokens(counting, 8, fill=0), [text for text in TEXTS if "1 2 3" not in text]
    own.sizes(texts)
    own.batch(texts[:2])
    own.batch(texts[2:])
    assert counting.texts == len(texts)
    own.batch(texts[:2])  # what was used is not kept
    assert counting.texts == len(texts) + 2


def test_no_more_tokens_are_kept_than_there_is_room_for(tokenizer, monkeypatch):
    monkeypatch.setattr(module, "KEPT_BYTES", 600)
    counting = Counting(tokenizer)
    own = Tokens(counting, 8, fill=0)
    own.sizes(["the loan is denied", "a", "the loan"])  # two fill it
    own.batch(["the loan is denied", "a"])
    assert counting.texts == 3
    own.batch(["the loan"])
    assert counting.texts == 4


def test_a_text_without_a_token_is_read_as_one_sign(tokenizer):
    found = Tokens(tokenizer, 8, fill=0).batch([""])
    assert found["attention_mask"].sum() == 1
    assert found["input_ids"][found["attention_mask"] == 1].tolist() == [tokenizer.bos_token_id]


def test_nothing_is_filled_up_where_there_is_nothing_to_fill_with(tokenizer):
    own = Tokens(tokenizer, 8, fill=None)
    assert own.batch(["the loan is"])["input_ids"].shape == (1, 3)
    with pytest.raises(ValueError, match="several lengths"):
        own.batch(["the loan is", "a"])


def test_nothing_is_kept_unless_it_will_be_asked_for(tokenizer):
    counting = Counting(tokenizer)
    own = Tokens(counting, 8, fill=0, keep=False)
    own.sizes(TEXTS)
    own.batch(TEXTS)
    assert counting.texts == 2 * len(TEXTS)


@pytest.mark.parametrize(
    ("own", "padding", "wanted"),
    [
        (7, "[PAD]", 7),
        (None, "[PAD]", 0),
        (None, "</s>", None),
        (None, None, None),
        (3, "</s>", 3),
        (7, None, 7),
        (-1, "[PAD]", 0),
    ],
)
def test_what_fills_up_is_the_models_own_or_else_a_sign_that_is_never_real(tokenizer, own, padding, wanted):
    tokenizer.pad_token = padding
    assert fill_of(transformers.GPT2Config(pad_token_id=own), tokenizer) == wanted


def test_a_model_that_is_given_no_mask_reads_texts_alone(tokenizer):
    tokenizer.model_input_names = ["input_ids"]
    assert fill_of(transformers.GPT2Config(pad_token_id=7), tokenizer) is None
