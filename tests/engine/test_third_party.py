"""A third party's check: how it is found, what it declares, and what it may measure."""

import textwrap

import pytest

from harness.core.finding import Finding
from harness.core.rule import Rule
from harness.engine.measurement import Measurement, measures
from harness.engine.planner import Plan, plan, validate_checks
from harness.engine.progress import silent
from harness.engine.registry import check_entries
from harness.engine.rule_problems import problems_of_rules
from harness.engine.runner import run
from harness.errors import SuiteError
from tests.engine.known_checks import find_check

DECLARED = """
from harness.core.finding import Finding
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, measures

@measures("recall_at_budget", "rows_read")
def review(evidence: Evidence, *, gives: str = "acme/review.recall_at_budget") -> Measurement:
    return Measurement([Finding(measure=gives, value=1, n=1, exact=True)])
"""
UNDECLARED = DECLARED.replace('@measures("recall_at_budget", "rows_read")\n', "")


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Installs a package whose module holds this source, as pip leaves one on the path."""

    def install(source, name="acme/review"):
        folder = tmp_path / "acme_review-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-review\nVersion: 1.0\n", encoding="utf-8")
        (folder / "entry_points.txt").write_text(f"[harness.checks]\n{name} = acme_review:review\n", encoding="utf-8")
        (tmp_path / "acme_review.py").write_text(textwrap.dedent(source), encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(__import__("sys").modules, "acme_review", raising=False)

    return install


def rule(measure):
    return Rule(id="r", measure=measure, at_least=0.5, reason="r", source="s")


def recorded(evidence, gives):
    seen = evidence(checks=[{"acme/review": {"gives": gives}}])
    seen.collect(("test",))
    steps = plan(seen.suite, seen.data, seen.model)
    return run(Plan(steps.steps[:1], ("test",)), seen, silent)[0]


def test_a_check_gives_what_it_declares(package, evidence):
    package(DECLARED)
    assert recorded(evidence, "acme/review.rows_read").status == "measured"


@pytest.mark.parametrize("measure", ["acme/review.recall", "performance.accuracy", "acme/other.rows_read", "rows_read"])
def test_a_measure_that_is_not_declared_makes_the_record_an_error(measure, package, evidence):
    package(DECLARED)
    record = recorded(evidence, measure)
    assert (record.status, record.findings) == ("error", [])
    assert record.reason == (
        f"the check gave the measure {measure}, which it does not declare. Declared: acme/review.recall_at_budget, "
        "acme/review.rows_read"
    )


def test_a_check_without_a_declaration_may_give_its_own_names_only(package, evidence):
    package(UNDECLARED)
    assert recorded(evidence, "acme/review.anything").status == "measured"
    record = recorded(evidence, "performance.roc_auc")
    assert record.status == "error"
    assert record.reason == (
        "the check gave the measure performance.roc_auc, which it does not declare. It declares none, so its measures must "
        "begin with acme/review."
    )


def test_a_built_in_check_gives_what_the_registry_lists_only(evidence, monkeypatch):
    entry = check_entries()["data.quality"]
    foreign = Finding(measure="performance.accuracy", value=1, n=1, exact=True)
    monkeypatch.setattr("harness.checks.data.quality.quality", lambda evidence: Measurement([foreign]))
    assert entry.undeclared(["data.missing_rate"]) == []
    seen = evidence()
    record = run(plan(seen.suite, seen.data, seen.model), seen, silent)[0]
    assert record.status == "error"
    assert "performance.accuracy, which it does not declare" in record.reason


def test_a_rule_on_a_measure_that_the_check_does_not_declare_is_named_with_its_neighbour(package, suite):
    package(DECLARED)
    validate_checks(suite(["acme/review"], policy=[rule("acme/review.recall_at_budget").model_dump(exclude_none=True)]))
    for misspelt in ("acme/review.recal_at_budget", "acme-review.recall_at_budget"):
        with pytest.raises(SuiteError, match=r"Did you mean acme/review\.recall_at_budget\?"):
            validate_checks(suite(["acme/review"], policy=[rule(misspelt).model_dump(exclude_none=True)]))


def test_a_rule_on_a_check_that_declares_nothing_or_is_not_here_is_let_through(package, suite):
    package(UNDECLARED)
    for measure in ("acme/review.anything", "absent/check.rate"):
        validate_checks(suite(["acme/review"], policy=[rule(measure).model_dump(exclude_none=True)]))
    assert problems_of_rules([rule("absent/check.rate"), rule("acme/review.x")]) == []


def test_only_a_name_with_its_package_is_a_third_partys_check(package):
    package(DECLARED, "performance.review")
    assert "performance.review" not in check_entries()
    with pytest.raises(SuiteError, match=r"An installed package names a check so\. Wanted: package/name"):
        find_check("performance.review", {})


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("raise SystemExit(0)", r"Check acme/review called sys\.exit\(0\) while it was loaded"),
        ("1 / 0", "Check acme/review raised ZeroDivisionError while it was loaded"),
        ("import no_such_library", "raised ModuleNotFoundError while it was loaded: No module named 'no_such_library'"),
        ("review = 3", "raised TypeError while it was loaded"),
        ("def review(evidence: 'Unknown'): pass", "raised NameError while it was loaded"),
        (DECLARED.replace('"rows_read"', '"acme/review.rows_read"'), "without the name of the check: rows_read"),
    ],
)
def test_a_check_that_can_not_be_loaded_is_a_mistake_of_the_suite(source, says, package, suite):
    package(source)
    with pytest.raises(SuiteError, match=says):
        validate_checks(suite(["acme/review"]))


def test_an_interrupt_while_a_check_is_loaded_is_an_interrupt(package):
    package("raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        find_check("acme/review", {})


def test_a_parameter_without_a_type_takes_any_value(package):
    package("def review(evidence, *, budget=1): pass")
    assert find_check("acme/review", {"budget": "high"}).third_party


def test_the_declaration_leaves_the_check_as_it_is():
    def check(evidence):
        return Measurement()

    assert measures("a", "b")(check) is check
    assert check.measures == ("a", "b")
