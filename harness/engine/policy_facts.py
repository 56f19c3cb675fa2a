"""What the required rules depend on, before a run and from a stored record."""

from __future__ import annotations

from collections import Counter

from harness.core.audit import Audit, ModelInfo
from harness.core.dataset import Dataset
from harness.core.required_rules import RARE, PolicyFacts, completed
from harness.core.rule import Rule
from harness.engine.decision import plan_decision
from harness.spec.suite import Suite

_GAIN, _SAVING = "performance.accuracy_gain", "performance.cost_saving"
_COSTS = {"false_alarm", "missed", "matrix"}


def with_required_rules(suite: Suite, data: Dataset, model: ModelInfo) -> Suite:
    """The suite with every rule that its policy must have; as it is where no true answer exists."""
    if suite.data.label.column is None:
        return suite
    test = data.splits.get("test")
    counts = Counter(test.labels.tolist()) if test is not None and data.classes else Counter()
    facts = PolicyFacts(
        suite.task,
        own_labels=plan_decision(suite, data, model).mode == "own_labels",
        costs=_states_costs(suite),
        rare_class=bool(counts) and min(counts.values()) < RARE * counts.total(),
    )
    return suite.model_copy(update={"policy": completed(suite.policy, facts)})


def _states_costs(suite: Suite) -> bool:
    """Whether costs are measured that somebody stated, as parameters of the check or in the decision."""
    requests = [request for request in suite.checks if request.name == "performance.costs"]
    of_decision = suite.decision is not None and suite.decision.costs is not None
    return any(of_decision or _COSTS & set(request.parameters) for request in requests)


def with_required_rules_of(record: Audit, rules: list[Rule]) -> list[Rule]:
    """Rules of another policy for a stored record, with every rule that it must have."""
    performance = [r for r in record.records if r.check.startswith("performance.") and r.status != "not_applicable"]
    if not performance:
        return rules
    gain = [rule for rule in record.policy.rules if rule.measure == _GAIN]
    facts = PolicyFacts(
        record.suite.task,
        own_labels=record.decision is None or record.decision.own_labels,
        costs=any(rule.measure == _SAVING for rule in record.policy.rules),
        rare_class=not any(rule.severity == "block" for rule in gain),
    )
    return completed(rules, facts)
