"""Run folders never lie: many audits at once, kills in the middle of writing, names that are taken."""

import json
import os
import random
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.datasets.roles import load_dataset
from harness.engine import provenance
from harness.engine.durable import unfinished_folder
from harness.spec.loading import load_suite
from harness.workflows.run_folders import finish
from harness.workflows.runs import OUTPUTS
from tests.faults.small import SUITE

ALL = {*OUTPUTS, "predictions.parquet"}


def command(folder, number, *more):
    """An audit of the suite in `folder` on saved predictions of their own; all have one name, so that names collide."""
    model = folder / f"model-{number}" / "p.csv"
    if not model.exists():
        model.parent.mkdir()
        (folder / "s.yaml").write_text(SUITE, encoding="utf-8")
        test = load_dataset(load_suite(folder / "s.yaml")).splits["test"]
        scores = np.random.default_rng(number).uniform(0, 0.6, len(test)) + 0.4 * (test.labels == "yes")
        pd.DataFrame({"id": test.ids, "score": scores}).to_csv(model, index=False)
    return [sys.executable, "-m", "harness.cli", "audit", str(folder / "s.yaml"), "--model", str(model), *more]


def verified(path):
    """The record at a path, after its digest and that of the predictions beside it were recomputed."""
    record = json.loads(path.read_text(encoding="utf-8"))
    assert provenance.record_digest(record) == record["digest"]
    saved = record["predictions"]
    assert provenance.sha256_file(path.parent / saved["path"]) == saved["sha256"]
    return record


def whole(runs):
    """The records of all that looks finished in a runs folder; each is there with everything."""
    folders = [folder for folder in runs.glob("*") if not folder.name.startswith(".")]
    assert [folder.name for folder in folders if {p.name for p in folder.iterdir()} != ALL] == []
    return [verified(folder / "audit.json") for folder in folders]


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """The run folder of one real audit."""
    folder = tmp_path_factory.mktemp("stored")
    subprocess.run(command(folder, 0), check=True, capture_output=True, cwd=folder)
    (run,) = (folder / "runs").iterdir()
    return run


def crashed(stored, work, mode):
    """The folders that a kill before each step of the writing left, in order; the last one was not killed."""
    script = Path(__file__).with_name("crash_points.py")
    subprocess.run([sys.executable, str(script), str(stored), str(work), mode], check=True)
    return sorted((p for p in work.iterdir() if p.name.isdigit()), key=lambda p: int(p.name))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills by fork")
def test_a_kill_at_any_step_leaves_a_whole_run_or_none(stored, tmp_path):
    *killed, last = crashed(stored, tmp_path, "run")
    assert len(killed) > 10
    for folder in killed:
        assert not (folder / "said").exists()
        assert len(whole(folder / "runs")) <= 1
    assert len(whole(last / "runs")) == 1
    said = json.loads((last / "said").read_text(encoding="utf-8"))
    assert {(last / path).name for path in said if (last / path).is_file()} == set(OUTPUTS)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills by fork")
def test_a_kill_at_any_step_of_writing_over_a_record_loses_neither_it_nor_its_predictions(stored, tmp_path):
    before, now = tmp_path / "before", json.loads((stored / "audit.json").read_text(encoding="utf-8"))
    subprocess.run(command(tmp_path, 1, "-o", str(before / "audit.json")), check=True, capture_output=True)
    old = verified(before / "audit.json")
    assert old["digest"] != now["digest"]
    *killed, last = crashed(stored, tmp_path, "explicit")
    assert len(killed) > 5
    digests = []
    for folder in (*killed, last):
        record = json.loads((folder / "run" / "audit.json").read_text(encoding="utf-8"))
        digests.append(record["digest"])
        saved = record["predictions"]
        assert provenance.sha256_file(folder / "run" / saved["path"]) == saved["sha256"]
    assert digests[0] == old["digest"]
    assert digests[-1] == now["digest"]
    assert digests == sorted(digests, key=[old["digest"], now["digest"]].index)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills by fork")
def test_the_next_run_removes_what_a_kill_left_and_not_what_a_living_one_writes(stored, tmp_path):
    killed = crashed(stored, tmp_path, "run")[5] / "runs"
    assert len(list(killed.glob(".unfinished-*"))) == 1
    code = (
        "import sys; from pathlib import Path; from harness.engine.durable import unfinished_folder\n"
        "with unfinished_folder(Path(sys.argv[1])): print('writing', flush=True); sys.stdin.read()"
    )
    arguments = [sys.executable, "-c", code, str(killed)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as living:
        assert living.stdout.readline() == b"writing\n"
        (left,) = killed.glob(".unfinished-*")
        with unfinished_folder(killed) as own:
            assert set(killed.iterdir()) == {left, own}
        living.communicate()
    assert list(killed.iterdir()) == []


def written(runs, content):
    with unfinished_folder(runs) as folder:
        (folder / "audit.json").write_text(content, encoding="utf-8")
        return finish(folder, "s-m", "sha256:" + "ab" * 32)


def test_a_taken_name_gets_a_longer_digest_and_the_same_run_stays_one(tmp_path):
    assert written(tmp_path, "one").name == "s-m-" + "ab" * 4
    assert written(tmp_path, "two").name == "s-m-" + "ab" * 8
    assert written(tmp_path, "one").name == "s-m-" + "ab" * 4
    assert {p.name: (p / "audit.json").read_text(encoding="utf-8") for p in tmp_path.iterdir()} == {
        "s-m-" + "ab" * 4: "one",
        "s-m-" + "ab" * 8: "two",
    }


def test_a_file_in_the_way_is_not_overwritten(tmp_path):
    (tmp_path / f"s-m-{'ab' * 4}").write_text("mine", encoding="utf-8")
    assert written(tmp_path, "one").name == "s-m-" + "ab" * 8
    assert (tmp_path / f"s-m-{'ab' * 4}").read_text(encoding="utf-8") == "mine"


def test_two_records_in_one_folder_keep_their_own_predictions(tmp_path):
    for number, name in enumerate(("a.json", "b.json")):
        done = subprocess.run(command(tmp_path, number, "-o", f"run/{name}", "-o", "r.md"), cwd=tmp_path)
        assert done.returncode == 0
    first, second = (verified(tmp_path / "run" / name) for name in ("a.json", "b.json"))
    assert first["predictions"]["sha256"] != second["predictions"]["sha256"]


@pytest.mark.slow
def test_twenty_audits_at_once_are_twenty_whole_runs(tmp_path):
    commands, spans = [command(tmp_path, number) for number in range(20)], []

    def one(arguments):
        start = time.monotonic()
        done = subprocess.run(arguments, capture_output=True, text=True, cwd=tmp_path)
        spans.append((start, time.monotonic()))
        return done

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(one, commands))
    assert [d.returncode for d in done] == [0] * 20, done[0].stderr
    overlapping = sum(a < d and c < b for a, b in spans for c, d in spans) - 20
    assert overlapping >= 40
    records = whole(tmp_path / "runs")
    assert {record["model"]["uri"] for record in records} == {c[c.index("--model") + 1] for c in commands}
    assert len({record["predictions"]["sha256"] for record in records}) == len(records) == 20
    for result in done:
        paths = [tmp_path / line.removeprefix("Written: ") for line in result.stdout.splitlines() if "Written" in line]
        assert {path.name for path in paths if path.is_file()} == set(OUTPUTS)
    assert not list((tmp_path / "runs").glob(".unfinished-*"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_a_kill_at_a_random_moment_leaves_a_whole_run_or_none(seed, tmp_path):
    runs, wait = tmp_path / "runs", random.Random(seed).uniform(0, 0.6)
    with subprocess.Popen(
        command(tmp_path, 0), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        while not list(runs.glob(".unfinished-*")) and process.poll() is None:
            time.sleep(0.005)
        time.sleep(wait)
        process.kill()
        said, _ = process.communicate()
    records = whole(runs)
    assert len(records) <= 1
    for line in said.decode().splitlines():
        if line.startswith("Written: "):
            assert (tmp_path / line.removeprefix("Written: ")).is_file()
