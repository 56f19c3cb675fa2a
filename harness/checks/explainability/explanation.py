"""A model's output at some rows, told by features: the one way to SHAP values for every check that needs them.

All values answer the same question: what does a feature change against the same background rows (interventional)? Linear
models and trees are read (`structure`); other models are asked (`coalitions`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from harness.checks.explainability.coalitions import by_coalitions, plan_coalitions
from harness.checks.explainability.structure import Structural, by_structure
from harness.engine.evidence import Evidence

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

CALLS_OF_COLUMNS, CALLS_OF_TEXTS = 300_000, 4_000
# What sums may miss: of the output itself, and of its standard deviation, so that no unit makes an error small.
MOST_MISSED, MOST_MISSED_SD = 1e-5, 1e-3
LEAST_VARIATION = 1e-6


@dataclass(frozen=True)
class Method:
    """How to explain: the seed of permutations, the most model calls where a model's structure can't be read, and how many
    rows must be explained for the calls to be made at all."""

    seed: int
    calls: int
    least: int = 2


@dataclass(frozen=True)
class Explanation:
    """Attributions (rows, features), each row's base and output, and how they were made.

    `background` is how many rows stood for absent features.
    """

    values: Floats
    base: Floats
    output: Floats
    explainer: str
    space: str
    background: int

    @property
    def how(self) -> str:
        """Explainer, output space and background, for the reader."""
        return f"{self.explainer}, {self.space}, background {self.background}"

    @cached_property
    def missed(self) -> Floats:
        """|base + Σφ - output| of each row (n,)."""
        missed: Floats = np.abs(self.base + self.values.sum(axis=1) - self.output)
        return missed

    @cached_property
    def least_size(self) -> float:
        """Below this a value is rounding: 1e-6 of the output's scale (of log-odds 1 at least)."""
        scale = float(np.abs([self.base, self.output]).max())
        return LEAST_VARIATION * (max(1.0, scale) if self.space.startswith("log-") else scale)

    @cached_property
    def barely_varies(self) -> bool:
        """Whether neither the output nor any value differs from none by more than rounding."""
        sizes = (np.abs(self.values).max(initial=0.0), np.abs(self.output - self.base).max())
        return bool(max(sizes) <= self.least_size)

    @cached_property
    def gap(self) -> str | None:
        """Why the values are no SHAP values: in some row they miss the output. None where they add up."""
        if not np.isfinite(self.missed).all():
            rows = int((~np.isfinite(self.missed)).sum())
            return f"the model gives no finite number for {rows} of the {len(self.missed)} rows explained, or for rows between them and the background"
        allowed = MOST_MISSED * np.maximum(1.0, np.abs(self.output))
        spread = float(self.output.std())
        if spread > self.least_size:
            allowed = np.minimum(allowed, MOST_MISSED_SD * spread)
        if bool((self.missed <= allowed).all()):  # also False of what is no number
            return None
        worst = int(np.argmax(np.nan_to_num(self.missed / np.maximum(allowed, 1e-300), nan=np.inf)))
        return (
            f"base and values miss the model's output by {self.missed[worst]:.3g} ({self.space}) in a row whose output is "
            f"{self.output[worst]:.3g}; {allowed[worst]:.2g} is allowed. A model whose predictions differ from one call to the next "
            "has no SHAP values"
        )

    def first(self, rows: int) -> Explanation:
        """The same of the first rows."""
        return replace(self, values=self.values[:rows], base=self.base[:rows], output=self.output[:rows])


def calls_allowed(evidence: Evidence, calls: int | None) -> int:
    """The check's own limit of model calls; by default 300,000 for a model of columns and 4,000 for one of texts."""
    if calls is not None:
        return calls
    return CALLS_OF_COLUMNS if evidence.model.view == "columns" else CALLS_OF_TEXTS


def explain(evidence: Evidence, sample: pd.DataFrame, reference: pd.DataFrame, method: Method) -> Explanation | None:
    """SHAP values of the first rows of sample (n) against reference (background rows): exact where the model's structure is
    known.

    Explained is the positive class's output, or the number predicted. Models that are asked are explained at as many rows
    as the calls allow (`coalitions.plan_coalitions`); None where these are fewer than the method's `least`.
    """
    explained = _explanations(evidence, sample, reference, method, classes=False)
    return None if explained is None else explained[0]


def explain_classes(
    evidence: Evidence, sample: pd.DataFrame, reference: pd.DataFrame, method: Method
) -> list[Explanation] | None:
    """SHAP values of each class's output, in the order of the data's classes: as `explain`, all classes in one space."""
    return _explanations(evidence, sample, reference, method, classes=True)


def of_the_largest(explained: list[Explanation]) -> Explanation:
    """The explanation of each row's most probable class: what moved the model to say what it says."""
    top, rows = np.argmax([one.output for one in explained], axis=0), np.arange(len(explained[0].output))
    values, base, output = (
        np.stack(parts)[top, rows]
        for parts in ([e.values for e in explained], [e.base for e in explained], [e.output for e in explained])
    )
    first = explained[0]
    return Explanation(values, base, output, first.explainer, f"{first.space} of the class answered", first.background)


def additivity_error(explained: list[Explanation]) -> float | None:
    """max |base + Σφ - output| over rows and outputs, in standard deviations of the output that varies most; None where
    none varies."""
    spread, least = max((float(one.output.std()), one.least_size) for one in explained)
    return max(float(one.missed.max()) for one in explained) / spread if spread > least else None


def _explanations(
    evidence: Evidence, sample: pd.DataFrame, reference: pd.DataFrame, method: Method, *, classes: bool
) -> list[Explanation] | None:
    """Of each class, or of the one output."""
    asked = evidence.class_outputs if classes else evidence.outputs

    def outputs(frame: pd.DataFrame) -> Floats:
        return asked(frame).reshape(len(frame), -1)

    number = "probability" if evidence.data.classes else (evidence.suite.data.label.unit or "the label's unit")
    found = by_structure(evidence.estimator(), sample, reference, number) if evidence.model.view == "columns" else None
    if found is not None:
        explained = _answered(found, outputs(sample), len(reference))
        if explained is not None and all(one.gap is None for one in explained):
            return explained
    background = min(len(reference), 50 if evidence.model.view == "columns" else 10)
    plan = plan_coalitions(len(sample), sample.shape[1], background, method.calls)
    if plan.rows < method.least:
        return None
    values, base, output = by_coalitions(sample, reference, plan, method.seed, outputs)
    return [
        Explanation(values[..., k], base[:, k], output[:, k], plan.explainer, number, background)
        for k in range(output.shape[1])
    ]


def _answered(found: Structural, answers: Floats, background: int) -> list[Explanation] | None:
    """The explanation of the output behind each answer (n, k); None where an answer is none of the model's outputs, as
    of a model that is not asked alone, or that answers other probabilities than those of its log-odds."""
    explained = []
    for answer in answers.T:
        size = np.abs(answer)
        near = np.abs(found.answers - answer[:, None]) <= MOST_MISSED * np.maximum(min(1.0, size.max()), size)[:, None]
        same = np.flatnonzero(near.all(axis=0))
        if not len(same):
            return None
        k = int(same[0])
        base = np.broadcast_to(found.base[k], answer.shape)
        explained.append(
            Explanation(found.values[..., k], base, found.output[:, k], found.explainer, found.space, background)
        )
    return explained
