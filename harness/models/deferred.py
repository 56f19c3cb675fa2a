"""A local model that is read from disk only when an answer is wanted that no run has kept.

Importing torch and reading the weights take seconds; a run whose answers are all kept needs neither. What a run must know of a
model besides its answers (its card, its context, how its batches are cut) is kept when it is first read, under a key of
everything that it depends on: the files of the model, how the user and the suite want it read, the code of the adapters and
the versions of the libraries.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, ValidationError

from harness.core.audit import ModelInfo
from harness.core.finding import Finding
from harness.engine import provenance
from harness.engine.batching import TextSizes
from harness.engine.cache import not_kept
from harness.engine.durable import write_file
from harness.engine.text_pass import TextModel
from harness.engine.warned import warn
from harness.errors import ModelError, UserError
from harness.models.options import ModelOptions
from harness.resources import cache_folder
from harness.spec.suite import Views

Floats = npt.NDArray[np.float64]


class Description(BaseModel):
    """What a run must know of a model besides its answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    info: ModelInfo
    settings: str
    context: int | None
    batch_tokens: int
    batch_texts: int
    warnings: tuple[Finding, ...] = ()


class DeferredModel:
    """A `TextModel` by its description; the first answer, size or other wish reads it from disk."""

    def __init__(self, described: Description, classes: tuple[str, ...], load: Callable[[], TextModel]) -> None:
        self.info, self.settings, self.context = described.info, described.settings, described.context
        self.batch_tokens, self.batch_texts = described.batch_tokens, described.batch_texts
        self.classes, self.warnings = classes, described.warnings
        self._load = load
        self._read: TextModel | None = None

    def sizes(self, texts: list[str]) -> TextSizes:
        """Tokens of each text."""
        return self._model().sizes(texts)

    def score(self, texts: list[str]) -> Floats:
        """Answers of one batch."""
        return self._model().score(texts)

    def cost(self) -> float | None:
        """Nothing is charged for a local model."""
        return None

    @property
    def accelerator(self) -> str | None:
        """The GPU that the model was read onto; None where it was not read."""
        return getattr(self._read, "accelerator", None)

    def __getattr__(self, name: str) -> Any:
        """What else the model can do."""
        if name.startswith("__") or name in ("tokens_in", "tokens_out"):  # a local model counts no tokens
            raise AttributeError(name)
        return getattr(self._model(), name)

    def _model(self) -> TextModel:
        if self._read is None:
            self._read = self._load()
            if (self._read.settings, self._read.context) != (self.settings, self.context):
                raise ModelError(
                    f"{self.info.uri} does not read as it was described before. Delete the folder 'described' of the answer cache "
                    "(HARNESS_CACHE) and run again."
                )
            self.batch_tokens, self.batch_texts = self._read.batch_tokens, self._read.batch_texts
        return self._read


def deferred(
    folder: Path, uri: str, classes: tuple[str, ...], views: Views, options: ModelOptions, load: Callable[[], TextModel]
) -> TextModel:
    """The model of a folder: by its description where one is kept, else read at once and described."""
    try:
        path = _place(folder, uri, classes, views, options)
    except UserError as error:  # there is no place for a cache
        warn(not_kept(error))
        return load()
    try:
        described = Description.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        model = load()
        kept = Description(
            info=model.info,
            settings=model.settings,
            context=model.context,
            batch_tokens=model.batch_tokens,
            batch_texts=model.batch_texts,
            warnings=model.warnings,
        )
        try:
            write_file(path, kept.model_dump_json().encode())
        except UserError as error:
            warn(not_kept(error))
        return model
    return DeferredModel(described, classes, load)


def _place(folder: Path, uri: str, classes: tuple[str, ...], views: Views, options: ModelOptions) -> Path:
    adapters = [provenance.sha256_file(file) for file in sorted(Path(__file__).parent.glob("*.py"))]
    depends = {
        "files": provenance.sha256_folder(folder),
        "uri": uri,
        "classes": classes,
        "views": views.model_dump(mode="json"),
        "options": {
            name: asdict(options)[name]
            for name in ("view", "label_map", "dtype", "device", "window", "allow_untrained", "max_tokens")
        },
        "code": [provenance.harness_version(), *adapters],
        "libraries": {name: provenance.version_of(name) for name in ("torch", "transformers", "tokenizers", "numpy")},
    }
    name = provenance.sha256_texts([json.dumps(depends, sort_keys=True)]).partition(":")[2]
    return cache_folder() / "described" / f"{name[:32]}.json"
