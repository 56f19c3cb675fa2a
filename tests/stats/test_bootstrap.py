import numpy as np
import pytest

from harness.stats.bootstrap import resample_counts, resample_rows, resample_sums

COUNTS = np.array([[30, 50, 20, 0], [5, 5, 5, 25]])


def test_each_stratum_keeps_its_total_and_an_empty_cell_stays_empty():
    drawn = resample_counts(COUNTS, 500, np.random.default_rng(1))
    assert drawn.shape == (500, 2, 4)
    assert (drawn.sum(axis=2) == [100, 40]).all()
    assert (drawn[:, 0, 3] == 0).all()
    assert len(np.unique(drawn[:, 0, 0])) > 10


def test_an_empty_stratum_stays_empty():
    assert resample_counts(np.array([[0, 0], [3, 1]]), 10, np.random.default_rng(1))[:, 0].sum() == 0


def test_counts_have_the_mean_and_covariance_of_a_multinomial():
    resamples = 40_000
    drawn = resample_counts(COUNTS, resamples, np.random.default_rng(2)).astype(float)
    for stratum, row in enumerate(COUNTS):
        n, p = row.sum(), row / row.sum()
        spread = n * p * (1 - p)
        # 4.5 standard errors over 16 cells.
        assert (np.abs(drawn[:, stratum].mean(axis=0) - row) <= 4.5 * np.sqrt(spread / resamples)).all()
        wanted = n * (np.diag(p) - np.outer(p, p))
        assert np.cov(drawn[:, stratum].T) == pytest.approx(wanted, abs=0.05 * spread.max())
    between = np.corrcoef(drawn[:, 0, 0], drawn[:, 1, 0])[0, 1]
    assert abs(between) < 4.5 / resamples**0.5


def test_sums_are_spread_as_theory_says_for_values_in_one_block_or_many():
    values = np.random.default_rng(3).exponential(size=1000)
    drawn = resample_sums(values[:, None], None, 9000, np.random.default_rng(4))[:, 0] / 1000
    assert drawn.shape == (9000,)
    error = values.std() / 1000**0.5
    assert drawn.mean() == pytest.approx(values.mean(), abs=4.5 * error / 9000**0.5)
    assert drawn.std() == pytest.approx(error, rel=4.5 / (2 * 9000) ** 0.5)
    # Blocks hold 4,000 resamples of 1,000 values: the later ones must be drawn anew.
    assert len(np.unique(drawn)) == 9000


def test_rows_are_drawn_with_replacement_and_each_as_often():
    seen = []
    found = resample_rows(lambda rows: seen.append(rows) or float(len(set(rows))), 50, 2000, np.random.default_rng(5))
    assert {len(rows) for rows in seen} == {50}
    assert set(np.concatenate(seen)) == set(range(50))
    # A row is left out with chance (1 - 1/n)^n.
    assert found.mean() == pytest.approx(50 * (1 - (1 - 1 / 50) ** 50), abs=0.2)
    assert np.bincount(np.concatenate(seen)).std() == pytest.approx((2000 * 50 * (1 / 50) * (49 / 50)) ** 0.5, rel=0.4)


def test_one_seed_gives_one_answer():
    values = np.arange(30.0)[:, None]
    first, second = (resample_sums(values, None, 20, np.random.default_rng(6)) for _ in range(2))
    assert (first == second).all()


def test_whole_clusters_are_drawn_and_each_as_often():
    owner = np.repeat(["a", "b", "c", "d"], [1, 2, 3, 4])
    seen = []
    resample_rows(lambda rows: seen.append(rows) or 0.0, 10, 2000, np.random.default_rng(7), owner)
    for rows in seen:
        counts = np.bincount(rows, minlength=10)
        assert all(len(set(counts[owner == name])) == 1 for name in "abcd")
        assert sum(counts[owner == name][0] for name in "abcd") == 4
    assert np.bincount(np.concatenate(seen)) == pytest.approx(np.full(10, 2000), rel=0.08)
