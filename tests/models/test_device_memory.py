"""A device without room for a whole batch: the answers are the same, asked in parts."""

import numpy as np
import pytest

from harness.engine.progress import silent
from harness.errors import DeviceMemoryError
from harness.fitting.text import Examples, Recipe, fine_tune
from harness.models.language_model import load_language_model
from harness.models.options import ModelOptions
from harness.models.transformers_classifier import load_classifier
from harness.models.zero_shot_encoder import load_encoder
from harness.spec.suite import PromptView

torch = pytest.importorskip("torch")

CLASSES = ("no", "yes")
TEXTS = ["the loan is denied", "a", "high risk of a low income", "yes no yes", "the loan", "age 41", "income 3"]


def classifier(make_classifier, make_language_model):
    return load_classifier(str(make_classifier()), "m", CLASSES, ModelOptions(device="cpu"))


def language_model(make_classifier, make_language_model):
    view = PromptView(template="{{ text }}", choices={"no": " the loan is denied", "yes": " granted"})
    return load_language_model(str(make_language_model()), "m", CLASSES, view, ModelOptions(device="cpu"))


def encoder(make_classifier, make_language_model):
    said = {"no": "the loan is denied", "yes": "granted"}
    return load_encoder(str(make_classifier()), "m", CLASSES, said, ModelOptions(device="cpu"))


@pytest.fixture(params=[classifier, language_model, encoder])
def model(request, make_classifier, make_language_model):
    return request.param(make_classifier, make_language_model)


def holding(model, texts, monkeypatch, message="CUDA out of memory. Tried to allocate 2.00 GiB"):
    """The model on a device that holds at most so many texts; notes the size of each batch that it was given."""
    given, forward = [], model._model.forward

    def limited(*args, **inputs):
        size = len(inputs["input_ids"])
        given.append(size)
        if size > texts:
            raise torch.OutOfMemoryError(message)
        return forward(*args, **inputs)

    monkeypatch.setattr(model._model, "forward", limited)
    return given


def test_a_batch_that_does_not_fit_is_asked_in_parts_and_the_next_begins_so(model, monkeypatch):
    wanted = model.score(TEXTS)
    given = holding(model, 2, monkeypatch)
    assert np.abs(model.score(TEXTS) - wanted).max() < 1e-5
    assert given[:2] == [7, 4]
    given.clear()
    assert np.abs(model.score(TEXTS) - wanted).max() < 1e-5
    assert max(given) <= 2


def test_a_text_that_does_not_fit_alone_is_an_error_that_says_what_to_do(model, monkeypatch):
    holding(model, 0, monkeypatch)
    with pytest.raises(
        DeviceMemoryError,
        match=r"one text of this suite\. Give --dtype bfloat16 \(half the memory\) or a smaller model",
    ):
        model.score(TEXTS)


def test_another_error_of_the_device_is_not_taken_for_it(model, monkeypatch):
    holding(model, 2, monkeypatch, message="device-side assert triggered")
    with pytest.raises(RuntimeError, match="device-side assert"):
        model.score(TEXTS)


def test_the_windows_of_one_long_text_are_read_in_parts(make_classifier, monkeypatch):
    model = load_classifier(str(make_classifier()), "m", CLASSES, ModelOptions(device="cpu", window=True))
    long = ["low high " * 400, "the loan"]
    wanted = model.score(long)
    given = holding(model, 3, monkeypatch)
    assert np.abs(model.score(long) - wanted).max() < 1e-5
    assert max(given) > 10  # what did not fit at first


def test_an_encoders_descriptions_are_read_in_parts(make_classifier, monkeypatch):
    from transformers import BertModel

    forward = BertModel.forward

    def limited(self, *args, **inputs):
        if len(inputs["input_ids"]) > 1:
            raise torch.OutOfMemoryError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate")
        return forward(self, *args, **inputs)

    wanted = encoder(make_classifier, None).score(TEXTS)
    monkeypatch.setattr(BertModel, "forward", limited)
    assert np.abs(encoder(make_classifier, None).score(TEXTS) - wanted).max() < 1e-5


def test_weights_that_do_not_fit_are_an_error_that_says_what_to_do(make_classifier, monkeypatch):
    def full(self, device):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(torch.nn.Module, "to", full)
    with pytest.raises(DeviceMemoryError, match="the weights of this model"):
        load_classifier(str(make_classifier()), "m", CLASSES, ModelOptions(device="cpu"))


def test_fine_tuning_beyond_the_devices_memory_says_what_to_do(make_classifier, monkeypatch):
    labels = np.array(["no", "yes"] * 20)
    examples = Examples([f"risk {i} is {label}" for i, label in enumerate(labels)], labels)

    def full(self):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(torch.Tensor, "backward", full)
    with pytest.raises(DeviceMemoryError, match=r"while fine-tuning.*--freeze"):
        fine_tune(str(make_classifier()), examples, CLASSES, Recipe(device="cpu"), silent)
