"""Plans an audit: what each check needs against what the model and the data offer."""

from __future__ import annotations

from dataclasses import dataclass

from harness.core.audit import ModelInfo
from harness.core.dataset import Dataset
from harness.core.finding import Status
from harness.engine.absence import absence
from harness.engine.decision import DecisionPlan, plan_decision, problems_of_decision
from harness.engine.parameters import names_of
from harness.engine.registry import CheckEntry, Need, check_entries
from harness.engine.rule_problems import problems_of_policy
from harness.engine.validation import entry_of, problems_of_agreement, problems_of_parameters, problems_together
from harness.engine.views import problems_of_views
from harness.errors import SuiteError
from harness.spec.suite import REQUIRED_CHECK, CheckRequest, Suite

LOADING = "model.loading"
ALWAYS = (LOADING, "performance.decision", REQUIRED_CHECK)


@dataclass(frozen=True)
class Step:
    """A check to run; or, with a status, why it will not run."""

    request: CheckRequest
    entry: CheckEntry
    status: Status | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Plan:
    """The steps in the suite's order, and the splits that the shared pass must answer."""

    steps: list[Step]
    roles: tuple[str, ...]


def validate_checks(suite: Suite, data: Dataset | None = None) -> None:
    """Looks up every check, its parameters, and the measures, limits and names of the rules; with the data, against them too.

    SuiteError lists all problems.
    """
    of_checks, entries, requests, known = [], [], [], check_entries()
    for request in suite.checks:
        try:
            entry = entry_of(request.name, known)
            of_checks += _problems_of_request(request, entry, suite, data)
        except SuiteError as error:
            of_checks.append(str(error))
        else:
            entries.append(entry)
            requests.append(request)
    added = [known[name] for name in ALWAYS]
    problems = problems_of_policy(suite, data, requests, [*entries, *added])
    problems += [*problems_of_views(suite), *of_checks]
    if data is not None:
        problems += problems_of_agreement(suite, data)
        problems += problems_of_decision(suite.decision, data) if suite.decision is not None else []
    if problems:
        raise SuiteError("\n".join(problems))


def _problems_of_request(request: CheckRequest, entry: CheckEntry, suite: Suite, data: Dataset | None) -> list[str]:
    """Of a check without a meaning in this suite only types and ranges are looked at."""
    if inapplicable(entry, suite) is not None:
        return problems_of_parameters(entry, request.parameters)
    problems = problems_of_parameters(entry, request.parameters, names_of(suite, data))
    return problems or problems_together(entry, request.parameters, suite, data)


def plan(suite: Suite, data: Dataset, model: ModelInfo) -> Plan:
    """Decides for each check whether it can run, and says why where it can't.

    How the model was loaded, the decision, and whether it beats guessing are always measured; so is what a decision by costs saves.
    """
    validate_checks(suite, data)
    decided = plan_decision(suite, data, model)
    known = check_entries()
    steps = [_step(request, known[request.name], suite, data, model, decided) for request in requests_of(suite)]
    runnable = [step for step in steps if step.status is None]
    roles: tuple[str, ...] = ()
    if any("predictions" in step.entry.needs for step in runnable):
        roles = ("test",)
    if any("members" in step.entry.needs for step in runnable):
        roles = ("test", "train")
    asked = ["calibration"] if any("calibration" in step.entry.needs for step in runnable) else []
    asked += [data.threshold_role] if decided.from_calibration else []
    return Plan(steps, (*roles, *dict.fromkeys(asked)) if roles else ())


def requests_of(suite: Suite) -> list[CheckRequest]:
    """The suite's checks, then those that are always run where they have a meaning."""
    named = {request.name for request in suite.checks}
    with_costs = suite.decision is not None and suite.decision.costs is not None
    always = (*ALWAYS, "performance.costs") if with_costs else ALWAYS
    added = [CheckRequest(name=name) for name in always if name not in named]
    entries = check_entries()
    return [*suite.checks, *(request for request in added if _has_meaning(entries[request.name], suite))]


def _has_meaning(entry: CheckEntry, suite: Suite) -> bool:
    lacks_class = "positive" in entry.needs and suite.data.label.positive is None
    return not lacks_class and inapplicable(entry, suite) is None


def inapplicable(entry: CheckEntry, suite: Suite) -> str | None:
    """Why a check has no meaning in this suite, whatever the data and the model; None where it has one."""
    if entry.name in suite.not_applicable:
        return suite.not_applicable[entry.name]
    if suite.task not in entry.tasks:
        return absence(entry.name, entry.tasks, suite.task)
    if suite.data.label.column is None and not entry.without_truth:
        return "the suite's questions have no true answer"
    return None


def _step(
    request: CheckRequest, entry: CheckEntry, suite: Suite, data: Dataset, model: ModelInfo, decided: DecisionPlan
) -> Step:
    if (why := inapplicable(entry, suite)) is not None:
        return Step(request, entry, "not_applicable", why)
    missing = [reason for need in entry.needs if (reason := _lacks(need, suite, data, model, decided))]
    if missing:
        return Step(request, entry, "not_tested", "; ".join(missing))
    return Step(request, entry)


def _lacks(need: Need, suite: Suite, data: Dataset, model: ModelInfo, decided: DecisionPlan) -> str | None:
    if suite.task == "regression" and need in ("scores", "positive", "favourable"):
        return None  # a number is its own score, and no class is asked for
    if need == "answers":
        return decided.undetermined
    if need == "calibration" and not len(data.splits.get("calibration", ())):
        return "no data: no calibration rows (data.split.calibration keeps some of the suite's own data)"
    if need == "calibration" and model.kind == "predictions" and "calibration" not in model.offers:
        return "no access: the saved predictions hold no rows of the calibration split"
    if need == "members" and data.members == "unknown":
        return (
            "members unknown: which rows the model was trained on is not recorded. Give --train-data FILE, "
            "or --trained-on-split if it was trained on the suite's training split"
        )
    if need == "members" and "train" not in model.offers:
        return "no access: the saved predictions hold no rows of the training split"
    if need == "scores" and "scores" not in model.offers:
        return "no access: the model gives labels but no probabilities"
    if need == "ask" and "ask" not in model.offers:
        return "no access: only saved answers are known, or each answer costs too much to ask thousands"
    if need == "refit" and "refit" not in model.offers:
        return "no access: the model can't be fitted again here (a scikit-learn model without frozen parts can)"
    if need == "sensitive" and not suite.data.sensitive:
        return "no data: the suite declares no sensitive attribute"
    if need == "positive" and data.positive is None:
        return "the suite declares no positive class"
    if need == "favourable" and suite.data.label.favourable is None:
        return "the suite does not say which outcome is favourable"
    return None
