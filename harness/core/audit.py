"""The record of an audit: everything that a report or a later judgement needs."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from harness.core.datacard import DataCard
from harness.core.decision import Verdict
from harness.core.finding import Cell, CheckRecord
from harness.core.operating_point import OperatingPoint
from harness.core.required_rules import PolicyFacts
from harness.core.rule import Rule
from harness.core.system import System
from harness.core.waiver import Waiver


class _Stored(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SuiteParent(_Stored):
    """A suite that another one extends: how it was named, and the digest of its file."""

    name: str
    sha256: str


class SuiteRef(_Stored):
    """Which suite was run; `uri` is its file as it was named, or the file's name alone where the path is absolute.

    `words` are what the suite calls its rows and positives (data.words), where it says so.
    """

    name: str
    uri: str | None = None
    version: str
    digest: str
    vertical: str
    task: str
    title: dict[str, str] = Field(default_factory=dict)
    words: dict[str, str] = Field(default_factory=dict)
    seed: int
    extends: list[SuiteParent] = Field(default_factory=list)


class ModelInfo(_Stored):
    """Which model was audited; `offers` says what it can be asked for, `absent` how many rows of a split saved predictions lack."""

    uri: str
    kind: str
    fingerprint: str
    view: str = "columns"
    offers: list[str] = Field(default_factory=list)
    absent: dict[str, int] = Field(default_factory=dict)
    card: dict[str, Cell] = Field(default_factory=dict)


class SplitRef(_Stored):
    """A part of the data: its role, its size, and the digest of its row ids."""

    role: str
    rows: int
    ids_digest: str


class DataRef(_Stored):
    """Which data were used, how they were split, and their card; `source` is what was loaded by name, None for a file."""

    fingerprint: str
    rows: int
    duplicates_dropped: int
    splits: list[SplitRef]
    card: DataCard | None = None
    members: str
    sampled_rows: int | None = None
    source: str | None = None


class PolicyRef(_Stored):
    """The policy that judged; its digest covers rules and waivers. `facts` are what the required rules depend on."""

    digest: str
    rules: list[Rule]
    waivers: list[Waiver] = Field(default_factory=list)
    facts: PolicyFacts | None = None


class PredictionsRef(_Stored):
    """Where the saved predictions lie, beside the record."""

    path: str
    sha256: str


class Usage(_Stored):
    """What the run itself asked of the model: calls that no kept answer saved, tokens and cost where they are counted."""

    calls: int
    tokens_in: int | None = None
    tokens_out: int | None = None
    cost: float | None = None


class EarlierAudits(_Stored):
    """How often the same test rows were audited before, in the runs folder of the audit, and how many models that were."""

    audits: int
    models: int


class Audit(_Stored):
    """One audit; every output is a pure function of it.

    `digest_version` is the definition of `evidence_digest`: 1 in records that do not state it. `rejudged_from` is the digest
    of the record whose evidence was judged again. `warnings` tell what the disk refused and what only time was lost by. `decision` is
    None in a record of an earlier version. `row_hashes` is what reports call the rows whose ids the exhibits hold; None where no key
    was at hand.
    """

    schema_: Literal["vertical-harness/audit/1"] = Field(default="vertical-harness/audit/1", alias="schema")
    suite: SuiteRef
    model: ModelInfo
    data: DataRef
    records: list[CheckRecord]
    policy: PolicyRef
    verdict: Verdict
    system: System = System()
    predictions: PredictionsRef | None = None
    decision: OperatingPoint | None = None
    harness: dict[str, str]
    environment: dict[str, Any]
    started: str
    seconds: float
    usage: Usage | None = None
    earlier_audits: EarlierAudits | None = None
    warnings: list[str] = Field(default_factory=list)
    rejudged_from: str | None = None
    digest_version: int = 1
    row_hashes: dict[str, str] | None = None
    evidence_digest: str
    digest: str

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)
