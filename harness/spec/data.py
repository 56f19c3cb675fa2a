"""What a suite's author says of the data: the label, groups, how files are read, how rows are split."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictFloat,
    StrictInt,
    WithJsonSchema,
    model_validator,
)


def _as_text(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


Text = Annotated[str, BeforeValidator(_as_text), WithJsonSchema({"type": ["string", "number", "boolean"]})]
Number = StrictInt | StrictFloat


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


Labels = Annotated[
    list[Text],
    BeforeValidator(_as_list),
    Field(min_length=1),
    WithJsonSchema(
        {"type": ["string", "number", "boolean", "array"], "items": {"type": ["string", "number", "boolean"]}}
    ),
]


class Strict(BaseModel):
    """A key that is not known, or a number that is none, is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Threshold(Strict):
    """A class made of a number: at least this is positive."""

    at_least: Number


class Prevalence(Strict):
    """The share of the positive class where the model will be used, and where that is known from."""

    rate: Number = Field(gt=0, lt=1)
    source: str = Field(min_length=1)


class Label(Strict):
    """The label column; which class is positive, and which outcome is favourable to the person; the unit of a number.

    `prevalence` is the positive class's rate where the model will be used, where the rows were not drawn at that rate.

    `column` is null where no true answer exists (only checks that need none run). `missing` says what becomes of rows without
    a label: `refuse` ends the run, `leave_out` leaves them out, and data.quality counts them.
    """

    column: str | None
    unit: str | None = None
    positive: Text | Threshold | None = None
    favourable: Text | None = None
    missing: Literal["refuse", "leave_out"] = "refuse"
    names: dict[Literal["positive", "negative"], str] = Field(default_factory=dict)
    prevalence: Prevalence | None = None

    @model_validator(mode="after")
    def _prevalence_of_a_class(self) -> Self:
        if self.prevalence is not None and self.positive is None:
            raise ValueError("prevalence is the positive class's rate: name that class under positive")
        return self

    @property
    def positive_name(self) -> str | None:
        """The positive class's name."""
        if isinstance(self.positive, Threshold):
            return self.names.get("positive", "positive")
        return self.positive


class Sensitive(Strict):
    """A sensitive attribute or slice: its column, and names for its values, or bins or quantiles for its numbers.

    `quantiles` is a number of equal parts, or the shares to cut at; the cuts are those of the training rows.
    """

    column: str
    values: dict[Text, str] | None = None
    bins: list[Number] | None = None
    quantiles: StrictInt | list[Number] | None = None

    @property
    def of_names(self) -> bool:
        """Whether the column's values name the groups: no numbers are cut into bins or quantiles."""
        return self.bins is None and self.quantiles is None

    @property
    def shares(self) -> list[float]:
        """The shares at which quantiles are cut, without 0 and 1."""
        if isinstance(self.quantiles, int):
            return [part / self.quantiles for part in range(1, self.quantiles)]
        return [float(share) for share in self.quantiles or []]

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(given is not None for given in (self.values, self.bins, self.quantiles)) > 1:
            raise ValueError("give one of values, bins and quantiles, not several")
        cuts = self.shares
        if self.quantiles is not None and (not cuts or sorted(set(cuts)) != cuts or not 0 < cuts[0] <= cuts[-1] < 1):
            raise ValueError(
                f"quantiles is a number of parts from 2 on, or rising shares in (0, 1), got {self.quantiles}"
            )
        if self.bins is not None and (len(self.bins) < 2 or sorted(set(self.bins)) != self.bins):
            raise ValueError(f"bins must rise and have two edges at least, got {self.bins}")
        return self


class NumberFormat(Strict):
    """How a column's numbers are written: `1.234,50 €` has decimal `,`, thousands `.` and unit `€`, which is cut off.

    Without `decimal` the file's marks hold; a column that gives its decimal mark gives its thousands mark too. A blank as
    thousands mark stands for every kind of blank. A number stays as written: `3.83 %` is 3.83.
    """

    decimal: Literal[".", ","] | None = None
    thousands: str | None = Field(default=None, min_length=1, max_length=1)
    unit: str | None = Field(default=None, min_length=1)


MISSING_WORDS = ("NA", "N/A", "nan", "NaN", "null", "NULL", "None")


class Read(Strict):
    """How a text file is read; `numbers` (column → format) holds for columns of text in any source.

    `skip` lines stand above the header, and the last `footer` lines that hold something are no rows (a total). `missing_words`
    are the cells of a text file that mean 'missing', as an empty cell does: a class or a group of such a name needs a list without it.
    """

    separator: str = ","
    decimal: str = "."
    thousands: str | None = None
    encoding: str = "utf-8"
    skip: int = Field(default=0, ge=0)
    footer: int = Field(default=0, ge=0)
    missing_words: list[Annotated[str, Field(min_length=1)]] = Field(default_factory=lambda: list(MISSING_WORDS))
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
        if padded := [word for word in self.missing_words if word != word.strip()]:
            raise ValueError(
                f"read.missing_words: {padded[0]!r} has blanks around it, which are cut off cells; write it without"
            )
        return self


class SplitPlan(Strict):
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


class Words(Strict):
    """What a row is, and what its positive ones are, in the words of the domain: units of counts are written with them."""

    rows: str = "rows"
    positives: str = "positives"
    positive: str = "positive"


class Data(Strict):
    """The data of a suite. `cluster` names the column of what rows belong together to (a patient, a
    machine), or the columns whose equal values make rows belong together (the ingredients of a mix).

    `not_features` names columns that must not be read, and why (known after the label, an identifier). `agrees` says which
    labels another column's values go with: column → value (`"*"`: any other) → label or labels. `ngrams` lists, for a
    feature that is a text, the pieces whose occurrences are counted in columns of their own: a model of columns sees them
    after the features; `text` and `prompt` views are made of the features alone.
    """

    source: str
    card: str | None = None
    label: Label
    features: list[str] = Field(min_length=1)
    categorical: list[str] = Field(default_factory=list)
    ngrams: dict[str, list[str]] = Field(default_factory=dict)
    options: list[str] = Field(default_factory=list)
    sensitive: dict[str, Sensitive] = Field(default_factory=dict)
    reference: dict[str, str] = Field(default_factory=dict)
    slices: dict[str, Sensitive] = Field(default_factory=dict)
    id: str | None = None
    cluster: str | list[str] | None = None
    read: Read = Read()
    missing: dict[str, list[Any]] = Field(default_factory=dict)
    ranges: dict[str, tuple[Number, Number]] = Field(default_factory=dict)
    not_features: dict[str, str] = Field(default_factory=dict)
    agrees: dict[str, dict[Text, Labels]] = Field(default_factory=dict)
    drop_duplicates: bool = False
    texts_in_reports: bool = False
    words: Words = Words()
    split: SplitPlan = SplitPlan()

    @property
    def derived(self) -> list[tuple[str, str, str]]:
        """The columns that count pieces of a text feature, after the features: name, feature, piece."""
        return [(f"{column}:{piece}", column, piece) for column, pieces in self.ngrams.items() for piece in pieces]

    @property
    def name_columns(self) -> list[str]:
        """The columns whose cells are names (of rows, classes, groups, parts, categories) and stay as they are written."""
        label = [] if self.label.column is None or isinstance(self.label.positive, Threshold) else [self.label.column]
        groups = [how.column for how in (*self.sensitive.values(), *self.slices.values()) if how.of_names]
        parts = [name for name in (self.id, self.split.column, self.split.group) if name is not None]
        clusters = [name for name in self.cluster_columns if name not in self.features]
        return list(dict.fromkeys([*label, *groups, *parts, *clusters, *self.categorical]))

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
        for column, pieces in self.ngrams.items():
            if column not in self.features or column in self.categorical:
                raise ValueError(f"ngrams names {column!r}, which is not among the features that are texts")
            if not pieces or "" in pieces or len(set(pieces)) != len(pieces):
                raise ValueError(f"ngrams of {column} lists pieces of text, none empty and each once, got {pieces}")
        if taken := sorted({name for name, _, _ in self.derived} & set(self.features)):
            raise ValueError(f"ngrams makes the column(s) {', '.join(taken)}, which are features already")
        for attribute in self.reference:
            if attribute not in self.sensitive:
                raise ValueError(f"reference names {attribute!r}, which is not under sensitive")
        return self
