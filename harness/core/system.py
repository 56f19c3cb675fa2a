"""The system that a model is part of, as its provider describes it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class System(BaseModel):
    """Purpose, people and limits of use; what is left out is printed as "not stated"."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str | None = None
    version: str | None = None
    provider: str | None = None
    intended_purpose: str | None = None
    users: str | None = None
    affected: str | None = None
    jurisdictions: list[str] = Field(default_factory=list)
    out_of_scope: str | None = None
