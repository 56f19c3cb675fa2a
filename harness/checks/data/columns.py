"""Columns that a model should not be given, for `data.quality`: declared out, identifiers, and columns that repeat another.

Declared out: features that `data.not_features` says are no features, in this suite or one that it extends. Identifier: a text
column of single words (letters, digits and . _ : / # -, under 25 characters on average) of which 99 in 100 are different; or whole
numbers of which 99 in 100 are different, which can't be chance, or that rise (or fall) from row to row. N numbers drawn from R possible ones form N(N-1)/2R
equal pairs on average, and more if some are likelier than others (the birthday problem); as few as seen have a probability at
most Poisson's, and p < 1e-6 over the number of columns counts. Redundant: a number that is a function of another one, by Chatterjee's
(2021, JASA 116:2009) coefficient, 0.99 at least of what an exact function would reach in so many rows. Limitations: a number
drawn at random from a far wider range looks like an identifier of that kind only if it is in order; a column made of two others is not seen.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from harness.core.dataset import Split
from harness.core.finding import Finding
from harness.engine.evidence import Evidence

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

SURE, NEW, MINIMUM, TEXT_LENGTH = 1e-6, 0.99, 50, 25
FUNCTION, DISTINCT, PROMISING = 0.99, 10, 0.5
_WORD = re.compile(r"[\w.:/#-]+", re.ASCII)


def column_findings(evidence: Evidence, parts: list[Split]) -> list[Finding]:
    """How many features are declared out, identifiers or redundant, and which."""
    import pandas as pd

    inputs = pd.concat([part.inputs for part in parts], ignore_index=True)
    out = {name: why for name, why in evidence.suite.data.not_features.items() if name in inputs.columns}
    said = {name: f"the suite says that it is no feature: {why}" for name, why in out.items()}
    found = []
    if evidence.suite.data.not_features:
        found += _named("forbidden_feature", said, len(inputs))
    found += _named("identifier_feature", identifiers(inputs, [len(part) for part in parts]), len(inputs))
    return found + _named("redundant_column", redundant(inputs), len(inputs))


def _named(what: str, columns: dict[str, str], n: int) -> list[Finding]:
    count = Finding(measure=f"data.{what}s", value=len(columns), n=n, exact=True, unit="columns", better="lower")
    return [
        count,
        *(
            Finding(measure=f"data.{what}", value=1, n=n, of={"feature": name}, exact=True, reason=why)
            for name, why in columns.items()
        ),
    ]


def identifiers(inputs: pd.DataFrame, sizes: list[int]) -> dict[str, str]:
    """Columns of rows (n,) that number the rows → why; `sizes` are those of the parts, each in the order of its file."""
    if len(inputs.columns) < 2:  # the only feature is what a model reads
        return {}
    fresh = ~inputs.duplicated().to_numpy()
    owner = np.repeat(np.arange(len(sizes)), sizes)
    found = {}
    for column in inputs.columns:
        known = inputs[column].notna().to_numpy() & fresh
        values = inputs[column][known]
        if len(values) < MINIMUM:
            continue
        if values.dtype.kind == "f":
            why = _numbered(values.to_numpy(dtype=float), owner[known], SURE / len(inputs.columns))
        else:
            why = _labelled(values)
        if why is not None:
            found[str(column)] = why
    return found


def _numbered(values: Floats, owner: npt.NDArray[np.int64], level: float) -> str | None:
    if not np.isfinite(values).all() or (values != np.floor(values)).any() or np.ptp(values) == 0:
        return None
    _, counts = np.unique(values, return_counts=True)
    pairs, possible = float((counts * (counts - 1)).sum()) / 2, float(np.ptp(values)) + 1
    runs = [np.diff(values[owner == part]) for part in np.unique(owner)]
    # A strict order of m rows has probability 2 / m! by chance.
    ordered = all((run > 0).all() for run in runs) or all((run < 0).all() for run in runs)
    if ordered and math.log(2) - sum(math.lgamma(len(run) + 2) for run in runs) < math.log(level):
        return "whole numbers that rise or fall from row to row: an identifier, a serial number or a time"
    expected = len(values) * (len(values) - 1) / 2 / possible
    # A designed table has each of a few numbers equally often, more evenly than chance: that numbers no rows.
    if len(counts) >= NEW * len(values) and _few(pairs, expected) < level:
        return (
            f"{len(counts)} different whole numbers in {len(values)} rows between {values.min():.0f} and {values.max():.0f}, where "
            f"chance repeats {expected:.0f} pairs at least and {pairs:.0f} are seen: an identifier, a serial number or a rank"
        )
    return None


def _few(pairs: float, expected: float) -> float:
    from scipy.stats import poisson

    return float(poisson.cdf(pairs, expected))


def _labelled(values: pd.Series) -> str | None:
    words = values.astype(str)
    if words.nunique() < NEW * len(words) or words.str.len().mean() >= TEXT_LENGTH:
        return None
    if not all(_WORD.fullmatch(word) for word in words):
        return None
    return f"{words.nunique()} different words in {len(words)} rows: an identifier or a time"


def redundant(inputs: pd.DataFrame) -> dict[str, str]:
    """Numeric columns of rows (n,) that are a function of another → of which; of two that are each other's, the later one."""
    numbers = {
        str(name): column.to_numpy(dtype=float)
        for name, column in inputs.items()
        if column.dtype.kind == "f" and column.nunique() >= DISTINCT
    }
    found: dict[str, str] = {}
    for one, other in _promising(numbers):
        if one in found or other in found:
            continue
        known = np.isfinite(numbers[one]) & np.isfinite(numbers[other])
        if known.sum() < MINIMUM:
            continue
        reached = functional(numbers[other][known], numbers[one][known])
        if reached >= FUNCTION:
            found[one] = f"it is a function of {other!r} (Chatterjee's coefficient {reached:.3f} of an exact one's)"
    return found


def functional(cause: Floats, effect: Floats) -> float:
    """Chatterjee's coefficient of how far effect (n,) is a function of cause (n,), over what an exact one reaches; 0.0 if constant.

    ξ = 1 - n·Σ|r(i+1) - r(i)| / (2·Σ l·(n - l)), rows ordered by the cause, ties at random; r counts the values at most as
    large, l those at least as large. An exact monotone function of rows without ties reaches 1 - 3·(n - 1) / (n² - 1).
    """
    n = len(cause)
    mixed = np.random.default_rng(0).permutation(n)
    order = mixed[np.argsort(cause[mixed], kind="stable")]
    ranks, denominator = _ranks(effect)
    if denominator == 0:
        return 0.0
    best = 1 - n * (ranks.max() - ranks.min()) / denominator
    return float((1 - n * np.abs(np.diff(ranks[order])).sum() / denominator) / best) if best > 0 else 0.0


def _ranks(values: Floats) -> tuple[Floats, float]:
    n, ordered = len(values), np.sort(values)
    at_most = np.searchsorted(ordered, values, side="right").astype(float)
    at_least = n - np.searchsorted(ordered, values, side="left").astype(float)
    return at_most, 2 * float((at_least * (n - at_least)).sum())


def _promising(numbers: dict[str, Floats]) -> list[tuple[str, str]]:
    """Pairs (effect, cause) worth a close look, later columns first as effects; a missing value counts as the lowest here."""
    names = list(numbers)
    if len(names) < 2:
        return []
    filled = [np.where(np.isfinite(own), own, -np.inf) for own in numbers.values()]
    ranks, scales = zip(*(_ranks(own) for own in filled), strict=True)
    table, n = np.column_stack(ranks), len(filled[0])
    mixed = np.random.default_rng(0).permutation(n)
    found = []
    for cause, own in enumerate(filled):
        order = mixed[np.argsort(own[mixed], kind="stable")]
        moved = np.abs(np.diff(table[order], axis=0)).sum(axis=0)
        reached = 1 - n * moved / np.maximum(np.array(scales), 1)
        found += [(effect, cause) for effect in range(len(names)) if effect != cause and reached[effect] >= PROMISING]
    # The later of two is looked at as an effect first: what was added is what is named.
    found.sort(key=lambda pair: (pair[0] < pair[1], -pair[0], pair[1]))
    return [(names[effect], names[cause]) for effect, cause in found]
