"""A server on loopback that behaves badly: no row is lost, none is counted twice, no answer is made up."""

import collections
import contextlib
import itertools
import json
import os
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import numpy as np
import pytest

from harness.errors import ModelError
from harness.models import server_connection
from harness.models.openai_server import load_server
from harness.models.options import ModelOptions
from harness.spec.suite import PromptView
from tests.models.loopback import LoopbackServer

httpx = pytest.importorskip("httpx")
pytest.importorskip("tenacity")


VIEW = PromptView(template="{{ text }}", choices={"no": " no", "yes": " yes"})
KEY = "sk-test-secret-0123456789"
FAULTS = ("429", "500", "drop", "cut", "empty", "two")


def fitting(prompt):
    """What the model behind the server says: yes where the number in the prompt is odd."""
    return "Yes." if int(prompt.split()[-1]) % 2 else "no"


class Server(LoopbackServer):
    """Answers chat completions by `say`, with the faults in turn."""

    def __init__(self, say=fitting, faults=("none",), *, logprobs=None, chat=True):
        super().__init__(Handler)
        self.say, self.faults, self.logprobs, self.chat = say, itertools.cycle(faults), logprobs, chat
        self.answered, self.lock, self.keys = [], threading.Lock(), set()

    def fault_of(self, prompt):
        return next(self.faults)


class FirstAttempts(Server):
    """Loses the first three attempts of every prompt, each by another fault, however the requests overlap; one is never answered."""

    def __init__(self, say=fitting):
        super().__init__(say)
        self.attempts = collections.Counter()

    def fault_of(self, prompt):
        self.attempts[prompt] += 1
        attempt = self.attempts[prompt]
        if (prompt, attempt) == (PROMPTS[0], 1):
            return "slow"
        return FAULTS[(sum(prompt.encode()) + attempt) % len(FAULTS)] if attempt <= 3 else "none"


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.lock:
            fault = self.server.fault_of(body["messages"][0]["content"] if "messages" in body else body["prompt"])
            self.server.keys.add(self.headers.get("authorization"))
        if self.headers.get("authorization") == "Bearer wrong":
            return self.reply(401, {"error": "bad key"})
        if self.path.endswith("/chat/completions") and not self.server.chat:
            return self.reply(404, {})
        if body["model"] != "m":
            return self.reply(404, {"error": "no such model"})
        if fault in ("429", "500"):
            return self.reply(int(fault), {}, {"Retry-After": "0.05"} if fault == "429" else {})
        if fault == "drop":
            return self.close_connection_now()
        if fault == "slow":  # until the client has given up
            self.connection.settimeout(60)
            self.connection.recv(1)
            return None
        prompt = body["messages"][0]["content"] if "messages" in body else body["prompt"]
        said = self.server.say(prompt)
        message = said if isinstance(said, dict) else {"content": said}
        choice = {"message": message} if "messages" in body else {"text": message["content"]}
        if self.server.logprobs:
            choice["logprobs"] = self.server.logprobs(prompt)
        choices = {"empty": [], "two": [choice, choice]}.get(fault, [choice])
        if fault not in ("empty", "two", "cut", "slow"):
            with self.server.lock:
                self.server.answered.append(prompt)
        usage = {"prompt_tokens": 10, "completion_tokens": 1}
        return self.reply(200, {"choices": choices, "usage": usage}, cut=fault == "cut")

    def reply(self, status, body, headers=None, cut=False):
        raw = json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(raw) // 2 if cut else len(raw)))
        self.end_headers()
        self.wfile.write(raw[: len(raw) // 2] if cut else raw)

    def close_connection_now(self):
        self.connection.close()


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("HARNESS_API_KEY", KEY)
    monkeypatch.setattr(server_connection, "LONGEST_WAIT", 0.05)


def opened(server, timeout=20.0, **options):
    return load_server(server.uri, ("no", "yes"), VIEW, ModelOptions(**options), timeout=timeout)


PROMPTS = [f"number {i}" for i in range(60)]


def test_under_every_fault_no_row_is_lost_and_every_answer_is_its_own_rows():
    with FirstAttempts() as server:
        rows = opened(server, timeout=5.0, concurrency=6).score(PROMPTS)
    assert rows[:, 0].tolist() == [float(i % 2) for i in range(60)]
    assert np.isnan(rows[:, 1:]).all()
    assert sorted(server.answered) == sorted(set(server.answered))


def test_a_server_that_never_answers_ends_with_a_message_and_not_with_a_made_up_class():
    with Server(faults=("500",)) as server, pytest.raises(ModelError, match="no answer in 6 attempts"):
        opened(server).score(["number 1"])


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("I'm sorry, I can't help with that.", -1),
        ({"content": "", "refusal": "no"}, -1),
        ("perhaps", -2),
        ("nowhere", -2),
        ("", -2),
        ("**Yes**, because", 1),
        ("NO, it will not", 0),
    ],
)
def test_a_refusal_and_an_unreadable_answer_are_outcomes_of_their_own(said, code):
    with Server(say=lambda _: said) as server:
        assert opened(server).score(["number 1"])[0, 0] == code


def test_probabilities_come_from_the_first_tokens_log_probabilities():
    top = [
        {"token": " yes", "logprob": np.log(0.6)},
        {"token": "No", "logprob": np.log(0.2)},
        {"token": "x", "logprob": -3},
    ]
    with Server(logprobs=lambda _: {"content": [{"top_logprobs": top}]}) as server:
        model = opened(server)
        model.learn(model.score(["number 0"])[0])
        assert model.score(["number 0"])[0].tolist() == pytest.approx([0, 0.25, 0.75])  # it said no
    assert "scores" in model.info.offers


def test_a_server_without_chat_is_asked_for_plain_completions():
    with Server(chat=False) as server:
        model = opened(server)
        assert model.score(["number 1", "number 2"])[:, 0].tolist() == [1, 0]
    assert not model.chat


def test_a_wrong_key_and_a_wrong_model_are_told_apart_and_the_key_is_never_repeated(monkeypatch):
    with Server() as server:
        monkeypatch.setenv("HARNESS_API_KEY", "wrong")
        with pytest.raises(ModelError, match="refuses the key") as error:
            opened(server).score(["number 1"])
        assert "wrong" not in str(error.value)
        monkeypatch.setenv("HARNESS_API_KEY", KEY)
        other = load_server(server.uri.replace("#m", "#large"), ("no", "yes"), VIEW, ModelOptions())
        with pytest.raises(ModelError, match="does not know the model 'large'") as error:
            other.score(["number 1"])
        assert KEY not in str(error.value) + repr(other.info) + other.settings
        assert server.keys == {"Bearer wrong", f"Bearer {KEY}"}


def test_cost_is_what_the_server_counted_at_the_prices_given():
    with Server() as server:
        model = opened(server, price_in=2.0, price_out=6.0)
        model.score(PROMPTS[:5])
    assert model.cost() == pytest.approx(5 * (10 * 2 + 1 * 6) / 1e6)


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("http://h/v1", "names no model"),
        ("http://h/sk-topsecret1/v1", "names no model"),
        ("http://topsecret1@h/v1#m", "HARNESS_API_KEY"),
        ("http://me:topsecret1@h/v1", "HARNESS_API_KEY"),
        ("http://h/v1?api_key=topsecret1#m", "HARNESS_API_KEY"),
        ("http://h/v1?api_key=topsecret1", "HARNESS_API_KEY"),
        ("http://h/v1#m?api_key=topsecret1", "HARNESS_API_KEY"),
        ("http://h:nowhere/sk-topsecret1/v1#m", "is no address"),
    ],
)
def test_an_address_without_a_model_or_with_a_key_is_refused_and_the_key_is_not_repeated(uri, says):
    with pytest.raises(ModelError, match=says) as error:
        load_server(uri, ("no", "yes"), VIEW, ModelOptions())
    assert "topsecret1" not in str(error.value)


def test_a_key_in_the_path_reaches_the_server_and_nothing_else():
    with Server() as server:
        address, _, name = server.uri.partition("#")
        model = load_server(f"{address}/sk-topsecret1#{name}", ("no", "yes"), VIEW, ModelOptions(), timeout=5)
        model.score(PROMPTS[:1])
    with pytest.raises(ModelError, match=r"/\*\*\*#m gave no answer") as error:  # it is closed now
        model.score(PROMPTS[1:2])
    assert len(server.answered) == 1
    assert "topsecret1" not in str(error.value) + model.info.model_dump_json()
    assert model.info.uri == f"{address}/***#{name}"
    assert "HARNESS_API_KEY" in model.info.card["note"]


@pytest.fixture
def served(tmp_path, make_language_model):
    """`transformers serve` on a tiny model, on a free port of loopback."""
    chat = "{% for m in messages %}{{ m['content'] }} {% endfor %}"
    folder = make_language_model(chat=chat)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (tmp_path / "hub").mkdir()
    environment = {**os.environ, "HF_HOME": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1"}
    script = Path(sys.executable).parent / "transformers"
    process = subprocess.Popen(
        [str(script), "serve", str(folder), "--port", str(port), "--host", "127.0.0.1", "--device", "cpu"],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None
            time.sleep(0.1)
        yield f"http://127.0.0.1:{port}/v1#{folder}"
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.mark.slow
def test_a_real_server_behind_a_bad_line_is_audited_and_the_key_stands_nowhere(served, tmp_path, monkeypatch):
    pytest.importorskip("transformers")
    from harness import audit
    from harness.datasets.roles import DataOptions

    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    upstream, _, model = served.partition("#")

    def forward(prompt):
        turn = [{"role": "user", "content": prompt}]
        asked = {"model": model, "messages": turn, "max_tokens": 4, "temperature": 0}
        return httpx.post(f"{upstream}/chat/completions", json=asked, timeout=60).json()["choices"][0]["message"][
            "content"
        ]

    with pytest.raises(ModelError, match=r"cut off before its end .* --max-tokens N \(it was 4\)"):
        audit("finance/credit-risk", served, DataOptions(rows=40), model_options=ModelOptions(max_tokens=4))
    with FirstAttempts(say=forward) as line:
        asked = ModelOptions(concurrency=3)
        record = audit("finance/credit-risk", line.uri, DataOptions(rows=40), model_options=asked)
        answered = len(line.answered)
        again = audit("finance/credit-risk", line.uri, DataOptions(rows=40), model_options=asked)
    assert (again.usage.calls, len(line.answered)) == (0, answered)
    assert again.evidence_digest == record.evidence_digest
    kept = [path.read_bytes() for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    performance = next(r for r in record.records if r.check == "performance.classification")
    found = {f.measure: f for f in performance.findings if f.of is None}
    assert found["performance.answer_rate"].n == found["performance.accuracy"].n == 40
    # A model of random weights seldom says yes or no: what can't be read is no answer, and no class was made up.
    assert found["performance.answer_rate"].value < 1
    assert KEY not in record.model_dump_json()
    distinct = len(set(line.answered))
    assert record.usage.calls in (distinct, distinct - 1)
    assert not any(KEY.encode() in content for content in kept)


def test_a_damaged_cache_is_recorded_and_every_damaged_answer_is_asked_for_again(tmp_path, monkeypatch):
    from harness import audit
    from harness.datasets.roles import DataOptions

    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    (tmp_path / "s.yaml").write_text(
        "extends: finance/credit-risk\nname: small\nchecks: [performance.classification]\npolicy: []\n",
        encoding="utf-8",
    )

    def audited(server):
        record = audit(tmp_path / "s.yaml", server.uri, DataOptions(rows=20), model_options=ModelOptions(concurrency=2))
        loading = next(r for r in record.records if r.check == "model.loading")
        (damaged,) = (f for f in loading.findings if f.measure == "model.damaged_cache_rows")
        return record, damaged

    with Server(say=lambda prompt: "no") as server:
        first, undamaged = audited(server)
        (cache,) = (tmp_path / "cache" / "answers").iterdir()
        with contextlib.closing(sqlite3.connect(cache)) as database, database:
            edited = database.execute("UPDATE checked_rows SET row = x'0000000000000000'").rowcount
        second, damaged = audited(server)
        third, repaired = audited(server)
    assert (undamaged.value, damaged.value, repaired.value) == (0, edited, 0)
    assert damaged.n == edited == 2 * first.usage.calls + 2  # the first row's answer came with opening the server
    assert "recomputed" in damaged.reason
    assert (second.usage.calls, third.usage.calls) == (edited // 2, 0)
    assert first.evidence_digest == third.evidence_digest != second.evidence_digest
