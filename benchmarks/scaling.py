"""CPU seconds of every check at n and at 2n rows, on tables that are hard for it: many distinct values, long texts, 300 classes, 100 groups.

python benchmarks/scaling.py [--rows 20000] [--table TABLE] [--check CHECK ...]

A check whose work grows with its rows takes twice as long at twice the rows, one that sorts them a little more; one that
compares every value with every other takes four times. Marked: more than 2.3 times. The model is a logistic regression of three
columns, so that checks which ask it or fit it again are timed too.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import skops.io
import yaml
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline

from harness import audit
from harness.datasets.roles import DataOptions
from harness.engine.registry import check_entries

MOST, LEAST_SECONDS = 2.3, 0.2
"""A check of less than so many seconds at n rows is not held to the ratio: it measures the clock."""
NUMBERS = [f"number_{k}" for k in range(8)]
TEXTS = [f"text_{k}" for k in range(6)]
COUNTS = [f"count_{k}" for k in range(3)]
TABLES = {
    "two classes": {"task": "classification", "label": "two"},
    "300 classes": {"task": "classification", "label": "many"},
    "numbers": {"task": "regression", "label": "amount"},
}
PARAMETERS = {
    "performance.costs": {"matrix": {"yes": {"yes": 0, "no": 5}, "no": {"yes": 1, "no": 0}}, "unit": "EUR"},
    "performance.transfer": {"by": "site"},
    "data.sites": {"by": "site"},
    "performance.regression": {"tolerances": [1.0]},
    "explainability.direction": {"expected": {NUMBERS[0]: "up"}},
}


def rows(n: int) -> pd.DataFrame:
    """n rows: numbers and texts that are nearly all distinct, counts, a long text, 100 groups, 5 sites, people of 4 rows each."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(n, len(NUMBERS))), columns=NUMBERS)
    for name in COUNTS:
        table[name] = rng.integers(0, n, n).astype(float)
    for place, name in enumerate(TEXTS):
        table[name] = [f"{name} {value}" for value in rng.integers(0, max(2, n // 4**place), n)]
    words = np.array([f"word{k}" for k in range(5000)])
    table["long_text"] = [" ".join(words[own]) for own in rng.integers(0, len(words), (n, 120))]
    signal = table[NUMBERS[:3]].sum(axis=1) + rng.normal(size=n)
    table["two"] = np.where(signal > 0.8, "yes", "no")
    table["many"] = [f"class {k:03d}" for k in np.clip((signal * 40 + 150).astype(int), 0, 299)]
    table["amount"] = signal
    table["group"] = [f"group {k}" for k in rng.integers(0, 100, n)]
    table["site"] = [f"site {k}" for k in rng.integers(0, 5, n)]
    table["person"] = [f"person {k}" for k in np.arange(n) // 4]
    table["part"] = np.where(np.arange(n) // 4 % 2 == 0, "test", "train")
    return table


def suite(kind: dict[str, str], checks: list[str]) -> dict[str, object]:
    """A suite of these checks and no rule."""
    label = {"column": kind["label"]}
    if kind["label"] == "two":
        label |= {"positive": "yes", "favourable": "no"}
    return {
        "name": "own/scaling",
        "version": 1,
        "vertical": "own",
        "task": kind["task"],
        "data": {
            "source": "rows.csv",
            "label": label,
            "features": [*NUMBERS, *COUNTS, *TEXTS, "long_text"],
            "sensitive": {"group": {"column": "group"}},
            "slices": {"group": {"column": "group"}, "site": {"column": "site"}},
            "cluster": "person",
            "split": {"column": "part"},
        },
        "checks": [{name: PARAMETERS[name]} if name in PARAMETERS else name for name in checks],
        "policy": [],
    }


def model(table: pd.DataFrame, label: str, path: Path) -> str:
    """A model of three numbers, saved."""
    train = table[table["part"] == "train"].head(4000)
    own = LinearRegression() if label == "amount" else LogisticRegression(max_iter=30)
    columns = ColumnTransformer([("numbers", "passthrough", NUMBERS[:3])])
    fitted = Pipeline([("columns", columns), ("model", own)]).fit(train[[*NUMBERS, *COUNTS, *TEXTS]], train[label])
    skops.io.dump(fitted, path)
    return str(path)


def seconds(name: str, n: int, asked: list[str]) -> dict[str, tuple[float | None, str]]:
    """CPU seconds of each check at n rows, None with its reason where it does not apply."""
    kind = TABLES[name]
    entries = check_entries()
    checks = asked or [one for one, entry in entries.items() if kind["task"] in entry.tasks and "/" not in one]
    checks = [one for one in checks if one not in ("baseline.paired", "performance.choice")]
    if name == "300 classes":
        checks = [one for one in checks if one not in ("performance.costs", "explainability.direction")]
    table = rows(n)
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        table.to_csv(here / "rows.csv", index=False)
        (here / "suite.yaml").write_text(yaml.safe_dump(suite(kind, checks), sort_keys=False), encoding="utf-8")
        saved = model(table, kind["label"], here / "model.skops")
        record = audit(here / "suite.yaml", saved, DataOptions(trained_on_split=True))
    return {
        one.check: (one.seconds if one.status == "measured" else None, one.reason or one.status)
        for one in record.records
    }


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--table", choices=TABLES, action="append")
    parser.add_argument("--check", action="append", default=[])
    asked = parser.parse_args()
    print(f"{'table':12} {'check':30} {asked.rows:>9} {2 * asked.rows:>9}  ratio")
    for name in asked.table or TABLES:
        before, after = (seconds(name, n, asked.check) for n in (asked.rows, 2 * asked.rows))
        for check, (once, reason) in before.items():
            twice = after[check][0]
            if once is None or twice is None:
                print(f"{name:12} {check:30} {reason}")
                continue
            ratio = twice / max(once, 1e-9)
            mark = "  TOO MUCH" if ratio > MOST and once >= LEAST_SECONDS else ""
            print(f"{name:12} {check:30} {once:9.2f} {twice:9.2f}  {ratio:5.2f}{mark}", flush=True)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
