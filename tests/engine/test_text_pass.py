import contextlib
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.audit import ModelInfo
from harness.engine.batching import TextSizes, plan_batches
from harness.engine.cache import AnswerCache, cache_key
from harness.engine.progress import silent
from harness.engine.text_pass import Exhausted, Limits, TextPass
from harness.engine.warned import warned
from harness.errors import ModelError
from harness.spec.suite import Suite

SUITE = Suite.model_validate({
    "name": "t", "vertical": "t", "data": {"source": "-", "label": {"column": "y", "positive": "b"}, "features": ["x"]},
    "views": {"text": "{{ x }}"}, "checks": ["performance.classification"],
})  # fmt: skip


class Counting:
    """Answers by the text's length, and remembers every batch that it was asked."""

    classes, warnings, settings, context = ("a", "b"), (), "s", None
    batch_tokens, batch_texts = 40, 8

    def __init__(self, fingerprint="f"):
        self.info = ModelInfo(uri="m", kind="fake", fingerprint=fingerprint, view="text", offers=["labels", "scores"])
        self.batches = []

    def sizes(self, texts):
        return TextSizes(np.array([len(t) for t in texts]), None)

    def score(self, texts):
        self.batches.append(list(texts))
        p = np.array([1 / (1 + len(t)) for t in texts])
        return np.column_stack([p < 0.5, 1 - p, p])

    def cost(self):
        return None


def through(model, cache=None, **limits):
    return TextPass(model, SUITE, cache or AnswerCache(None), Limits(**limits), silent)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=80))
def test_every_text_is_in_one_batch_and_no_batch_is_over_its_budget(lengths):
    batches = plan_batches(np.array(lengths), 100, 8)
    assert sorted(int(i) for b in batches for i in b) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) <= 8
        assert len(batch) == 1 or len(batch) * max(lengths[i] for i in batch) <= 100


def test_a_text_that_stands_twice_is_asked_once_and_answers_come_in_the_order_of_the_rows():
    model = Counting()
    texts = ["aaa", "b", "aaa", "cc", "b"]
    rows = through(model).answers(texts)
    assert sorted(t for b in model.batches for t in b) == ["aaa", "b", "cc"]
    assert rows[:, 2].tolist() == [1 / (1 + len(t)) for t in texts]


def test_what_was_answered_once_is_never_asked_again(tmp_path):
    first, second = Counting(), Counting()
    texts = [f"text {i}" * (i % 5 + 1) for i in range(50)]
    one = through(first, AnswerCache(tmp_path / "c.sqlite")).answers(texts)
    two = through(second, AnswerCache(tmp_path / "c.sqlite")).answers(texts)
    assert second.batches == []
    assert np.array_equal(one, two)


@pytest.mark.parametrize("part", ["fingerprint", "settings", "view", "text"])
def test_another_model_setting_view_or_text_is_another_answer(part):
    given = {"fingerprint": "f", "settings": "s", "view": "text", "text": "t"}
    assert cache_key(**given) != cache_key(**{**given, part: "other"})
    assert cache_key("f", "s", "text", "t") != cache_key("fs", "", "text", "t")


def test_a_limit_of_calls_stops_and_a_higher_one_goes_on_where_it_stopped(tmp_path):
    texts = [f"{i:03d}" for i in range(40)]
    model = Counting()
    with pytest.raises(Exhausted, match="limit is 20 and 40 are needed"):
        through(model, AnswerCache(tmp_path / "c"), max_calls=20).answers(texts)
    done = sum(map(len, model.batches))
    again = Counting()
    assert len(through(again, AnswerCache(tmp_path / "c"), max_calls=40).answers(texts)) == 40
    assert 0 < done <= 20
    assert sum(map(len, again.batches)) == 40 - done


def test_a_model_that_answers_too_few_is_an_error():
    model = Counting()
    model.score = lambda texts: np.zeros((len(texts) - 1, 3))
    with pytest.raises(ModelError, match="Return one answer per input"):
        through(model).answers(["a", "b"])


def test_long_and_empty_texts_are_counted():
    model = Counting()
    model.context = 4
    passed = through(model)
    passed.predict(pd.DataFrame({"x": ["abcdefg", "ab", " ", "abcdefg"]}), np.array(list("1234")))
    found = {f.measure: (f.value, f.n) for f in passed.warnings}
    assert found["model.truncated_texts"] == (1, 3)
    assert found["model.empty_texts"] == (1, 3)
    assert found["model.refused_answers"] == found["model.unreadable_answers"] == (0, 3)


def test_unknown_tokens_are_counted_once_a_text_and_a_model_that_tells_none_has_no_finding():
    model = Counting()
    model.sizes = lambda texts: TextSizes(np.array([len(t) for t in texts]), np.array([t.count("?") for t in texts]))
    passed = through(model)
    for texts in (["a?", "??b", "a?"], ["a?", "fine"]):
        passed.predict(pd.DataFrame({"x": texts}), np.arange(len(texts)))
    found = {f.measure: f for f in passed.warnings}
    assert (found["model.unknown_tokens"].value, found["model.unknown_tokens"].n) == (3 / 9, 9)
    assert found["model.unknown_tokens"].exact
    assert "model.unknown_tokens" not in {f.measure for f in through(Counting()).warnings}


def test_refusals_and_unreadable_answers_are_counted_apart_and_are_no_class():
    model = Counting()
    codes = {"a": -1.0, "b": -2.0, "c": 1.0, "d": -2.0}
    model.score = lambda texts: np.array(
        [[codes[t], *([0.3, 0.7] if codes[t] >= 0 else [np.nan, np.nan])] for t in texts]
    )
    passed = through(model)
    answers = passed.predict(pd.DataFrame({"x": list("abcd")}), np.arange(4))
    assert answers.labels.tolist() == [None, None, "b", None]
    found = {f.measure: f.value for f in passed.warnings}
    assert (found["model.refused_answers"], found["model.unreadable_answers"]) == (1, 2)


def test_an_answer_that_was_cut_stops_the_pass_and_is_asked_for_again(tmp_path):
    def through_cut(*cut):
        model = Counting()
        model.score = lambda texts: np.array([[-3.0, np.nan, np.nan] if t in cut else [1.0, 0.3, 0.7] for t in texts])
        return through(model, AnswerCache(tmp_path / "c"))

    frame = pd.DataFrame({"x": list("abcd")})
    passed = through_cut("b")
    with pytest.raises(Exhausted, match=r"1 of 4 answers were cut off .* --max-tokens N"):
        passed.predict(frame, np.arange(4))
    assert {f.measure: f.value for f in passed.warnings}["model.truncated_answers"] == 1
    whole = through_cut()
    assert whole.predict(frame, np.arange(4)).labels.tolist() == ["b"] * 4
    assert whole.calls == 1


def broken(path):
    path.write_bytes(b"no database at all" * 100)


def below_a_file(path):
    path.parent.rmdir()
    path.parent.touch()


@pytest.mark.parametrize("spoil", [broken, below_a_file])
def test_a_cache_that_can_not_be_used_costs_a_warning_and_no_answer(spoil, tmp_path, caplog):
    path = tmp_path / "cache" / "c.sqlite"
    path.parent.mkdir()
    spoil(path)
    with warned() as warnings:
        for _ in range(2):
            model = Counting()
            assert len(through(model, AnswerCache(path)).answers(["a", "b", "a"])) == 3
    assert warnings == [record.getMessage() for record in caplog.records]
    (warning,) = warnings
    assert "cache can't be used" in warning and "HARNESS_CACHE" in warning


def test_answers_go_on_in_memory_when_the_disk_is_full(tmp_path, caplog):
    cache, model = AnswerCache(tmp_path / "c.sqlite"), Counting()
    cache._database.execute("PRAGMA max_page_count = 2")
    texts = [f"text {i} " * 20 for i in range(400)]
    passed = through(model, cache, max_calls=300)
    with pytest.raises(Exhausted, match="The answers could not be kept"):
        passed.answers(texts)
    (record,) = caplog.records
    assert "database or disk is full" in record.getMessage()


KILLED = """
import sys, time
from pathlib import Path
sys.path.insert(0, {folder!r})
import numpy as np
from test_text_pass import Counting, through
from harness.engine.cache import AnswerCache

class Slow(Counting):
    def score(self, texts):
        if not {resumed} and self.batches and sum(map(len, self.batches)) > 60:
            time.sleep(600)  # until it is killed
        with open({log!r}, "a") as stream:
            stream.write("\\n".join(texts) + "\\n")
        return super().score(texts)

texts = [f"{{i:03d}}" + "x" * (i % 7) for i in range(200)]
rows = through(Slow(), AnswerCache(Path({cache!r}))).answers(texts)
np.save({out!r}, rows)
"""


def test_a_killed_run_goes_on_with_the_same_bytes_and_repeats_no_finished_batch(tmp_path):
    def command(name, cache, resumed=True):
        paths = {k: str(tmp_path / f"{name}.{k}") for k in ("log", "out")}
        return KILLED.format(folder=os.path.dirname(__file__), cache=str(tmp_path / cache), resumed=resumed, **paths)

    done = subprocess.run([sys.executable, "-c", textwrap.dedent(command("whole", "one"))], check=True)
    assert done.returncode == 0
    process = subprocess.Popen([sys.executable, "-c", command("killed", "two", resumed=False)])
    log = tmp_path / "killed.log"
    while not log.exists() or len(log.read_text(encoding="utf-8").split()) < 60:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = len(log.read_text(encoding="utf-8").split())
    subprocess.run([sys.executable, "-c", command("killed", "two")], check=True)
    asked = log.read_text(encoding="utf-8").split()
    assert before < 200
    # The batch that was killed between its answer and its keeping is the only one that may come twice.
    assert len(asked) - len(set(asked)) <= Counting.batch_texts
    assert (tmp_path / "killed.out.npy").read_bytes() == (tmp_path / "whole.out.npy").read_bytes()


def test_several_processes_share_one_cache(tmp_path):
    code = (
        "import sys; from pathlib import Path; import numpy as np; from harness.engine.cache import AnswerCache\n"
        "c = AnswerCache(Path(sys.argv[1]))\n"
        "for i in range(50): c.put([(f'{sys.argv[2]}-{i}'.encode(), np.array([float(i)]))])\n"
    )
    path = str(tmp_path / "c.sqlite")
    runs = [subprocess.Popen([sys.executable, "-c", code, path, str(k)]) for k in range(4)]
    assert [run.wait() for run in runs] == [0] * 4
    found = AnswerCache(tmp_path / "c.sqlite").get([f"{k}-{i}".encode() for k in range(4) for i in range(50)])
    assert len(found) == 200


def test_a_limit_below_one_batch_still_gets_on(tmp_path):
    texts = [f"{i:03d}" for i in range(20)]
    asked = 0
    for _ in range(7):
        model = Counting()
        with contextlib.suppress(Exhausted):
            through(model, AnswerCache(tmp_path / "c"), max_calls=3).answers(texts)
        asked += sum(map(len, model.batches))
        assert sum(map(len, model.batches)) <= 3
    assert asked == 20


def test_one_answer_without_probabilities_drops_the_scores_of_all_and_is_counted():
    model = Counting()
    model.score = lambda texts: np.array([[1.0, *((np.nan, np.nan) if t == "b" else (0.2, 0.8))] for t in texts])
    passed = through(model)
    answers = passed.predict(pd.DataFrame({"x": list("abc")}), np.arange(3))
    assert answers.scores is None
    assert answers.labels.tolist() == ["b"] * 3
    assert {f.measure: f.value for f in passed.warnings}["model.unscored_answers"] == 1


def test_memory_is_given_back_at_a_new_shape_once_sixteen_batches_are_done(monkeypatch):
    given_back = []
    model = Counting()
    monkeypatch.setattr(
        "harness.engine.text_pass.give_back_freed_memory", lambda: given_back.append(len(model.batches))
    )
    through(model).answers([f"{i:0{length}}" for length in range(40, 0, -2) for i in range(9)])
    shapes = [(len(batch), len(batch[0])) for batch in model.batches]
    changes = [i for i in range(1, len(shapes)) if shapes[i] != shapes[i - 1]]
    expected, last = [], 0
    for change in changes:
        if change - last >= 16:
            expected.append(change)
            last = change
    assert len(changes) > len(expected) >= 2
    assert given_back == expected


def edit(path, statement):
    """Changes a cache file behind the harness's back."""
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        assert database.execute(statement).rowcount > 0


def tables(path):
    with contextlib.closing(sqlite3.connect(path)) as database:
        return [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]


FLIPPED = np.array([0.0, 1.0, 0.0]).tobytes().hex()
EDITS = {
    "every row": (f"UPDATE {{}} SET row = x'{FLIPPED}'", 6),  # three texts, each with an answer and a size
    "the answers": (f"UPDATE {{}} SET row = x'{FLIPPED}' WHERE length(row) = 24", 3),
    "the sizes": (f"UPDATE {{}} SET row = x'{FLIPPED[:32]}' WHERE length(row) = 16", 3),
    "a row that is no bytes": ("UPDATE {} SET row = 'text' WHERE length(row) = 24", 3),
    "a row without its checksum": ("UPDATE {} SET checksum = x'' WHERE length(row) = 24", 3),
    "a valid row under another key": (
        "UPDATE {0} SET (row, checksum) = (SELECT row, checksum FROM {0} AS other WHERE length(other.row) = 24 "
        "ORDER BY key DESC LIMIT 1) WHERE length(row) = 24",
        2,
    ),
}


@pytest.mark.parametrize(("statement", "rows"), EDITS.values(), ids=EDITS.keys())
def test_an_edited_cache_is_noticed_recomputed_and_recorded(statement, rows, tmp_path):
    path, frame = tmp_path / "c.sqlite", pd.DataFrame({"x": ["a", "bb", "ccc"]})
    first = through(Counting(), AnswerCache(path)).predict(frame, np.arange(3))
    (table,) = tables(path)
    edit(path, statement.format(table))
    model = Counting()
    passed = through(model, AnswerCache(path))
    second = passed.predict(frame, np.arange(3))
    assert second.labels.tolist() == first.labels.tolist()
    assert np.array_equal(second.scores, first.scores)
    damaged = {f.measure: f for f in passed.warnings}["model.damaged_cache_rows"]
    assert (damaged.value, damaged.n, damaged.exact, damaged.better) == (rows, 6, True, "lower")
    assert "recomputed" in damaged.reason
    third = through(Counting(), AnswerCache(path))
    third.predict(frame, np.arange(3))
    assert {f.measure: (f.value, f.reason) for f in third.warnings}["model.damaged_cache_rows"] == (0, None)


def test_rows_of_the_format_without_a_checksum_are_not_trusted(tmp_path):
    path, model = tmp_path / "c.sqlite", Counting()
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE answers (key BLOB PRIMARY KEY, row BLOB) WITHOUT ROWID")
        key = cache_key("f", "s", "text", "a")
        database.execute("INSERT INTO answers VALUES (?, ?)", (key, bytes.fromhex(FLIPPED)))
    passed = through(model, AnswerCache(path))
    assert passed.answers(["a"])[0].tolist() == [0.0, 0.5, 0.5]
    assert model.batches == [["a"]]
    assert {f.measure: f.value for f in passed.warnings}["model.damaged_cache_rows"] == 0


def test_a_database_that_breaks_while_it_is_read_is_named(tmp_path, caplog):
    path = tmp_path / "c.sqlite"
    cache = AnswerCache(path)
    edit_tables = "DROP TABLE " + tables(path)[0]
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute(edit_tables)
    assert cache.get([b"k"]) == {}
    cache.put([(b"k", np.zeros(1))])
    assert cache.get([b"k"])[b"k"].tolist() == [0.0]
    assert [("HARNESS_CACHE" in record.getMessage()) for record in caplog.records] == [True]
