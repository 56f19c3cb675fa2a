"""The whole audit of the mortgage suite, and what the command line costs before it does anything.

python benchmarks/credit_audit.py [--repeats 5]

Each audit runs in a process of its own: the libraries that an audit needs are imported first and stated apart; then the
audit (performance, bias, membership, SHAP, data, report) is timed in CPU seconds. Medians.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

AUDIT = """
import sys, time
start = time.process_time()
import pandas, scipy.stats, statsmodels.api, sklearn.ensemble, sklearn.model_selection, sklearn.compose, sklearn.pipeline
import sklearn.metrics, fairlearn.metrics, shap, skops.io, jinja2, vl_convert, pyarrow, pydantic, yaml
imports = time.process_time() - start
from harness import audit
from harness.outputs.writing import write
start = time.process_time()
record = audit("finance/credit-risk", sys.argv[1])
path = write(record, sys.argv[2] + "/report.html")
write(record, sys.argv[2] + "/audit.json")
print(imports, time.process_time() - start, path.stat().st_size)
"""


def children(command):
    import os

    before = os.times()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system, done.stdout


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as folder:
        model = str(Path(folder) / "model")
        cli = [sys.executable, "-m", "harness.cli"]
        children([*cli, "fit", "finance/credit-risk", "--base", "sklearn:gradient-boosting", "-o", model])
        helps = [children([*cli, "--help"])[0] for _ in range(repeats)]
        runs = [children([sys.executable, "-c", AUDIT, model, folder])[1].split() for _ in range(repeats)]
    imports, audit, size = (statistics.median(float(run[i]) for run in runs) for i in range(3))
    print(f"harness --help         {statistics.median(helps):.3f} CPU s")
    print(f"imports of an audit    {imports:.2f} CPU s")
    print(f"audit and report       {audit:.2f} CPU s beyond the imports (2,380 rows)")
    print(f"report                 {size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
