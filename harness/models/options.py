"""What the user says about a model on the command line."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from harness.errors import UserError

DataType = Literal["float32", "bfloat16", "float16"]


@dataclass(frozen=True)
class ModelOptions:
    """How to open and ask a model; each has a sound default.

    `label_map` maps the model's own label names to the suite's classes. `window` reads a long text in overlapping windows
    and averages, instead of cutting it. `max_tokens` is what a written answer may take; with None the adapter's default,
    which a server may refuse. Prices are per million tokens, for the cost of a server;
    without `probe` nothing is asked while the model is opened (a plan asks nothing).
    """

    view: str | None = None
    allow_unsafe_load: str | None = None
    label_map: dict[str, str] = field(default_factory=dict)
    dtype: DataType = "float32"
    device: str | None = None
    window: bool = False
    max_calls: int | None = None
    max_cost: float | None = None
    max_tokens: int | None = None
    concurrency: int = 4
    price_in: float | None = None
    price_out: float | None = None
    probe: bool = True

    def __post_init__(self) -> None:
        if self.view not in (None, "columns", "text"):
            raise UserError(f"There is no view {self.view!r} of a .skops file. Wanted columns or text.")
        if self.max_tokens is not None and self.max_tokens < 1:
            raise UserError(f"--max-tokens {self.max_tokens} leaves no room for an answer. Wanted 1 or more.")
        if self.max_cost is not None and self.price_in is None and self.price_out is None:
            raise UserError("--max-cost needs prices. Give --price-in and --price-out (per million tokens).")
