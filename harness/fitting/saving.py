"""Saves what was fitted: the model, its card, and the ids of the rows that it was fitted to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.core.finding import Cell
from harness.models.skops_content import import_skops


def save_pipeline(pipeline: Any, folder: Path) -> None:
    """Writes a scikit-learn object as model.skops."""
    folder.mkdir(parents=True, exist_ok=True)
    import_skops().dump(pipeline, folder / "model.skops")


def save_card(folder: Path, card: dict[str, Cell], training_ids: list[str]) -> None:
    """Writes harness-model.json (recipe and training ids) and README.md (the model card)."""
    manifest = {**card, "training_ids": training_ids}
    (folder / "harness-model.json").write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    lines = [
        f"# {card['title']}",
        "",
        *[f"- {key}: {value}" for key, value in sorted(card.items()) if key != "title"],
        "",
        "A reference model made by `harness fit`: a starting point for comparison, not a product.",
    ]
    (folder / "README.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
