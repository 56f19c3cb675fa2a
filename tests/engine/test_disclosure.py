"""What readers see of few people: cells worked by hand, and a property: no hidden number can be computed from those shown."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.core.audit import Audit
from harness.core.finding import Exhibit, Finding
from harness.engine.disclosure import FEWER, HIDDEN, WITHHELD, for_readers


def rate(name, n, attribute="race", value=0.5, **more):
    return Finding(measure="bias.selection_rate", value=value, n=n, group={attribute: name}, **more)


def size(name, n, attribute="race"):
    return Finding(measure="bias.group_size", value=n, n=n, group={attribute: name}, exact=True, unit="rows")


def record_of(findings, exhibits=(), decisions=(), hashes=None):
    return Audit.model_validate({
        "suite": {"name": "s", "version": "1", "digest": "sha256:5", "vertical": "v", "task": "classification", "seed": 1},
        "model": {"uri": "m", "kind": "sklearn", "fingerprint": "sha256:6"},
        "data": {"fingerprint": "sha256:7", "rows": 1, "duplicates_dropped": 0, "members": "unknown", "splits": []},
        "records": [{"check": "bias.groups", "status": "measured", "findings": [f.model_dump() for f in findings],
                     "exhibits": [e.model_dump() for e in exhibits]}],
        "policy": {"digest": "sha256:9", "rules": []}, "verdict": {"outcome": "pass", "decisions": list(decisions)},
        "harness": {"version": "1"}, "environment": {}, "started": "2026", "seconds": 1.0, "row_hashes": hashes,
        "evidence_digest": "sha256:1", "digest": "sha256:2",
    })  # fmt: skip


def seen(findings, **more):
    (check,) = for_readers(record_of(findings, **more)).records
    return check


def told(findings):
    """What readers see: the value, or why there is none, by group."""
    return {next(iter(f.group.values())): f.reason if f.value is None else f.value for f in seen(findings).findings}


def test_a_group_of_nine_is_hidden_with_the_next_smallest_and_one_of_ten_is_shown():
    nine = [rate("a", 9), rate("b", 40), rate("c", 100)]
    assert told(nine) == {"a": FEWER, "b": WITHHELD, "c": 0.5}
    assert told([rate("a", 10), *nine[1:]]) == {"a": 0.5, "b": 0.5, "c": 0.5}


def test_no_sum_of_two_groups_and_no_total_but_the_overall_one_tells_a_hidden_size():
    sizes = [size("a", 8), size("b", 163), size("c", 175), size("d", 194)]
    pair = Finding(measure="bias.calibration_p_value", value=0.6, n=357, group={"race": "b"}, exact=True)
    over_all = Finding(measure="bias.demographic_parity_ratio", value=0.9, n=532, group={"race": "*"})
    overall = Finding(measure="performance.accuracy", value=0.7, n=540)
    found = {(f.measure, str(f.group)): f.n for f in seen([*sizes, pair, over_all, overall]).findings}
    assert sorted(found.values()) == [0, 0, 0, 0, 175, 194, 540]


def test_two_hidden_groups_hide_each_other_and_no_third():
    assert told([rate("a", 3), rate("b", 4), rate("c", 100)]) == {"a": FEWER, "b": FEWER, "c": 0.5}


def test_a_partition_of_two_is_hidden_whole():
    assert told([rate("a", 3), rate("b", 300)]) == {"a": FEWER, "b": WITHHELD}


def test_every_measure_of_a_small_group_is_hidden_whatever_its_own_count_says():
    ratio = Finding(measure="bias.impact_ratio", value=0.7, n=500, group={"race": "a"})
    other = Finding(measure="bias.impact_ratio", value=0.9, n=500, group={"race": "c"})
    found = seen([size("a", 4), size("b", 200), size("c", 300), ratio, other]).findings
    assert [f.value for f in found] == [None, None, 300, None, None]
    assert [f.n for f in found] == [0, 0, 300, 0, 0]
    assert "4" not in json.dumps([f.model_dump() for f in found])


def test_an_intersection_is_hidden_so_that_neither_margin_tells_it():
    cells = {("a", "f"): 5, ("a", "m"): 50, ("a", "x"): 60, ("b", "f"): 70, ("b", "m"): 80, ("b", "x"): 90}
    found = [rate(f"{r} × {s}", n, "race × sex") for (r, s), n in cells.items()]
    hidden = {name for name, value in told(found).items() if value in HIDDEN}
    assert hidden == {"a × f", "a × m", "b × f", "b × m"}  # two in every line that has one


@given(st.lists(st.lists(st.integers(0, 40), min_size=3, max_size=3), min_size=2, max_size=4))
def test_no_line_of_a_table_has_exactly_one_hidden_cell(table):
    found = [rate(f"r{i} × c{j}", n, "race × sex") for i, row in enumerate(table) for j, n in enumerate(row)]
    hidden = {name for name, value in told(found).items() if value in HIDDEN}
    for line in [[f"r{i} × c{j}" for j in range(3)] for i in range(len(table))] + [
        [f"r{i} × c{j}" for i in range(len(table))] for j in range(3)
    ]:
        assert len(hidden & set(line)) != 1
    assert {f"r{i} × c{j}" for i, row in enumerate(table) for j, n in enumerate(row) if n < 10} <= hidden


def test_slices_of_few_people_are_counted_and_not_named():
    of = [("town = Aa", 3), ("town = Bb", 9), ("town = Cc", 90), ("sex = f", 50)]
    found = [Finding(measure="performance.slice_accuracy", value=0.5, n=n, of={"slice": name}) for name, n in of]
    gap = Finding(measure="performance.slice_auc_gap", value=0.1, n=152, of={"slice": "town = Aa"})
    rows = [[name, 0.5, 0.4, 0.6, n] for name, n in of]
    table = Exhibit(kind="intervals", title="t", columns=["slice", "accuracy", "low", "high", "n"], rows=rows)
    check = seen([*found, gap], exhibits=[table])
    assert [f.of["slice"] for f in check.findings] == [
        "town = Cc",
        "sex = f",
        "town (2 of few people)",
        "town (1 of few people)",
    ]
    assert [row[0] for row in check.exhibits[0].rows] == ["town = Cc", "sex = f", "2 more, of few people"]


def test_a_table_hides_what_the_findings_hide():
    columns = ["group", "n", "selected", "selection rate"]
    rows = [["a", "< 10", None, 0.5], ["b (reference)", 40, 20, 0.5], ["c", 100, 50, 0.5]]
    table = Exhibit(kind="table", title="t", columns=columns, rows=rows)
    assert seen([], exhibits=[table]).exhibits[0].rows == [
        ["a", FEWER, None, None], ["b (reference)", WITHHELD, None, None], ["c", 100, 50, 0.5],
    ]  # fmt: skip
    chart = Exhibit(
        kind="intervals", title="t", columns=["group", "ratio", "low", "high", "n"], rows=[["b", 1.0, 0.9, 1.1, 40]]
    )
    findings = [size("a", 4), size("b", 40), size("c", 100)]
    assert seen(findings, exhibits=[chart]).exhibits[0].rows == [["b", None, None, None, WITHHELD]]


def test_a_decision_keeps_its_outcome_and_loses_its_numbers(request):
    decision = {
        "rule_id": "r", "measure": "bias.selection_rate", "group": {"race": "a"}, "limit": "≥ 0.7", "severity": "block",
        "outcome": "fail", "observed": 0.123, "n": 7, "n_needed": 70, "message": "0.123 against ≥ 0.7", "reason": "r",
        "limit_source": "s", "interval": {"low": 0.1, "high": 0.2, "level": 0.95, "method": "wald", "inputs": {}},
    }  # fmt: skip
    other = decision | {"group": None, "n": 950}
    record = for_readers(record_of([rate("a", 7, value=0.123), rate("b", 90)], decisions=[decision, other]))
    hidden, overall = record.verdict.decisions
    assert (hidden.outcome, hidden.observed, hidden.n, hidden.interval, hidden.message) == (
        "fail",
        None,
        None,
        None,
        FEWER,
    )
    assert overall.observed == 0.123


@pytest.mark.parametrize(
    "reason", ["insufficient sample: 4 rows in the denominator, 30 needed", "undefined: 4 positive of 45 answered rows"]
)
def test_a_reason_tells_no_small_count(reason):
    (found,) = seen([rate("a", 20, value=None, reason=reason)]).findings
    assert "4 " not in found.reason.replace("45 ", "")
    assert FEWER in found.reason


def test_row_ids_are_shown_by_hash_or_without_one_by_number_and_are_never_left():
    table = Exhibit(
        kind="table", title="t", columns=["test row", "resembles row", "x"], rows=[["p-1", "p-2", 1], ["p-3", "p-1", 2]]
    )
    hashes = {"p-1": "aaa", "p-2": "bbb", "p-3": "ccc"}
    assert seen([], exhibits=[table], hashes=hashes).exhibits[0].rows == [["aaa", "bbb", 1], ["ccc", "aaa", 2]]
    assert seen([], exhibits=[table]).exhibits[0].rows == [["row 1", "row 2", 1], ["row 3", "row 1", 2]]


def test_a_record_without_small_groups_is_shown_as_it_is():
    record = record_of([rate("a", 30), rate("b", 40)])
    assert for_readers(record) == record
