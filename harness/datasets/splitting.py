"""Deterministic splits: rows ordered by sha256(seed, id), strata kept in proportion, groups kept whole."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from harness.spec.suite import SplitPlan


def assign_roles(ids: Sequence[str], strata: Sequence[str], units: Sequence[str], plan: SplitPlan) -> list[str]:
    """The role of each row: test, calibration or train.

    `units` name what must stay whole (the row's own id where nothing groups rows). A unit belongs to the
    stratum of its first row. Units of a stratum are ordered by the hash; the first share becomes test.
    """
    first: dict[str, int] = {}
    sizes: dict[str, int] = {}
    for row, unit in enumerate(units):
        first.setdefault(unit, row)
        sizes[unit] = sizes.get(unit, 0) + 1
    by_stratum: dict[str, list[str]] = {}
    for unit, row in first.items():
        by_stratum.setdefault(strata[row], []).append(unit)
    role: dict[str, str] = {}
    for members in by_stratum.values():
        members.sort(key=lambda unit: _order(plan.seed, unit))
        total, done = sum(sizes[unit] for unit in members), 0
        for unit in members:
            share = (done + sizes[unit] / 2) / total
            role[unit] = (
                "test" if share < plan.test else ("calibration" if share < plan.test + plan.calibration else "train")
            )
            done += sizes[unit]
    return [role[unit] for unit in units]


def units_of(ids: Sequence[str], whole: Sequence[Sequence[str]]) -> list[str]:
    """What each row (n) must stay together with, where several namings (each n) must all be kept whole.

    Rows that share a name in any of them belong together, and so do rows that are linked through others (the connected
    components); the row's own id where nothing groups rows.
    """
    if len(whole) < 2:
        return list(whole[0]) if whole else list(ids)
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    places: dict[tuple[int, str], int] = {}
    links = [(row, places.setdefault((i, name), len(ids) + len(places))) for i, names in enumerate(whole)
             for row, name in enumerate(names)]  # fmt: skip
    rows, names = zip(*links, strict=True)
    size = len(ids) + len(places)
    _, component = connected_components(
        coo_array(([True] * len(links), (rows, names)), shape=(size, size)), directed=False
    )
    first: dict[int, str] = {}
    return [first.setdefault(int(component[row]), ids[row]) for row in range(len(ids))]


def sample(ids: Sequence[str], count: int, seed: int) -> list[int]:
    """The positions of a seeded sample of `count` rows, in the order given."""
    order = sorted(range(len(ids)), key=lambda i: _order(seed + 1, ids[i]))
    return sorted(order[:count])


def _order(seed: int, unit: str) -> str:
    return hashlib.sha256(f"{seed}:{unit}".encode()).hexdigest()
