"""A table exhibit as text for a terminal, as CSV and as JSON."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from harness.core.finding import Cell, Exhibit
from harness.core.safe_text import csv_cell, json_text, one_line
from harness.engine.durable import write_file
from harness.errors import UserError
from harness.outputs.narrative import number


def render_text(table: Exhibit) -> str:
    """Columns side by side under their names; numbers as a person reads them, nothing for what is absent."""
    rows = [[one_line(name) for name in table.columns], *([_text(cell) for cell in row] for row in table.rows)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(table.columns))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines) + "\n"


def render_csv(table: Exhibit) -> str:
    """The columns' names, then a line a row, every number at full precision."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    rows: list[list[Cell]] = [[*table.columns], *table.rows]
    for row in rows:
        writer.writerow([csv_cell(cell) if isinstance(cell, str) else cell for cell in row])
    return stream.getvalue()


def render_json(table: Exhibit) -> str:
    """A list of one object a row, every number at full precision."""
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    return json_text(rows, sort_keys=False) + "\n"


def write_table(table: Exhibit, path: Path) -> Path:
    """Writes a table by the path's suffix, .csv or .json; UserError for another."""
    kinds = {".csv": render_csv, ".json": render_json}
    if path.suffix.lower() not in kinds:
        raise UserError(f"{path} can't hold a table. Wanted a path ending in {' or '.join(kinds)}.")
    return write_file(path, kinds[path.suffix.lower()](table).encode())


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    return number(cell) if isinstance(cell, int | float) else one_line(cell)
