"""torch and transformers, imported late, with the device and the data type that the user wants."""

from __future__ import annotations

import math
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.core.finding import Cell, Finding
from harness.engine.durable import writing
from harness.engine.provenance import sha256_folder
from harness.errors import DeviceMemoryError, MissingExtraError, ModelError
from harness.models.options import ModelOptions

Floats = npt.NDArray[np.float64]
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
    except (RuntimeError, AssertionError) as error:  # torch asserts that it was built for the device
        raise ModelError(f"The device {wanted!r} can't be used: {error}. Wanted cpu, cuda, cuda:0 … or mps.") from error
    return device


def batch_tokens(device: Any) -> int:
    """Tokens of one batch: on a processor longer batches are slower, an accelerator wants more."""
    return BATCH_TOKENS_CPU if device.type == "cpu" else BATCH_TOKENS_ACCELERATOR


class TorchModel(ABC):
    """Scores a batch whole, or in 2, 4, 8 … parts where the device has no memory for more at once.

    Batches of a plan hold about as many tokens each (those of very short texts fewer), so the parts that one needed are where
    the next begins.
    """

    _model: Any
    _parts: float = 1  # math.inf: one text at a time

    @abstractmethod
    def _score(self, texts: list[str]) -> Floats:
        """Answers of texts that are read at once: the rows of `harness.engine.text_pass.TextModel.score`."""

    @property
    def accelerator(self) -> str | None:
        """The GPU that the model is on; None on the processor."""
        device = self._model.device
        if device.type == "cuda":
            return str(import_torch().cuda.get_device_name(device))
        return None if device.type == "cpu" else str(device.type).upper()

    def score(self, texts: list[str]) -> Floats:
        """Answers of one batch; DeviceMemoryError where the device has no memory for a single text."""
        return self._in_parts(lambda part: self._score(texts[part]), len(texts))

    def cost(self) -> float | None:
        """Nothing is charged."""
        return None

    def _in_parts(self, answer: Callable[[slice], Floats], count: int, most: int | None = None) -> Floats:
        """Rows of `answer` for 0 to `count`, at most `most` at once; in more parts where memory runs out."""
        while True:
            size = max(1, math.ceil(min(count, most or count) / self._parts))
            try:
                return np.vstack([answer(slice(i, i + size)) for i in range(0, count, size)])
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                if size == 1:
                    raise DeviceMemoryError(_too_small(self._model, "one text of this suite")) from None
            self._parts = max(2, 2 * self._parts)
            free_device_memory()


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether the device (CUDA with its libraries, MPS or the processor) had no memory left."""
    return any(sign in str(error).lower() for sign in _NO_MEMORY)


_NO_MEMORY = ("out of memory", "alloc_failed", "invalid buffer size", "not enough memory", "can't allocate memory")


def free_device_memory() -> None:
    """Gives back what the CUDA allocator keeps for later, so that smaller pieces find room."""
    torch = import_torch()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def _too_small(model: Any, what: str, device: Any = None) -> str:
    device = device or model.device
    ways = [
        *(["--dtype bfloat16 (half the memory)"] if "32" in str(getattr(model, "dtype", "")) else []),
        *(["--device cpu"] if device.type != "cpu" else []),
        "a smaller model",
    ]
    return f"out of memory: the device {device} holds too little for {what}. Give {' or '.join(ways)}."


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


def load_model(
    kind: str, folder: str, options: ModelOptions, offline: bool, *, whole: bool = True
) -> tuple[Any, tuple[Finding, ...]]:
    """The model of transformers' class `kind`, ready to answer, and what a reader must know of its weights.

    Raises:
        ModelError: it can't be read, or its files hold other weights than its config asks for and nobody said why that is right; heads
            do not count where the model is not wanted `whole`.
    """
    transformers, torch = import_transformers(), import_torch()
    device = choose_device(options.device)
    if offline:
        refuse_unsafe_files(Path(folder))
    try:
        model, loaded = getattr(transformers, kind).from_pretrained(
            folder,
            dtype=getattr(torch, options.dtype),
            local_files_only=offline,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, KeyError, ImportError) as error:
        raise ModelError(f"The model {folder} can't be read: {_first_line(error)}") from error
    return on_device(model, device).eval(), other_weights(loaded, folder, options.allow_untrained, whole=whole)


_OTHER_WEIGHTS = {"missing_keys": "lack", "unexpected_keys": "hold beyond them"}
_HEADS = re.compile(
    r"(^|\.)(pooler|classifier|pre_classifier|score|cls|lm_head|classification_head|qa_outputs|vocab_\w+)\."
)


def other_weights(loaded: dict[str, Any], folder: str, reason: str | None, *, whole: bool) -> tuple[Finding, ...]:
    """A finding where a folder's weights are not those of its config: what is missing would be random, what is left over unread.

    `loaded` is what transformers tells of reading them. Heads do not count where the model is not wanted `whole`.

    Raises:
        ModelError: they are not, and no reason is given.
    """
    names = {how: sorted(name for name in loaded[how] if whole or not _HEADS.search(name)) for how in _OTHER_WEIGHTS}
    told = [
        f"{verb} {len(names[how])} ({', '.join(names[how][:3])} …)"
        for how, verb in _OTHER_WEIGHTS.items()
        if names[how]
    ]
    if not told:
        return ()
    what = f"the weights that its config asks for: its files {' and '.join(told)}"
    if reason is None:
        raise ModelError(
            f"{folder} is not the model that was trained, because it does not hold {what}. Missing weights would be random numbers. Save it "
            "again whole (model.save_pretrained), mend config.json, or say why this is right: --allow-untrained REASON."
        )
    count = sum(map(len, names.values()))
    why = f"not {what}. {reason}"
    return (
        Finding(
            measure="model.untrained_weights",
            value=count,
            n=count,
            exact=True,
            better="lower",
            unit="weights",
            reason=why,
        ),
    )


def architecture_card(model: Any, options: ModelOptions) -> dict[str, Cell]:
    """What a card says of every model of transformers: its class, how many parameters it has, and their type."""
    return {
        "architecture": type(model).__name__,
        "parameters": int(model.num_parameters()),
        "dtype": options.dtype,
    }


def on_device(model: Any, device: Any) -> Any:
    """The model, moved; DeviceMemoryError where the device's memory does not hold it."""
    try:
        return model.to(device)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        free_device_memory()
        raise DeviceMemoryError(_too_small(model, "the weights of this model", device)) from None


def save_pretrained(folder: Path, model: Any, tokenizer: Any) -> None:
    """Writes the weights (safetensors), the config and the tokenizer into a folder; UserError where the disk refuses."""
    from safetensors import SafetensorError

    with writing(folder):
        try:
            model.save_pretrained(folder)
            tokenizer.save_pretrained(folder)
        except SafetensorError as error:  # it has the system's error as text only
            raise OSError(_first_line(error)) from error


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
