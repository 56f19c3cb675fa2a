"""Guesses which class of a label is positive, and which is good for the person; every guess comes with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.core.names import name_of
from harness.datasets.column_roles import FEW
from harness.datasets.vocabulary import sense_of, yes_and_no
from harness.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Pick:
    """A class, or none, and why."""

    name: str | None
    reason: str


@dataclass(frozen=True)
class Outcome:
    """A label's classes, the commonest first (none where the number itself is predicted), those of a few rows only, from which
    number on a row is positive, and the two picks."""

    classes: tuple[str, ...]
    rare: tuple[str, ...]
    threshold: float | None
    positive: Pick
    favourable: Pick

    @property
    def numbers(self) -> bool:
        """Whether the number itself is predicted."""
        return not self.classes


def guess_outcome(column: pd.Series[Any], label: str, positive: str | None, favourable: str | None) -> Outcome:
    """What the label's values (n,), none missing, mean; what the user names is taken as said, if the label holds it.

    Raises:
        DataError: the label has one class only, or a class that the user named is none.
    """
    threshold = None
    if column.dtype.kind in "iuf" and column.nunique() > FEW:
        threshold = _threshold(column, label, positive)
        if threshold is None and favourable is not None:
            raise DataError("--favourable names a class, but the label holds numbers. Say from which on: --positive N.")
        if threshold is None:
            none = Pick(None, "the label is a number")
            return Outcome((), (), None, none, none)
        high = int((column >= threshold).sum())
        if high in (0, len(column)):
            raise DataError(
                f"--positive {threshold:g} makes one class only of {label!r}, whose numbers go from {column.min():g} to "
                f"{column.max():g}. Give a number between."
            )
        counts = {"positive": high, "negative": len(column) - high}
        pick = Pick("positive", "named by you")
    else:
        counts = {str(name): int(rows) for name, rows in column.map(name_of).value_counts().items()}
        if len(counts) < 2:
            raise DataError(f"The label {label!r} has one class only. Name another column: --label COLUMN.")
        pick = _positive(label, list(counts), positive)
    classes = list(counts)
    if favourable is not None and favourable not in classes:
        raise DataError(f"--favourable {favourable!r} is no class. Classes: {', '.join(classes[:10])}.")
    good = Pick(favourable, "named by you") if favourable is not None else _favourable(label, classes, threshold)
    rare = tuple(name for name, rows in counts.items() if rows < FEW)
    return Outcome(tuple(classes), rare, threshold, pick, good)


def _threshold(column: pd.Series[Any], label: str, wanted: str | None) -> float | None:
    try:
        return None if wanted is None else float(wanted)
    except ValueError:
        raise DataError(
            f"--positive {wanted!r} is no number, and the label {label!r} holds numbers. Say from which number on a row "
            f"is positive (its median is {column.median():g}), or leave it out to predict the number itself."
        ) from None


def _positive(label: str, classes: list[str], wanted: str | None) -> Pick:
    if wanted is not None and wanted not in classes:
        raise DataError(f"--positive {wanted!r} is no class of {label!r}. It holds: {', '.join(classes[:10])}.")
    if wanted is not None:
        return Pick(wanted, "named by you")
    if len(classes) > 2:
        return Pick(None, f"the label has {len(classes)} classes, and none is set above the others")
    if pair := yes_and_no(classes):
        return Pick(pair[0], "it is the yes of the two")
    bad = [name for name in classes if sense_of(name) == "bad"]
    if len(bad) == 1:
        return Pick(bad[0], "its name is that of a bad outcome, which models mostly look for")
    return Pick(classes[-1], "it is the rarer of the two; their names say nothing")


def _favourable(label: str, classes: list[str], threshold: float | None) -> Pick:
    """The one class whose own name is a good outcome, or the only one whose name is no bad one; else by the label's name."""
    senses = {name: sense_of(name) for name in classes} if threshold is None else {}
    good = [name for name, sense in senses.items() if sense == "good"]
    rest = [name for name, sense in senses.items() if sense is None]
    if len(good) == 1:
        return Pick(good[0], "the class's own name is that of a good outcome")
    if not good and senses and len(rest) == 1:
        return Pick(rest[0], "every other class's name is that of a bad outcome")
    if good or len(rest) < len(senses):
        return Pick(None, "the names of the classes don't say which one of them is good for the person")
    pair, sense = yes_and_no(classes) if threshold is None else ("positive", "negative"), sense_of(label)
    if pair is None or sense is None:
        what = (
            "the label's name is neither a good nor a bad outcome" if sense is None else "its classes are no yes and no"
        )
        return Pick(None, f"neither the label's name nor its classes say which one is good for the person ({what})")
    return Pick(pair[0 if sense == "good" else 1], f"the label's name is that of a {sense} outcome")
