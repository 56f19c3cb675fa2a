"""A suite as its author writes it, as validated types."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StrictFloat,
    StrictInt,
    WithJsonSchema,
    model_serializer,
    model_validator,
)

from harness.core.comparison import Margin, Margins, release_rules
from harness.core.finding import Selector
from harness.core.rule import Rule
from harness.core.system import System
from harness.core.waiver import Waiver
from harness.spec.waivers import refuse_misfits

Task = Literal["classification", "regression", "choice", "generation"]


def _as_text(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


Text = Annotated[str, BeforeValidator(_as_text), WithJsonSchema({"type": ["string", "number", "boolean"]})]
Number = StrictInt | StrictFloat


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Threshold(_Strict):
    """A class made of a number: at least this is positive."""

    at_least: Number


class Label(_Strict):
    """The label column; which class is positive, and which outcome is favourable to the person; the unit of a number.

    `column` is null where no true answer exists (only checks that need none run). `missing` says what becomes of rows without
    a label: `refuse` ends the run, `leave_out` leaves them out, and data.quality counts them.
    """

    column: str | None
    unit: str | None = None
    positive: Text | Threshold | None = None
    favourable: Text | None = None
    missing: Literal["refuse", "leave_out"] = "refuse"
    names: dict[Literal["positive", "negative"], str] = Field(default_factory=dict)

    @property
    def positive_name(self) -> str | None:
        """The positive class's name."""
        if isinstance(self.positive, Threshold):
            return self.names.get("positive", "positive")
        return self.positive


class Sensitive(_Strict):
    """A sensitive attribute: its column, and either names for its values or bins for its numbers."""

    column: str
    values: dict[Text, str] | None = None
    bins: list[Number] | None = None

    @model_validator(mode="after")
    def _values_or_bins(self) -> Self:
        if self.values is not None and self.bins is not None:
            raise ValueError("give values or bins, not both")
        if self.bins is not None and (len(self.bins) < 2 or sorted(set(self.bins)) != self.bins):
            raise ValueError(f"bins must rise and have two edges at least, got {self.bins}")
        return self


class NumberFormat(_Strict):
    """How a column's numbers are written: `1.234,50 €` has decimal `,`, thousands `.` and unit `€`, which is cut off.

    Without `decimal` the file's marks hold; a column that gives its decimal mark gives its thousands mark too. A blank as
    thousands mark stands for every kind of blank. A number stays as written: `3.83 %` is 3.83.
    """

    decimal: Literal[".", ","] | None = None
    thousands: str | None = Field(default=None, min_length=1, max_length=1)
    unit: str | None = Field(default=None, min_length=1)


class Read(_Strict):
    """How a text file is read; `numbers` (column → format) holds for columns of text in any source.

    `skip` lines stand above the header, and the last `footer` lines that hold something are no rows (a total).
    """

    separator: str = ","
    decimal: str = "."
    thousands: str | None = None
    encoding: str = "utf-8"
    skip: int = Field(default=0, ge=0)
    footer: int = Field(default=0, ge=0)
    numbers: dict[str, NumberFormat] = Field(default_factory=dict)

    def format_of(self, column: str) -> tuple[str, str | None, str | None]:
        """A column's decimal mark, thousands mark and unit."""
        own = self.numbers.get(column, NumberFormat())
        if own.decimal is not None:
            return own.decimal, own.thousands, own.unit
        return self.decimal, own.thousands or self.thousands, own.unit

    @model_validator(mode="after")
    def _marks_differ(self) -> Self:
        for where, column in [("read", ""), *((f"read.numbers.{name}", name) for name in self.numbers)]:
            decimal, thousands, _ = self.format_of(column)
            if decimal == thousands:
                raise ValueError(f"{where}: decimal and thousands are both {decimal!r}; give two marks that differ")
        return self

    @model_serializer(mode="wrap")
    def _without_the_unused(self, inner: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # The digest of a suite that uses none of these keys stays what it was before there were any.
        return {key: value for key, value in inner(self).items() if value or key not in ("numbers", "skip", "footer")}


class SplitPlan(_Strict):
    """Shares of the splits; training gets what is left."""

    test: float = Field(default=0.4, gt=0, le=1)
    calibration: float = Field(default=0.0, ge=0, lt=1)
    stratify: list[str] = Field(default_factory=list)
    group: str | None = None
    column: str | None = None
    seed: int = 20260101

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        if self.test + self.calibration > 1:
            raise ValueError(f"test and calibration take {self.test + self.calibration:g} of the rows; at most 1")
        return self


class Data(_Strict):
    """The data of a suite. `cluster` names the column of what rows belong together to (a patient, a
    machine), or the columns whose equal values make rows belong together (the ingredients of a mix)."""

    source: str
    card: str | None = None
    label: Label
    features: list[str] = Field(min_length=1)
    categorical: list[str] = Field(default_factory=list)
    options: list[str] = Field(default_factory=list)
    sensitive: dict[str, Sensitive] = Field(default_factory=dict)
    reference: dict[str, str] = Field(default_factory=dict)
    slices: dict[str, Sensitive] = Field(default_factory=dict)
    id: str | None = None
    cluster: str | list[str] | None = None
    read: Read = Read()
    missing: dict[str, list[Any]] = Field(default_factory=dict)
    ranges: dict[str, tuple[Number, Number]] = Field(default_factory=dict)
    drop_duplicates: bool = False
    texts_in_reports: bool = False
    split: SplitPlan = SplitPlan()

    @property
    def cluster_columns(self) -> list[str]:
        """The columns that name a row's cluster; the split's group where no cluster is named."""
        named = self.cluster or self.split.group
        return [named] if isinstance(named, str) else list(named or [])

    @model_validator(mode="after")
    def _label_is_no_feature(self) -> Self:
        if len(set(self.features)) != len(self.features):
            raise ValueError("features are listed twice")
        if self.label.column in self.features:
            raise ValueError(f"the label {self.label.column!r} is listed under features: every model would be perfect")
        for key, named in (("categorical", self.categorical), ("options", self.options)):
            if unknown := sorted(set(named) - set(self.features)):
                raise ValueError(f"{key} names {', '.join(unknown)}, which is not under features")
        for attribute in self.reference:
            if attribute not in self.sensitive:
                raise ValueError(f"reference names {attribute!r}, which is not under sensitive")
        return self


class PromptView(_Strict):
    """A prompt's template, and what a language model may answer: a class's name → the words of the choice.

    Regression has no choices: the model writes a number.
    `normalise` divides a choice's log-likelihood by its number of tokens, so that long choices are not at a disadvantage.
    """

    template: str
    choices: dict[Text, str] = Field(default_factory=dict)
    normalise: bool = False


class Views(_Strict):
    """How a row is shown to models that read texts; `zero_shot` describes each class for a text encoder."""

    text: str | None = None
    prompt: PromptView | None = None
    zero_shot: dict[Text, str] = Field(default_factory=dict)


class CheckRequest(_Strict):
    """A check to run, and its parameters."""

    name: str
    parameters: dict[str, Any] = Field(default_factory=dict)


def _as_request(value: object) -> object:
    if isinstance(value, str):
        return {"name": value}
    if isinstance(value, dict) and len(value) == 1:
        ((name, parameters),) = value.items()
        if name not in ("name", "parameters"):
            return {"name": name, "parameters": parameters or {}}
    return value


Request = Annotated[
    CheckRequest,
    BeforeValidator(_as_request),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "description": "A check's name."},
                {
                    "type": "object",
                    "minProperties": 1,
                    "maxProperties": 2,
                    "description": "A check's name, and its parameters by name.",
                    "additionalProperties": {"type": ["object", "null", "string"]},
                },
            ]
        }
    ),
]


class Suite(_Strict):
    """One data set, one task, the checks to run and the policy that judges them.

    `compare` says by how much a model must be better to be chosen; `release` by how much a new release may be worse than the
    last one (with --baseline only).
    """

    name: str = Field(min_length=1)
    version: Text = "1"
    title: dict[str, str] = Field(default_factory=dict)
    vertical: str
    task: Task = "classification"
    data: Data
    views: Views = Views()
    checks: list[Request] = Field(min_length=1)
    not_applicable: dict[str, str] = Field(default_factory=dict)
    policy: list[Rule] = Field(default_factory=list)
    waivers: list[Waiver] = Field(default_factory=list)
    compare: Margins | None = None
    release: list[Margin] = Field(default_factory=list)
    seed: int = 20260101
    system: System = System()

    @property
    def asks_questions(self) -> bool:
        """Whether it asks a language model what nothing can be fitted to: own options, or no true answer."""
        return self.task == "choice" or self.data.label.column is None

    @model_validator(mode="after")
    def _waivers_fit(self) -> Self:
        refuse_misfits([*self.policy, *release_rules(self.release)], self.waivers)
        return self

    @model_validator(mode="after")
    def _rules_fit(self) -> Self:
        prompt = self.views.prompt
        if prompt is not None and (len(prompt.choices) < 2) != (self.task == "regression"):
            raise ValueError("views.prompt.choices: a choice for each class (two at least), and none for regression")
        if self.data.label.column is None and (self.task != "classification" or prompt is None):
            raise ValueError("data.label.column is null, so the classes come from views.prompt.choices: write them")
        if (len(self.data.options) >= 2) != (self.task == "choice"):
            raise ValueError("data.options names the columns of an item's options: two at least for choice, none else")
        if self.task == "choice" and (self.data.label.positive or self.data.label.favourable):
            raise ValueError("an option is neither positive nor favourable: leave both out for choice")
        if self.task == "regression" and (self.data.label.positive or self.data.label.favourable):
            raise ValueError("a regression label is a number: leave label.positive and label.favourable out")
        directional = [r.id for r in self.policy if r.measure.startswith("bias.")]
        if directional and self.data.label.favourable is None and self.task != "regression":
            raise ValueError(
                f"rules {', '.join(directional)} judge bias, so data.label.favourable must name the outcome "
                "that is good for the person"
            )
        if unknown := sorted(set(self.not_applicable) - {request.name for request in self.checks}):
            raise ValueError(f"not_applicable names {', '.join(unknown)}, which is not under checks")
        for request in self.checks:
            for names in request.parameters.get("intersections") or []:
                if unknown := sorted(set(names) - set(self.data.sensitive)):
                    raise ValueError(f"intersections names {', '.join(unknown)}, which is not under data.sensitive")
        for rule in self.policy:
            self._knows_groups(f"rule {rule.id}", rule.group)
        for margin in self.margins:
            self._knows_groups(f"the margin of {margin.measure}", margin.group)
        return self

    @property
    def margins(self) -> list[Margin]:
        """Every margin: of compare on the suite's own data, and of release."""
        compared = [self.compare.superior, *self.compare.not_inferior] if self.compare else []
        return [*compared, *self.release]

    def _knows_groups(self, who: str, group: Selector | None) -> None:
        for attribute in group or {}:
            if any(part not in self.data.sensitive for part in attribute.split(" × ")):
                raise ValueError(f"{who} names the group {attribute!r}, which is not under data.sensitive")
