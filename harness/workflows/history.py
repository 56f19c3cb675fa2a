"""The runs of a folder over time: a table, the trend of a measure, the difference of two runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from harness.core.finding import Cell, Exhibit
from harness.core.safe_text import without_credentials
from harness.engine.disclosure import for_readers
from harness.engine.plugins import did_you_mean
from harness.engine.progress import Progress
from harness.engine.records import open_audit
from harness.engine.run_index import IndexedFinding, IndexedRun, RunIndex, TestRows, audits_of
from harness.errors import UserError
from harness.outputs.narrative import about, number
from harness.outputs.origin import short
from harness.workflows.run_diff import run_differences, separation

TREND_LEGEND = (
    "Intervals apart: the change is beyond chance, also on the same test rows. Intervals overlap: not shown; on the same "
    "test rows a paired comparison (harness audit --baseline) sees smaller changes."
)
_USUAL = ("performance.roc_auc", "performance.accuracy", "performance.mae")
_RUN_COLUMNS = ["run", "started", "suite", "version", "model", "verdict", "earlier_audits", "measures"]
_TREND_COLUMNS = [
    "suite", "about", "run", "started", "model", "value", "low", "high", "n", "change", "note",
]  # fmt: skip
_SHOWN = 3


@dataclass(frozen=True)
class Chosen:
    """Which runs are asked for: of a suite, of a model (its URI, the last part of it, or its fingerprint)."""

    suite: str | None = None
    model: str | None = None


def open_runs(folder: Path, progress: Progress, rebuild: bool = False) -> RunIndex:
    """The index over a folder of run folders; UserError where there is no such folder."""
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}. Wanted the folder that holds run folders; an audit makes runs/.")
    return RunIndex(folder, progress, rebuild)


def list_runs(index: RunIndex, chosen: Chosen) -> Exhibit:
    """A row a run, oldest first, with what blocking rules judge of all rows; then the records that can't be trusted.

    `earlier_audits` counts the audits of the same test rows that were started before.
    """
    gated, usual = index.gated(), [index.findings(measure) for measure in _USUAL]
    on_rows: dict[TestRows, list[IndexedRun]] = {}
    for run in index.runs():
        on_rows.setdefault(run.rows, []).append(run)
    rows: list[list[Cell]] = []
    for run in _of(index, chosen):
        main = _whole(gated, run)[:_SHOWN] or [f for found in usual for f in _whole(found, run)][:1]
        told = "; ".join(_measured(f) for f in main)
        again = f", judged again from {short(run.rejudged_from)}" if run.rejudged_from else ""
        earlier = audits_of(other for other in on_rows[run.rows] if other.started < run.started).audits
        named = [run.folder, run.started, run.suite, run.suite_version, run.model]
        rows.append([*named, run.verdict + again, earlier, told])
    rows += [[run.folder, None, None, None, None, "damaged", None, run.reason] for run in index.damaged]
    return Exhibit(kind="table", title="Runs", columns=_RUN_COLUMNS, rows=rows)


def trend(index: RunIndex, measure: str, chosen: Chosen) -> Exhibit:
    """One measure over time, a series for each suite and each thing that it is about, with the change from run to run.

    Raises:
        UserError: no run has this measure.
    """
    known = index.measures()
    if measure not in known:
        raise UserError(f"No run measured {measure!r}.{did_you_mean(measure, known)} A measure is called family.name.")
    found = index.findings(measure)
    series: dict[tuple[str, str], list[tuple[IndexedRun, IndexedFinding]]] = {}
    for run in _of(index, chosen):
        for finding in found.get(run.folder, []):
            series.setdefault((run.suite, about(finding.group, finding.of)), []).append((run, finding))
    rows: list[list[Cell]] = []
    for (suite, whom), points in sorted(series.items()):
        before: tuple[IndexedRun, IndexedFinding] | None = None
        for run, f in points:
            step = _step(before, (run, f))
            rows.append([suite, whom, run.folder, run.started, run.model, f.value, f.low, f.high, f.n or None, *step])
            before = before if f.value is None else (run, f)
    return Exhibit(kind="table", title=measure, columns=_TREND_COLUMNS, rows=rows)


def differences(index: RunIndex, folder: Path, first: str, second: str) -> Exhibit:
    """What differs between two runs, each named by its folder, the beginning of its name, or of one of its digests.

    Raises:
        UserError: a name that fits no run, or several.
        IntegrityError: the record of a run does not match its digests.
    """
    records = [for_readers(open_audit(folder / _find(index, folder, name))) for name in (first, second)]
    return run_differences(records[0], records[1])


def _of(index: RunIndex, chosen: Chosen) -> list[IndexedRun]:
    runs = _only(index.runs(), "suite", chosen.suite, lambda run: {run.suite})
    return _only(runs, "model", chosen.model and without_credentials(chosen.model), _model_names)


def _only(
    runs: list[IndexedRun], what: str, wanted: str | None, names: Callable[[IndexedRun], set[str]]
) -> list[IndexedRun]:
    if wanted is None:
        return runs
    found = [run for run in runs if wanted in names(run)]
    if not found:
        known = sorted({name for run in runs for name in names(run) if not name.startswith("sha256:")})
        raise UserError(
            f"No run is of the {what} {wanted!r}.{did_you_mean(wanted, known)} There are: {', '.join(known) or 'none'}."
        )
    return found


def _model_names(run: IndexedRun) -> set[str]:
    path = PurePath(run.model)
    return {run.model, path.name, path.stem, run.model_fingerprint}


def _find(index: RunIndex, folder: Path, name: str) -> str:
    """The folder of the one run that a name or a digest means."""
    path = Path(name)
    if path.parent.resolve() == folder.resolve():  # runs/NAME, as a shell completes it
        name = path.name
    digests = {run.folder: (run.digest, run.evidence_digest) for run in index.runs()}
    folders = [*digests, *(run.folder for run in index.damaged)]
    if name in folders:
        return name
    found = [one for one in folders if one.startswith(name)] or [
        one for one, own in digests.items() if any(digest.startswith(f"sha256:{name}") for digest in own)
    ]
    if len(found) == 1:
        return found[0]
    what = f"{len(found)} runs begin so: {', '.join(found[:_SHOWN])}" if found else "there is none"
    raise UserError(
        f"{name!r} names no one run in {folder}: {what}.{did_you_mean(name, folders)} "
        "Wanted the name of a run folder, or the beginning of its name, of its record's digest or of its evidence's."
    )


def _step(
    before: tuple[IndexedRun, IndexedFinding] | None, now: tuple[IndexedRun, IndexedFinding]
) -> tuple[float | None, str]:
    """The change from the run before, and what a reader must know of it."""
    run, finding = now
    if finding.value is None:
        return None, "undefined"
    if before is None or before[1].value is None:
        return None, ""
    earlier, was = before
    notes = []
    if was.span and finding.span:
        notes.append(separation(was.span, finding.span))
    if run.suite_digest != earlier.suite_digest:
        notes.append("the suite changed")
    if (run.data_fingerprint, run.test_ids) != (earlier.data_fingerprint, earlier.test_ids):
        notes.append("other test rows")
    return finding.value - before[1].value, ", ".join(notes)


def _whole(findings: Mapping[str, list[IndexedFinding]], run: IndexedRun) -> list[IndexedFinding]:
    """The numbers of a run that are of all rows, not of one group, and no counts."""
    return [f for f in findings.get(run.folder, []) if f.group is None and f.value is not None and not f.exact]


def _measured(f: IndexedFinding) -> str:
    whom = about(f.group, f.of)
    between = f"{number(f.low)} to {number(f.high)}, " if f.span else ""
    return f"{f.measure}{f' ({whom})' if whom else ''} {number(f.value)} ({between}n {f.n})"
