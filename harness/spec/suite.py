"""A suite as its author writes it, as validated types."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, get_args

from pydantic import (
    BeforeValidator,
    Field,
    WithJsonSchema,
    model_validator,
)

from harness.core.comparison import Margin, Margins, release_rules
from harness.core.finding import Selector
from harness.core.required_rules import required_ids
from harness.core.rule import Rule
from harness.core.system import System
from harness.core.waiver import Waiver
from harness.spec.data import Data, Strict, Text
from harness.spec.decision import DecisionSpec
from harness.spec.waivers import refuse_misfits

Task = Literal["classification", "regression", "choice", "generation"]
TASKS = get_args(Task)
REQUIRED_CHECK = "performance.skill"
UNDIRECTED = (
    "bias.accuracy",
    "bias.accuracy_gap",
    "bias.group_size",
    "bias.unknown_group",
    *(f"bias.{name}" for name in ("calibration_in_the_large", "observed_to_expected")),
    *(f"bias.calibration_{name}" for name in ("gap", "p_value", "difference")),
)  # no outcome need be favourable


class PromptView(Strict):
    """A prompt's template, and what a language model may answer: a class's name → the words of the choice.

    Regression has no choices: the model writes a number.
    `normalise` divides a choice's log-likelihood by its number of tokens, so that long choices are not at a disadvantage.
    """

    template: str
    choices: dict[Text, str] = Field(default_factory=dict)
    normalise: bool = False


class Views(Strict):
    """How a row is shown to models that read texts; `zero_shot` describes each class for a text encoder."""

    text: str | None = None
    prompt: PromptView | None = None
    zero_shot: dict[Text, str] = Field(default_factory=dict)


class CheckRequest(Strict):
    """A check to run, and its parameters."""

    name: str
    parameters: dict[str, Any] = Field(default_factory=dict)


def _as_request(value: object) -> object:
    if isinstance(value, str):
        return {"name": value}
    if isinstance(value, dict) and len(value) == 1:
        ((name, parameters),) = value.items()
        if name not in ("name", "parameters"):
            return {"name": name, "parameters": parameters or {}}
    return value


Request = Annotated[
    CheckRequest,
    BeforeValidator(_as_request),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "description": "A check's name."},
                {
                    "type": "object",
                    "minProperties": 1,
                    "maxProperties": 2,
                    "description": "A check's name, and its parameters by name.",
                    "additionalProperties": {"type": ["object", "null", "string"]},
                },
            ]
        }
    ),
]


class Suite(Strict):
    """One data set, one task, the checks to run and the policy that judges them.

    `compare` says by how much a model must be better to be chosen; `release` by how much a new release may be worse than the
    last one (with --baseline only).
    """

    name: str = Field(min_length=1)
    version: Text = "1"
    title: dict[str, str] = Field(default_factory=dict)
    vertical: str
    task: Task = "classification"
    data: Data
    views: Views = Views()
    decision: DecisionSpec | None = None
    checks: list[Request] = Field(min_length=1)
    not_applicable: dict[str, str] = Field(default_factory=dict)
    policy: list[Rule] = Field(default_factory=list)
    waivers: list[Waiver] = Field(default_factory=list)
    compare: Margins | None = None
    release: list[Margin] = Field(default_factory=list)
    seed: int = 20260101
    system: System = System()

    @property
    def class_names(self) -> list[str]:
        """What the suite calls classes, wherever it names one."""
        label, costs = self.data.label, self.decision.costs if self.decision else None
        named = [label.positive, label.favourable, *(self.views.prompt.choices if self.views.prompt else ())]
        matrix = (costs.matrix if costs else None) or {}
        named += [*self.views.zero_shot, *matrix, *(name for row in matrix.values() for name in row)]
        named += [name for labels in self.data.agrees.values() for names in labels.values() for name in names]
        named += [(of or {}).get("class") for _, of in self._selected]
        return sorted({name for name in named if isinstance(name, str)} - {"*"})

    def group_names(self, attribute: str) -> list[str]:
        """What the suite calls groups of a sensitive attribute or of a slice, wherever it names one."""
        named = {self.data.reference.get(attribute, "*")}
        for group, of in self._selected:
            for attributes, groups in (group or {}).items():
                parts = dict(zip(attributes.split(" × "), groups.split(" × "), strict=False))
                named.add(parts.get(attribute, "*"))
            slice_, _, value = (of or {}).get("slice", "").partition(" = ")
            named.add(value if slice_ == attribute else "*")
        return sorted(named - {"*", ""})

    @property
    def _selected(self) -> list[tuple[Selector | None, Selector | None]]:
        """The groups, and what else, that rules and margins select."""
        return [(rule.group, rule.of) for rule in self.policy] + [(margin.group, margin.of) for margin in self.margins]

    @property
    def asks_questions(self) -> bool:
        """Whether it asks a language model what nothing can be fitted to: own options, or no true answer."""
        return self.task == "choice" or self.data.label.column is None

    @model_validator(mode="after")
    def _waivers_fit(self) -> Self:
        refuse_misfits([*self.policy, *release_rules(self.release)], self.waivers, required_ids(self.task))
        return self

    @model_validator(mode="after")
    def _decision_fits(self) -> Self:
        if self.decision is None:
            return self
        if self.task != "classification" or self.data.label.column is None:
            raise ValueError("decision sets the threshold of a class: leave it out where rows have no class")
        matrix = self.decision.costs is not None and self.decision.costs.matrix is not None
        if self.data.label.positive is None and not matrix:
            raise ValueError(
                "decision is about the positive class: name it under data.label.positive; several classes take decision: "
                "{costs: {matrix: …}}"
            )
        return self

    @model_validator(mode="after")
    def _labels_can_agree(self) -> Self:
        if self.data.agrees and (self.task != "classification" or self.data.label.column is None):
            raise ValueError("data.agrees says which class a value goes with: leave it out where rows have no class")
        return self

    @model_validator(mode="after")
    def _rules_fit(self) -> Self:
        prompt = self.views.prompt
        if prompt is not None and (len(prompt.choices) < 2) != (self.task == "regression"):
            raise ValueError("views.prompt.choices: a choice for each class (two at least), and none for regression")
        if self.data.label.column is None and (self.task != "classification" or prompt is None):
            raise ValueError("data.label.column is null, so the classes come from views.prompt.choices: write them")
        if (len(self.data.options) >= 2) != (self.task == "choice"):
            raise ValueError("data.options names the columns of an item's options: two at least for choice, none else")
        if self.task == "choice" and (self.data.label.positive or self.data.label.favourable):
            raise ValueError("an option is neither positive nor favourable: leave both out for choice")
        if self.task == "regression" and (self.data.label.positive or self.data.label.favourable):
            raise ValueError("a regression label is a number: leave label.positive and label.favourable out")
        directional = [r.id for r in self.policy if r.measure.startswith("bias.") and r.measure not in UNDIRECTED]
        if directional and self.task == "choice":
            raise ValueError(
                f"rules {', '.join(directional)} judge who gets a favourable outcome, which an option is not: for choice judge "
                "bias.accuracy_gap or bias.accuracy"
            )
        if directional and self.data.label.favourable is None and self.task != "regression":
            raise ValueError(
                f"rules {', '.join(directional)} judge bias, so data.label.favourable must name the outcome "
                "that is good for the person"
            )
        if REQUIRED_CHECK in self.not_applicable:
            raise ValueError(
                f"not_applicable names {REQUIRED_CHECK}, which every suite runs. Grant a waiver with a reason for its rule"
            )
        if unknown := sorted(set(self.not_applicable) - {request.name for request in self.checks}):
            raise ValueError(f"not_applicable names {', '.join(unknown)}, which is not under checks")
        for rule in self.policy:
            self._knows_groups(f"rule {rule.id}", rule.group)
        for margin in self.margins:
            self._knows_groups(f"the margin of {margin.measure}", margin.group)
        return self

    @property
    def margins(self) -> list[Margin]:
        """Every margin: of compare on the suite's own data, and of release."""
        compared = [self.compare.superior, *self.compare.not_inferior] if self.compare else []
        return [*compared, *self.release]

    @property
    def _compared_slices(self) -> list[str]:
        """Slices that a check compares like attributes."""
        found = [request.parameters.get("slices") for request in self.checks if request.name == "bias.calibration"]
        return [name for names in found if isinstance(names, list) for name in names]

    def _knows_groups(self, who: str, group: Selector | None) -> None:
        for attribute in group or {}:
            known = {*self.data.sensitive, *self._compared_slices}
            if any(part not in known for part in attribute.split(" × ")):
                raise ValueError(f"{who} names the group {attribute!r}, which is not under data.sensitive")
