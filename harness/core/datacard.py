"""A data card: where data come from, under which licence, and what is wrong with them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class DataCard(BaseModel):
    """What a reader must know of a data set; `sha256` is of the file, and a file that differs is refused.

    `public` says that anybody may have trained on the rows: a general model may have seen them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str
    source: str
    licence: str
    real_or_synthetic: Literal["real", "synthetic", "mixed"]
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    sensitive_columns: list[str] = Field(default_factory=list)
    known_flaws: list[str] = Field(default_factory=list)
    intended_use: str | None = None
    public: bool = False
