"""A transformers folder that is not the model that was trained; and weights that give no numbers."""

import json

import numpy as np
import pytest

from harness.engine.text_pass import NOT_FINITE
from harness.errors import ModelError
from harness.models.language_model import load_language_model
from harness.models.options import ModelOptions
from harness.models.transformers_classifier import load_classifier
from harness.models.zero_shot_encoder import load_encoder
from harness.spec.suite import PromptView

pytest.importorskip("torch")
CLASSES = ("no", "yes")
DESCRIBED = {"no": "denied", "yes": "granted"}


def changed(folder, target, **config):
    """A copy of a folder whose config says something else."""
    target.mkdir()
    for file in folder.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    told = json.loads((target / "config.json").read_text())
    (target / "config.json").write_text(json.dumps({**told, **config}))
    return str(target)


def prompted(folder, options):
    view = PromptView(template="{{ x }}", choices={"no": " no", "yes": " yes"})
    return load_language_model(folder, "m", CLASSES, view, options)


def opened(kind, folder, **options):
    asked = ModelOptions(device="cpu", **options)
    if kind == "classifier":
        return load_classifier(folder, "m", CLASSES, asked)
    if kind == "encoder":
        return load_encoder(folder, "m", CLASSES, DESCRIBED, asked)
    return prompted(folder, asked)


KINDS = ["classifier", "encoder", "language model"]


@pytest.fixture
def folder_of(make_classifier, make_language_model):
    return lambda kind: make_language_model() if kind == "language model" else make_classifier()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("layers", "says"), [(3, "lack"), (1, "hold beyond them")])
def test_missing_and_left_over_weights_are_refused_unless_a_reason_is_given(folder_of, tmp_path, kind, layers, says):
    folder = changed(folder_of(kind), tmp_path / "m", num_hidden_layers=layers)
    with pytest.raises(ModelError, match=f"{says} .*--allow-untrained REASON"):
        opened(kind, folder)
    (told,) = opened(kind, folder, allow_untrained="a test of one layer more").warnings
    assert told.measure == "model.untrained_weights" and told.value > 1
    assert told.reason.endswith("a test of one layer more")
    assert opened(kind, str(folder_of(kind))).warnings == ()


def test_a_missing_head_is_refused(make_classifier, tmp_path):
    from safetensors.numpy import load_file, save_file

    folder = changed(make_classifier(), tmp_path / "m")
    weights = load_file(f"{folder}/model.safetensors")
    save_file({k: v for k, v in weights.items() if not k.startswith("classifier.")}, f"{folder}/model.safetensors")
    with pytest.raises(ModelError, match=r"lack 2 \(classifier\.bias"):
        opened("classifier", folder)


@pytest.mark.parametrize("kind", KINDS)
def test_weights_that_are_nan_answer_nothing(folder_of, tmp_path, kind):
    from safetensors.numpy import load_file, save_file

    folder = changed(folder_of(kind), tmp_path / "m")
    weights = load_file(f"{folder}/model.safetensors")
    name = next(name for name in weights if "layer" in name and name.endswith("weight"))
    weights[name] = np.full_like(weights[name], np.nan)
    save_file(weights, f"{folder}/model.safetensors", metadata={"format": "pt"})
    rows = opened(kind, folder).score(["the loan is denied", "low risk"])
    assert rows[:, 0].tolist() == [NOT_FINITE, NOT_FINITE]


def test_labels_that_may_be_right_together_are_refused(make_classifier, tmp_path):
    folder = changed(make_classifier(), tmp_path / "m", problem_type="multi_label_classification")
    with pytest.raises(ModelError, match="multi_label_classification"):
        opened("classifier", folder)
