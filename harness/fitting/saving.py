"""Saves what was fitted: the model, its card, and the ids of the rows that it was fitted to."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from harness.core.finding import Cell
from harness.engine.durable import take_place, unfinished_folder, write_file, written_file
from harness.errors import UserError
from harness.models.skops_content import import_skops

_CARD = "harness-model.json"
_FILES = (
    *(_CARD, "README.md", "model.skops", "config.json", "generation_config.json", "model*.safetensors"),
    *("model.safetensors.index.json", "tokenizer*", "special_tokens_map.json", "added_tokens.json", "vocab.*"),
    *("merges.txt", "spiece.model", "sentencepiece*.model", "chat_template.*"),
)
"""The names of what `harness fit` writes, transformers' names among them."""


@contextmanager
def model_folder(folder: Path) -> Iterator[Path]:
    """A hidden folder beside a model's, which takes its name when the block ends: a model is there whole or not at all.

    A model that `harness fit` made before is replaced.

    Raises:
        UserError: the folder holds something else, which would be lost, or the disk refuses.
    """
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if others := sorted(name for name in names if not any(fnmatch(name, known) for known in _FILES)):
        raise UserError(
            f"{folder} holds what harness fit did not write, and it would be lost: {', '.join(others[:5])}. Name a folder of the "
            "model's own."
        )
    with unfinished_folder(Path(os.path.realpath(folder)).parent) as unfinished:
        yield unfinished
        take_place(unfinished, folder)


def save_pipeline(pipeline: Any, folder: Path) -> None:
    """Writes a scikit-learn object as model.skops."""
    skops = import_skops()
    with written_file(folder / "model.skops") as stream:
        skops.dump(pipeline, stream)


def save_card(folder: Path, card: dict[str, Cell], training_ids: list[str]) -> None:
    """Writes harness-model.json (recipe and training ids) and README.md (the model card)."""
    manifest = {**card, "training_ids": training_ids}
    write_file(folder / _CARD, (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode())
    lines = [
        f"# {card['title']}",
        "",
        *[f"- {key}: {value}" for key, value in sorted(card.items()) if key != "title"],
        "",
        "A reference model made by `harness fit`: a starting point for comparison, not a product.",
    ]
    write_file(folder / "README.md", ("\n".join(lines) + "\n").encode())
