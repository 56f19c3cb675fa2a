"""Makes what tests/wheel.sh needs: tables, useless models, edits of a run folder, and callables that end the process.

Without arguments it writes the files; with `number`, `verdict`, `prediction`, `sealed` or `cache` and a folder it edits there.
"""

import json
import os
import sqlite3
import sys
from pathlib import Path


def write_inputs():
    """A rare class with a weak signal, labels that nothing predicts, one answer for all and random answers."""
    import numpy as np
    import pandas as pd

    from harness import load_suite
    from harness.datasets.roles import load_dataset

    rng = np.random.default_rng(0)
    hit = rng.random(3000) < 0.05
    pulse = (70 + 8 * hit + rng.normal(0, 8, 3000)).round()
    pd.DataFrame({"pulse": pulse, "weight": rng.normal(75, 12, 3000).round(1), "stroke": hit.astype(int)}).to_csv(
        "rare.csv", index=False
    )
    fault = rng.choice(["none", "crack", "leak"], 3000, p=[0.61, 0.26, 0.13])
    pd.DataFrame({"heat": rng.normal(size=3000), "speed": rng.normal(size=3000), "fault_type": fault}).to_csv(
        "noise.csv", index=False
    )
    splits = load_dataset(load_suite("finance/credit-risk-german")).splits
    ids = np.concatenate([splits["test"].ids, splits["calibration"].ids])
    pd.DataFrame({"id": ids, "score": 0.2}).to_csv("constant.csv", index=False)
    pd.DataFrame({"id": ids, "score": rng.random(len(ids))}).to_csv("random.csv", index=False)
    write_classes(rng)


def write_classes(rng):
    """Forty rows of two classes and 1,000 of twenty, with suites of their own, and predictions without an error."""
    import numpy as np
    import pandas as pd

    for name, classes, rows, limit in (
        ("two", 2, 40, "performance.roc_auc"),
        ("twenty", 20, 1000, "performance.f1_macro"),
    ):
        truth = np.repeat([f"c{k:02d}" for k in range(classes)], rows // classes)
        ids = [f"r{k}" for k in range(rows)]
        pd.DataFrame({"id": ids, "x": rng.normal(size=rows), "y": truth}).to_csv(f"{name}.csv", index=False)
        scores = {f"score:{c}": np.where(truth == c, 0.9, 0.1 / (classes - 1)) for c in sorted(set(truth))}
        for model in ("one", "other"):
            pd.DataFrame({"id": ids} | scores).to_csv(f"{name}-{model}.csv", index=False)
        positive = ", positive: c01" if classes == 2 else ""
        Path(f"{name}.yaml").write_text(
            f"name: own/{name}\nversion: 1\ntitle: {{en: t}}\nvertical: general\ntask: classification\n"
            f"data: {{source: {name}.csv, id: id, label: {{column: y{positive}}}, features: [x], split: {{test: 1, seed: 1}}}}\n"
            "checks: [performance.classification, performance.calibration]\n"
            f"policy: [{{id: useful, measure: {limit}, at_least: 0.75, reason: r, source: s}}]\nseed: 1\n",
            encoding="utf-8",
        )


def edit(what, folder):
    """Changes one thing in a run folder; `sealed` also writes new, valid digests."""
    if what == "prediction":
        import pandas as pd

        table = pd.read_parquet(folder / "predictions.parquet")
        table.loc[0, "label"] = "no" if table.loc[0, "label"] == "yes" else "yes"
        table.to_parquet(folder / "predictions.parquet", index=False)
        return
    record = json.loads((folder / "audit.json").read_text(encoding="utf-8"))
    if what == "number":
        finding = next(f for r in record["records"] for f in r["findings"] if f["measure"] == "performance.accuracy")
        finding["value"] += 0.05
    else:
        record["verdict"]["outcome"] = "pass"
    if what == "sealed":
        from harness.engine.provenance import evidence_digest, record_digest

        record["evidence_digest"] = evidence_digest(record)
        record["digest"] = record_digest(record)
    (folder / "audit.json").write_text(
        json.dumps(record, indent=1, sort_keys=True, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def edit_cache(folder):
    """Changes one byte of every cached prediction's row."""
    for file in folder.rglob("*.sqlite"):
        with sqlite3.connect(file) as database:
            rows = database.execute("SELECT key, row FROM checked_rows").fetchall()
            changed = [(bytes([row[0] ^ 1]) + row[1:], key) for key, row in rows]
            database.executemany("UPDATE checked_rows SET row = ? WHERE key = ?", changed)


def sys_exit():
    sys.exit(0)


def crash():
    raise RuntimeError("it fell over")


def os_exit():
    return lambda frame: os._exit(0)


class _Ends:
    def __call__(self, frame):
        return ["yes"] * len(frame)

    def __del__(self):
        os._exit(0)


def del_os_exit():
    _Ends()  # freed at once
    return lambda frame: ["yes"] * len(frame)


if __name__ == "__main__":
    if len(sys.argv) == 1:
        write_inputs()
    elif sys.argv[1] == "cache":
        edit_cache(Path(sys.argv[2]))
    else:
        edit(sys.argv[1], Path(sys.argv[2]))
