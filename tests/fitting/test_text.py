"""What tf-idf counts: words where blanks part them, else characters."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from harness import load_suite
from harness.datasets.roles import load_dataset
from harness.errors import ModelError
from harness.fitting.tabular import fit_tabular
from harness.fitting.text import fit_tfidf, parts_of
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
