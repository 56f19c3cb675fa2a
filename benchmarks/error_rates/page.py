"""The page of docs/methods that tells what was simulated."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from benchmarks.error_rates.cell import Row

INTRODUCTION = """# Error rates of the intervals

Made by `python -m benchmarks.error_rates`: simulated tables of known truth, their intervals by the functions that the checks use. All cells, a line
each, are in `benchmarks/error_rates/cells.csv`.

- **Error above**: the 95 % interval lies wholly above the truth, as when a useless model passes; **below**: a good one fails. 2.5 % is nominal for each.
- An error rate is errors divided by the tables that give an interval. Beside the worst of each measure stands the cell that has it.
- A cell is **broken** where the one-sided 99 % lower bound (Clopper and Pearson) of an error rate exceeds 4 %.
- **Width** is the mean width over 3.92 standard deviations of the estimate: 1 is what a normal estimate needs.
- **Undefined** is the largest share of tables without an interval; those are reported with the reason, and no rule passes on them.

Measures that no interval holds are reported without being judged, and `harness validate` refuses limits near which an interval does not hold: a
squared error skill other than above 0, a Brier or log loss skill below 0 ([verdicts](verdicts.md)). Cells whose truth lies there are counted apart.
Clusters: where the size of a cluster tells of its rows, few clusters are not enough ([methods](README.md)).

"""


def page(rows: list[Row], refused: Collection[tuple[str, str]]) -> str:
    """The worst judged cell of each measure on either side; then every broken cell. `refused`: measure and setting of cells not judged."""
    judged = [row for row in rows if (row.measure, row.setting) not in refused]
    others = [row for row in rows if (row.measure, row.setting) in refused]
    lines = [
        "| measure | cells | tables a cell | broken | error above (%) | in | error below (%) | in | width, median (largest) | undefined (%) |",
        "|---|---:|---:|---:|---:|---|---:|---|---:|---:|",
    ]
    lines += [_line(measure, [row for row in judged if row.measure == measure]) for measure in _order(judged)]
    return INTRODUCTION + "\n".join([*lines, "", *_broken("judged", judged), "", *_broken("refused", others)]) + "\n"


def _broken(kind: str, rows: list[Row]) -> list[str]:
    broken = [row for row in rows if row.broken]
    lines = [f"{len(broken)} of {len(rows):,} {kind} cells are broken{':' if broken else '.'}"]
    lines += [""] if broken else []
    return lines + [
        f"- {row.measure}, {row.setting}: {_percent(row.above_truth, row)} above, {_percent(row.below_truth, row)} below"
        for row in broken
    ]


def _order(rows: list[Row]) -> list[str]:
    return list(dict.fromkeys(row.measure for row in rows))


def _line(measure: str, rows: list[Row]) -> str:
    given = [row for row in rows if row.defined]
    high = max(given, key=lambda row: row.above_truth / row.defined)
    low = max(given, key=lambda row: row.below_truth / row.defined)
    widths = [row.width for row in given if np.isfinite(row.width)]
    tables = sorted({row.tables for row in rows})
    counted = f"{tables[0]:,}" + (f" to {tables[-1]:,}" if len(tables) > 1 else "")
    return (
        f"| {measure} | {len(rows)} | {counted} | {sum(row.broken for row in rows)} "
        f"| {_percent(high.above_truth, high)} | {high.setting} | {_percent(low.below_truth, low)} | {low.setting} "
        f"| {np.median(widths):.2f} ({max(widths):.2f}) | {100 * max(row.undefined / row.tables for row in rows):.0f} |"
    )


def _percent(errors: int, row: Row) -> str:
    return f"{100 * errors / row.defined:.1f}"
