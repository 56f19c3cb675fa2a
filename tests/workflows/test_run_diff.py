"""What differs between two records: each kind of change, planted one at a time in a real record."""

import pytest

from harness.core.audit import Audit
from harness.workflows.run_diff import MOST_MOVED, run_differences, separation


@pytest.fixture(scope="module")
def record(three_models):
    return three_models[1]["one"]


def changed(record, change):
    """The record after a change to its JSON."""
    body = record.model_dump(mode="json", by_alias=True)
    change(body)
    return Audit.model_validate(body)


def differences(old, new):
    return [tuple(row) for row in run_differences(old, new).rows]


def test_a_record_does_not_differ_from_itself_run_again(record):
    again = changed(record, lambda body: body.update(started="2030-01-01T00:00:00+00:00", seconds=9.0, digest="other"))
    assert differences(record, again) == []


def put(*path, value):
    def change(body):
        for key in path[:-1]:
            body = body[key]
        body[path[-1]] = value

    return change


def drop_decision(body):
    del body["verdict"]["decisions"][0]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (put("verdict", "outcome", value="fail"), [("verdict", "Pass → Fail")]),
        (put("suite", "digest", value="sha256:" + "0" * 64), [("suite", "digest {digest} → 000000000000")]),
        (put("data", "fingerprint", value="sha256:ffff"), [("data", "fingerprint {data} → ffff")]),
        (put("data", "splits", 2, "ids_digest", value="x"), [("data", "train: other rows")]),
        (put("data", "sampled_rows", value=50), [("data", "sampled rows none → 50")]),
        (put("model", "uri", value="m.skops"), [("model", "uri one → m.skops")]),
        (put("environment", "packages", "numpy", value="9.9"), [("environment", "packages numpy {numpy} → 9.9")]),
        (put("environment", "device", value="gpu"), [("environment", "device none → gpu")]),
        (put("records", 0, "status", value="error"),
         [("check", "performance.classification measured → error")]),
        (drop_decision, [("decision", "useful: no longer judged, was: pass at {auc}")]),
        (put("verdict", "decisions", 0, "outcome", value="inconclusive"),
         [("decision", "useful: pass at {auc} → inconclusive at {auc}")]),
    ],
)  # fmt: skip
def test_each_change_is_said_and_nothing_else(record, change, expected):
    if expected[0][0] == "check":
        given = change

        def change(body):
            given(body)
            body["records"][0]["reason"] = "boom"

        expected = [(expected[0][0], expected[0][1] + " (boom)")]
    known = {
        "digest": record.suite.digest[7:19], "data": record.data.fingerprint[7:19],
        "numpy": record.environment["packages"]["numpy"], "auc": f"{record.verdict.decisions[0].observed:.3f}",
    }  # fmt: skip
    assert differences(record, changed(record, change)) == [(about, text.format(**known)) for about, text in expected]


def numbers(*values, interval=True):
    """Findings of the measures a.m0, a.m1 … with half intervals of 0.1."""
    return [
        {
            "measure": f"a.m{i}", "value": value, "n": 10, "exact": not interval,
            "reason": None if value is not None else "too few",
            "interval": {"low": value - 0.1, "high": value + 0.1, "level": 0.95, "method": "m", "inputs": {}}
            if interval and value is not None else None,
        }
        for i, value in enumerate(values)
    ]  # fmt: skip


def with_findings(record, findings):
    return changed(record, put("records", 0, "findings", value=findings))


def moved(record, old, new):
    return [text for _, text in differences(with_findings(record, old), with_findings(record, new))]


def test_measures_that_moved_are_given_with_both_intervals_the_farthest_first(record):
    assert moved(record, numbers(0.5, 0.5, 0.5), numbers(0.6, 0.25, 0.5)) == [
        "a.m1: 0.500 (0.400 to 0.600, n 10) → 0.250 (0.150 to 0.350, n 10): -0.25 (-50.0%), intervals apart",
        "a.m0: 0.500 (0.400 to 0.600, n 10) → 0.600 (0.500 to 0.700, n 10): +0.1 (+20.0%), intervals overlap",
    ]


def test_counts_have_no_interval_and_undefined_values_their_reason(record):
    assert moved(record, numbers(0, 4, interval=False), numbers(3, 4, interval=False)) == [
        "a.m0: 0 (n 10) → 3 (n 10): +3"
    ]
    assert moved(record, numbers(0.5), numbers(None)) == ["a.m0: 0.500 (0.400 to 0.600, n 10) → undefined (too few)"]


def test_only_so_many_measures_are_named_and_the_rest_are_counted(record):
    texts = moved(record, numbers(*[0.5] * 14), numbers(*[0.5 + 0.01 * i for i in range(1, 15)]))
    assert len(texts) == MOST_MOVED + 1
    assert texts[0].startswith("a.m13: ")
    assert texts[-1] == "4 more measures moved, each by less of its interval"


def test_what_only_one_run_measured_is_counted(record):
    assert moved(record, numbers(0.5), numbers(0.5, 0.5)) == ["a.m1: 1 found only in the second run"]


def test_intervals_that_touch_overlap():
    assert separation((0.1, 0.2), (0.2, 0.3)) == "intervals overlap"
    assert separation((0.1, 0.2), (0.21, 0.3)) == separation((0.21, 0.3), (0.1, 0.2)) == "intervals apart"
