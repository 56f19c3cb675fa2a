"""Commands killed at random moments and run again: 6 here, as many as HARNESS_KILLS says with `make kills`."""

import json
import os
import random
import subprocess
import sys
import time

import pytest

from tests.faults.small import write_small
from tests.models.test_openai_server import Server

KILLS = int(os.environ.get("HARNESS_KILLS", "6"))
VERBS = {
    "audit": ["audit", "s.yaml", "--model", "p.csv", "-o", "out/audit.json", "-o", "out/s.md"],
    "text audit": ["audit", "s.yaml", "--model", "{server}", "--rows", "120", "--concurrency", "1", "-o", "out/audit.json"],
    "fit": ["fit", "s.yaml", "--base", "sklearn:logistic-regression", "-o", "out/model"],
    "compare": ["compare", "s.yaml", "--vertical", "p.csv", "--general", "q.csv", "-o", "out/comparison.json"],
}  # fmt: skip


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kills")
    write_small(folder)
    return folder


def started(verb, server, folder, cache):
    words = [word.format(server=server.uri) for word in VERBS[verb]]
    environment = {**os.environ, "HARNESS_CACHE": str(folder / cache), "HARNESS_API_KEY": "k", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "harness.cli", *words], cwd=folder, env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def result(verb, folder):
    """What of an output must not differ."""
    out = folder / "out"
    if verb == "fit":
        return (out / "model" / "harness-model.json").read_bytes()
    name = "comparison.json" if verb == "compare" else "audit.json"
    return json.loads((out / name).read_text(encoding="utf-8"))["evidence_digest"]


def whole(verb, server, folder, cache):
    """The result of an undisturbed run, and how long it took."""
    start = time.monotonic()
    with started(verb, server, folder, cache) as process:
        _, error = process.communicate()
    assert process.returncode in (0, 3), error
    return result(verb, folder), time.monotonic() - start


@pytest.fixture(scope="module")
def server():
    with Server(say=lambda _: "no") as one:
        yield one


@pytest.fixture(scope="module")
def undisturbed(prepared, server):
    """By verb, asked for once."""
    found = {}

    def of(verb):
        if verb not in found:
            found[verb] = whole(verb, server, prepared, f"cache of {verb}")
        return found[verb]

    return of


@pytest.mark.skipif(sys.platform == "win32", reason="kills")
@pytest.mark.parametrize("number", range(KILLS))
def test_a_killed_command_ends_as_an_undisturbed_one_when_it_is_run_again(
    number, prepared, server, undisturbed, tmp_path
):
    verb = list(VERBS)[number % len(VERBS)]
    wanted, seconds = undisturbed(verb)
    for name in ("s.yaml", "p.csv", "q.csv"):
        (tmp_path / name).write_bytes((prepared / name).read_bytes())
    server.answered.clear()
    with started(verb, server, tmp_path, "cache") as process:
        time.sleep(random.Random(number).uniform(0.2, 1) * seconds)
        process.kill()
        process.communicate()
    model = tmp_path / "out" / "model"
    assert not model.exists() or (model / "harness-model.json").exists()
    assert whole(verb, server, tmp_path, "cache")[0] == wanted
    repeated = len(server.answered) - len(set(server.answered))
    # The batch that was answered but not yet kept at the kill is the only one that may come twice.
    assert repeated <= 2, server.answered
    assert list(tmp_path.rglob(".unfinished-*")) == []
