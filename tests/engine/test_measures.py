"""The registry's list of measures is what the checks give: no more, no less."""

import pytest

from harness import audit
from harness.core.rule import Rule
from harness.datasets.roles import load_dataset
from harness.engine.progress import silent
from harness.engine.registry import check_entries
from harness.engine.rule_problems import problems_of_rules
from harness.fitting.tabular import LINEAR
from harness.spec.loading import built_in_suites, load_suite
from harness.workflows.audit import AuditRequest, run_audit
from harness.workflows.fit import fit
from harness.workflows.runs import audit_and_write


@pytest.fixture(scope="module")
def emitted(tmp_path_factory):
    found: dict[str, set[str]] = {}
    for name in built_in_suites():
        folder = tmp_path_factory.mktemp("m")
        loaded = load_suite(name)
        model = folder
        if loaded.suite.data.split.test == 1:  # nothing to fit to
            model, data = folder / "even.csv", load_dataset(loaded)
            head = ",".join(["id", *(f"score:{one}" for one in data.classes)])
            even = f",{1 / len(data.classes)}" * len(data.classes)
            model.write_text("\n".join([head, *(f"{row}{even}" for row in data.splits["test"].ids)]))
        else:
            texts_only = loaded.suite.data.features in (["smiles"], ["text"])
            fit(name, "sklearn:tfidf" if texts_only else LINEAR[loaded.suite.task], folder)
        records = audit(name, str(model)).records
        if name == "finance/credit-risk":  # an earlier release is given by name, never by a suite
            first = audit_and_write(AuditRequest(name, str(model)), [str(folder / "last" / "audit.json")], silent)[1]
            records += run_audit(AuditRequest(name, str(model), baseline=first[0])).record.records
        for record in records:
            found.setdefault(record.check, set()).update(f.measure for f in record.findings)
    return found


# Given only where the data has such a flaw, which tests/checks plants.
RARE = {
    "data.leak_suspect",
    "data.small_group",
    "data.disguised_missing",
    "data.no_number",
    "data.unlabelled_rows",
    *(f"data.{name}" for name in ("stripped_cells", "missing_word", "unseen_class", "own_types")),
    "model.threshold",
    "data.label_informedness",  # no shipped suite of several classes runs data.signal: tests/checks/test_signal.py does
    "data.determined_label_rate",
    # No shipped suite of several classes has sites: tests/checks/test_transfer.py has.
    *(f"performance.{name}" for name in ("site_recall_macro", "left_out_recall_macro", "recall_transfer_gap")),
    *(f"data.{name}" for name in ("forbidden_feature", "identifier_feature", "redundant_column")),
    "data.site_label_mean",  # no shipped regression suite has sites
    # No shipped regression suite is about people: tests/workflows/test_regression.py audits one that is.
    *(f"bias.mean_{name}{end}" for name in ("prediction", "error", "absolute_error") for end in ("", "_gap")),
}


def test_every_check_gives_exactly_the_measures_that_the_registry_lists(emitted):
    listed = {e.name: {f"{e.name.partition('.')[0]}.{m}" for m in e.measures} for e in check_entries().values()}
    assert {check: measures | (listed[check] & RARE) for check, measures in emitted.items()} == listed


def test_a_misspelt_measure_is_named_with_its_neighbour():
    rule = Rule(id="r", measure="performance.roc_acu", at_least=0.5, reason="r", source="s")
    assert "Did you mean performance.roc_auc?" in problems_of_rules([rule])[0]


def test_a_measure_of_a_plugin_family_is_let_through():
    rule = Rule(id="r", measure="acme/toxicity.rate", at_most=0.5, reason="r", source="s")
    assert problems_of_rules([rule]) == []
