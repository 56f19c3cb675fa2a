"""A model whose answers are all kept is not read; whatever could change an answer makes it be read again."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from harness.datasets.roles import DataOptions
from harness.engine.text_pass import Limits, TextPass
from harness.errors import ModelError
from harness.models.deferred import DeferredModel
from harness.models.options import ModelOptions
from harness.spec.loading import load_suite
from harness.workflows.opening import answer_cache, open_model

pytest.importorskip("torch")
SUITE = "finance/credit-risk"
TEXTS = ["the loan is denied", "the income is high", "low risk"]


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))


def opened(folder, **options):
    return open_model(str(folder), load_suite(SUITE), DataOptions(), ModelOptions(device="cpu", **options))[0]


def answers(model, texts=TEXTS):
    asked = TextPass(model, load_suite(SUITE).suite, answer_cache(model.info), Limits(), lambda *_: None)
    return asked.answers(texts), {f.measure: f.value for f in asked.warnings}, asked.calls


def is_read(model):
    return not isinstance(model, DeferredModel) or model._read is not None


@pytest.mark.parametrize("kind", ["classifier", "language model"])
def test_kept_answers_need_no_model_and_others_read_it(make_classifier, make_language_model, kind):
    folder = make_classifier() if kind == "classifier" else make_language_model()
    first = opened(folder)
    rows, warnings, calls = answers(first)
    assert calls == 3
    again = opened(folder)
    assert isinstance(again, DeferredModel)
    same, told, calls = answers(again)
    assert np.array_equal(same, rows) and told == warnings and calls == 0
    assert not is_read(again)
    assert again.info == first.info
    more, _, calls = answers(again, [*TEXTS, "another text"])
    assert (calls, is_read(again)) == (1, True)
    assert np.array_equal(more[:3], rows)


def test_whatever_an_answer_depends_on_makes_the_model_be_read(make_classifier, tmp_path):
    folder = make_classifier()
    opened(folder)
    assert not is_read(opened(folder))
    assert is_read(opened(folder, window=True))
    assert is_read(opened(folder, dtype="bfloat16", probe=False))
    assert is_read(opened(make_classifier(seed=5)))
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "id2label": {"0": "yes", "1": "no"}}))
    turned = opened(folder)
    assert is_read(turned)
    assert turned.info.card["labels"] != opened(make_classifier()).info.card["labels"]


def test_a_description_that_can_not_be_read_is_made_anew(make_classifier, tmp_path):
    folder = make_classifier()
    opened(folder)
    (kept,) = (tmp_path / "cache" / "described").iterdir()
    whole = kept.read_bytes()
    kept.write_bytes(whole[:40])
    assert is_read(opened(folder))
    assert kept.read_bytes() == whole


def test_a_second_audit_imports_no_torch_and_gives_the_same_evidence(make_classifier, tmp_path):
    folder = make_classifier()
    script = (
        "import sys; from harness import audit; from pathlib import Path\n"
        f"suite = Path({str(tmp_path)!r}) / 's.yaml'\n"
        f"suite.write_text('extends: {SUITE}\\nchecks: [performance.classification, bias.groups]\\npolicy: []\\n')\n"
        f"print(audit(str(suite), {str(folder)!r}).evidence_digest, 'torch' in sys.modules)"
    )
    environment = {**os.environ, "HARNESS_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    runs = [
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
        for _ in range(2)
    ]
    (first, with_torch), (second, without) = (run.stdout.split() for run in runs)
    assert (with_torch, without) == ("True", "False")
    assert first == second


def test_a_model_that_no_longer_reads_as_described_is_refused(make_classifier, tmp_path):
    folder = make_classifier()
    first = opened(folder)
    (kept,) = (tmp_path / "cache" / "described").iterdir()
    kept.write_text(json.dumps({**json.loads(kept.read_text()), "context": 7}), encoding="utf-8")
    with pytest.raises(ModelError, match="does not read as it was described"):
        answers(opened(folder))
    assert first.context != 7


def test_what_a_reader_must_know_of_a_model_is_kept_with_it(make_classifier, tmp_path):
    folder, meant = make_classifier(("no", "never")), {"no": "no", "never": "no"}
    first, again = opened(folder, label_map=meant), opened(folder, label_map=meant)
    assert isinstance(again, DeferredModel) and not is_read(again)
    assert [told.measure for told in again.warnings] == ["model.unlearned_classes"]
    assert again.warnings == first.warnings
