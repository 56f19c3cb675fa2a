"""Comparing what a record says with what was recomputed: the first difference, with both values and where it is."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel

from harness.core.finding import Selector
from harness.core.interval import Interval
from harness.errors import IntegrityError
from harness.outputs.narrative import about
from harness.stats.estimates import estimate
from harness.stats.levels import at_level, recomputable

RELATIVE, ABSOLUTE = 1e-9, 1e-12


@dataclass(frozen=True)
class Gap:
    """What was not recomputed, and why."""

    what: str
    reason: str


@dataclass(frozen=True)
class Part:
    """A part of a record that was recomputed and agrees (None where nothing of it was), and what of it was not."""

    verified: str | None
    gaps: list[Gap] = field(default_factory=list)


def require_equal(where: str, recorded: object, recomputed: object) -> None:
    """Compares values, mappings, sequences and models, numbers to a billionth.

    Raises:
        IntegrityError: names the first place where they differ, and both values.
    """
    found = _first_difference(_plain(recorded), _plain(recomputed), ())
    if found is not None:
        place, one, other = found
        at = ": ".join([where, " ".join(place)] if place else [where])
        raise IntegrityError(f"{at}: the record says {_shown(one)}, recomputed {_shown(other)}")


@dataclass(frozen=True)
class Stated:
    """A value as it stands in a record, its interval, and where."""

    where: str
    value: float | None
    interval: Interval


def intervals_part(stated: Sequence[Stated]) -> Part:
    """Every interval recomputed from its inputs at its level, and every value that the inputs settle.

    Raises:
        IntegrityError: an end or the value differs, or the inputs give no such interval.
    """
    unknown: Counter[str] = Counter()
    for one in stated:
        interval = one.interval
        if not recomputable(interval):
            unknown[interval.method] += 1
            continue
        try:
            again, value = at_level(interval, interval.level), estimate(interval)
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise IntegrityError(
                f"{one.where}: its inputs {interval.inputs} give no {interval.method} interval"
            ) from error
        require_equal(f"{one.where}, interval", _ends(interval), _ends(again))
        if value is not None:
            require_equal(f"{one.where}, value by the interval's inputs", one.value, value)
    gaps = [
        Gap(f"{counted(count, 'interval')} by {method}", "this version of the harness does not know the method")
        for method, count in unknown.items()
    ]
    count = len(stated) - unknown.total()
    return Part(f"{counted(count, 'interval')}, from their inputs" if count else None, gaps)


def counted(number: int, what: str) -> str:
    """So many of something, in words."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def named(measure: str, group: Selector | None, of: Selector | None) -> str:
    """A measure and what it is about."""
    whom = about(group, of)
    return f"{measure} ({whom})" if whom else measure


def _ends(interval: Interval) -> dict[str, float]:
    return {"low": interval.low, "high": interval.high}


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(inner) for inner in value]
    return value


def _first_difference(
    recorded: object, recomputed: object, place: tuple[str, ...]
) -> tuple[tuple[str, ...], object, object] | None:
    if isinstance(recorded, dict) and isinstance(recomputed, dict):
        pairs = [(str(key), recorded.get(key), recomputed.get(key)) for key in dict.fromkeys([*recorded, *recomputed])]
    elif isinstance(recorded, list) and isinstance(recomputed, list):
        if len(recorded) != len(recomputed):
            return (*place, "length"), len(recorded), len(recomputed)
        pairs = [(str(at), *both) for at, both in enumerate(zip(recorded, recomputed, strict=True), start=1)]
    else:
        return None if _equal(recorded, recomputed) else (place, recorded, recomputed)
    found = (_first_difference(one, other, (*place, key)) for key, one, other in pairs)
    return next((difference for difference in found if difference is not None), None)


def _equal(one: object, other: object) -> bool:
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return one == other


def _shown(value: object) -> str:
    text = "nothing" if value is None else repr(value)
    return text if len(text) <= 200 else f"{text[:199]}…"
