"""A reduced version of benchmarks/error_rates: no sampled cell of any family misses its truth far more often than 4 %."""

import pytest

from benchmarks.error_rates.__main__ import FAMILIES, PAGE, cells, read, refused
from benchmarks.error_rates.cell import simulate
from benchmarks.error_rates.page import page
from harness.stats.exact import clopper_pearson

TABLES, STEP = 150, 29


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_sampled_cells_hold_their_error_rate(family):
    told = {(row.measure, row.setting) for row in read().values() if row.broken} | refused()
    for cell in cells(family)[::STEP]:
        row = simulate(family, cell, TABLES)
        if not row.defined or (cell.measure, cell.setting) in told:
            continue
        for errors in (row.above_truth, row.below_truth):
            assert errors == 0 or clopper_pearson(errors, row.defined, 0.9999).low <= 0.04, row


def test_the_page_is_made_from_the_file_of_cells():
    assert PAGE.read_text(encoding="utf-8") == page(list(read().values()), refused())


def test_every_row_is_a_cell_of_the_grid():
    grid = {(cell.measure, cell.setting) for family in FAMILIES for cell in cells(family)}
    assert set(read()) <= grid
