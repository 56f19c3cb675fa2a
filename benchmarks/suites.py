"""Fits and audits a reference model for every built-in suite: verdict, main measures, CPU seconds.

python benchmarks/suites.py [--base sklearn:gradient-boosting]
"""

import argparse
import tempfile
import time
from pathlib import Path

from harness import audit, load_suite
from harness.spec.loading import built_in_suites
from harness.workflows.fit import fit

MAIN = (
    "performance.roc_auc",
    "performance.balanced_accuracy",
    "performance.r2",
    "bias.impact_ratio",
    "privacy.membership_auc",
)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", default="sklearn:gradient-boosting")
    base = parser.parse_args().base
    total = 0.0
    print(f"{'suite':36} {'verdict':11} {'CPU s':>6}  " + "  ".join(f"{m.partition('.')[2]:>24}" for m in MAIN))
    for name in built_in_suites():
        suite = load_suite(name).suite
        if suite.data.split.test == 1:
            print(f"{name:36} needs a language model: harness audit {name} --model bundled:smollm2 --rows 60")
            continue
        texts_only = suite.data.features in (["smiles"], ["text"])
        start = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            fit(name, "sklearn:tfidf" if texts_only else base, Path(folder) / "m")
            record = audit(name, str(Path(folder) / "m"))
        seconds = time.process_time() - start
        total += seconds
        print(
            f"{name:36} {record.verdict.outcome:11} {seconds:6.1f}  "
            + "  ".join(f"{worst(record, m):>24}" for m in MAIN)
        )
        for decision in record.verdict.decisions:
            if decision.outcome not in ("pass", "not_applicable"):
                print(
                    f"    {decision.outcome}: {decision.rule_id} {decision.group or decision.of or ''} {decision.message}"
                )
    print(f"{total:.0f} CPU s in all")


def worst(record, measure):
    found = [
        f for r in record.records for f in r.findings if f.measure == measure and f.interval and f.value is not None
    ]
    if not found:
        return "-"
    one = max(found, key=lambda f: abs(f.value - 1) if measure == "bias.impact_ratio" else f.value)
    return f"{one.value:.3f} ({one.interval.low:.3f}-{one.interval.high:.3f})"


if __name__ == "__main__":
    main()
