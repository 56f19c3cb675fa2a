"""Plans the decision (how scores become answers) before the model is asked, and freezes it on the calibration split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from harness.core.audit import ModelInfo
from harness.core.costs import BinaryCosts, binary_costs, require_matrix_of
from harness.core.dataset import Dataset
from harness.core.operating_point import Mode, OperatingPoint
from harness.core.predictions import Predictions
from harness.spec.decision import DecisionSpec
from harness.spec.suite import Suite
from harness.stats.thresholds import (
    CalibrationRows,
    Rule,
    at_balanced_accuracy,
    at_least_cost,
    at_review,
    at_sensitivity,
    at_specificity,
)

Floats = npt.NDArray[np.float64]
MINIMUM_CALIBRATION = 30
FROM_CALIBRATION: tuple[Mode, ...] = ("sensitivity", "specificity", "review", "costs", "balanced_accuracy")
_SHARES = {"sensitivity": at_sensitivity, "specificity": at_specificity, "review": at_review}


@dataclass(frozen=True)
class DecisionPlan:
    """How answers will be made: the mode that applies, and where it is not the suite's, which was asked for and why not."""

    mode: Mode
    spec: DecisionSpec | None = None
    asked: Mode | None = None
    reason: str | None = None

    @property
    def from_calibration(self) -> bool:
        """Whether the threshold comes from the calibration split, whose rows must be predicted."""
        return self.mode in FROM_CALIBRATION

    @property
    def undetermined(self) -> str | None:
        """Why the answers at the decision are not known; None where they are."""
        return self.reason if self.mode == "undetermined" else None


@dataclass(frozen=True)
class Frozen:
    """A decision with its threshold or costs, and the thresholds that resampling the calibration rows gives (resamples,)."""

    point: OperatingPoint
    classes: tuple[str, ...]
    resampled: Floats | None = None

    def answers(self, own: Predictions) -> Predictions:
        """The answers at the decision for the model's own (n,); a row without an answer stays without one."""
        point = self.point
        if own.scores is None or (point.threshold is None and point.costs is None) or point.own_labels:
            return own
        if point.threshold is not None:
            assert point.positive is not None
            labels = np.where(self._scores(own) >= point.threshold, point.positive, self._other).astype(object)
        else:
            assert point.costs is not None
            costs = np.array([[point.costs[truth][taken] for taken in self.classes] for truth in own.classes])
            labels = np.array(self.classes, dtype=object)[(own.scores @ costs).argmin(axis=1)]
        labels[~own.answered] = None
        return Predictions(own.classes, labels, own.scores)

    def _scores(self, own: Predictions) -> Floats:
        found = own.positive_scores(self.point.positive or "")
        assert found is not None
        return found

    @property
    def _other(self) -> str:
        return next(name for name in self.classes if name != self.point.positive)


def plan_decision(suite: Suite, data: Dataset, model: ModelInfo) -> DecisionPlan:
    """What applies, from the suite, the rows and what the model offers; no model is asked.

    The decision fits the classes of the data (`problems_of_decision`).
    """
    spec = suite.decision
    if spec is None:
        return _zero_shot(data, model)
    if "scores" not in model.offers:
        return _own(spec, "the model gives labels but no probabilities, so no threshold can be set")
    if spec.mode == "costs" and len(data.classes) > 2:
        return DecisionPlan("cost_matrix", spec)
    if spec.mode in ("threshold", "review_batch"):
        return DecisionPlan(spec.mode, spec)
    role = data.threshold_role
    part = data.splits.get(role)
    if model.kind == "predictions" and role not in model.offers and part is not None and len(part):
        held = len(part) - model.absent.get(role, len(part))
        why = (
            f"the saved predictions hold {held or 'none'} of the {len(part)} rows of the calibration split, which sets the threshold. Add "
            "them ('harness rows SUITE --role calibration' writes them), or write decision: {threshold: …} in the suite"
        )
        return DecisionPlan("undetermined", spec, spec.mode, why)
    if (why_not := _unusable(data)) is not None:
        return _own(spec, why_not)
    return DecisionPlan(spec.mode, spec)


def freeze(
    plan: DecisionPlan, data: Dataset, model: ModelInfo, own: Mapping[str, Predictions], rng: np.random.Generator
) -> Frozen:
    """The decision with its threshold, from the model's own answers by role."""
    point = _point(plan, data, model)
    if plan.mode in ("own_labels", "undetermined"):
        return Frozen(point, data.classes)
    if plan.mode == "threshold":
        return Frozen(point.model_copy(update={"threshold": point.target}), data.classes)
    if plan.mode == "cost_matrix":
        assert plan.spec is not None and plan.spec.costs is not None
        return Frozen(point.model_copy(update={"costs": plan.spec.costs.matrix}), data.classes)
    if plan.mode == "review_batch":
        return _of_batch(point, data, own["test"])
    return _calibrated(plan, point, data, own[data.threshold_role], rng)


def unfrozen(plan: DecisionPlan, data: Dataset, model: ModelInfo, why: str) -> Frozen:
    """The decision where the model was not asked: what does not depend on its answers is known, a computed threshold is not."""
    point = _point(plan, data, model)
    if plan.from_calibration or plan.mode == "review_batch":
        return Frozen(
            point.model_copy(update={"mode": "undetermined", "asked": plan.mode, "reason": why}), data.classes
        )
    return freeze(plan, data, model, {}, np.random.default_rng(0))


def _point(plan: DecisionPlan, data: Dataset, model: ModelInfo) -> OperatingPoint:
    return OperatingPoint(
        mode=plan.mode,
        asked=plan.asked,
        reason=plan.reason,
        target=None if plan.spec is None else plan.spec.target,
        positive=data.positive,
        unit=plan.spec.costs.unit if plan.spec and plan.spec.costs else None,
        model_threshold=_card_threshold(model),
    )


def _zero_shot(data: Dataset, model: ModelInfo) -> DecisionPlan:
    """A zero-shot model's threshold was never calibrated; it is set here where the rows allow it."""
    binary = data.positive is not None and len(data.classes) == 2
    if "zero_shot" not in model.offers or not binary:
        return DecisionPlan("own_labels")
    if (why := _unusable(data)) is not None:
        return DecisionPlan("own_labels", None, "balanced_accuracy", why)
    return DecisionPlan("balanced_accuracy")


def _own(spec: DecisionSpec, reason: str) -> DecisionPlan:
    return DecisionPlan("own_labels", spec, spec.mode, reason)


def problems_of_decision(spec: DecisionSpec, data: Dataset) -> list[str]:
    """Why a decision does not fit the classes of the data."""
    try:
        if spec.costs is not None and spec.costs.matrix is not None:
            require_matrix_of(data.classes, spec.costs.matrix)
        if len(data.classes) == 2 and spec.costs is not None:
            _binary_costs(spec, data)
    except ValueError as error:
        return [f"decision.costs: {error}"]
    if len(data.classes) > 2 and (spec.costs is None or spec.costs.matrix is None):
        return [
            f"decision: {{{spec.mode}: …}} is of two classes, and the data has {len(data.classes)}: {', '.join(data.classes[:10])}. "
            "Leave decision out (the model's own labels), or give decision: {costs: {matrix: …}}."
        ]
    return []


def _unusable(data: Dataset) -> str | None:
    """Why the calibration split can't set a threshold; None where it can."""
    part = data.splits.get(data.threshold_role)
    if part is None or not len(part):
        return data.no_calibration or "the suite has no calibration rows (data.split.calibration)"
    if data.trained_calibration_rows:
        return (
            f"the model was trained on {data.trained_calibration_rows} of the {len(part)} calibration rows, so their scores are not "
            "those of new rows"
        )
    rarer = min(int((part.labels == name).sum()) for name in data.classes)
    if rarer < MINIMUM_CALIBRATION:
        return (
            f"the calibration split has {rarer} rows of the rarer class, and a threshold needs {MINIMUM_CALIBRATION}. Enlarge "
            "data.split.calibration"
        )
    return None


def _of_batch(point: OperatingPoint, data: Dataset, own: Predictions) -> Frozen:
    """The threshold that flags the highest share of these very rows; a batch rule."""
    assert data.positive is not None and point.target is not None
    scores = own.positive_scores(data.positive)
    assert scores is not None
    known = scores[np.isfinite(scores)]
    if not len(known):
        return Frozen(point.model_copy(update={"mode": "undetermined", "reason": "no row has a score"}), data.classes)
    rows = CalibrationRows(known, np.ones(len(known), dtype=bool))
    return Frozen(point.model_copy(update={"threshold": rows.threshold(at_review(point.target))}), data.classes)


def _calibrated(
    plan: DecisionPlan, point: OperatingPoint, data: Dataset, own: Predictions, rng: np.random.Generator
) -> Frozen:
    part, positive = data.splits[data.threshold_role], data.positive
    assert positive is not None
    scores = own.positive_scores(positive)
    known = own.answered & np.isfinite(scores) if scores is not None else np.zeros(len(part), dtype=bool)
    hit = np.asarray(part.labels == positive, dtype=bool)[known]
    rarer = min(int(hit.sum()), int((~hit).sum()))
    if scores is None or rarer < MINIMUM_CALIBRATION:
        why = f"the model answered {rarer} calibration rows of the rarer class with a probability; {MINIMUM_CALIBRATION} needed"
        found = point.model_copy(
            update={"mode": "own_labels", "asked": plan.mode, "reason": why, "target": point.target}
        )
        return Frozen(found, data.classes)
    rows = CalibrationRows(scores[known], hit, None if part.clusters is None else part.clusters[known])
    rule = _rule(plan, data)
    drawn = rows.resampled(rule, rng)
    ends = tuple(float(end) for end in np.quantile(drawn, [0.025, 0.975]))
    update = {
        "threshold": rows.threshold(rule),
        "threshold_range": ends,
        "calibration_rows": len(hit),
        "calibration_positives": int(hit.sum()),
    }
    return replace(Frozen(point.model_copy(update=update), data.classes), resampled=drawn)


def _rule(plan: DecisionPlan, data: Dataset) -> Rule:
    if plan.mode == "balanced_accuracy":
        return at_balanced_accuracy
    assert plan.spec is not None
    if plan.mode == "costs":
        return at_least_cost(_binary_costs(plan.spec, data))
    assert plan.spec.target is not None
    return _SHARES[plan.mode](plan.spec.target)


def _binary_costs(spec: DecisionSpec, data: Dataset) -> BinaryCosts:
    assert spec.costs is not None and data.positive is not None
    other = next(name for name in data.classes if name != data.positive)
    return binary_costs(None, None, spec.costs.as_matrix(data.positive, other), data.classes, data.positive)


def _card_threshold(model: ModelInfo) -> float | None:
    found = model.card.get("threshold")
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None
