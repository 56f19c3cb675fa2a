"""Bootstrap of five count metrics by two sensitive columns: fairlearn's MetricFrame(n_boot) against our count bootstrap.

python benchmarks/group_bootstrap.py [--rows 10000] [--resamples 1000] [--peer-resamples 1000] [--repeats 3]

Prints CPU seconds (median of the repeats) and the largest difference between the two intervals' ends.
"""

import argparse
import statistics
import time

import numpy as np
from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate
from sklearn.metrics import accuracy_score, precision_score

from harness.checks.bias.extremes import confusion_counts, group_rates
from harness.stats.bootstrap import resample_counts

METRICS = {
    "selection_rate": selection_rate,
    "true_positive_rate": true_positive_rate,
    "false_positive_rate": false_positive_rate,
    "precision": precision_score,
    "accuracy": accuracy_score,
}


def table(rows, rng):
    columns = [rng.choice(list("abc"), rows, p=[0.6, 0.3, 0.1]), rng.choice(["x", "y"], rows, p=[0.7, 0.3])]
    truth = rng.random(rows) < 0.3
    answer = np.where(rng.random(rows) < 0.85, truth, ~truth)
    return columns, truth, answer


def peer(columns, truth, answer, resamples):
    """Intervals (metric, group) of every metric by group, for each column."""
    found = []
    for column in columns:
        frame = MetricFrame(
            metrics=METRICS, y_true=truth.astype(int), y_pred=answer.astype(int), sensitive_features=column,
            n_boot=resamples, ci_quantiles=[0.025, 0.975], random_state=0,
        )  # fmt: skip
        found.append(np.stack([ends.sort_index()[list(METRICS)].to_numpy(dtype=float).T for ends in frame.by_group_ci]))
    return found


def ours(columns, truth, answer, resamples):
    rng = np.random.default_rng(0)
    found = []
    for column in columns:
        rates = group_rates(resample_counts(confusion_counts(column, answer, truth), resamples, rng))
        found.append(np.quantile(np.stack([rates[name] for name in METRICS]), [0.025, 0.975], axis=1))
    return found


def timed(run, repeats):
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        result = run()
        seconds.append(time.process_time() - start)
    return statistics.median(seconds), result


def main():
    parser = argparse.ArgumentParser()
    for name, default in (("rows", 10_000), ("resamples", 1000), ("peer-resamples", 1000), ("repeats", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    data = table(options.rows, np.random.default_rng(1))
    ours(*data, 10)  # warm
    fast, own = timed(lambda: ours(*data, options.resamples), max(options.repeats, 5))
    slow, other = timed(lambda: peer(*data, options.peer_resamples), options.repeats)
    scaled = slow * options.resamples / options.peer_resamples
    width = max(float(np.abs(a[1] - a[0]).max()) for a in other)
    gap = max(float(np.abs(a - b).max()) for a, b in zip(own, other, strict=True))
    print(f"rows {options.rows}, resamples {options.resamples}")
    print(f"ours       {fast:10.4f} CPU s")
    print(
        f"fairlearn  {slow:10.2f} CPU s for {options.peer_resamples} resamples ({scaled:.1f} s for {options.resamples})"
    )
    print(f"ratio      {scaled / fast:10.0f}")
    print(f"largest difference of an interval end {gap:.4f}, widest interval {width:.4f}")


if __name__ == "__main__":
    main()
