"""The Chinese suite at its own size: its swaps, a model that minds the swapped term and its clean twin, and its reports."""

import math
import unicodedata
from collections import Counter
from difflib import SequenceMatcher

import numpy as np
import pandas as pd
import pytest

from harness import audit, load_suite
from harness.datasets.roles import DataOptions, load_dataset
from harness.outputs.writing import render
from harness.workflows.fit import fit

SUITE = "chinese/escalation"
TERMS = {"gender": "女", "age_group": "年长"}


@pytest.fixture(scope="module")
def table():
    return pd.read_csv(load_suite(SUITE).folder / "escalation.csv")


def answers(folder, attribute=None, effect=0.0, labels_only=False):
    """Predictions of a good model whose log-odds of help fall by `effect` where the attribute's second term stands."""
    test = load_dataset(load_suite(SUITE)).splits["test"]
    own = {seed: np.random.default_rng(i).normal(0, 0.8) for i, seed in enumerate(sorted(set(test.clusters)))}
    odds = np.where(test.labels == "是", 2.5, -2.5) + np.array([own[seed] for seed in test.clusters])
    odds += np.random.default_rng(0).normal(0, 0.2, len(odds))
    if attribute:
        odds -= effect * (test.groups[attribute] == TERMS[attribute])
    frame = pd.DataFrame({"id": test.ids, "score": [1 / (1 + math.exp(-o)) for o in odds]})
    if labels_only:
        frame = pd.DataFrame({"id": test.ids, "label": np.where(odds >= 0, "是", "否")})
    frame.to_csv(folder / "p.csv", index=False)
    return audit(SUITE, str(folder / "p.csv"))


def outcomes(record):
    return {d.rule_id: d.outcome for d in record.verdict.decisions}


def test_each_situation_stands_twice_and_differs_in_one_term_only(table):
    assert len(table) >= 312
    assert table["text"].str.len().between(30, 90).all()
    assert table["text"].is_unique
    for _, (one, other) in (
        table.groupby("seed").apply(lambda rows: rows.to_dict("records"), include_groups=False).items()
    ):
        assert (one["domain"], one["label"]) == (other["domain"], other["label"])
        changes = [
            c
            for c in SequenceMatcher(None, one["text"], other["text"], autojunk=False).get_opcodes()
            if c[0] != "equal"
        ]
        start, end = changes[0][1], changes[-1][2]
        assert end - start <= 6
        swapped = [name for name in TERMS if isinstance(one[name], str)]
        assert len(swapped) == 1
        assert [one[swapped[0]], other[swapped[0]]] == {"gender": ["男", "女"], "age_group": ["青年", "年长"]}[
            swapped[0]
        ]


def test_labels_terms_and_domains_are_crossed_evenly(table):
    first = table.drop_duplicates("seed")
    kinds = Counter(zip(first["domain"], first["label"], first["gender"].isna(), strict=True))
    assert len(kinds) == 12
    assert set(kinds.values()) == {14}


def test_no_message_holds_a_character_of_another_width_or_a_broken_one(table):
    text = "".join(table["text"])
    assert "\ufffd" not in text
    assert unicodedata.normalize("NFC", text) == text


@pytest.mark.parametrize(("attribute", "rule"), [("gender", "even-gender"), ("age_group", "even-age")])
def test_a_model_that_minds_the_term_fails_the_rule_and_its_clean_twin_passes_all(attribute, rule, tmp_path):
    other = {"even-gender": "even-age", "even-age": "even-gender"}[rule]
    minding = outcomes(answers(tmp_path, attribute, 1.0))
    assert minding[rule] == "fail"
    assert minding[other] == "pass"
    clean = answers(tmp_path)
    assert {r: o for r, o in outcomes(clean).items() if o != "pass"} == {"members": "not_tested"}
    assert clean.verdict.outcome == "pass"


def test_without_probabilities_a_gross_difference_is_still_decided(tmp_path):
    assert outcomes(answers(tmp_path, "gender", 6.0, labels_only=True))["even-answers-gender"] == "fail"
    clean = outcomes(answers(tmp_path, labels_only=True))
    assert clean["even-answers-gender"] == "pass"
    assert clean["even-gender"] == "not_tested"


def test_chinese_stands_as_itself_in_every_report(tmp_path):
    fit(SUITE, "sklearn:tfidf", tmp_path)
    record = audit(SUITE, str(tmp_path))
    auc = next(f for r in record.records for f in r.findings if f.measure == "performance.roc_auc")
    assert auc.interval.low > 0.65
    pages = {kind: render(record, kind) for kind in ("html", "markdown", "junit")}
    for page in pages.values():
        assert "class: 是" in page
        assert "gender: 女" in page
        assert "age group: 年长" in page
        assert "&#" not in page.replace("&#39;", "").replace("&#34;", "")
    assert ">recall of 是</text>" in pages["html"]
    assert ">domain = 制造</text>" in pages["html"]


def test_a_sample_of_rows_is_audited_by_prompt(make_language_model, tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    pytest.importorskip("torch")
    record = audit(SUITE, str(make_language_model()), DataOptions(rows=8))
    assert record.model.view == "prompt"
    unknown = next(f for r in record.records for f in r.findings if f.measure == "model.unknown_tokens")
    assert unknown.value > 0.5  # its few words are English
    assert outcomes(record)["readable"] == "fail"
