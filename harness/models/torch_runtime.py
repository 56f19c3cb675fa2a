"""torch and transformers, imported late, with the device and the data type that the user wants."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from harness.engine.provenance import sha256_folder
from harness.errors import MissingExtraError, ModelError

BATCH_TOKENS_CPU, BATCH_TOKENS_ACCELERATOR = 2048, 32768


def import_torch() -> Any:
    """torch; MissingExtraError with the pip line where it is not installed."""
    try:
        import torch
    except ImportError as error:
        raise MissingExtraError(
            "This model needs torch and transformers. Install them: pip install 'vertical-harness[text]'."
        ) from error
    return torch


def import_transformers() -> Any:
    """transformers, quiet and offline unless the user says otherwise."""
    import_torch()
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        import transformers
    except ImportError as error:
        raise MissingExtraError(
            "This model needs transformers. Install it: pip install 'vertical-harness[text]'."
        ) from error
    logging: Any = transformers.utils.logging
    logging.disable_progress_bar()
    return transformers


def choose_device(wanted: str | None) -> Any:
    """The device asked for, else CUDA, else MPS, else the processor; ModelError where it is absent."""
    torch = import_torch()
    if wanted is None:
        wanted = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        device = torch.device(wanted)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise ModelError(f"The device {wanted!r} can't be used: {error}. Wanted cpu, cuda, cuda:0 … or mps.") from error
    return device


def batch_tokens(device: Any) -> int:
    """Tokens of one batch: on a processor longer batches are slower, an accelerator wants more."""
    return BATCH_TOKENS_CPU if device.type == "cpu" else BATCH_TOKENS_ACCELERATOR


def architecture_of(folder: str, offline: bool) -> str:
    """`classifier`, `language-model` or `encoder`, by the architecture that the config names."""
    transformers = import_transformers()
    try:
        config = transformers.AutoConfig.from_pretrained(folder, local_files_only=offline, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"The config of {folder} can't be read: {_first_line(error)}") from error
    names = " ".join(config.architectures or [])
    if "ForSequenceClassification" in names:
        return "classifier"
    if "ForCausalLM" in names or "LMHeadModel" in names or "ForConditionalGeneration" in names:
        return "language-model"
    if "For" not in names:
        return "encoder"
    raise ModelError(f"{folder} is a {names}. Wanted a sequence classifier, a language model or a plain encoder.")


def refuse_unsafe_files(folder: Path) -> None:
    """ModelError where a folder's weights are a pickle without a safetensors file beside it."""
    weights = [p.name for p in folder.iterdir() if p.suffix in (".bin", ".pt", ".pth", ".ckpt")]
    safe = [p.name for p in folder.iterdir() if p.suffix == ".safetensors"]
    if [name for name in weights if name.startswith("pytorch_model")] and not safe:
        raise ModelError(
            f"{folder.name} holds its weights as a pickle ({weights[0]}). Convert it where you trust it: "
            "AutoModel.from_pretrained(folder).save_pretrained(folder) writes model.safetensors."
        )


def load_tokenizer(folder: str, offline: bool) -> Any:
    """The tokenizer of a folder or hub name; ModelError where there is none."""
    transformers = import_transformers()
    if offline and not any((Path(folder) / name).exists() for name in _TOKENIZER_FILES):
        raise ModelError(
            f"{folder} holds no tokenizer ({', '.join(_TOKENIZER_FILES[:3])} …). Save it beside the model: "
            "tokenizer.save_pretrained(folder)."
        )
    try:
        return transformers.AutoTokenizer.from_pretrained(folder, local_files_only=offline, trust_remote_code=False)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise ModelError(f"The tokenizer of {folder} can't be read: {_first_line(error)}") from error


def load_model(kind: str, folder: str, dtype: str, device: Any, offline: bool) -> Any:
    """The model of transformers' class `kind`, ready to answer; ModelError where it can't be read."""
    transformers, torch = import_transformers(), import_torch()
    if offline:
        refuse_unsafe_files(Path(folder))
    try:
        model = getattr(transformers, kind).from_pretrained(
            folder,
            dtype=getattr(torch, dtype),
            local_files_only=offline,
            trust_remote_code=False,
            use_safetensors=True,
        )
    except (OSError, ValueError, RuntimeError, KeyError, ImportError) as error:
        raise ModelError(f"The model {folder} can't be read: {_first_line(error)}") from error
    return model.to(device).eval()


def fingerprint_of(folder: str, model: Any, offline: bool) -> str:
    """The digest of a folder's files; of a hub model its name and the commit that was loaded."""
    if offline:
        return sha256_folder(Path(folder))
    return f"hub:{folder}@{getattr(model.config, '_commit_hash', None) or 'unknown'}"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


_TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
    "tokenizer.model",
    "vocab.json",
    "spiece.model",
)
