"""What there is to run: suites, the rows to score, and the plan of an audit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from harness.checks.data.power import Forecast, forecasts
from harness.datasets.roles import DataOptions, load_dataset
from harness.engine.durable import written_file
from harness.engine.evidence import Evidence
from harness.engine.planner import Plan, plan, validate_checks
from harness.engine.policy_facts import policy_facts, with_required_rules
from harness.engine.progress import silent
from harness.engine.row_hashes import read_key, row_hash
from harness.engine.text_pass import TextPass
from harness.engine.views import COLUMNS, PROMPT, TEXT, render_view
from harness.errors import DataError, SuiteError, UserError
from harness.models.options import ModelOptions
from harness.spec.loading import LoadedSuite, load_suite
from harness.workflows.opening import open_model, wrap_model


def validate(suite: str) -> LoadedSuite:
    """The suite, after its keys, data, checks, rules and views were all looked at."""
    loaded = load_suite(suite)
    data, problems = None, []
    try:
        data = load_dataset(loaded)
    except UserError as error:
        problems.append(str(error))
    try:
        validate_checks(loaded.suite, data)
    except UserError as error:
        problems.insert(0, str(error))
    if problems:
        raise SuiteError(f"{loaded.path}:\n" + "\n".join(problems))
    return loaded


@dataclass(frozen=True)
class PlannedAudit:
    """What an audit would run, the rows of its shared pass, and how many of them the model must still answer.

    `forecasts` say what the test rows allow of each rule. `tokens` and `cost` are of those calls, for a model of texts; None
    for one of columns (and without prices).
    """

    plan: Plan
    rows: int
    calls: int
    forecasts: list[Forecast]
    tokens: int | None = None
    cost: float | None = None


def plan_audit(suite: str, model: str, options: DataOptions, asked: ModelOptions) -> PlannedAudit:
    """What would run and what it would take; no row is answered."""
    import pandas as pd

    loaded = load_suite(suite)
    opened, data = open_model(model, loaded, options, asked)
    facts = policy_facts(loaded.suite, data, opened.info)
    loaded = replace(loaded, suite=with_required_rules(loaded.suite, facts))
    steps = plan(loaded.suite, data, opened.info)
    parts = [data.splits[role] for role in steps.roles]
    count = sum(map(len, parts))
    through = wrap_model(opened, loaded.suite, asked, silent)
    foreseen = forecasts(Evidence(loaded.suite, data, through, loaded.suite.seed))
    if not isinstance(through, TextPass) or not parts:
        return PlannedAudit(steps, count, count, foreseen)
    # All roles at once: a text that stands in two is asked once.
    lengths = through.unanswered_lengths(pd.concat([part.inputs for part in parts], ignore_index=True))
    cost = None
    if asked.price_in is not None or asked.price_out is not None:
        cost = (lengths.sum() * (asked.price_in or 0) + 2 * len(lengths) * (asked.price_out or 0)) / 1e6
    return PlannedAudit(steps, count, len(lengths), foreseen, int(lengths.sum()), cost)


def write_rows(suite: str, role: str, path: Path, view: str = COLUMNS, id_key: Path | None = None) -> int:
    """Writes the id and the features (or the rendered text or prompt) of a split's rows as CSV; returns how many.

    With a key, row_hash is what reports made with it call each row.
    """
    loaded = load_suite(suite)
    data = load_dataset(loaded)
    if view not in (COLUMNS, TEXT, PROMPT):
        raise UserError(f"There is no view {view!r}. Wanted one of: {COLUMNS}, {TEXT}, {PROMPT}.")
    if role not in data.splits or not len(data.splits[role]):
        raise DataError(
            f"The suite has no {role} rows. It has: {', '.join(r for r, s in data.splits.items() if len(s))}."
        )
    split = data.splits[role]
    table = split.inputs.copy()
    if view != COLUMNS:
        import pandas as pd

        table = pd.DataFrame({view: render_view(loaded.suite, view, split.inputs)})
    table.insert(0, "id", split.ids)
    if id_key is not None:
        key = read_key(id_key)
        table.insert(1, "row_hash", [row_hash(key, str(row_id)) for row_id in split.ids])
    with written_file(path) as stream:
        table.to_csv(stream, index=False, compression="gzip" if path.suffix == ".gz" else None)
    return len(split)
