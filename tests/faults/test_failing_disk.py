"""Every verb that writes, on a disk that fails at its first, second, … last step.

The models' part of `audit` and `compare` gives stored records, and their reports are marked instead of drawn; whatever writes is real.
"""

import errno
import io
import itertools
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest
from typer.testing import CliRunner

from harness.cli.app import app
from harness.core.audit import Audit
from harness.engine.records import open_record
from harness.outputs import writing
from harness.workflows import runs
from harness.workflows.audit import AuditRun
from tests.faults.small import write_small

STEPS = ((os, "fsync"), (os, "replace"), (os, "rename"), (os, "mkdir"), (Path, "touch"))


class FailingDisk:
    """A disk that fails at a step (a file or folder made, a write, a sync or a rename), at the lowest place that Python has: counts the steps, and lets the one whose number is `at` fail with the system's error `number`."""

    def __init__(self, at, number):
        self.at, self.number, self.steps = at, number, 0

    def step(self):
        self.steps += 1
        if self.steps == self.at:
            raise OSError(self.number, os.strerror(self.number))

    def failing(self, real):
        def call(*arguments, **options):
            self.step()
            return real(*arguments, **options)

        return call

    @contextmanager
    def in_use(self):
        disk, real_open = self, Path.open

        class File(io.FileIO):
            def write(self, content):
                disk.step()
                return super().write(content)

        def opened(path, mode="r", *arguments, **options):
            return io.BufferedWriter(File(path, mode)) if mode == "wb" else real_open(path, mode, *arguments, **options)

        with patch.object(Path, "open", opened):
            patches = [patch.object(where, name, self.failing(getattr(where, name))) for where, name in STEPS]
            for one in patches:
                one.start()
            try:
                yield self
            finally:
                for one in patches:
                    one.stop()


EVERY = [
    word for name in ("a.json", "r.html", "j.xml", "s.md", "f.sarif", "github=g") for word in ("-o", f"out/{name}")
]
VERBS = {
    "rows": ["rows", "s.yaml", "-o", "out/rows.csv"],
    "init": ["init", "--data", "d.csv", "-o", "out/suite.yaml"],
    "fit": ["fit", "s.yaml", "--base", "sklearn:logistic-regression", "-o", "out/model"],
    "audit": ["audit", "s.yaml", "--model", "p.csv"],
    "audit -o": ["audit", "s.yaml", "--model", "p.csv", *[w.replace("out/github=", "github=out/") for w in EVERY]],
    "compare": ["compare", "s.yaml", "--vertical", "p.csv", "--general", "q.csv"],
    "judge": ["judge", "stored", "-o", "out/a.json", "-o", "out/s.md"],
    "report": ["report", "stored", "-o", "out/j.xml"],
    "history": ["history", "kept", "-o", "out/t.csv"],
    "verify": ["verify", "stored"],
    "plan": ["plan", "s.yaml", "--model", "p.csv"],
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A folder with a suite, predictions of two models, a table, a run of each kind, and a folder of runs."""
    folder = tmp_path_factory.mktemp("prepared")
    test = write_small(folder)
    test.inputs.assign(approved=test.labels).to_csv(folder / "d.csv", index=False)
    for verb in ("audit", "compare"):
        words = [sys.executable, "-m", "harness.cli", *VERBS[verb]]
        assert subprocess.run(words, cwd=folder, capture_output=True).returncode == 0
    (compared,) = (folder / "runs").glob("compare-*")
    compared.rename(folder / "compared")
    (folder / "runs").rename(folder / "kept")
    (run,) = [one for one in (folder / "kept").iterdir() if one.is_dir()]  # beside the key of row hashes
    shutil.copytree(run, folder / "stored")
    return folder


@pytest.fixture
def work(prepared, tmp_path, monkeypatch):
    """A copy of it to work in, with the model's part of audits and comparisons given."""
    stored, content = open_record(prepared / "stored"), (prepared / "stored" / "predictions.parquet").read_bytes()

    def audited(request, keep, progress):
        saved = stored.model_dump(mode="json", by_alias=True) | {
            "predictions": {"path": keep(content), "sha256": stored.predictions.sha256}
        }
        return AuditRun(Audit.model_validate(saved), None)

    drawn = writing.render
    monkeypatch.setattr(writing, "render", lambda record, kind: "<html>" if kind == "html" else drawn(record, kind))
    monkeypatch.setattr(runs, "run_audit", audited)
    monkeypatch.setattr(runs, "compare", lambda request, progress: open_record(prepared / "compared"))
    shutil.copytree(prepared, tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def hidden(folder):
    return list(folder.rglob(".unfinished-*"))


def fitted_or_absent(folder):
    names = {path.name for path in folder.iterdir()} if folder.exists() else set()
    return names in (set(), {"harness-model.json", "README.md", "model.skops"})


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_survives_every_fault(verb, work, capsys):
    before, failed, counted = files(work), 0, 0
    for at in itertools.count(1):
        disk = FailingDisk(at, (errno.ENOSPC, errno.EIO)[at % 2])
        with disk.in_use():
            done = CliRunner().invoke(app, VERBS[verb])
        assert done.exit_code in (0, 1, 2), (at, done.output)
        assert "Traceback" not in done.output and "bug" not in done.output
        assert hidden(work) == [], (at, done.output)
        told = [line.removeprefix("Written: ") for line in done.output.splitlines() if line.startswith("Written: ")]
        assert all((work / path).is_file() for path in told), (at, done.output)
        assert fitted_or_absent(work / "out" / "model")
        now = files(work)
        assert all(now.get(path) == content for path, content in before.items() if path.name != ".index.sqlite")
        if disk.steps < at:  # nothing failed: the whole work is done
            assert done.exit_code == 0
            break
        counted += 1
        failed += done.exit_code == 2
        shutil.rmtree(work / "out", ignore_errors=True)
        shutil.rmtree(work / "runs", ignore_errors=True)
        for index in work.rglob(".index.sqlite"):
            index.unlink()
    with capsys.disabled():
        print(f"\n{verb}: {counted} faults, {failed} ended with exit 2", end="")  # noqa: T201
    assert (counted > 0) == (verb not in ("verify", "plan"))


def test_a_full_disk_costs_the_index_only(work):
    disk = FailingDisk(1, errno.ENOSPC)
    with disk.in_use():
        done = CliRunner().invoke(app, ["history", "kept"])
    assert done.exit_code == 0 and "small" in done.output
    assert not (work / "kept" / ".index.sqlite").exists()
