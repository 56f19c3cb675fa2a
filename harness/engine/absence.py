"""Why a check has no meaning for a task: a sentence that is true of this check, and not of the task at large."""

from __future__ import annotations

from collections.abc import Sequence

_FOR_CHOICE = {
    "performance.classification": "options are no classes, since each item has its own: performance.choice measures accuracy",
    "performance.operating_points": "no option is a positive class, so there is no alarm to set a threshold for",
    "performance.costs": "no option is a positive class, so there are no false alarms and misses to weigh",
    "performance.transfer": "nothing is fitted to questions with options of their own, so no clone of the model can leave a site out",
    "performance.approval": "no option is a bad outcome that could be approved",
    "performance.inspection": "no option is a defect that could escape",
    "bias.calibration": "no option is a positive class: performance.calibration measures the pick",
    "bias.errors": "an option is no number that could be too high: bias.groups measures accuracy by group",
    "bias.log_odds": "no option is favourable to a person: bias.groups measures accuracy by group",
    "explainability.reasons": "no option is favourable to a person, so no answer is a denial to give reasons for",
    "explainability.direction": "no option is a class whose probability must rise with a feature",
    "data.signal": "a label is the place of the right option, and nothing may tell a place: that is how questions should be",
}
_FOR_REGRESSION = {
    "performance.classification": "a number is no class: performance.regression measures its error",
    "performance.calibration": "a number comes without a probability: performance.conformal measures intervals around it",
    "performance.operating_points": "a number is no probability of a positive class",
    "performance.costs": "a number is neither a false alarm nor a miss",
    "performance.approval": "a number is no probability of a bad outcome",
    "performance.inspection": "a number is no probability of a defect",
    "bias.calibration": "a number comes without a probability: bias.errors measures its error by group",
    "bias.groups": "a number is neither selected nor right: bias.errors measures its error by group",
    "bias.log_odds": "a number has no odds: bias.errors measures its error by group",
    "performance.abstention": "a number comes without a probability to be sure by",
    "performance.transfer": "it compares rankings or recall, which a number has not: performance.slices measures its error by site",
    "explainability.reasons": "no number is a denial to give reasons for",
}
_REASONS = {"choice": _FOR_CHOICE, "regression": _FOR_REGRESSION}


def absence(check: str, tasks: Sequence[str], task: str) -> str:
    """Why `check`, which knows `tasks`, has no meaning for `task`."""
    known = f"the check is for {' and '.join(tasks)}, and this suite's task is {task}"
    return _REASONS.get(task, {}).get(check, known)
