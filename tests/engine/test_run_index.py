"""The index gives the records' own numbers, whatever became of its file, and never trusts a record that was changed."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import asdict

import pytest

from harness.core.audit import Audit
from harness.core.finding import CheckRecord, Finding
from harness.engine.provenance import evidence_digest, record_digest
from harness.engine.run_index import INDEX, RunIndex, earlier_audits
from harness.stats.intervals import wilson

GROUP = {"race": "black"}


def store(runs, name, hits=90, started="2026-01-01T00:00:00+00:00", **changes):
    """A sealed record of a made-up audit, in a run folder."""
    measured = [
        Finding(measure="performance.accuracy", value=hits / 100, n=100, interval=wilson(hits, 100)),
        Finding(measure="bias.selection_rate", value=None, n=3, group=GROUP, reason="3 rows"),
        Finding(measure="data.leak_suspects", value=2, n=12, of={"kind": "copy"}, exact=True),
    ]
    body = Audit.model_validate(
        {
            "suite": {"name": "s", "version": "1", "digest": "d", "vertical": "v", "task": "classification", "seed": 1},
            "model": {"uri": "m.csv", "kind": "predictions", "fingerprint": "f"},
            "data": {"fingerprint": "x", "rows": 100, "duplicates_dropped": 0, "members": "unknown",
                     "splits": [{"role": "test", "rows": 100, "ids_digest": "ids"}]},
            "records": [CheckRecord(check="c", status="measured", findings=measured).model_dump()],
            "policy": {"digest": "p", "rules": []},
            "verdict": {"outcome": "incomplete", "decisions": []},
            "harness": {"version": "0"}, "environment": {}, "started": started, "seconds": 1.0,
            "evidence_digest": "", "digest": "", **changes,
        }
    ).model_dump(mode="json", by_alias=True)  # fmt: skip
    body["evidence_digest"] = evidence_digest(body)
    body["digest"] = record_digest(body)
    (runs / name).mkdir()
    write(runs / name, body)
    return body


def write(folder, body):
    (folder / "audit.json").write_text(json.dumps(body), encoding="utf-8")


def answers(index):
    """All that an index says."""
    found = {folder: [asdict(f) for f in findings] for folder, findings in index.findings().items()}
    return [asdict(r) for r in index.runs()], found, index.measures(), index.damaged, index.others


@pytest.fixture
def runs(tmp_path):
    for hits, name in enumerate(("b", "a", "c"), start=90):
        store(tmp_path, name, hits, started=f"2026-01-0{hits - 89}T00:00:00+00:00")
    return tmp_path


def test_a_run_is_told_in_the_records_own_numbers(runs):
    index = RunIndex(runs)
    assert [run.folder for run in index.runs()] == ["b", "a", "c"]
    accuracy, undefined, count = index.findings()["a"]
    interval = wilson(91, 100)
    assert (accuracy.value, accuracy.span, accuracy.n) == (0.91, (interval.low, interval.high), 100)
    assert (undefined.value, undefined.group, undefined.span) == (None, GROUP, None)
    assert (count.value, count.of, count.exact) == (2, {"kind": "copy"}, True)
    assert {name: [f.value for f in found] for name, found in index.findings("performance.accuracy").items()} == {
        "b": [0.90], "a": [0.91], "c": [0.92]
    }  # fmt: skip


def test_a_rebuilt_index_equals_the_incremental_one(runs):
    RunIndex(runs)
    shutil.rmtree(runs / "b")
    store(runs, "d", 70)
    write(runs / "a", {**json.loads((runs / "a" / "audit.json").read_text(encoding="utf-8")), "seconds": 2.0})
    (runs / "no-run").mkdir()
    incremental = answers(RunIndex(runs))
    assert [run["folder"] for run in incremental[0]] == ["d", "c"]
    assert incremental == answers(RunIndex(runs)) == answers(RunIndex(runs, rebuild=True))


def test_only_new_records_are_read(runs):
    RunIndex(runs)
    store(runs, "d")
    read = []
    RunIndex(runs, lambda text, done=0, total=0: read.append((done, total)))
    assert read == [(0, 1)]


def spoil_nothing(path):
    path.unlink()


def spoil_a_byte(path):
    content = bytearray(path.read_bytes())
    content[content.index(b"m.csv")] ^= 1
    path.write_bytes(content)


def spoil_the_end(path):
    path.write_bytes(path.read_bytes()[:-100])


def spoil_all(path):
    path.write_bytes(b"not a database")


def spoil_by_hand(path):
    with sqlite3.connect(path) as database:
        database.execute("UPDATE findings SET value = 1")
    database.close()


def old_format(path):
    from harness.engine import run_index

    with sqlite3.connect(path) as database:
        database.executescript("DROP TABLE findings; PRAGMA user_version = 0")
    database.close()
    path.write_bytes(run_index._sealed(path.read_bytes()))


@pytest.mark.parametrize("spoil", [spoil_nothing, spoil_a_byte, spoil_the_end, spoil_all, spoil_by_hand, old_format])
def test_a_missing_damaged_or_old_index_is_made_again(runs, spoil):
    wanted = answers(RunIndex(runs))
    sound = (runs / INDEX).read_bytes()
    spoil(runs / INDEX)
    assert answers(RunIndex(runs)) == wanted
    assert (runs / INDEX).read_bytes() == sound


def test_a_changed_record_is_damaged_and_none_of_its_numbers_is_told(runs):
    RunIndex(runs)
    path = runs / "a" / "audit.json"
    times = path.stat()
    path.write_text(path.read_text(encoding="utf-8").replace("0.91", "0.99", 1), encoding="utf-8")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))  # the size and the time are as before
    for index in (RunIndex(runs), RunIndex(runs), RunIndex(runs, rebuild=True)):
        ((folder, reason, changed),) = [(d.folder, d.reason, d.changed) for d in index.damaged]
        assert (folder, changed) == ("a", True)
        assert "its digest and its evidence_digest do not match" in reason
        assert "a" not in index.findings()
        assert [run.folder for run in index.runs()] == ["b", "c"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "can't be read as JSON"),
        ("[" * 100_000, "can't be read as JSON"),
        ("[]", "is not a record"),
        (
            '{"schema": "vertical-harness/audit/1", "digest": 1, "value": NaN}',
            "its digest and its evidence_digest do not match",
        ),
    ],
)
def test_what_is_no_record_is_damaged(runs, content, reason):
    (runs / "a" / "audit.json").write_text(content, encoding="utf-8")
    (damaged,) = RunIndex(runs).damaged
    assert damaged.folder == "a"
    assert reason in damaged.reason


def test_a_record_of_another_schema_is_not_guessed_at(runs):
    body = json.loads((runs / "a" / "audit.json").read_text(encoding="utf-8"))
    body["schema"] = "vertical-harness/audit/2"
    body["evidence_digest"] = evidence_digest(body)
    write(runs / "a", {**body, "digest": record_digest(body)})
    (damaged,) = RunIndex(runs).damaged
    assert "this version" in damaged.reason
    assert not damaged.changed


def test_a_folder_that_can_only_be_read_is_answered_for(runs):
    wanted = answers(RunIndex(runs))
    (runs / INDEX).unlink()
    (runs / INDEX).mkdir()  # nothing can take its name
    assert answers(RunIndex(runs)) == wanted


def test_processes_that_index_at_once_all_answer_right_and_leave_a_sound_index(runs):
    for number in range(30):
        store(runs, f"n{number}", number)
    code = (
        "import sys; from pathlib import Path; from harness.engine.run_index import RunIndex\n"
        "sys.stdin.readline()\n"
        "for again in (False, True, True, False): print(len(RunIndex(Path(sys.argv[1]), rebuild=again).runs()))"
    )
    arguments = [sys.executable, "-c", code, str(runs)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    started = [subprocess.Popen(arguments, **pipes) for _ in range(3)]
    for process in started:
        process.stdin.write("go\n")
        process.stdin.flush()
    assert [process.communicate()[0].split() for process in started] == [["33"] * 4] * 3
    read = []
    index = RunIndex(runs, lambda text, done=0, total=0: read.append(done))
    assert (read, len(index.runs())) == ([], 33)


def test_what_blocking_rules_judged_is_told_apart(runs):
    decision = {"rule_id": "r", "measure": "data.leak_suspects", "of": {"kind": "copy"}, "limit": "≤ 0", "outcome": "fail",
                "message": "m", "reason": "r", "limit_source": "s"}  # fmt: skip
    warned = {**decision, "measure": "performance.accuracy", "of": None, "severity": "warn"}
    decisions = [{**decision, "severity": "block"}, warned]
    store(runs, "judged", verdict={"outcome": "fail", "decisions": decisions})
    assert {name: [f.measure for f in found] for name, found in RunIndex(runs).gated().items()} == {
        "judged": ["data.leak_suspects"]
    }


def test_copies_of_a_run_are_one_audit_and_models_are_told_by_their_fingerprint(runs):
    model = {"uri": "n.csv", "kind": "predictions", "fingerprint": "g"}
    store(runs, "other", started="2026-01-05T00:00:00+00:00", model=model)
    store(runs, "again", started="2026-01-05T00:00:00+00:00", model=model, rejudged_from="sha256:1")
    data = {"fingerprint": "x", "rows": 100, "duplicates_dropped": 0, "members": "unknown"}
    store(runs, "elsewhere", data={**data, "splits": [{"role": "test", "rows": 9, "ids_digest": "others"}]})
    found = earlier_audits(runs, ("x", "ids"))
    assert (found.audits, found.models) == (4, 2)
    assert earlier_audits(runs, ("x", "none")).audits == 0
    assert earlier_audits(runs / "nowhere", ("x", "ids")) is None


def test_a_folder_without_runs_gets_no_index(tmp_path):
    assert RunIndex(tmp_path).runs() == []
    assert list(tmp_path.iterdir()) == []
