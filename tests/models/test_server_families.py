"""Servers with the habits of five families, on loopback: audited, or refused in their own words; none is failed for a limit of ours."""

import itertools
import json
from http.server import BaseHTTPRequestHandler

import numpy as np
import pytest

from harness import audit
from harness.datasets.roles import DataOptions
from harness.errors import ModelError
from harness.models import server_connection
from harness.models.openai_server import MAX_TOKENS, load_server
from harness.models.options import ModelOptions
from harness.spec.suite import PromptView
from tests.models.loopback import LoopbackServer

pytest.importorskip("httpx")
pytest.importorskip("tenacity")

KEY = "sk-live-0123456789abcdef"
VIEW = PromptView(template="{{ text }}", choices={"no": "No", "yes": "Yes"})


def answer(content, finish="stop", **message):
    return 200, {
        "choices": [
            {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": content, **message}}
        ],
        "usage": {"prompt_tokens": 9, "completion_tokens": 2},
    }


def refused(message, parameter=None, status=400):
    return status, {"error": {"message": message, "type": "invalid_request_error", "param": parameter}}


def reasoner(body, word, _):
    """Refuses what a reasoning model has no use for, one parameter after the other."""
    if "max_tokens" in body:
        return refused("Unsupported parameter: 'max_tokens' is not supported with this model.", "max_tokens")
    if body.get("temperature", 1) != 1:
        return refused("Unsupported value: 'temperature' does not support 0 with this model.", "temperature")
    if body.get("logprobs"):
        return refused("You are not allowed to request logprobs from this model", status=403)
    assert body["max_completion_tokens"] == MAX_TOKENS
    return answer(f"The answer is {word}.")


def listing(_, word, __):
    """Content in parts, the reasoning in one of its own; tokens counted as text."""
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "Yes or no?"}]}, {"type": "text", "text": word}]
    status, reply = answer(parts, reasoning_content="No, yes …")
    return status, reply | {"usage": {"prompt_tokens": "9", "completion_tokens": None}}


def thinker(_, word, __):
    """Thinks in the content, and names both choices while it does."""
    return answer(f"<think>\nIs it yes? No: yes and no.\n</think>\n\n**{word}**")


def strict(body, word, _):
    """Refuses unknown fields, repeats the request in its error, and gives five alternatives at most."""
    if "seed" in body:
        problem = {
            "type": "extra_forbidden",
            "loc": ["body", "seed"],
            "msg": "Extra inputs are not permitted",
            "input": body,
        }
        return 422, {"detail": [problem]}
    if body.get("top_logprobs", 0) > 5:
        return refused("top_logprobs must be at most 5")
    status, reply = answer(word)
    other = {"Yes": "No", "No": "Yes"}[word]
    top = [{"token": word, "logprob": np.log(0.7)}, {"token": other, "logprob": np.log(0.2)}]
    reply["choices"][0]["logprobs"] = {"content": [{"token": word, "logprob": top[0]["logprob"], "top_logprobs": top}]}
    return status, reply


def busy(_, word, count):
    """Overloaded at every second request."""
    return (529, {"error": {"type": "overloaded_error"}}) if count % 2 else answer(word)


class Family(LoopbackServer):
    """Answers by `habit(body, word, count)`: a status, a body and headers; the word is right for the prompt."""

    def __init__(self, habit, headers=None):
        super().__init__(Handler)
        self.habit, self.headers, self.bodies, self.count = habit, headers or {}, [], itertools.count()


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        prompt = body["messages"][-1]["content"] if "messages" in body else body["prompt"]
        self.server.bodies.append(body)
        word = "Yes" if float(prompt.split()[-1]) > 50 else "No"
        status, reply = self.server.habit(body, word, next(self.server.count))
        raw = reply.encode() if isinstance(reply, str) else json.dumps(reply).encode()
        self.send_response(status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


@pytest.fixture(autouse=True)
def place(monkeypatch, tmp_path):
    monkeypatch.setenv("HARNESS_API_KEY", KEY)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(server_connection, "LONGEST_WAIT", 0.02)


@pytest.fixture
def suite(tmp_path):
    """120 incomes, half of them test rows; those above 50 were granted."""
    rows = "".join(f"r{i},{i},{'yes' if i > 50 else 'no'},{'test' if i % 2 else 'train'}\n" for i in range(120))
    (tmp_path / "d.csv").write_text("id,income,granted,part\n" + rows, encoding="utf-8")
    (tmp_path / "s.yaml").write_text(SUITE, encoding="utf-8")
    return tmp_path / "s.yaml"


SUITE = """
name: own/loans
version: 1
vertical: own
task: classification
data:
  source: d.csv
  id: id
  label: {column: granted, positive: "yes"}
  features: [income]
  split: {column: part}
views:
  prompt:
    template: "Granted? Yes or No. Income {{ income }}"
    choices: {"yes": "Yes", "no": "No"}
checks: [performance.classification]
policy:
  - {id: right, measure: performance.accuracy, at_least: 0.6, severity: block, reason: useful, source: us}
  - {id: answers, measure: performance.answer_rate, at_least: 0.9, severity: block, reason: useful, source: us}
seed: 1
"""


def findings(record, measure):
    return next(f for r in record.records for f in r.findings if f.measure == measure and f.of is None)


@pytest.mark.parametrize(
    ("habit", "refuses"),
    [
        (reasoner, ("temperature 0 (", "max_tokens (max_completion_tokens is sent instead)", "logprobs (so")),
        (listing, ()),
        (thinker, ()),
        (strict, ("seed", "top_logprobs 20 (5 are asked for)")),
        (busy, ()),
    ],
)
def test_each_family_is_audited_and_what_it_refuses_is_asked_once_and_on_the_card(suite, habit, refuses):
    with Family(habit, {"Retry-After": "nan"} if habit is busy else {}) as server:
        record = audit(suite, server.uri, DataOptions(), model_options=ModelOptions(concurrency=3))
        asked = len(server.bodies)
        again = audit(suite, server.uri, DataOptions(), model_options=ModelOptions(concurrency=3))
    assert findings(record, "performance.accuracy").value == 1
    assert findings(record, "performance.answer_rate").value == 1
    assert record.model.card["max_tokens"] == MAX_TOKENS
    told = record.model.card.get("server_refuses", "")
    assert all(part in told for part in refuses)
    assert bool(told) == bool(refuses)
    assert again.usage.calls == 0
    assert again.evidence_digest == record.evidence_digest
    assert ("scores" in record.model.offers) == (habit is strict)
    if habit is not busy:  # a request a row, and one more for each thing refused
        assert asked == record.usage.calls + 1 + len(refuses)


def test_of_truncated_answers_no_verdict_is_made_and_the_finished_ones_are_kept(suite):
    def cutting(_, word, count):
        return answer("", "length", reasoning_content="Let me see") if count % 5 == 4 else answer(word)

    with Family(cutting) as server:
        record = audit(suite, server.uri, DataOptions())
        calls = len(server.bodies)
        server.habit = lambda _, word, __: answer(word)
        again = audit(suite, server.uri, DataOptions())
    assert record.verdict.outcome == "incomplete"
    assert {d.outcome for d in record.verdict.decisions} == {"not_tested"}
    assert all("--max-tokens N (it was 4096)" in d.message for d in record.verdict.decisions)
    truncated = findings(record, "model.truncated_answers")
    assert truncated.value == sum(count % 5 == 4 for count in range(calls)) > 0
    assert again.usage.calls == truncated.value
    assert findings(again, "performance.accuracy").value == 1
    assert findings(again, "model.truncated_answers").value == 0


def test_where_most_answers_are_truncated_the_others_are_not_paid_for(suite):
    def cutting(_, word, count):
        return answer(word) if count == 0 else answer(word, "length")

    with Family(cutting) as server:
        record = audit(suite, server.uri, DataOptions(), model_options=ModelOptions(concurrency=1))
        assert len(server.bodies) < 6
    assert record.verdict.outcome == "incomplete"


def test_a_first_answer_that_is_truncated_stops_with_the_option_that_helps(suite):
    with Family(lambda body, word, _: answer(word, "stop" if body["max_tokens"] > 5000 else "length")) as server:
        with pytest.raises(ModelError, match=r"--max-tokens N \(it was 4096\)"):
            audit(suite, server.uri, DataOptions())
        record = audit(suite, server.uri, DataOptions(), model_options=ModelOptions(max_tokens=6000))
    assert findings(record, "performance.accuracy").value == 1
    assert record.model.card["max_tokens"] == 6000


def opened(server, **options):
    return load_server(server.uri, ("no", "yes"), VIEW, ModelOptions(**options))


def test_a_refusal_that_stays_is_told_in_the_server_s_words_without_a_secret():
    def never(body, *_):
        said = f"Account of {KEY} (Authorization: Bearer {KEY}, org-key abcdef0123456789abcdef0123) lacks the plan: "
        return refused(said + body["messages"][0]["content"])

    with Family(never) as server, pytest.raises(ModelError, match="lacks the plan") as error:
        opened(server).score(["income of Ms Doe 7"])
    assert KEY not in str(error.value)
    assert "abcdef0123456789" not in str(error.value)
    assert "Doe" not in str(error.value)


def test_a_server_that_refuses_again_and_again_is_asked_a_few_times_only():
    names = itertools.cycle(("temperature", "seed", "logprobs", "top_logprobs", "max_tokens", "max_completion_tokens"))
    with Family(lambda *_: refused(f"{next(names)} is not supported")) as server:
        with pytest.raises(ModelError, match="is not supported"):
            opened(server).score(["income 7"])
        assert len(server.bodies) <= 8


def test_a_budget_beyond_the_context_is_left_out_and_a_given_one_is_not():
    def small(body, word, _):
        most = body.get("max_tokens", body.get("max_completion_tokens", 0))
        if most > 1000:
            return refused(
                f"This model's maximum context length is 2048 tokens. However, you requested {most} in the completion."
            )
        return answer(word)

    with Family(small) as server:
        model = opened(server)
        assert model.score(["income 70"])[0, 0] == 1
        assert "its own limit" in model.info.card["server_refuses"]
        with pytest.raises(ModelError, match=r"maximum context length .* --max-tokens 3000"):
            opened(server, max_tokens=3000).score(["income 70"])
        assert opened(server, max_tokens=500).score(["income 70"])[0, 0] == 1


def test_a_parameter_refused_midway_under_concurrency_is_left_out_for_all_rows_of_the_batch():
    def late(body, word, count):
        return refused("seed is unknown", "seed") if count > 10 and "seed" in body else answer(word)

    with Family(late) as server:
        model = opened(server, concurrency=6)
        first = model.settings
        rows = model.score([f"income {i}" for i in range(40, 60)])
        asked = {body["messages"][0]["content"] for body in server.bodies if "seed" not in body}
    assert rows[:, 0].tolist() == [float(i > 50) for i in range(40, 60)]
    assert len(asked) == 20
    assert model.settings != first
    assert "seed" in model.info.card["server_refuses"]


@pytest.mark.parametrize(
    ("value", "scored"),
    [(-0.4, True), (float("nan"), False), (float("inf"), False), (2.0, False), ("-0.4", False), (None, False)],
)
def test_log_probabilities_that_are_none_give_no_scores_and_the_label_stays(value, scored):
    def given(_, word, __):
        status, reply = answer(word)
        top = [{"token": "Yes", "logprob": value}, {"token": "No", "logprob": -3.0}]
        reply["choices"][0]["logprobs"] = {"content": [{"token": word, "top_logprobs": top}]}
        return status, reply

    with Family(given) as server:
        model = opened(server)
        row = model.score(["income 70"])[0]
        model.learn(row)
    assert row[0] == 1
    assert np.isfinite(row[1:]).all() == scored
    assert ("scores" in model.info.offers) == scored
    assert model.info.card["probabilities"].startswith("none") != scored


@pytest.mark.parametrize("word", ["I would say yes.", "<think>No</think>Yes"])
def test_the_first_token_of_a_preamble_gives_no_probabilities(word):
    def given(*_):
        status, reply = answer(word)
        top = [{"token": "No", "logprob": -0.1}, {"token": "Yes", "logprob": -3.0}]
        reply["choices"][0]["logprobs"] = {"content": [{"token": word.split()[0][:7], "top_logprobs": top}]}
        return status, reply

    with Family(given) as server:
        row = opened(server).score(["income 70"])[0]
    assert row[0] == 1
    assert np.isnan(row[1:]).all()


def test_a_limit_of_cost_needs_a_server_that_counts_its_tokens():
    def uncounted(_, word, __):
        status, reply = answer(word)
        return status, reply | {"usage": "9 tokens"}

    with Family(uncounted) as server:
        model = opened(server, price_in=1.0)
        model.score(["income 70"])
        assert model.cost() is None
        assert model.tokens_in is None
        with pytest.raises(ModelError, match="--max-cost can't be kept"):
            opened(server, price_in=1.0, max_cost=1.0).score(["income 70"])


EVENTS = (
    'data: {"choices":[{"index":0,"delta":{"role":"assistant"}}]}\n\n'
    'data: {"choices":[{"delta":{"content":"Y"}}]}\n\ndata: {"choices":[{"delta":{"content":"es"},"finish_reason":"stop"}]}\n\n'
    ": ping\n\ndata: [DONE]\n\n"
)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (EVENTS, 1),
        (EVENTS.replace("stop", "length"), -3),
        (answer(None)[1], -2),
        (answer(None, "length", reasoning="Let me")[1], -3),
        (answer("<think>Is it yes? Then", "length")[1], -3),
        (answer("<think>Is it yes? Then")[1], -2),
        (answer("Is it no? </think> Yes")[1], 1),
        (answer("Yes", "content_filter")[1], -1),
        (answer([{"type": "refusal", "refusal": "No."}])[1], -1),
        (answer({"type": "text", "text": "Yes"})[1], 1),
        (answer(["Yes"])[1], 1),
        (answer({"answer": "Yes"})[1], 1),
        (answer("\u200bYes\u200b")[1], 1),
        (answer("<|channel|>analysis<|message|>No<|end|><|start|>assistant<|channel|>final<|message|>Yes")[1], 1),
    ],
)
def test_every_form_of_an_answer_is_read(reply, code):
    with Family(lambda *_: (200, reply)) as server:
        assert opened(server).score(["income 7"])[0, 0] == code


@pytest.mark.parametrize(
    ("status", "reply", "says"),
    [
        (200, {"error": {"message": "Provider returned error: context too long", "code": 400}}, "context too long"),
        (200, {"error": "no such deployment"}, "no such deployment"),
        (200, {"object": "error", "message": "model is not loaded", "code": 40303}, "model is not loaded"),
        (200, {"error": {"message": "slow down", "code": 429}}, "in 6 attempts .*slow down"),
        (200, {"choices": None, "base_resp": {"status_code": 1004, "status_msg": "login failed"}}, "login failed"),
        (200, [], "the body is a list"),
        (200, {"choices": {"0": "Yes"}}, "choices is an object; wanted a list"),
        (200, {"choices": ["Yes"]}, r"choices\[0\] is a text"),
        (200, {"choices": [{"message": "Yes"}]}, r"choices\[0\].message is a text"),
        (200, {"choices": [{"message": {"content": 7}}]}, "the content is a number"),
        (200, {"choices": [{"message": {"content": [7]}}]}, "a part of the content is a number"),
        (200, {"choices": [{"message": {"content": [{"text": [1]}]}}]}, "the text of a part is a list"),
        (200, "<!doctype html><p>Sign in", "a web page"),
        (200, "[" * 100_000, "not JSON"),
        (200, 'data: {"choices":[{"delta":{"content":"Yes"}}]}\n\n', "a stream without its end"),
        (200, 'data: {"error":{"message":"the GPU fell off"}}\n\n', "the GPU fell off"),
        (400, "context window exceeded, sorry", "context window exceeded"),
        (400, "", "gives no reason"),
        (401, {"error": {"message": f"Incorrect API key provided: {KEY}"}}, "refuses the key"),
    ],
)
def test_what_is_no_answer_is_told_in_plain_words(status, reply, says):
    with Family(lambda *_: (status, reply)) as server, pytest.raises(ModelError, match=says) as error:
        opened(server).score(["income 7"])
    assert KEY not in str(error.value)


@pytest.mark.parametrize(
    ("location", "says"),
    [
        (
            "http://127.0.0.1:1/v2/chat/completions?key=abc",
            r"to http://127.0.0.1:1/v2/chat/completions, .*--model http://127.0.0.1:1/v2#",
        ),
        ("/v2/chat/completions/", r"--model http://127.0.0.1:\d+/v2#model-name"),
        ("http://user:word@127.0.0.1:1/", "to http://127.0.0.1:1/,"),
        ("http://h:port/", "Invalid URL in location header"),
        (None, "without saying where to"),
    ],
)
def test_a_redirect_is_not_followed_and_its_place_is_named(location, says):
    headers = {} if location is None else {"Location": location}
    with Family(lambda *_: (308, {}), headers) as server, pytest.raises(ModelError, match=says) as error:
        opened(server).score(["income 7"])
    assert len(server.bodies) == (6 if "Invalid" in says else 1)
    assert "abc" not in str(error.value)
    assert "word" not in str(error.value)


def filtered(*_):
    return 400, {"error": {"message": "The prompt triggers the content policy", "code": "content_filter"}}


def without_chat(text, finish):
    def habit(body, *_):
        if "messages" in body:
            return 404, {"error": {"message": "no chat"}}
        return 200, {"choices": [{"text": text, "finish_reason": finish}]}

    return habit


def spent(body, *_):
    status, reply = answer("", reasoning_content="Let me see")
    return status, reply | {"usage": {"prompt_tokens": 9, "completion_tokens": body["max_tokens"]}}


@pytest.mark.parametrize(
    ("habit", "code"),
    [
        (filtered, -1),
        (spent, -3),
        (without_chat(" Yes, and", "length"), 1),
        (without_chat(" The income is above the", "length"), -3),
        (without_chat(" perhaps", "stop"), -2),
    ],
)
def test_what_a_server_keeps_back_is_no_wrong_answer(habit, code):
    with Family(habit) as server:
        assert opened(server).score(["income 7"])[0, 0] == code


def test_a_path_that_is_lost_midway_is_not_taken_for_a_server_without_chat():
    def lost(_, word, count):
        return answer(word) if count == 0 else (404, {"error": {"message": "the deployment was deleted"}})

    with Family(lost) as server:
        model = opened(server)
        model.score(["income 7"])
        with pytest.raises(ModelError, match="the deployment was deleted"):
            model.score(["income 8"])
        assert all("messages" in body for body in server.bodies)


def test_an_unsupported_parameter_that_is_told_with_http_500_is_left_out_too():
    def broken(body, word, _):
        return refused("logprobs are not supported", status=500) if body.get("logprobs") else answer(word)

    with Family(broken) as server:
        assert opened(server).score(["income 70"])[0, 0] == 1
        assert len(server.bodies) == 2


def test_choices_that_can_t_be_told_apart_and_addresses_with_a_query_are_refused():
    alike = PromptView(template="{{ text }}", choices={"no": "OK", "yes": "ok."})
    with pytest.raises(ModelError, match="can't be read as one choice"):
        load_server("http://127.0.0.1:1/v1#m", ("no", "yes"), alike, ModelOptions())
    with pytest.raises(ModelError, match="with a query") as error:
        load_server("http://127.0.0.1:1/v1?api-key=geheim#m", ("no", "yes"), VIEW, ModelOptions())
    assert "geheim" not in str(error.value)


def test_a_key_that_no_header_can_hold_is_refused_without_being_repeated(monkeypatch):
    monkeypatch.setenv("HARNESS_API_KEY", "sk-geheim\nzwei")
    with pytest.raises(ModelError, match="HARNESS_API_KEY holds characters") as error:
        load_server("http://127.0.0.1:1/v1#m", ("no", "yes"), VIEW, ModelOptions())
    assert "geheim" not in str(error.value)


ROW = 'age 30\nname Zoë "Q" van Doe\nincome 51'


@pytest.mark.parametrize(
    "repeated",
    [
        lambda prompt: json.dumps({"content": prompt}),
        lambda prompt: json.dumps({"content": prompt}, ensure_ascii=False),
        lambda prompt: repr(prompt),
        lambda prompt: " ".join(prompt.split()),
        lambda prompt: prompt[7:27] + "…",
    ],
)
@pytest.mark.parametrize("as_json", [True, False])
def test_no_cell_of_a_row_that_an_error_repeats_escaped_or_in_part_is_in_a_message(as_json, repeated):
    def repeating(body, *_):
        said = f"cannot process {repeated(body['messages'][0]['content'])}, too odd"
        return refused(said) if as_json else (400, said)

    with Family(repeating) as server, pytest.raises(ModelError, match=r"cannot process.*….*, too odd") as error:
        opened(server).score([ROW])
    assert not [word for word in ("Zo", "Doe", "income", "51") if word in str(error.value).partition("says")[2]]


@pytest.mark.parametrize(
    "problem",
    [
        {"error": {"message": "the upstream died", "code": 503}, "message": {"content": ""}},
        {"finish_reason": "error", "message": {"content": ""}},
    ],
)
def test_an_error_in_place_of_the_end_of_an_answer_is_tried_again_and_no_answer_of_the_model(problem):
    def failing(_, word, count):
        return (200, {"choices": [problem]}) if count == 0 else answer(word)

    with Family(failing) as server:
        assert opened(server).score(["income 70"])[0, 0] == 1
        assert len(server.bodies) == 2
    says = r"in 6 attempts \(last: HTTP 50[23]: (the upstream died|finish_reason error)"
    with Family(lambda *_: (200, {"choices": [problem]})) as server, pytest.raises(ModelError, match=says):
        opened(server).score(["income 70"])


def test_a_first_answer_of_reasoning_alone_stops_and_a_later_one_is_unreadable():
    def mute(_, word, count):
        return answer("", reasoning_content=f"So {word}.") if count % 2 else answer(word)

    with Family(mute) as server:
        model = opened(server, concurrency=1)
        rows = model.score(["income 70", "income 80"])
        assert rows[:, 0].tolist() == [1, -2]
        with pytest.raises(ModelError, match=r"holds reasoning and nothing else.*reasoning parser"):
            model.learn(rows[1])


@pytest.mark.parametrize(
    "told", [(404, {}), (400, {"message": "you must provide a chat template if the tokenizer has none"})]
)
def test_of_a_base_model_that_goes_on_only_the_first_line_is_read(told):
    def base(body, word, _):
        other = {"Yes": "No", "No": "Yes"}[word]
        goes_on = {"text": f" {word}\n\nincome 12. Answer: {other}", "finish_reason": "length"}
        return told if "messages" in body else (200, {"choices": [goes_on]})

    with Family(base) as server:
        assert opened(server).score(["income 10", "income 70"])[:, 0].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("text", "row"),
    [(" 12\n\nincome 7. Answer: 15", [0, 12]), (" 12", [-3, np.nan]), (" about\n12", [-2, np.nan])],
)
def test_of_a_base_model_s_number_only_the_first_line_is_read(text, row):
    with Family(without_chat(text, "length")) as server:
        model = load_server(server.uri, (), PromptView(template="{{ text }}", choices={}), ModelOptions())
        np.testing.assert_array_equal(model.score(["income 7"])[0], row)


def test_a_stream_s_line_ends_only_where_events_end():
    event = json.dumps({"choices": [{"delta": {"content": "Yes\u2028because"}}]}, ensure_ascii=False)
    with Family(lambda *_: (200, f"data: {event}\n\ndata: [DONE]\n\n")) as server:
        assert opened(server).score(["income 7"])[0, 0] == 1
