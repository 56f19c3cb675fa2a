"""An index over run folders, so that a thousand records need not be read again; the records stay the truth.

The index is one SQLite file that is only ever replaced whole, and sealed: a checksum of the file stands in its own header
(the application id). So several processes need no lock, and an index that is missing, damaged or of another format is
made again from the folders, with the same answers. A run is read again when its record's file changes in time, size
or place on the disk, or its predictions' file does. Only records whose digests match their contents enter it.
"""

from __future__ import annotations

import json
import sqlite3
import weakref
import zlib
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from harness.core.audit import Audit, EarlierAudits
from harness.core.finding import Selector
from harness.engine.disclosure import for_readers
from harness.engine.durable import write_file
from harness.engine.progress import Progress, silent
from harness.engine.records import open_audit
from harness.engine.warned import warn
from harness.errors import HarnessError, IntegrityError, UserError

INDEX = ".index.sqlite"
NAME = "audit.json"
TestRows = tuple[str, str]  # the fingerprint of the data, and the digest of the test rows' ids
_FORMAT = 3
_SEAL = slice(68, 72)  # the application id in SQLite's header
_TABLES = """
CREATE TABLE runs (
    stamp TEXT, folder TEXT PRIMARY KEY, suite TEXT, suite_version TEXT, suite_digest TEXT, model TEXT, model_kind TEXT,
    model_fingerprint TEXT, data_fingerprint TEXT, test_ids TEXT, started TEXT, verdict TEXT, rejudged_from TEXT,
    evidence_digest TEXT, digest TEXT
);
CREATE TABLE findings (
    folder TEXT, position INTEGER, measure TEXT, about_group TEXT, about_of TEXT, value REAL, low REAL, high REAL, n INTEGER,
    exact INTEGER, gated INTEGER, PRIMARY KEY (folder, position)
) WITHOUT ROWID;
CREATE INDEX by_measure ON findings (measure);
"""


@dataclass(frozen=True)
class IndexedRun:
    """What a record says of itself; `test_ids` is the digest of its test rows."""

    folder: str
    suite: str
    suite_version: str
    suite_digest: str
    model: str
    model_kind: str
    model_fingerprint: str
    data_fingerprint: str
    test_ids: str
    started: str
    verdict: str
    rejudged_from: str | None
    evidence_digest: str
    digest: str

    @property
    def rows(self) -> TestRows:
        """Which test rows it was measured on."""
        return self.data_fingerprint, self.test_ids


@dataclass(frozen=True)
class IndexedFinding:
    """A number of a run; `gated` says that a blocking rule judged it."""

    measure: str
    group: Selector | None
    of: Selector | None
    value: float | None
    low: float | None
    high: float | None
    n: int
    exact: bool
    gated: bool

    @property
    def span(self) -> tuple[float, float] | None:
        """The interval's ends; None without an interval."""
        return None if self.low is None or self.high is None else (self.low, self.high)


@dataclass(frozen=True)
class DamagedRun:
    """A folder whose record can't be trusted, why, and whether it was changed since it was written."""

    folder: str
    reason: str
    changed: bool = True


class RunIndex:
    """The sound runs of a folder, and what else lies there: `damaged` records and folders that are no runs (`others`)."""

    def __init__(self, folder: Path, progress: Progress = silent, rebuild: bool = False) -> None:
        path = folder / INDEX
        stored = None if rebuild else _stored(path)
        self._database = stored or _empty()
        weakref.finalize(self, self._database.close)
        self.damaged: list[DamagedRun] = []
        self.others: list[str] = []
        if self._refresh(folder, progress):
            try:  # a folder that can only be read is answered for too
                write_file(path, _sealed(self._database.serialize()))
            except UserError as error:
                warn(f"The index of runs is not kept, so the next command reads every record again. {error}")

    def runs(self) -> list[IndexedRun]:
        """Every sound run, oldest first."""
        rows = self._database.execute("SELECT * FROM runs ORDER BY started, folder")
        return [IndexedRun(*row) for _stamp, *row in rows]

    def findings(self, measure: str | None = None) -> dict[str, list[IndexedFinding]]:
        """The findings by run folder, in their record's order; of one measure, where one is named."""
        return self._by_folder(
            "SELECT * FROM findings WHERE ?1 IS NULL OR measure = ?1 ORDER BY folder, position", measure
        )

    def gated(self) -> dict[str, list[IndexedFinding]]:
        """The findings that blocking rules judged, by run folder, in their record's order."""
        return self._by_folder("SELECT * FROM findings WHERE gated ORDER BY folder, position")

    def measures(self) -> list[str]:
        """The names of all measures of all runs, sorted."""
        return [name for (name,) in self._database.execute("SELECT DISTINCT measure FROM findings ORDER BY measure")]

    def _by_folder(self, query: str, *values: str | None) -> dict[str, list[IndexedFinding]]:
        found: dict[str, list[IndexedFinding]] = {}
        for folder, _position, *row in self._database.execute(query, values):
            found.setdefault(folder, []).append(_finding(row))
        return found

    def _refresh(self, folder: Path, progress: Progress) -> bool:
        """Reads what is new or changed and forgets what is gone; whether the index differs from the stored one."""
        known = dict(self._database.execute("SELECT folder, stamp FROM runs").fetchall())
        folders = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
        present = {p.name: stamp for p in folders if (stamp := _stamp(p))}
        self.others = [p.name for p in folders if p.name not in present]
        gone = [name for name, stamp in known.items() if present.get(name) != stamp]
        new = [name for name, stamp in present.items() if known.get(name) != stamp]
        with self._database:
            self._database.executemany("DELETE FROM runs WHERE folder = ?", [(name,) for name in gone])
            self._database.executemany("DELETE FROM findings WHERE folder = ?", [(name,) for name in gone])
            for done, name in enumerate(new):
                progress("indexing", done, len(new))
                try:
                    self._add(name, present[name], open_audit(folder / name / NAME))
                except HarnessError as error:
                    self.damaged.append(DamagedRun(name, str(error), isinstance(error, IntegrityError)))
        return bool(gone) or len(new) > len(self.damaged)

    def _add(self, folder: str, stamp: str, record: Audit) -> None:
        run = (stamp, *astuple(_run(folder, record)))
        self._database.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", run)
        rows = [(folder, position, *row) for position, row in enumerate(_finding_rows(record))]
        self._database.executemany("INSERT INTO findings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def audits_of(runs: Iterable[IndexedRun]) -> EarlierAudits:
    """How many audits these runs are, and of how many models; copies of a run, judged again or not, are one audit."""
    measured = {(run.started, run.model_fingerprint) for run in runs}
    return EarlierAudits(audits=len(measured), models=len({model for _, model in measured}))


def earlier_audits(folder: Path | None, rows: TestRows, progress: Progress = silent) -> EarlierAudits | None:
    """The audits in a folder of runs that used these test rows; None without a folder, or where it can't be read."""
    if folder is None or not folder.is_dir():
        return None
    try:
        return audits_of(run for run in RunIndex(folder, progress).runs() if run.rows == rows)
    except OSError:
        return None


def _stored(path: Path) -> sqlite3.Connection | None:
    """The index in memory; None where there is none, or it is damaged or of another format."""
    memory = sqlite3.connect(":memory:")
    try:
        content = path.read_bytes()
        # Read-only and immutable: the file is replaced, never changed, and SQLite leaves nothing beside it.
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as disk:
            disk.backup(memory)
        if content == _sealed(content) and memory.execute("PRAGMA user_version").fetchone() == (_FORMAT,):
            return memory
    except (OSError, sqlite3.Error):
        pass
    memory.close()
    return None


def _empty() -> sqlite3.Connection:
    memory = sqlite3.connect(":memory:")
    memory.executescript(f"{_TABLES} PRAGMA user_version = {_FORMAT};")
    return memory


def _sealed(content: bytes) -> bytes:
    before, after = content[: _SEAL.start], content[_SEAL.stop :]
    return before + zlib.crc32(after, zlib.crc32(before)).to_bytes(4, "big") + after


def _stamp(folder: Path) -> str | None:
    """Time, size and place of the record's file and of the predictions beside it; None where there is no record."""
    if not (folder / NAME).is_file():
        return None
    files = [folder / NAME, *sorted(folder.glob("predictions*.parquet"))]
    try:
        stats = [path.stat() for path in files]
    except OSError:
        return None
    return "; ".join(f"{s.st_mtime_ns} {s.st_ctime_ns} {s.st_size} {s.st_ino}" for s in stats)


def _run(folder: str, record: Audit) -> IndexedRun:
    return IndexedRun(
        folder=folder,
        suite=record.suite.name,
        suite_version=record.suite.version,
        suite_digest=record.suite.digest,
        model=record.model.uri,
        model_kind=record.model.kind,
        model_fingerprint=record.model.fingerprint,
        data_fingerprint=record.data.fingerprint,
        test_ids=next((split.ids_digest for split in record.data.splits if split.role == "test"), ""),
        started=record.started,
        verdict=record.verdict.outcome + (f", {record.verdict.waived} waived" if record.verdict.waived else ""),
        rejudged_from=record.rejudged_from,
        evidence_digest=record.evidence_digest,
        digest=record.digest,
    )


def _finding_rows(record: Audit) -> list[tuple[object, ...]]:
    gated = {(d.measure, _json(d.group), _json(d.of)) for d in record.verdict.decisions if d.severity == "block"}
    rows: list[tuple[object, ...]] = []
    for finding in (finding for check in for_readers(record).records for finding in check.findings):
        about = (finding.measure, _json(finding.group), _json(finding.of))
        low, high = (finding.interval.low, finding.interval.high) if finding.interval else (None, None)
        rows.append((*about, finding.value, low, high, finding.n, finding.exact, about in gated))
    return rows


def _json(selector: Selector | None) -> str | None:
    return json.dumps(selector, sort_keys=True) if selector else None


def _finding(row: Sequence[Any]) -> IndexedFinding:
    measure, group, of, value, low, high, n, exact, gated = row
    return IndexedFinding(measure, _selector(group), _selector(of), value, low, high, n, bool(exact), bool(gated))


def _selector(text: str | None) -> Selector | None:
    found: Selector | None = None if text is None else json.loads(text)
    return found
