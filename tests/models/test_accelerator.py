"""The same answers on CUDA as on the processor; skipped where there is no such device."""

from contextlib import contextmanager

import numpy as np
import pytest

from harness.engine.progress import silent
from harness.errors import DeviceMemoryError
from harness.fitting.text import Examples, Recipe, fine_tune
from harness.models.language_model import load_language_model
from harness.models.options import ModelOptions
from harness.models.torch_runtime import choose_device, on_device
from harness.models.transformers_classifier import load_classifier
from harness.models.zero_shot_encoder import load_encoder
from harness.spec.suite import PromptView

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")

CLASSES = ("no", "yes")
TEXTS = ["the loan is denied", "a", "high risk of a low income", "", "yes no yes", "the loan", "age 41 income 3"] * 9
VIEW = PromptView(template="{{ text }}", choices={"no": " the loan is denied", "yes": " granted"})


def on(device, kind, folder, dtype="float32"):
    options = ModelOptions(device=device, dtype=dtype)
    if kind == "classifier":
        return load_classifier(folder, "m", CLASSES, options)
    if kind == "encoder":
        return load_encoder(folder, "m", CLASSES, {"no": "the loan is denied", "yes": "granted"}, options)
    return load_language_model(folder, "m", CLASSES, VIEW, options)


@pytest.fixture(params=["classifier", "encoder", "causal", "seq2seq"])
def kind(request):
    return request.param


@pytest.fixture
def folder(kind, make_classifier, make_language_model):
    return str(make_classifier() if kind in ("classifier", "encoder") else make_language_model(kind))


def test_float32_answers_are_the_processors(kind, folder):
    cpu, cuda = on("cpu", kind, folder), on(None, kind, folder)
    assert cuda._model.device.type == "cuda"
    assert np.abs(cuda.score(TEXTS) - cpu.score(TEXTS)).max() < 1e-5


def test_batch_and_order_change_nothing(kind, folder):
    model = on("cuda", kind, folder)
    together = model.score(TEXTS)
    assert np.abs(together - np.vstack([model.score([text]) for text in TEXTS])).max() < 1e-5
    assert np.abs(together - model.score(TEXTS[::-1])[::-1]).max() < 1e-5


def test_bfloat16_lies_near(kind, folder):
    given, wanted = on("cuda", kind, folder, "bfloat16").score(TEXTS), on("cpu", kind, folder).score(TEXTS)
    allowed = 0.3 if kind == "encoder" else 0.05  # similarity is divided by a temperature of 0.05
    assert np.abs(given - wanted)[:, 1:].max() < allowed


def test_greedy_answers_are_the_processors(make_language_model):
    folder = str(make_language_model())
    cpu, cuda = on("cpu", "causal", folder), on("cuda", "causal", folder)
    assert cuda.generate(["the income is high", "a"], tokens=6) == cpu.generate(["the income is high", "a"], tokens=6)


def test_a_batch_beyond_the_devices_memory_is_asked_in_parts(make_classifier):
    model = on("cuda", "classifier", str(make_classifier()))
    texts = [f"the loan is denied {i} " + "low " * 50 for i in range(40_000)]
    wanted = np.vstack([model.score(texts[i : i + 1000]) for i in range(0, len(texts), 1000)])
    with memory_of(0.4 * 2**30):
        assert np.abs(model.score(texts) - wanted).max() < 1e-5
        assert model._parts > 1


def test_weights_beyond_the_devices_memory_are_refused():
    with memory_of(2**20), pytest.raises(DeviceMemoryError, match="out of memory"):
        on_device(torch.nn.Linear(4096, 4096), choose_device("cuda"))


@contextmanager
def memory_of(size):
    """The CUDA device with only so many bytes for this process."""
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(size / torch.cuda.get_device_properties(0).total_memory)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def test_fine_tuning_twice_gives_the_same_weights(make_classifier):
    rng = np.random.default_rng(0)
    labels = rng.choice(CLASSES, 200)
    examples = Examples(["the loan risk is " + ("high" if label == "yes" else "low") for label in labels], labels)
    recipe = Recipe(device="cuda")
    first, second = (fine_tune(str(make_classifier()), examples, CLASSES, recipe, silent) for _ in (0, 1))
    assert first.device == "cuda"
    weights = second.model.state_dict()
    assert all(torch.equal(value, weights[name]) for name, value in first.model.state_dict().items())
