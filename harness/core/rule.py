"""A policy's rule: which findings it judges, the limit, and why."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictFloat, StrictInt, model_validator

from harness.core.finding import Selector

Number = StrictInt | StrictFloat


class Rule(BaseModel):
    """One limit on one measure. `group` and `of` select findings: equal keys match, "*" is each.

    `above` is a lower limit that the interval must not touch. `required` marks a rule that the harness added, because the policy lacks it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    id: str = Field(min_length=1)
    measure: str = Field(pattern=r"^[a-z][a-z0-9_/-]*\.[a-z0-9_]+$")
    group: Selector | None = None
    of: Selector | None = None
    above: Number | None = None
    at_least: Number | None = None
    at_most: Number | None = None
    between: tuple[Number, Number] | None = None
    severity: Literal["block", "warn"] = "block"
    reason: str = Field(min_length=1)
    source: str = Field(min_length=1)
    clauses: list[str] = Field(default_factory=list)
    required: bool = False

    @model_validator(mode="after")
    def _one_sound_limit(self) -> Self:
        limits = [limit for limit in (self.above, self.at_least, self.at_most, self.between) if limit is not None]
        if len(limits) != 1:
            raise ValueError(
                f"rule {self.id}: give exactly one of above, at_least, at_most, between; got {len(limits)}"
            )
        if self.between is not None and not self.between[0] < self.between[1]:
            raise ValueError(f"rule {self.id}: between needs [low, high] with low < high, got {self.between}")
        return self

    @property
    def bounds(self) -> tuple[float | None, float | None]:
        """The lowest and the highest value allowed; None where that side is open."""
        if self.between is not None:
            return float(self.between[0]), float(self.between[1])
        lowest = self.above if self.at_least is None else self.at_least
        low = None if lowest is None else float(lowest)
        return low, None if self.at_most is None else float(self.at_most)

    @property
    def strict(self) -> bool:
        """Whether the lower bound itself is not allowed."""
        return self.above is not None

    def limit_text(self) -> str:
        """The limit as a person reads it."""
        if self.between is not None:
            return f"{self.between[0]:g} – {self.between[1]:g}"
        if self.above is not None:
            return f"> {self.above:g}"
        return f"≥ {self.at_least:g}" if self.at_least is not None else f"≤ {self.at_most:g}"
