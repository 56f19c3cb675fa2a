"""What the required rules depend on, before a run and from a stored record."""

from __future__ import annotations

from collections import Counter

from harness.core.audit import Audit, ModelInfo
from harness.core.dataset import Dataset
from harness.core.required_rules import RARE, PolicyFacts, completed
from harness.core.rule import Rule
from harness.engine.decision import plan_decision
from harness.spec.suite import Suite

_COSTS = {"false_alarm", "missed", "matrix"}


def policy_facts(suite: Suite, data: Dataset, model: ModelInfo) -> PolicyFacts | None:
    """What the required rules of this run depend on; None where no true answer exists, so that none is required."""
    if suite.data.label.column is None:
        return None
    test = data.splits.get("test")
    counts = Counter(test.labels.tolist()) if test is not None and data.classes else Counter()
    return PolicyFacts(
        suite.task,
        own_labels=plan_decision(suite, data, model).mode == "own_labels",
        costs=_states_costs(suite),
        rare_class=bool(counts) and min(counts[name] for name in data.classes) < RARE * counts.total(),
    )


def with_required_rules(suite: Suite, facts: PolicyFacts | None) -> Suite:
    """The suite with every rule that its policy must have."""
    return suite if facts is None else suite.model_copy(update={"policy": completed(suite.policy, facts)})


def _states_costs(suite: Suite) -> bool:
    """Whether somebody stated what decisions cost, as parameters of the check or in the decision."""
    of_check = any(_COSTS & set(request.parameters) for request in suite.checks if request.name == "performance.costs")
    return of_check or (suite.decision is not None and suite.decision.costs is not None)


def with_required_rules_of(record: Audit, rules: list[Rule]) -> list[Rule]:
    """Rules of another policy for a stored record, with every rule that it must have.

    A record that does not hold its facts is of an earlier version: they are read from its policy.
    """
    facts = record.policy.facts or _facts_of_policy(record)
    return rules if facts is None else completed(rules, facts)


def _facts_of_policy(record: Audit) -> PolicyFacts | None:
    performance = [r for r in record.records if r.check.startswith("performance.") and r.status != "not_applicable"]
    if not performance:
        return None
    required = {rule.measure: rule for rule in record.policy.rules if rule.required}
    gain = required.get("performance.accuracy_gain")
    return PolicyFacts(
        record.suite.task,
        own_labels=record.decision is None or record.decision.own_labels,
        costs="performance.cost_saving" in required,
        rare_class=gain is None or gain.severity != "block",
    )
