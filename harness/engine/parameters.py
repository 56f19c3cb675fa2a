"""What a check's parameters may be: types with their ranges, which a check writes in its signature.

A check declares `bins: Bins = 15`, and `harness validate` refuses any other value before a model is asked. Types of names
(`Feature`, `ClassName`, …) are held against the suite and its data; where those are not known, every name is let through.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, Field, ValidationInfo

from harness.core.dataset import Dataset
from harness.engine.plugins import did_you_mean
from harness.spec.suite import Suite

Check = TypeVar("Check", bound=Callable[..., object])
Item = TypeVar("Item", bound=Hashable)
MAX_NAMED = 10


@dataclass(frozen=True)
class Names:
    """The names that a suite and its data hold, by kind; None of a kind where the data are not at hand."""

    features: tuple[str, ...]
    attributes: tuple[str, ...]
    slices: tuple[str, ...]
    numbers: tuple[str, ...] | None = None
    columns: tuple[str, ...] | None = None
    classes: tuple[str, ...] | None = None


def names_of(suite: Suite, data: Dataset | None) -> Names:
    """The names of a suite; with its data also those of columns, of features that are numbers, and of classes."""
    block = suite.data
    features = (*block.features, *(name for name, _, _ in block.derived))
    if data is None:
        return Names(features, tuple(block.sensitive), tuple(block.slices))
    parts = [part for part in data.splits.values() if len(part)]
    inputs = data.splits["test"].inputs
    numbers = tuple(str(name) for name in inputs.columns if inputs[name].dtype.kind == "f")
    columns = tuple(
        str(name) for name in data.splits["test"].columns.columns if all(name in part.columns for part in parts)
    )
    return Names(features, tuple(block.sensitive), tuple(block.slices), numbers, columns, data.classes)


def _distinct(values: list[Item]) -> list[Item]:
    if repeated := [value for place, value in enumerate(values) if value in values[:place]]:
        raise ValueError(f"{repeated[0]!r} is listed twice")
    return values


def _whole_percent(share: float) -> float:
    if abs(100 * share - round(100 * share)) > 1e-9:
        raise ValueError(f"{share:g} is no whole percentage; wanted a share such as 0.85")
    return share


def _among(kind: str, words: str, listed: str) -> AfterValidator:
    """Refuses a name that `Names.kind` lacks."""

    def check(name: str, info: ValidationInfo) -> str:
        known = None if info.context is None else getattr(info.context, kind)
        if known is not None and name not in known:
            raise ValueError(f"{name!r} is no {words}.{did_you_mean(name, known)} {listed}: {enumeration(known)}")
        return name

    return AfterValidator(check)


def enumeration(names: tuple[str, ...]) -> str:
    """The first names of many; 'none' of none."""
    more = f", … ({len(names)} in all)" if len(names) > MAX_NAMED else ""
    return (", ".join(names[:MAX_NAMED]) or "none") + more


Distinct = AfterValidator(_distinct)
Count = Annotated[int, Field(ge=1)]
Counts = Annotated[list[Count], Field(min_length=1), Distinct]
Positive = Annotated[float, Field(gt=0)]
Positives = Annotated[list[Positive], Field(min_length=1), Distinct]
Share = Annotated[float, Field(gt=0, lt=1)]
Shares = Annotated[list[Share], Field(min_length=1), Distinct]
WholePercent = Annotated[
    Share, Field(description="a share of whole percents, 0.01 to 0.99"), AfterValidator(_whole_percent)
]
WholePercents = Annotated[list[WholePercent], Field(min_length=1), Distinct]
PositiveShare = Annotated[float, Field(gt=0, le=1)]
Resamples = Annotated[int, Field(ge=100, le=100_000)]
"""Of a bootstrap: with fewer than 100 an interval's ends are chance."""
Bins = Annotated[int, Field(ge=2, le=1000)]
"""Of probabilities: one bin compares two means only, and hides every error that they share."""
MinimumRows = Annotated[int, Field(ge=1)]
"""Of a group, a slice or a class: with fewer its measure is undefined."""
MinimumFoldRows = Annotated[int, Field(ge=10)]
"""Of what is told apart by cross-validation in five folds: two in a fold at least."""
SampleRows = Annotated[int, Field(ge=10)]
"""How many rows are explained or recomputed, or are the background of an explanation."""
Calls = Annotated[int, Field(ge=1)]

Feature = Annotated[
    str, Field(description="a feature of the suite"), _among("features", "feature of the suite", "Features")
]
NumberFeature = Annotated[
    Feature, Field(description="a feature of numbers"), _among("numbers", "feature of numbers", "Features of numbers")
]
ClassName = Annotated[str, Field(description="a class of the data"), _among("classes", "class of the data", "Classes")]
ColumnName = Annotated[
    str, Field(description="a column of the data"), _among("columns", "column of the data", "Columns")
]
AttributeName = Annotated[
    str,
    Field(description="an attribute under data.sensitive"),
    _among("attributes", "attribute under data.sensitive", "Attributes"),
]
SliceName = Annotated[
    str, Field(description="a slice under data.slices"), _among("slices", "slice under data.slices", "Slices")
]
Slices = Annotated[list[SliceName], Field(min_length=1), Distinct]
Intersection = Annotated[list[AttributeName], Field(min_length=2), Distinct]
Intersections = Annotated[list[Intersection], Field(min_length=1), Distinct]

Misfits = Callable[[Suite, Dataset | None, dict[str, Any]], list[str]]


def refuses(misfits: Misfits) -> Callable[[Check], Check]:
    """Declares what else a check can't be asked: `misfits` gives the problems of its parameters together, of the suite and,
    where they are at hand, of the data."""

    def declare(check: Check) -> Check:
        check.misfits = misfits  # type: ignore[attr-defined]  # read by harness.engine.validation
        return check

    return declare
