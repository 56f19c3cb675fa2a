"""Every operating point that a domain asks for stands in the record of its suite, with a number and an interval."""

import numpy as np
import pytest

from harness import audit
from harness.datasets.roles import load_dataset
from harness.spec.loading import built_in_suites, load_suite
from harness.workflows.fit import fit

# What each suite must tell: measure, and what it is of (None: any); "curve: …" and "matrix: …" name an exhibit's title.
WANTED = {
    "chinese/escalation": [("performance.accuracy_at_coverage", "80% of rows"), ("bias.log_odds_gap", None)],
    "finance/credit-risk": [
        ("performance.ks", None), ("performance.gini", None),
        ("performance.approval_rate", "bad rate 5%"), ("performance.approved_bad_rate", "bad rate 5%"),
        ("explainability.principal_reason_rate", None), ("explainability.unstable_reason_rate", None),
        ("bias.calibration_gap", "race"), ("bias.calibration_gap", "marital_status"),
    ],
    "finance/credit-risk-german": [
        ("performance.ks", None), ("performance.gini", None),
        ("performance.approval_rate", "bad rate 15%"), ("performance.approved_bad_rate", "bad rate 15%"),
        ("explainability.principal_reason_rate", None), ("explainability.unstable_reason_rate", None),
        ("bias.calibration_gap", "age"),
    ],
    "finance/fraud-detection": [
        ("performance.recall_at_budget", "10% of rows"), ("performance.precision_at_budget", "10% of rows"),
        ("performance.precision_at_k", "first 50 rows"), ("performance.false_alarms_per_1000", None),
        ("performance.expected_cost", None), ("matrix: Cost matrix", None), ("curve: Cost curve", None),
    ],
    "finance/robo-advisor": [
        ("performance.calibration_slope", None),
        *[(f"bias.{measure}", group) for measure in ("calibration_in_the_large", "observed_to_expected")
          for group in ("sex", "age", "marital_status")],
    ],
    "finance/advice-questions": [("bias.log_odds_gap", group) for group in ("age", "gender", "race")],
    "manufacturing/failure-diagnosis": [("performance.recall", None), ("performance.balanced_accuracy", None)],
    "manufacturing/predictive-maintenance": [
        ("performance.missed_per_1000", None), ("performance.alarms_per_positive", None),
        ("performance.escape_rate", "5% inspected"), ("curve: Cost curve", None),
    ],
    "manufacturing/process-optimisation": [
        ("performance.within_tolerance", "10 MPa"), ("performance.interval_coverage", "90%"),
        ("explainability.direction_agreement", None),
    ],
    "manufacturing/quality-control": [
        ("performance.escape_rate", "50% inspected"), ("performance.slice_accuracy", "alcohol = 0-25% (below 9.5)"),
    ],
    "medical/diagnosis": [
        ("performance.sensitivity_at_specificity", "specificity 0.9"), ("performance.net_benefit", "threshold 0.2"),
        ("curve: Decision curve", None), ("performance.left_out_auc", None), ("performance.accuracy_at_coverage", None),
    ],
    "medical/diagnosis-questions": [("performance.accuracy_at_coverage", "80% of rows")],
    "medical/drug-discovery": [
        ("performance.enrichment", "1% of rows"), ("performance.enrichment", "5% of rows"),
        ("performance.slice_auc", "activity cliff = yes"), ("explainability.attribution", "smiles:=O"),
    ],
    "medical/health-management": [
        *[(f"bias.{measure}", group) for measure in ("calibration_in_the_large", "observed_to_expected", "calibration_gap")
          for group in ("sex", "race", "age")],
        ("performance.net_benefit", "threshold 0.2"), ("curve: Decision curve", None),
    ],
    "medical/research-questions": [("performance.accuracy_at_coverage", "80% of rows")],
}  # fmt: skip


def answers(name, loaded, folder):
    """Saved answers of a model that leans to the truth where there is one: nothing can be fitted to questions."""
    data, rng = load_dataset(loaded), np.random.default_rng(0)
    test, path = data.splits["test"], folder / "answers.csv"
    lines = [",".join(["id", *(f"score:{one}" for one in data.classes)])]
    absent = [] if not loaded.suite.data.options else test.inputs[loaded.suite.data.options].isna().to_numpy()
    for k, (row, truth) in enumerate(zip(test.ids, test.labels, strict=True)):
        raw = rng.exponential(size=len(data.classes)) + 2 * (np.array(data.classes, dtype=object) == truth)
        raw = np.where(absent[k], 0, raw) if len(absent) else raw
        lines.append(",".join([row, *(f"{share:.6f}" for share in raw / raw.sum())]))
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def test_every_suite_is_listed():
    assert set(WANTED) == set(built_in_suites())


@pytest.mark.parametrize("name", built_in_suites())
def test_every_operating_point_of_a_suite_has_a_number_and_an_interval(name, tmp_path):
    loaded = load_suite(name)
    if loaded.suite.data.split.test == 1:
        model = answers(name, loaded, tmp_path)
    else:
        model, columns = tmp_path / "m", loaded.suite.data.features != ["text"]
        fit(name, "sklearn:gradient-boosting" if columns else "sklearn:tfidf", model)
    records = audit(name, str(model)).records
    absent = [wanted for wanted in WANTED[name] if not stands(records, *wanted)]
    assert absent == []


def stands(records, measure, of):
    """Whether a finding of this measure (about this value, group or slice) has a number and an interval; of an exhibit, all rows."""
    kind, _, title = measure.partition(": ")
    if title:
        found = [e for r in records for e in r.exhibits if e.kind == kind and e.title.startswith(title)]
        model = [row for e in found for row in e.rows if kind != "curve" or row[-1] == "the model"]
        return bool(model) and all(cell is not None for row in model for cell in row)
    about = [f for r in records for f in r.findings if f.measure == measure and f.value is not None and f.interval]
    return any(of is None or of in {**(f.of or {}), **(f.group or {})} or of in (f.of or {}).values() for f in about)
