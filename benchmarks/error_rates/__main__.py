"""How often each judged interval misses the truth, on either side: simulated tables of known truth, by the functions that the checks use.

    python -m benchmarks.error_rates --processes 2

A cell is broken where the one-sided 99 % Clopper-Pearson lower bound of an error rate exceeds 4 % (2.5 % is nominal). Errors are
divided by the tables that give an interval. Cells that benchmarks/error_rates/cells.csv holds with as many tables are not simulated again.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields
from functools import cache
from multiprocessing import get_context
from pathlib import Path

from benchmarks.error_rates import counts, losses, means, pairs, ranks, skills
from benchmarks.error_rates.cell import CLOSED_FORM, Cell, Row, simulate
from benchmarks.error_rates.page import page

FAMILIES: dict[str, Callable[[], Iterator[Cell]]] = {
    "Shares": counts.shares,
    "Groups": counts.groups,
    "Guessing": counts.guessing,
    "Costs": counts.costs,
    "Rows ranked first": ranks.ranked,
    "Inspection": ranks.inspections,
    "Abstention": ranks.abstentions,
    "Average precision": ranks.average_precisions,
    "Points of the ROC curve": ranks.points,
    "Calibration": losses.calibration,
    "Numbers": losses.numbers,
    "Clusters": losses.clusters,
    "Errors by group": means.groups,
    "Errors by group, clustered": means.clustered_groups,
    "Attributions": means.attributions,
    "Agreement of reasons": means.agreements,
    "Options": means.positions,
    "Ranking": ranks.aucs,
    "Losses": losses.losses,
    "Skill": skills.skills,
    "Differences of losses": skills.loss_differences,
    "Confusion tables": counts.tables,
    "Differences of two models": pairs.paired,
    "Groups of two models": pairs.groups_of_two,
}
HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "methods" / "error-rates.md"


@cache
def cells(family: str) -> list[Cell]:
    """The cells of a family."""
    return list(FAMILIES[family]())


def read(path: Path = HERE / "cells.csv") -> dict[tuple[str, str], Row]:
    """The rows that a file holds, by measure and setting."""
    if not path.exists():
        return {}
    kinds = {"tables": int, "above_truth": int, "below_truth": int, "undefined": int, "width": float}
    with path.open(encoding="utf-8", newline="") as file:
        rows = [Row(**{key: kinds.get(key, str)(text) for key, text in line.items()}) for line in csv.DictReader(file)]
    return {(row.measure, row.setting): row for row in rows}


def write(path: Path, found: dict[tuple[str, str], Row]) -> list[Row]:
    """Writes the rows of cells that still exist, in their order; returns them."""
    kept = [found[c.measure, c.setting] for name in FAMILIES for c in cells(name) if (c.measure, c.setting) in found]
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, [one.name for one in fields(Row)], lineterminator="\n")
        table.writeheader()
        table.writerows(asdict(row) | {"width": f"{row.width:.3f}"} for row in kept)
    return kept


def refused() -> set[tuple[str, str]]:
    """Measure and setting of the cells near whose truth `harness validate` lets no rule judge."""
    return {(cell.measure, cell.setting) for name in FAMILIES for cell in cells(name) if not cell.judged}


def _simulated(task: tuple[str, int, int]) -> Row:
    family, place, most = task
    return simulate(family, cells(family)[place], most)


def main() -> None:
    """Simulates the cells that are missing, and writes the table and the page of docs/methods."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=CLOSED_FORM, help="at most so many tables a cell")
    parser.add_argument("--family", choices=FAMILIES, action="append")
    parser.add_argument("--again", action="store_true", help="simulate the families' cells anew")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--results", type=Path, default=HERE / "cells.csv")
    parser.add_argument("--page", type=Path, default=PAGE)
    asked = parser.parse_args()
    found = read(asked.results)
    tasks = [
        (name, place, asked.tables)
        for name in asked.family or FAMILIES
        for place, cell in enumerate(cells(name))
        if asked.again
        or (cell.measure, cell.setting) not in found
        or found[cell.measure, cell.setting].tables < min(cell.tables, asked.tables)
    ]
    print(f"{len(tasks)} cells to simulate", flush=True)
    with get_context("fork").Pool(asked.processes) as pool:
        for done, row in enumerate(pool.imap(_simulated, tasks), 1):
            found[row.measure, row.setting] = row
            if row.broken:
                print(f"broken: {row}", flush=True)
            if done % 20 == 0 or done == len(tasks):
                write(asked.results, found)
    asked.page.write_text(page(write(asked.results, found), refused()), encoding="utf-8")


if __name__ == "__main__":
    main()
