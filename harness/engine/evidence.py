"""The only door to a model's answers: one cached pass, counted queries, a generator for each check."""

from __future__ import annotations

import hashlib
import time
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from harness.core.audit import ModelInfo
from harness.core.dataset import Dataset, Labels, Split
from harness.core.finding import Finding
from harness.core.names import name_of
from harness.core.operating_point import OperatingPoint
from harness.core.predictions import Predictions
from harness.core.rule import Rule
from harness.engine.decision import DecisionPlan, Frozen, freeze, plan_decision, unfrozen
from harness.engine.isolation import IsolatedModel, copied_data, copied_predictions
from harness.engine.text_pass import Exhausted
from harness.errors import ModelError
from harness.spec.suite import Suite

if TYPE_CHECKING:
    import pandas as pd


class Model(Protocol):
    """A model under audit. `predict` answers one row of the features each, in order; `warnings` are `model.*` findings."""

    info: ModelInfo

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What a reader must know of how the model was opened and read."""
        ...

    def predict(self, inputs: pd.DataFrame, ids: np.ndarray) -> Predictions:
        """Answers for inputs (n rows of features) with these row ids."""
        ...

    def estimator(self) -> Any:
        """The fitted scikit-learn object, or None."""
        ...


class Refittable(Model, Protocol):
    """A model that offers `refit`."""

    def refitted(self, inputs: pd.DataFrame, labels: Labels) -> Model:
        """A clone fitted to inputs (n rows of features) with their labels (n,); ModelError where that can't be."""
        ...


@dataclass(frozen=True)
class Baseline:
    """An earlier release on the same test rows: its answers, in the order of the test split, and what judged it."""

    name: str
    answers: Predictions
    rules: list[Rule]
    record_digest: str


class Evidence:
    """What checks may see: the data, cached predictions, and a seeded generator of their own."""

    def __init__(self, suite: Suite, data: Dataset, model: Model, seed: int, baseline: Baseline | None = None) -> None:
        self.suite, self.data, self.baseline = suite, data, baseline
        self._model, self._seed = model, seed
        self._own: dict[str, Predictions] = {}
        self._predictions: dict[str, Predictions] = {}
        self.decision: Frozen = Frozen(OperatingPoint(), data.classes)
        self.queries = 0
        self.exhausted: str | None = None

    @cached_property
    def decision_plan(self) -> DecisionPlan:
        """How answers are made, known before the model is asked."""
        return plan_decision(self.suite, self.data, self.model)

    @property
    def model(self) -> ModelInfo:
        """Which model is audited."""
        return self._model.info

    @property
    def model_warnings(self) -> tuple[Finding, ...]:
        """What the adapter noticed when it opened the model."""
        return self._model.warnings

    def split(self, role: str) -> Split | None:
        """The rows of a role, or None where the data has none."""
        part = self.data.splits.get(role)
        return part if part is not None and len(part) else None

    def predictions(self, role: str) -> Predictions:
        """The answers for a split at the decision, from the shared pass."""
        return self._predictions[role]

    def has_predictions(self, role: str) -> bool:
        """Whether the shared pass answered a split."""
        return role in self._predictions

    def trained_on_test_rows(self) -> str | None:
        """That test rows are known to be training rows, so that answers on them say nothing; None where none is."""
        test, train = self.split("test"), self.split("train")
        if test is None or train is None or self.data.members == "unknown":
            return None
        shared = set(test.ids) & set(train.ids)
        if not shared:
            return None
        return (
            f"{len(shared)} of {len(test)} test rows were used to train the model, so its answers on them say "
            "nothing. Audit it on rows that it has not seen"
        )

    def own_predictions(self, role: str) -> Predictions:
        """As `predictions`, with the model's own labels, whatever the decision."""
        return self._own[role]

    def collect(self, roles: tuple[str, ...]) -> None:
        """Runs the shared pass: the rows of every role, equal rows once."""
        parts = [part for role in roles if (part := self.split(role)) is not None]
        if not parts:
            self.decision = unfrozen(self.decision_plan, self.data, self.model, "no check asks for the model's answers")
            return
        import pandas as pd

        inputs = pd.concat([part.inputs for part in parts], ignore_index=True)
        ids = np.concatenate([part.ids for part in parts])
        first, inverse = self._distinct(inputs, ids)
        try:
            answers = self._ask(inputs.iloc[first].reset_index(drop=True), ids[first])
        except Exhausted as limit:
            self.exhausted = str(limit)
            self.decision = unfrozen(self.decision_plan, self.data, self.model, str(limit))
            return
        start = 0
        for part in parts:
            take = inverse[start : start + len(part)]
            scores = None if answers.scores is None else answers.scores[take]
            self._own[part.role] = Predictions(answers.classes, answers.labels[take], scores)
            start += len(part)
        self._decide()

    def ask(self, inputs: pd.DataFrame) -> Predictions:
        """Answers at the decision for rows that a check made (perturbed or masked); counted."""
        return self.decision.answers(self._ask(inputs, np.array([""] * len(inputs), dtype=object)))

    def seconds_per_row(self, rows: int) -> tuple[float, int]:
        """Seconds that the model takes for a test row, kept answers set aside, and how many rows were timed; counted."""
        inputs = self.data.splits["test"].inputs.iloc[:rows]
        answer = getattr(self._model, "answer_again", None)
        ids = np.array([""] * len(inputs), dtype=object)
        run = (lambda part: self._model.predict(part, ids[: len(part)])) if answer is None else answer
        run(inputs.iloc[:1])  # the first call pays for warming up
        start = time.perf_counter()
        run(inputs)
        self.queries += len(inputs) + 1
        return (time.perf_counter() - start) / len(inputs), len(inputs)

    def outputs(self, inputs: pd.DataFrame) -> npt.NDArray[np.float64]:
        """The one number (n,) that explanations are of: the positive class's probability, or the predicted number."""
        answers, positive = self.ask(inputs), self.data.positive
        found = answers.labels.astype(float) if not self.data.classes else answers.positive_scores(positive or "")
        assert found is not None
        return found

    def class_outputs(self, inputs: pd.DataFrame) -> npt.NDArray[np.float64]:
        """The probability of each class (n, classes), in the order of the data's classes; the model must give probabilities."""
        answers = self.ask(inputs)
        assert answers.scores is not None
        return answers.scores[:, [answers.classes.index(name) for name in self.data.classes]]

    def refit(self, training: npt.NDArray[np.bool_]) -> Model:
        """A clone of the model, fitted to some of the training rows (n,); only where the model offers `refit`.

        Raises:
            ModelError: the clone can't be fitted to them.
        """
        train = self.data.splits["train"]
        return cast(Refittable, self._model).refitted(train.inputs[training], train.labels[training])

    def refitted(self, training: npt.NDArray[np.bool_], asked: npt.NDArray[np.bool_]) -> Predictions:
        """Answers at the decision for the asked test rows (m,) of a clone of the model, fitted to some of the training rows; counted."""
        test = self.data.splits["test"]
        self.queries += int(asked.sum())
        return self.decision.answers(self.refit(training).predict(test.inputs[asked], test.ids[asked]))

    def estimator(self) -> Any:
        """The fitted scikit-learn object for explainers that read a model's structure, or None."""
        return self._model.estimator()

    def generator(self, check: str) -> np.random.Generator:
        """A generator that depends on the suite's seed and the check's name alone."""
        key = hashlib.sha256(f"{self._seed}:{check}".encode()).digest()
        return np.random.default_rng(int.from_bytes(key[:8], "big"))

    def isolated(self) -> Evidence:
        """The evidence for a third party's check: copies, so that what it writes reaches nobody else; its queries from 0."""
        baseline = self.baseline
        if baseline is not None:
            rules = [rule.model_copy(deep=True) for rule in baseline.rules]
            baseline = replace(baseline, answers=copied_predictions(baseline.answers), rules=rules)
        suite, model = self.suite.model_copy(deep=True), IsolatedModel(self._model)
        copied = Evidence(suite, copied_data(self.data), model, self._seed, baseline)
        copied._own = {role: copied_predictions(found) for role, found in self._own.items()}
        copied._predictions = {role: copied_predictions(found) for role, found in self._predictions.items()}
        copied.exhausted, copied.decision = self.exhausted, deepcopy(self.decision)
        return copied

    def _decide(self) -> None:
        """Freezes the decision, and makes the answers by it."""
        frozen = freeze(self.decision_plan, self.data, self.model, self._own, self.generator("decision"))
        self._predictions = {role: frozen.answers(own) for role, own in self._own.items()}
        constant = _constant(self._predictions.get("test"))
        point = frozen.point.model_copy(update={"constant_answer": constant})
        self.decision = replace(frozen, point=point)

    def _distinct(self, inputs: pd.DataFrame, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        import pandas as pd

        if self.model.kind == "predictions":
            return np.arange(len(ids)), np.arange(len(ids))
        keys = pd.util.hash_pandas_object(inputs, index=False).to_numpy()
        _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
        return first, inverse

    def _ask(self, inputs: pd.DataFrame, ids: np.ndarray) -> Predictions:
        answers = self._model.predict(inputs, ids).called(self.data.classes)
        if self.suite.data.options:
            answers = _of_own_options(answers, inputs[self.suite.data.options].isna().to_numpy())
        self.queries += len(inputs)
        _check_answers(answers, len(inputs), self.data.classes, self.model.uri)
        return answers


def _constant(answers: Predictions | None) -> str | None:
    """The answer that every row got; None where answers differ, or there are none."""
    if answers is None or not len(answers.labels) or not answers.answered.all():
        return None
    first = answers.labels[0]
    return name_of(first) if bool((answers.labels == first).all()) else None


def _of_own_options(answers: Predictions, absent: npt.NDArray[np.bool_]) -> Predictions:
    """Answers (n) where an item lacks options (n, classes): what it lacks can't be picked, and has no probability."""
    if not absent.any():
        return answers
    if answers.scores is None:
        taken = [
            a is not None and gone[answers.classes.index(a)] for a, gone in zip(answers.labels, absent, strict=True)
        ]
        labels = answers.labels.copy()
        labels[taken] = None
        return Predictions(answers.classes, labels, None)
    scores = np.where(absent, 0.0, answers.scores)
    total = scores.sum(axis=1, keepdims=True)
    scores = np.divide(scores, total, out=scores, where=total > 0)
    labels = np.array(answers.classes, dtype=object)[scores.argmax(axis=1)]
    labels[~answers.answered | (total[:, 0] == 0)] = None
    return Predictions(answers.classes, labels, scores)


def _check_answers(answers: Predictions, wanted: int, classes: tuple[str, ...], name: str) -> None:
    if len(answers.labels) != wanted:
        raise ModelError(
            f"{name} answered {len(answers.labels)} of {wanted} inputs. Return one answer per input, in order."
        )
    if not classes:
        return
    unknown = sorted({str(label) for label in answers.labels if label is not None} - set(classes))
    if unknown:
        raise ModelError(
            f"{name} answered classes that the data does not have: {', '.join(unknown[:5])}. "
            f"Wanted: {', '.join(classes)}. Give the suite's class names, or say which is which: --label-map OWN=CLASS."
        )
    if answers.scores is None:
        return
    if set(answers.classes) != set(classes):
        raise ModelError(f"{name} scores the classes {list(answers.classes)}; the data has {list(classes)}.")
    if answers.scores.shape != (wanted, len(answers.classes)):
        raise ModelError(f"{name} gave scores of shape {answers.scores.shape}; wanted {(wanted, len(classes))}.")
    scores = answers.scores[answers.answered]
    if not np.isfinite(scores).all():
        rows = int((~np.isfinite(scores)).any(axis=1).sum())
        raise ModelError(f"{name} gave NaN or infinite scores for {rows} row(s). Every row needs a probability.")
    if not len(scores):
        return
    if scores.min() < 0 or scores.max() > 1:
        raise ModelError(
            f"{name} gave scores from {scores.min():g} to {scores.max():g}; probabilities lie in "
            "[0, 1]. Turn scores into probabilities (for example with CalibratedClassifierCV)."
        )
    sums = scores.sum(axis=1)
    if abs(sums - 1).max() > 1e-3:
        raise ModelError(f"{name} gave probabilities that sum to {sums[abs(sums - 1).argmax()]:g}; they must sum to 1.")
