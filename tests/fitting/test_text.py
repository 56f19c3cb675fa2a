"""What tf-idf counts: words where blanks part them, else characters."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from harness import load_suite
from harness.datasets.roles import load_dataset
from harness.engine.progress import silent
from harness.errors import ModelError
from harness.fitting.tabular import fit_tabular
from harness.fitting.text import Examples, Recipe, fine_tune, fit_tfidf, parts_of, save_tuned
from harness.stats.auc import delong

WORDS, CHARACTERS = "words, 1 to 2 in a row", "characters, 1 to 4 in a row"
TEXTS = {
    "English": ("The loan was denied today.", WORDS),
    "German": ("Der Kredit wurde heute abgelehnt.", WORDS),
    "Korean, which has blanks": ("대출이 오늘 거절되었습니다 왜요", WORDS),
    "Chinese": ("贷款今天被拒绝了。", CHARACTERS),
    "Chinese with blanks between sentences and Latin names": (
        "您好， 贷款今天被拒绝了。 PIRAT 0.3， 请问原因？",
        CHARACTERS,
    ),
    "Japanese": ("ローンは 今日 断られました。", CHARACTERS),
    "Thai": ("สินเชื่อถูกปฏิเสธ วันนี้ ทำไม", CHARACTERS),
    "SMILES": ("CC(=O)Oc1ccccc1", CHARACTERS),
    "English with a Chinese name": ("The customer 王 was denied a loan.", WORDS),
}


@pytest.mark.parametrize("name", TEXTS)
def test_words_are_counted_where_blanks_part_them_and_characters_elsewhere(name):
    text, wanted = TEXTS[name]
    assert parts_of(fit_tfidf([text, text + "!"] * 4, np.array(["no", "yes"] * 4), 0)) == wanted


@pytest.fixture(scope="module")
def chinese():
    """Training and test messages, with a blank after each mark as people type them."""
    splits = load_dataset(load_suite("chinese/escalation")).splits
    spaced = [[text.replace("，", "， ") for text in splits[role].inputs["text"]] for role in ("train", "test")]
    return spaced, splits["train"].labels, splits["test"]


def auc_of(model, texts, test):
    found = delong(model.predict_proba(texts)[:, list(model.classes_).index("是")], test.labels == "是", test.clusters)
    return found.interval()


def test_chinese_messages_are_told_apart_by_characters_and_were_not_by_words(chinese):
    (train, test_texts), labels, test = chinese
    by_characters = auc_of(fit_tfidf(train, labels, 0), test_texts, test)
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)  # what cutting at blanks makes of them
    by_words = auc_of(make_pipeline(words, LogisticRegression(C=10.0)).fit(train, labels), test_texts, test)
    assert by_characters.low > 0.65
    assert by_words.low < 0.5


def test_a_base_of_columns_is_refused_where_there_are_texts_only():
    train = load_dataset(load_suite("chinese/escalation")).splits["train"]
    with pytest.raises(ModelError, match=r"text hold neither.*sklearn:tfidf"):
        fit_tabular(train, "sklearn:logistic-regression", 0)


def test_a_decoder_without_a_padding_token_is_fitted_at_the_token_at_which_it_is_asked(make_classifier, tmp_path):
    torch, transformers = pytest.importorskip("torch"), pytest.importorskip("transformers")
    from harness.models.options import ModelOptions
    from harness.models.transformers_classifier import load_classifier

    tokens = transformers.AutoTokenizer.from_pretrained(make_classifier())
    tokens.pad_token = None
    torch.manual_seed(0)
    config = transformers.GPT2Config(
        vocab_size=len(tokens), n_embd=32, n_layer=2, n_head=2, n_positions=64, bos_token_id=2, eos_token_id=3
    )
    transformers.GPT2Model(config).save_pretrained(tmp_path / "base")
    tokens.save_pretrained(tmp_path / "base")
    labels = np.array(["no", "yes"] * 100)
    texts = [f"the loan {'of a low income ' * (i % 3)}risk {'high' if i % 2 else 'low'}" for i in range(200)]
    recipe = Recipe(epochs=6, learning_rate=3e-3, device="cpu")
    tuned = fine_tune(str(tmp_path / "base"), Examples(texts, labels), ("no", "yes"), recipe, silent)
    save_tuned(tuned, tmp_path / "tuned")
    asked = load_classifier(str(tmp_path / "tuned"), "m", ("no", "yes"), ModelOptions(device="cpu"))
    answers = asked.score(texts)
    assert (answers[:, 0] == np.arange(200) % 2).all()
    assert -np.log(answers[np.arange(200), 1 + np.arange(200) % 2]).mean() == pytest.approx(
        min(validation for _, validation in tuned.history), abs=0.05
    )


def test_a_base_that_lacks_layers_is_not_fine_tuned(make_classifier, tmp_path):
    import json

    base = make_classifier()
    target = tmp_path / "base"
    target.mkdir()
    for file in base.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    config = json.loads((target / "config.json").read_text(encoding="utf-8"))
    (target / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 3}), encoding="utf-8")
    examples = Examples(["the loan is denied", "low risk"], np.array(["no", "yes"]))
    with pytest.raises(ModelError, match="Missing weights would be random numbers"):
        fine_tune(str(target), examples, ("no", "yes"), Recipe(epochs=1, device="cpu"), lambda *_: None)
