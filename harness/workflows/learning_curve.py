"""How a model's quality grows with its training rows: fitted again to growing parts of them, judged on the same test rows.

Whole clusters come in, in one seeded order, so each part holds the smaller ones. The last point is the audited model itself.
A scikit-learn model is cloned; one that `harness fit` fine-tuned is tuned again from its base by the recipe on its card (in
float32; the rows that it validates on are not counted as training rows). Others can't be fitted again here.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from harness.core.comparison import Margin, NotCompared
from harness.core.dataset import Split
from harness.core.finding import Cell, Exhibit, Finding
from harness.engine.evidence import Evidence, Model
from harness.engine.judge import selects
from harness.engine.planner import Step, plan
from harness.engine.progress import Progress
from harness.engine.runner import run_step
from harness.errors import ModelError
from harness.models.options import ModelOptions
from harness.stats.design_effect import numbered
from harness.workflows.fit import recipe_on, tuned_again

TITLE = "Learning curve"
SHARES = (0.05, 0.1, 0.2, 0.4, 0.7)
# What a check may need to be run on the answers to the test rows alone.
_ANSWERS = {"predictions", "answers", "scores", "positive", "favourable", "sensitive"}
Bools = npt.NDArray[np.bool_]
Refit = Callable[[Bools], tuple[Model, Bools]]


def learning_curve(
    evidence: Evidence, margin: Margin, options: ModelOptions, progress: Progress
) -> tuple[Exhibit | None, list[NotCompared]]:
    """The margin's measure by training rows, with its interval; and what could not be measured of it, with the reason."""
    train = evidence.split("train")
    if evidence.data.members == "unknown":
        return None, [_gap("members unknown: which rows the model was trained on is not recorded")]
    if train is None:
        return None, [_gap("no data: there are no training rows")]
    refit, step = _refit(evidence, options, progress), _step(evidence, margin)
    if isinstance(refit, str):
        return None, [_gap(refit)]
    if isinstance(step, str):
        return None, [_gap(step)]
    owner = np.arange(len(train)) if train.clusters is None else numbered(train.clusters)
    order = evidence.generator("learning-curve").permutation(int(owner.max()) + 1)
    rank = np.argsort(order)[owner]
    points: list[list[Cell]] = []
    gaps = []
    for done, share in enumerate((*SHARES, 1.0)):
        inside = np.asarray(rank < max(2, round(share * len(order))), dtype=bool)
        at = f" at {int(inside.sum()):,} training rows"
        progress(f"learning curve, {share:.0%} of the training rows", done, len(SHARES) + 1)
        try:
            part, rows = (evidence, inside) if share == 1 else _part(evidence, train, inside, refit)
            found = _found(part, step, margin)
        except ModelError as error:
            gaps.append(_gap(str(error), at))
            continue
        if isinstance(found, str):
            gaps.append(_gap(found, at))
            continue
        if found.value is None or found.interval is None:
            why = (found.reason or "undefined") if found.value is None else "the measure has no interval there"
            gaps.append(_gap(why, at))
            continue
        points.append([int(rows.sum()), found.value, found.interval.low, found.interval.high])
    if not points:
        return None, [_gap(f"no point of it could be measured: {gaps[0].reason}"), *gaps]
    columns = ["training rows", margin.measure, "low", "high"]
    title = f"{TITLE}: {margin.measure} by training rows"
    return Exhibit(kind="curve", title=title, columns=columns, rows=points), gaps


def _part(evidence: Evidence, train: Split, inside: Bools, refit: Refit) -> tuple[Evidence, Bools]:
    """The answers of the model fitted again to some training rows (n,), and the rows that it learned from.

    Raises:
        ModelError: it can't be fitted to them, a class has none among them, or it can't answer.
    """
    if lacking := sorted(set(evidence.data.classes) - set(train.labels[inside])):
        raise ModelError(f"insufficient sample: no row of {', '.join(lacking)}")
    model, rows = refit(inside)
    if lacking := sorted(set(evidence.data.classes) - set(train.labels[rows])):
        raise ModelError(f"insufficient sample: beside the rows to validate on there is none of {', '.join(lacking)}")
    part = Evidence(evidence.suite, evidence.data, model, evidence.suite.seed)
    part.collect(("test", evidence.data.threshold_role) if part.decision_plan.from_calibration else ("test",))
    return part, rows


def _gap(reason: str, at: str = "") -> NotCompared:
    return NotCompared(what=f"{TITLE.lower()}{at}", reason=reason)


def _refit(evidence: Evidence, options: ModelOptions, progress: Progress) -> Refit | str:
    """How the model is fitted to some training rows, giving it and the rows that it learned from; or why it can't be."""
    if "refit" in evidence.model.offers:
        return lambda inside: (evidence.refit(inside), inside)
    if recipe_on(evidence.model.card) is None:
        return "no access: only a scikit-learn model or one that harness fit fine-tuned can be fitted again here"
    return lambda inside: tuned_again(evidence, inside, options, progress)


def _step(evidence: Evidence, margin: Margin) -> Step | str:
    """The suite's check that gives the measure from the answers to the test rows alone; or why there is none."""
    for step in plan(evidence.suite, evidence.data, evidence.model).steps:
        if step.entry.gives(margin.measure) and step.status is None and set(step.entry.needs) <= _ANSWERS:
            return step
    return f"no check of the suite takes {margin.measure} from the answers to the test rows alone"


def _found(evidence: Evidence, step: Step, margin: Margin) -> Finding | str:
    """The margin's finding, or why there is none; a crash of the check is told as in an audit."""
    record = run_step(step, evidence)
    matching = (f for f in record.findings if f.measure == margin.measure)
    found = next((f for f in matching if selects(margin.group, f.group) and selects(margin.of, f.of)), None)
    return found or record.reason or f"{step.request.name} gives no {margin.measure} of what the margin selects"
