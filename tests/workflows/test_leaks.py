import numpy as np
import pandas as pd
import pytest

from harness.datasets.column_roles import guess_columns
from harness.datasets.outcomes import guess_outcome
from harness.workflows.leaks import find_leaks

N = 400


def leaks(label, positive=None, **columns):
    table = pd.DataFrame({**columns, "label": label})
    outcome = guess_outcome(table["label"], "label", positive, None)
    return {k: v.how for k, v in find_leaks(table, guess_columns(table, "label", []), "label", outcome).items()}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def failed(rng):
    return rng.random(N) < 0.3


def test_a_column_that_is_filled_on_one_class_only_is_a_leak_whatever_it_holds(rng, failed):
    some = failed & (rng.random(N) < 0.5)
    found = leaks(
        failed.astype(int),
        error_code=np.where(failed, 17.0, np.nan),
        Kündigungsdatum=np.where(failed, "05.03.2024", None),
        claim_id=np.where(failed, [f"C{k}" for k in range(N)], None),
        repaired=np.where(some, "2024-03-05", None),
        healthy_note=np.where(failed, None, "ok"),
        overdue=np.where(failed, rng.integers(30, 90, N), 0),
        gender=np.where(failed, "f", "m"),
    )
    assert set(found) == {"error_code", "Kündigungsdatum", "claim_id", "repaired", "healthy_note", "overdue", "gender"}
    assert "by being filled or empty" in found["error_code"]
    assert f"is filled only where the label is '1' ({some.sum()} rows)" in found["repaired"]
    assert found["overdue"] == "alone tells the label (AUC 1.000)"


def test_gaps_by_chance_noise_ids_and_the_rows_of_a_patient_are_no_leak(rng, failed):
    patients = np.repeat([f"P{k}" for k in range(N // 4)], 4)
    found = leaks(
        np.repeat(rng.random(N // 4) < 0.3, 4).astype(int),
        gaps=np.where(rng.random(N) < 0.4, np.nan, 5.0),
        noise=rng.normal(size=N),
        few=np.where(np.arange(N) < 3, "x", None),
        row=np.arange(N),
        patient_id=patients,
        date=[f"2024-03-{k % 28 + 1:02d}" for k in range(N)],
    )
    assert found == {}


def test_a_long_table_is_drawn_from_and_being_filled_is_counted_in_all_rows(rng, monkeypatch):
    monkeypatch.setattr("harness.workflows.leaks.MOST_ROWS", 50)
    late = np.arange(N) % 2 == 0
    some = np.where(late & (rng.random(N) < 0.4), "x", None)
    found = leaks(
        late.astype(int), copied=np.where(late, 3.5, 1.5) + rng.normal(0, 0.01, N), some=some, noise=rng.normal(size=N)
    )
    assert set(found) == {"copied", "some"}
    assert f"({(some == 'x').sum()} rows)" in found["some"]


def test_of_a_number_the_order_counts_and_so_does_being_filled(rng):
    cost = rng.normal(size=N)
    found = leaks(cost, copied=2 * cost, noise=rng.normal(size=N), late=np.where(cost > 0, 1.0, np.nan))
    assert list(found) == ["copied"]
    assert "concordance 1.000" in found["copied"]


def test_a_number_that_is_cut_is_told_by_its_classes(rng):
    days = rng.integers(0, 60, N).astype(float)
    found = leaks(days, "30", flag=np.where(days >= 30, "late", None), noise=rng.normal(size=N))
    assert list(found) == ["flag"]
