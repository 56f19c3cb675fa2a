"""Rules that every policy has: whether the model beats guessing at the decision that people act on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.core.finding import Selector
from harness.core.rule import Rule

SOURCE = "vertical-harness: required of every policy; only a waiver with a reason lifts it"
RARE = 0.2
GUESSING = ("performance.informedness", "performance.squared_error_skill", "performance.choice_gain")
"""The measures that say whether a model beats guessing, one a task."""
_CALIBRATION = ("performance.calibration_", "performance.ece", "performance.top_label_", "bias.calibration_")


@dataclass(frozen=True)
class PolicyFacts:
    """What the required rules depend on.

    `own_labels`: the decision is the model's own labels. `costs`: the suite measures what decisions cost. `rare_class`: a class has fewer
    than 20 % of the test rows, where good models lose accuracy at their decision.
    """

    task: str
    own_labels: bool = True
    costs: bool = False
    rare_class: bool = False


def completed(rules: list[Rule], facts: PolicyFacts) -> list[Rule]:
    """The rules, and the required ones that none of them covers."""
    taken = {rule.id for rule in rules}
    return [
        *rules,
        *(_named(r, taken) for r in required_rules(rules, facts) if not any(covers(own, r) for own in rules)),
    ]


def covers(rule: Rule, required: Rule) -> bool:
    """Whether a rule is at least as strict as a required one on the same findings."""
    same = (rule.measure, rule.group or {}, rule.of or {}) == (
        required.measure,
        required.group or {},
        required.of or {},
    )
    low, limit = rule.bounds[0], required.bounds[0]
    strict = low is not None and limit is not None and (low > limit or (low == limit and rule.strict))
    return same and strict and (rule.severity == "block" or required.severity == "warn")


def required_rules(rules: list[Rule], facts: PolicyFacts) -> list[Rule]:
    """What is required of a policy with these rules of its own."""
    if facts.task == "regression":
        why = "A model that predicts no better than one constant number is of no use"
        return [_rule("better-than-constant", "performance.squared_error_skill", why)]
    if facts.task == "choice":
        why = "A model that picks no better than chance, or than always the same place, is of no use"
        return [_rule("better-than-guessing", "performance.choice_gain", why, of={"against": "*"})]
    found = [
        _rule(
            "better-than-guessing",
            "performance.informedness",
            "Answers that do not depend on the truth are of no use, whatever share of them is right",
        ),
        _rule(
            "better-than-base-rate",
            "performance.brier_skill",
            "Stated probabilities must be nearer to the truth than the share of the class among the rows",
            blocks=facts.costs or any(rule.measure.startswith(_CALIBRATION) for rule in rules),
        ),
        _rule(
            "better-than-base-rate-in-log-loss",
            "performance.log_loss_skill",
            "As better-than-base-rate; warns only, because a single row with a probability of 0 decides it",
            blocks=False,
        ),
    ]
    if facts.own_labels:
        why = "Answering every row with the most frequent class must not be right more often"
        found.append(_rule("better-than-majority", "performance.accuracy_gain", why, blocks=not facts.rare_class))
    if facts.costs:
        why = "Deciding alike for every row, the cheaper way, must not cost less than the model's decisions"
        found.append(_rule("saves-cost", "performance.cost_saving", why, blocks=False))
    return found


def guessing_rule(task: str) -> Rule:
    """That a model of this task beats guessing; the rule that a comparison holds each model to."""
    return next(rule for rule in required_rules([], PolicyFacts(task)) if rule.measure in GUESSING)


def required_ids(task: str) -> list[Rule]:
    """Every rule that may be required, so that a waiver may name it."""
    return required_rules([], PolicyFacts(task, costs=True))


def _rule(name: str, measure: str, reason: str, *, of: Selector | None = None, blocks: bool = True) -> Rule:
    severity: Literal["block", "warn"] = "block" if blocks else "warn"
    return Rule(
        id=name, measure=measure, of=of, above=0, severity=severity, reason=reason, source=SOURCE, required=True
    )


def _named(rule: Rule, taken: set[str]) -> Rule:
    name, number = rule.id, 2
    while name in taken:
        name, number = f"{rule.id}-{number}", number + 1
    return rule.model_copy(update={"id": name})
