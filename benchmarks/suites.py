"""Fits and audits a reference model for every built-in suite: verdict, CPU seconds, main measures, and the domain's own.

python benchmarks/suites.py [--base sklearn:gradient-boosting] [SUITE ...]
"""

import argparse
import tempfile
import time
from pathlib import Path

from harness import audit, load_suite
from harness.outputs.narrative import about, measure_title
from harness.spec.loading import built_in_suites
from harness.workflows.fit import fit

# Of each column the first measure that a suite has: of the positive class, over all classes, or of numbers.
COLUMNS = (
    ("accuracy or R²", ("performance.accuracy", "performance.r2")),
    ("recall or MAE", ("performance.recall", "performance.recall_macro", "performance.mae")),
    ("F1", ("performance.f1", "performance.f1_macro")),
    ("ROC-AUC", ("performance.roc_auc",)),
    ("impact ratio", ("bias.impact_ratio",)),
    ("membership AUC", ("privacy.membership_auc",)),
)
# What a person of the domain asks for first, and where.
OWN = {
    "chinese/escalation": ("performance.accuracy_at_coverage", "80% of rows"),
    "finance/credit-risk": ("performance.approval_rate", "bad rate 5%"),
    "finance/credit-risk-german": ("performance.approval_rate", "bad rate 15%"),
    "finance/fraud-detection": ("performance.recall_at_budget", "20% of rows"),
    "finance/robo-advisor": ("bias.calibration_gap", None),
    "manufacturing/failure-diagnosis": ("performance.balanced_accuracy", None),
    "manufacturing/predictive-maintenance": ("performance.missed_per_1000", None),
    "manufacturing/process-optimisation": ("performance.within_tolerance", "10 MPa"),
    "manufacturing/quality-control": ("performance.escape_rate", "80% inspected"),
    "medical/diagnosis": ("performance.sensitivity_at_specificity", "specificity 0.9"),
    "medical/drug-discovery": ("performance.enrichment", "5% of rows"),
    "medical/health-management": ("performance.net_benefit", "threshold 0.2"),
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--base", default="sklearn:gradient-boosting")
    parser.add_argument("suites", nargs="*")
    asked = parser.parse_args()
    total = 0.0
    head = "  ".join(f"{title:>22}" for title, _ in COLUMNS)
    print(f"{'suite':52} {'verdict':11} {'CPU s':>6}  {head}  the domain's own")
    for name in asked.suites or built_in_suites():
        suite = load_suite(name).suite
        if suite.data.split.test == 1:
            print(f"{name:52} needs a language model: harness audit {name} --model bundled:smollm2 --rows 60")
            continue
        for base in bases(suite, asked.base):
            total += show(name, base, suite.data.label.positive_name)
    print(f"{total:.0f} CPU s in all")


def bases(suite, base):
    """The reference models of a suite: of columns where it has any, of the text where that is all that it has."""
    texts_only = suite.data.features in (["smiles"], ["text"])
    columns = not texts_only or suite.data.derived
    return [*([base] if columns else []), *(["sklearn:tfidf"] if texts_only else [])]


def show(name, base, positive):
    """Prints a line for the model, and one for each rule that it does not meet; returns its CPU seconds."""
    start = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        fit(name, base, Path(folder) / "m")
        record = audit(name, str(Path(folder) / "m"))
    seconds = time.process_time() - start
    cells = "  ".join(f"{first(record, measures, positive):>22}" for _, measures in COLUMNS)
    title = f"{name} {base.removeprefix('sklearn:')}"
    print(f"{title:52} {record.verdict.outcome:11} {seconds:6.1f}  {cells}  {own(record, name)}")
    for decision in record.verdict.decisions:
        if decision.outcome not in ("pass", "not_applicable"):
            print(
                f"    {decision.outcome}: {decision.rule_id} {decision.group or decision.of or ''} {decision.message}"
            )
    return seconds


def first(record, measures, positive):
    for measure in measures:
        found = measured(record, measure)
        if measure in ("performance.recall", "performance.f1"):
            found = [f for f in found if f.of == {"class": positive}]
        if found:
            return told(worst(measure, found))
    return "-"


def own(record, name):
    """The measure that the domain asks for first, with its interval and unit."""
    measure, at = OWN.get(name, (None, None))
    found = [f for f in measured(record, measure) if at is None or f.of == {"at": at}]
    if not found:
        return "-"
    one = worst(measure, found)
    where = about(one.group, one.of)
    return f"{measure_title(measure)}{f' ({where})' if where else ''}: {told(one)}{f' {one.unit}' if one.unit else ''}"


def measured(record, measure):
    return [
        f for r in record.records for f in r.findings if f.measure == measure and f.interval and f.value is not None
    ]


def worst(measure, found):
    target = {"bias.impact_ratio": 1, "bias.calibration_gap": 0}.get(measure)
    return max(found, key=lambda f: f.value if target is None else abs(f.value - target))


def told(finding):
    return f"{finding.value:.3f} ({finding.interval.low:.3f}-{finding.interval.high:.3f})"


if __name__ == "__main__":
    main()
