import numpy as np
import pytest

from harness.errors import ModelError
from harness.models.labels import map_labels
from harness.models.options import ModelOptions
from harness.models.transformers_classifier import load_classifier

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")


TEXTS = ["the loan", "the loan is denied", "a", "high risk of a low income 3 4 5 6 7 8 9", "", "yes no yes"] * 3
CLASSES = ("no", "yes")


@pytest.fixture(scope="module")
def folder(make_classifier):
    return make_classifier()


@pytest.fixture(scope="module")
def model(folder):
    return load_classifier(str(folder), "m", CLASSES, ModelOptions())


def plain(folder, text):
    """The probabilities as transformers' own two lines give them, one text at a time."""
    tokens = transformers.AutoTokenizer.from_pretrained(folder)
    own = transformers.AutoModelForSequenceClassification.from_pretrained(folder)
    with torch.no_grad():
        return torch.softmax(own(**tokens(text or "[PAD]", return_tensors="pt")).logits, dim=-1)[0].numpy()


def test_probabilities_are_those_of_the_plain_model(model, folder):
    wanted = np.array([plain(folder, text) for text in TEXTS[:4]])
    assert np.abs(model.score(TEXTS[:4])[:, 1:] - wanted).max() < 1e-5


def test_batch_and_order_change_nothing(model):
    texts = [text for text in TEXTS if text]
    together = model.score(texts)
    alone = np.vstack([model.score([text]) for text in texts])
    backwards = model.score(texts[::-1])[::-1]
    assert np.abs(together - alone).max() < 1e-5
    assert np.abs(together - backwards).max() < 1e-5


def test_labels_in_another_order_are_mapped_by_name(make_classifier, folder):
    turned = load_classifier(str(make_classifier(("Yes", "NO"))), "m", CLASSES, ModelOptions())
    straight = load_classifier(str(folder), "m", CLASSES, ModelOptions())
    assert np.allclose(turned.score(TEXTS[:3])[:, 1:], straight.score(TEXTS[:3])[:, [2, 1]])


def test_labels_that_say_nothing_are_asked_for_and_can_be_given(make_classifier):
    unnamed = str(make_classifier(("LABEL_0", "LABEL_1")))
    with pytest.raises(ModelError, match="--label-map 'LABEL_0'='no'"):
        load_classifier(unnamed, "m", CLASSES, ModelOptions())
    given = load_classifier(unnamed, "m", CLASSES, ModelOptions(label_map={"LABEL_0": "yes", "LABEL_1": "no"}))
    assert given.info.card["labels"] == "LABEL_0 = yes, LABEL_1 = no"


@pytest.mark.parametrize("own", [("no", "no"), ("no", "perhaps"), ("no", "yes", "other"), ()])
def test_labels_that_do_not_fit_are_refused(own):
    with pytest.raises(ModelError, match="can't be told"):
        map_labels(own, CLASSES, {}, "m")


def test_a_label_map_of_unknown_names_is_refused():
    with pytest.raises(ModelError, match="'positive'"):
        map_labels(("a", "b"), CLASSES, {"a": "positive"}, "m")


def test_a_folder_without_a_tokenizer_is_refused(make_classifier):
    bare = make_classifier()
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (bare / name).unlink()
    with pytest.raises(ModelError, match="holds no tokenizer"):
        load_classifier(str(bare), "m", CLASSES, ModelOptions())


def test_weights_in_a_pickle_are_refused(make_classifier):
    old = make_classifier()
    (old / "model.safetensors").rename(old / "pytorch_model.bin")
    with pytest.raises(ModelError, match="as a pickle"):
        load_classifier(str(old), "m", CLASSES, ModelOptions())


def test_a_long_text_is_cut_and_the_window_reads_all_of_it(model, folder):
    long = " ".join(["low"] * 60 + ["high"] * 100)
    assert model.sizes([long]).tokens[0] == 160
    assert model.context == 64
    cut = model.score([long, " ".join(["low"] * 60 + ["high"] * 4)])
    assert np.allclose(cut[0], cut[1], atol=1e-6)
    windowed = load_classifier(str(folder), "m", CLASSES, ModelOptions(window=True))
    words, step = long.split(), 64 - 16
    starts = [i for i in range(0, len(words), step) if i == 0 or i + 16 < len(words)]
    parts = [" ".join(words[i : i + 64]) for i in starts]
    wanted = np.mean([plain(folder, part) for part in parts], axis=0)
    assert np.abs(windowed.score([long, "low"])[0, 1:] - wanted).max() < 1e-4


def test_an_unknown_device_is_refused(folder):
    with pytest.raises(ModelError, match="can't be used"):
        load_classifier(str(folder), "m", CLASSES, ModelOptions(device="cuda:9"))


def test_words_that_the_vocabulary_lacks_are_counted(model):
    assert model.sizes(["the loan", "the 贷款 is 被拒", "贷款", ""]).unknown.tolist() == [0, 2, 1, 0]


def test_a_sign_for_unknown_words_that_has_another_use_counts_none(folder):
    from harness.models.tokens import Tokens

    tokens = transformers.AutoTokenizer.from_pretrained(folder)
    tokens.eos_token = tokens.unk_token
    assert Tokens(tokens, 64, fill=0).sizes(["the 贷款"]).unknown.tolist() == [0]


@pytest.fixture
def make_decoder(folder, tmp_path):
    """A GPT-2 classifier, which answers at a text's last token that is not its config's padding."""

    def make(padding="[PAD]", side="right", own=None):
        tokens = transformers.AutoTokenizer.from_pretrained(folder)
        tokens.pad_token, tokens.padding_side = padding, side
        torch.manual_seed(0)
        config = transformers.GPT2Config(
            vocab_size=len(tokens), n_embd=32, n_layer=2, n_head=2, n_positions=64, num_labels=2, initializer_range=0.4,
            id2label={0: "no", 1: "yes"}, label2id={"no": 0, "yes": 1}, bos_token_id=2, eos_token_id=3, pad_token_id=own,
        )  # fmt: skip
        transformers.GPT2ForSequenceClassification(config).save_pretrained(tmp_path)
        tokens.save_pretrained(tmp_path)
        return str(tmp_path)

    return make


@pytest.mark.parametrize(
    ("padding", "side", "own"),
    [
        ("[PAD]", "right", None),
        ("[PAD]", "left", None),  # filled up on the left, every position would move
        (None, "right", None),  # nothing to fill up with
        ("</s>", "right", None),  # what would fill up is a real sign as well
        ("[PAD]", "right", 1),  # the tokenizer's padding is not the model's
    ],
)
def test_a_decoder_answers_in_a_batch_as_alone_whatever_fills_it_up(make_decoder, padding, side, own):
    folder = make_decoder(padding, side, own)
    texts = ["the loan is denied", "a", "high risk of a low income </s>"]
    wanted = np.array([plain(folder, text) for text in texts])
    model = load_classifier(folder, "m", CLASSES, ModelOptions())
    assert np.abs(model.score(texts)[:, 1:] - wanted).max() < 1e-5


def test_an_answer_is_kept_under_what_fills_its_batch_up(make_decoder):
    first = load_classifier(make_decoder("[PAD]"), "m", CLASSES, ModelOptions()).settings
    assert first != load_classifier(make_decoder(None), "m", CLASSES, ModelOptions()).settings


def test_windows_need_a_padding_token(make_decoder):
    with pytest.raises(ModelError, match="no padding token of its own, which --window needs"):
        load_classifier(make_decoder(None), "m", CLASSES, ModelOptions(window=True))


@pytest.mark.parametrize("window", [True, False])
def test_an_empty_text_alone_is_answered_and_as_among_others(folder, window):
    model = load_classifier(str(folder), "m", CLASSES, ModelOptions(window=window))
    alone = model.score(["", ""])
    assert np.isfinite(alone).all()
    assert np.abs(alone[0] - model.score(["the loan is denied", ""])[1]).max() < 1e-5
