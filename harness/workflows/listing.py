"""What there is to run: suites, the rows to score, and the plan of an audit."""

from __future__ import annotations

from pathlib import Path

from harness.core.audit import Audit
from harness.datasets.roles import DataOptions, load_dataset
from harness.engine.planner import Plan, plan, validate_checks
from harness.errors import DataError, SuiteError, UserError
from harness.spec.loading import LoadedSuite, load_suite
from harness.workflows.opening import open_model


def validate(suite: str) -> LoadedSuite:
    """The suite, after its keys, checks and data were all looked at."""
    loaded = load_suite(suite)
    problems = []
    for look in (lambda: validate_checks(loaded.suite), lambda: load_dataset(loaded)):
        try:
            look()
        except UserError as error:
            problems.append(str(error))
    if problems:
        raise SuiteError(f"{loaded.path}:\n" + "\n".join(problems))
    return loaded


def plan_audit(suite: str, model: str, options: DataOptions, allow_unsafe_load: str | None = None) -> tuple[Plan, int]:
    """What would run, and the number of rows that the shared pass would answer."""
    loaded = load_suite(suite)
    opened, data = open_model(model, loaded, options, allow_unsafe_load)
    steps = plan(loaded.suite, data, opened.info)
    return steps, sum(len(data.splits[role]) for role in steps.roles)


def write_rows(suite: str, role: str, path: Path) -> int:
    """Writes the id and the features of a split's rows as CSV; returns how many."""
    data = load_dataset(load_suite(suite))
    if role not in data.splits or not len(data.splits[role]):
        raise DataError(
            f"The suite has no {role} rows. It has: {', '.join(r for r, s in data.splits.items() if len(s))}."
        )
    split = data.splits[role]
    table = split.inputs.copy()
    table.insert(0, "id", split.ids)
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, index=False)
    return len(split)


def load_audit(path: Path) -> Audit:
    """A stored record, or the record of a run folder."""
    path = path / "audit.json" if path.is_dir() else path
    try:
        return Audit.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} can't be read: {error}. Give an audit.json or a run folder.") from error
    except ValueError as error:
        raise UserError(f"{path} is not an audit record of this harness ({str(error).splitlines()[0]}).") from error
