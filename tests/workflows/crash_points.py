"""Writes one finished audit again and again, each time killed by SIGKILL before the next of the steps that reach the disk.

python crash_points.py STORED WORK run|explicit: STORED holds audit.json and predictions.parquet. WORK/<n>/ is what the n-th
kill left, with `said` (what the process reported as written); the last one was not killed. The model's part of the audit
gives the stored record, and the report is not drawn but marked (its drawing can't be forked); all that writes is real.
"""

import itertools
import json
import os
import shutil
import signal
import sys
from pathlib import Path

from harness.core.audit import Audit
from harness.engine.progress import silent
from harness.outputs import writing
from harness.workflows import runs
from harness.workflows.audit import AuditRequest, AuditRun

STEPS = ("fsync", "replace", "rename", "mkdir")


def die_before(step):
    """Replaces the steps by ones that count, the given one a kill."""
    counter = itertools.count(1)

    def counted(real):
        def call(*arguments, **options):
            if next(counter) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **options)

        return call

    for name in STEPS:
        setattr(os, name, counted(getattr(os, name)))


def write_stored(record, content, targets):
    """What the audit writes, with the record and the predictions given; returns the paths that it reports."""

    def audited(request, keep, progress):
        saved = {"path": keep(content), "sha256": record.predictions.sha256}
        return AuditRun(record.model_copy(update={"predictions": saved}), None)

    drawn = writing.render
    writing.render = lambda audit, kind: f"report of {audit.digest}" if kind == "html" else drawn(audit, kind)
    runs.run_audit = audited
    return runs.audit_and_write(AuditRequest("s", "m.csv"), targets, silent)[1]


def child(folder, step, record, content, targets):
    os.chdir(folder)
    die_before(step)
    written = write_stored(record, content, targets)
    Path("said").write_text(json.dumps([str(path) for path in written]), encoding="utf-8")
    os._exit(0)


def main(stored, work, mode):
    record = Audit.model_validate_json((stored / "audit.json").read_text(encoding="utf-8"))
    content = (stored / "predictions.parquet").read_bytes()
    writing.render(record, "junit"), writing.render(record, "markdown")  # so that each child finds them loaded
    targets = ["run/audit.json", "run/report.html"] if mode == "explicit" else []
    for step in itertools.count(1):
        folder = work / str(step)
        folder.mkdir()
        if mode == "explicit":
            shutil.copytree(work / "before", folder / "run")
        one = os.fork()
        if one == 0:
            child(folder, step, record, content, targets)
        if not os.WIFSIGNALED(os.waitpid(one, 0)[1]):
            return


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
