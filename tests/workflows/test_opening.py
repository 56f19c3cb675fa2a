import json

import pytest

from harness.datasets.roles import DataOptions
from harness.errors import ModelError
from harness.models.options import ModelOptions
from harness.spec.loading import load_suite
from harness.workflows.opening import open_model


def opened(uri, **asked):
    return open_model(str(uri), load_suite("finance/credit-risk"), DataOptions(), ModelOptions(**asked))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("model.gguf", "is a GGUF file. Convert it"),
        ("pytorch_model.bin", "is a pickle, which can run any code"),
        ("model.pt", "is a pickle"),
        ("model.txt", "is no known kind of model"),
    ],
)
def test_files_that_can_not_be_opened_safely_say_what_to_do(tmp_path, name, says):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ModelError, match=says):
        opened(tmp_path / name)


def test_a_torch_pickle_stays_closed_whatever_the_reason(tmp_path):
    (tmp_path / "model.pt").write_bytes(b"x")
    with pytest.raises(ModelError, match="is a pickle"):
        opened(tmp_path / "model.pt", allow_unsafe_load="trust me")


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r"holds no model\.skops"):
        opened(tmp_path)


def test_a_bundled_name_that_does_not_exist_is_refused():
    with pytest.raises(ModelError, match="Wanted one of: minilm, smollm2"):
        opened("bundled:gpt")


def test_a_model_fitted_on_other_data_is_refused(credit_model, tmp_path):
    card = json.loads((credit_model / "harness-model.json").read_text(encoding="utf-8"))
    (tmp_path / "model.skops").write_bytes((credit_model / "model.skops").read_bytes())
    changed = {**card, "data_fingerprint": "sha256:0"}
    (tmp_path / "harness-model.json").write_text(json.dumps(changed), encoding="utf-8")
    with pytest.raises(ModelError, match="fitted on other data"):
        opened(tmp_path)
