"""What a check measured: findings, exhibits, and the record that holds them."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from harness.core.interval import Interval

Selector = dict[str, str]
Cell = str | int | float | bool | None
Status = Literal["measured", "not_tested", "not_applicable", "error"]


class Finding(BaseModel):
    """One number: what it measures, of whom, on how many rows, and how sure it is.

    `exact` marks counts and flags, which need no interval. An undefined value is None and has a reason.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    measure: str
    value: float | None
    n: int
    interval: Interval | None = None
    group: Selector | None = None
    of: Selector | None = None
    unit: str | None = None
    better: Literal["higher", "lower", "target"] | None = None
    exact: bool = False
    reason: str | None = None

    @model_validator(mode="after")
    def _undefined_has_a_reason(self) -> Self:
        if self.value is None and not self.reason:
            raise ValueError(f"{self.measure}: an undefined value needs a reason")
        return self


ROW_ID_COLUMNS = frozenset({"id", "test row", "resembles row"})


class Exhibit(BaseModel):
    """Data for a chart or a table; never a drawing.

    A column with a name of ROW_ID_COLUMNS holds ids of rows: they may name people, so a report shows hashes of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    kind: Literal["table", "bars", "intervals", "curve", "matrix"]
    title: str
    columns: list[str]
    rows: list[list[Cell]]

    @property
    def row_id_places(self) -> list[int]:
        """The columns that hold ids of rows, by position; none but in a table."""
        return [i for i, name in enumerate(self.columns) if name in ROW_ID_COLUMNS] if self.kind == "table" else []


class CheckRecord(BaseModel):
    """One check's outcome: its parameters, status, findings and exhibits."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    check: str
    parameters: dict[str, object] = Field(default_factory=dict)
    status: Status
    reason: str | None = None
    findings: list[Finding] = Field(default_factory=list)
    exhibits: list[Exhibit] = Field(default_factory=list)
    seconds: float = 0.0
    queries: int = 0

    @model_validator(mode="after")
    def _unmeasured_has_a_reason(self) -> Self:
        if self.status != "measured" and not self.reason:
            raise ValueError(f"{self.check}: status {self.status} needs a reason")
        return self
