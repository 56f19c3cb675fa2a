import hashlib

import pytest
import yaml

from harness.datasets.roles import load_dataset
from harness.errors import SuiteError
from harness.spec.loading import load_suite

RULE = {"id": "mine", "measure": "performance.accuracy", "at_least": 0.8, "reason": "ours", "source": "us"}


def written(folder, file, /, **document):
    path = folder / file
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return path


def test_a_suite_takes_what_it_does_not_say_from_the_one_that_it_extends(tmp_path):
    base = load_suite("finance/credit-risk")
    own = load_suite(
        written(
            tmp_path,
            "own.yaml",
            extends="finance/credit-risk",
            name="own/credit",
            data={"split": {"test": 0.5}},
            policy=[RULE],
        )
    )
    assert own.suite.name == "own/credit"
    assert [rule.id for rule in own.suite.policy] == ["mine"]
    assert own.suite.data.split.test == 0.5
    assert own.suite.data.split.seed == base.suite.data.split.seed
    assert own.suite.data.features == base.suite.data.features
    assert own.digest != base.digest
    assert len(load_dataset(own).splits["test"]) > len(load_dataset(base).splits["test"])


def test_data_named_by_the_suite_itself_lie_beside_it(tmp_path):
    source = load_suite("finance/credit-risk").folder / "hmda_boston.csv"
    (tmp_path / "mine.csv").write_bytes(source.read_bytes())
    own = load_suite(
        written(tmp_path, "own.yaml", extends="finance/credit-risk", data={"source": "mine.csv", "card": None})
    )
    assert len(load_dataset(own).splits["test"]) == 950


def test_a_policy_can_be_kept_in_a_file_of_its_own_and_shared(tmp_path):
    written(tmp_path, "policy.yaml", policy=[RULE])
    own = load_suite(written(tmp_path, "own.yaml", extends="finance/credit-risk", policy="policy.yaml"))
    inline = load_suite(written(tmp_path, "two.yaml", extends="finance/credit-risk", policy=[RULE]))
    assert own.suite.policy == inline.suite.policy
    assert own.digest == inline.digest


def test_a_chain_works_and_a_circle_is_refused(tmp_path):
    written(tmp_path, "a.yaml", extends="finance/credit-risk", version="a")
    assert load_suite(written(tmp_path, "b.yaml", extends="a.yaml", name="own/b")).suite.version == "a"
    written(tmp_path, "c.yaml", extends="d.yaml")
    with pytest.raises(SuiteError, match="extends itself"):
        load_suite(written(tmp_path, "d.yaml", extends="c.yaml"))


def test_an_unknown_parent_and_a_wrong_shared_policy_are_named(tmp_path):
    with pytest.raises(SuiteError, match=r"Did you mean finance/credit-risk"):
        load_suite(written(tmp_path, "a.yaml", extends="finance/credit-rsk"))
    written(tmp_path, "policy.yaml", policy=[{**RULE, "at_least": "high"}])
    with pytest.raises(SuiteError, match=r"policy\.yaml:"):
        load_suite(written(tmp_path, "b.yaml", extends="finance/credit-risk", policy="policy.yaml"))


def test_null_takes_back_what_the_parent_says(tmp_path):
    parent = load_suite("manufacturing/failure-diagnosis").suite
    assert "bias.groups" in parent.not_applicable
    own = written(
        tmp_path,
        "own.yaml",
        extends="manufacturing/failure-diagnosis",
        not_applicable={"bias.groups": None},
        data={"card": None, "sensitive": {"quality": {"column": "Type"}}},
    )
    child = load_suite(own).suite
    assert child.not_applicable == {k: v for k, v in parent.not_applicable.items() if k != "bias.groups"}
    assert child.data.card is None
    assert child.data.features == parent.data.features


def test_a_label_column_of_null_stays_the_statement_that_there_is_no_true_answer(tmp_path):
    assert load_suite(written(
        tmp_path, "own.yaml", extends="finance/advice-questions", name="own/advice", data={"label": {"column": None}}
    )).suite.data.label.column is None  # fmt: skip


def test_what_a_suite_extends_stands_in_the_record_and_in_the_reports(tmp_path):
    from harness.core.audit import Audit
    from harness.outputs.html import render_html
    from harness.outputs.markdown import render_markdown
    from harness.workflows.audit import AuditRequest, run_audit
    from harness.workflows.fit import fit

    written(tmp_path, "middle.yaml", extends="finance/credit-risk", checks=["data.quality"], policy=[])
    path = written(tmp_path, "own.yaml", extends="middle.yaml")
    digests = [
        hashlib.sha256(file.read_bytes()).hexdigest()
        for file in (tmp_path / "middle.yaml", load_suite("finance/credit-risk").path)
    ]
    fit(path, "sklearn:logistic-regression", tmp_path / "model")
    run = run_audit(AuditRequest(path, str(tmp_path / "model")))
    assert isinstance(run.record, Audit)
    assert [(p.name, p.sha256) for p in run.record.suite.extends] == [
        ("middle.yaml", digests[0]),
        ("finance/credit-risk", digests[1]),
    ]
    page = render_html(run.record)
    assert "(extends middle.yaml)" in page
    assert digests[1] in page.partition('<script type="application/json"')[0]
    assert "suite version 6 (extends middle.yaml, which extends finance/credit-risk)" in render_markdown(run.record)


def test_calibration_by_group_or_slice_can_be_gated_without_a_favourable_class(tmp_path):
    rule = {**RULE, "measure": "bias.calibration_gap", "at_least": -0.2}
    own = {"extends": "finance/robo-advisor", "data": {"label": {"favourable": None}}}
    checks = [{"bias.calibration": {"slices": ["eligible for a 401(k)"]}}]
    rules = [{**rule, "group": {"sex": "*"}}, {**rule, "id": "two", "group": {"eligible for a 401(k)": "*"}}]
    assert (
        len(
            load_suite(
                written(tmp_path, "a.yaml", **own, checks=checks, policy=rules, release=[], compare=None)
            ).suite.policy
        )
        == 2
    )
    gap = {**rule, "measure": "bias.selection_rate_gap", "group": {"sex": "*"}}
    with pytest.raises(SuiteError, match="must name the outcome"):
        load_suite(written(tmp_path, "b.yaml", **own, checks=checks, policy=[gap], release=[], compare=None))
