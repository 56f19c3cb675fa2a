"""The written recommendation says what the record holds, topic by topic, and nothing else."""

import pytest

from harness.outputs.consequences import break_even
from harness.outputs.recommendation import recommendation


def topics(record):
    return dict(line.split(": ", 1) for line in recommendation(record))


@pytest.mark.parametrize(
    ("made", "outcome", "said"),
    [
        ({}, "choose_vertical", "Choose loans, the vertical model, over chat. Accuracy is 0.897 for loans and 0.777"),
        ({"shares": (0.75, 0.9)}, "choose_general", "Choose chat, the general model, over loans. Accuracy is 0.893"),
        ({"shares": (0.85, 0.85), "by": 0.08}, "no_difference", "No difference beyond δ = 0.08 between loans and chat"),
        ({"shares": (0.95, 0.6), "skew": 0.5}, "trade_off", "A trade-off that no number of rows settles"),
        ({"shares": (0.86, 0.85)}, "inconclusive", "About 74,740 test rows would decide, were the estimate the truth; there"),
        ({"skew": 0.05, "rows": 250}, "inconclusive", "but this is not settled: bias.impact_ratio (race: a)"),
    ],
)  # fmt: skip
def test_the_first_line_is_the_decision_that_the_engine_made(make_comparison, made, outcome, said):
    record = make_comparison(**made)
    assert record.decision.outcome == outcome
    first = recommendation(record)[0]
    assert first.startswith("Decision: ")
    assert said in first
    assert "95 % interval" in first
    assert f"n = {made.get('rows', 950)}" in first


def test_a_gain_is_told_from_the_better_model(make_comparison):
    record = make_comparison(shares=(0.75, 0.9))
    main = record.differences[0]
    assert main.gain < 0
    said = (
        f"a gain of {-main.gain:+.3f} (95 % interval {-main.gain_interval.high:+.3f} to {-main.gain_interval.low:+.3f}"
    )
    assert said in recommendation(record)[0]


def test_every_topic_of_the_three_questions_is_named(make_comparison):
    told = topics(make_comparison())
    assert {"Industry need", "Data volume", "Performance", "Cost", "Privacy", "Latency", "Bias"} <= set(told)
    assert "In finance" in told["Industry need"]
    assert "δ = 0.02: A point less is not worth a change. Source: expert: owner" in told["Industry need"]
    assert "1,600 training rows and 950 test rows" in told["Data volume"]
    assert told["Cost"] == (
        "loans costs 0.002 per 1,000 rows, by the prices given; chat costs 1.5 per 1,000 rows, by the prices given; "
        "loans is 750 times cheaper."
    )
    assert "chat took 95 seconds per 1,000 rows (timed on 200 rows)" in told["Latency"]
    assert "0.620 against 0.510, a gain of -0.110 (-0.149 to -0.071) for the vertical model, n = 400" in told["Privacy"]
    assert "Not tested" in told["Outside the domain"]
    assert "compliant" not in " ".join(recommendation(make_comparison())).lower()


def test_what_was_not_measured_is_said_and_not_invented(make_comparison):
    record = make_comparison(exhibits=[], also=[])
    bare = [m.model_copy(update={"seconds_per_1000": None, "cost_per_1000": None}) for m in record.models]
    gaps = [{"what": "privacy of training rows", "reason": "members unknown"}]
    told = topics(make_comparison(exhibits=[], also=[], not_compared=gaps, models=[m.model_dump() for m in bare]))
    assert told["Cost"] == "loans has no measured cost; chat has no measured cost."
    assert told["Latency"] == "loans has no measured time; chat has no measured time."
    assert "No learning curve was measured" in told["Data volume"]
    assert told["Cost of errors"].startswith("Not compared")
    assert "was not compared: members unknown." in told["Privacy"]


@pytest.mark.parametrize(
    ("points", "said"),
    [
        ([[100, 0.6, 0.5, 0.7], [400, 0.85, 0.82, 0.88]], "the whole interval lies beyond the level of chat (0.777) from 400"),
        ([[100, 0.6, 0.5, 0.7], [400, 0.80, 0.75, 0.85]], "the estimate lies beyond the level of chat (0.777) from 400"),
        ([[100, 0.9, 0.85, 0.95], [400, 0.70, 0.65, 0.75]], "it does not stay beyond the level of chat (0.777)"),
    ],
)  # fmt: skip
def test_a_crossing_counts_only_from_where_the_curve_stays_beyond(make_comparison, points, said):
    curve = {"kind": "curve", "title": "Learning curve", "columns": ["training rows", "performance.accuracy", "low", "high"],
             "rows": points}  # fmt: skip
    assert said in topics(make_comparison(exhibits=[curve]))["Data volume"]


@pytest.mark.parametrize(
    ("kind", "uri", "said"),
    [
        (
            "openai-server",
            "https://api.example.com/v1#m",
            "chat is a remote server, so every row that it answers leaves",
        ),
        ("openai-server", "http://127.0.0.1:8000/v1#m", "a server on the machine that made this comparison"),
        ("predictions", "p.csv", "where its rows went to be answered is not known"),
        ("callable", "python:a:b", "where it sends rows is not known"),
        ("onnx", "m.onnx", "chat ran on the machine"),
    ],
)
def test_where_rows_go_is_told_only_as_far_as_it_is_known(make_comparison, kind, uri, said):
    models = [m.model_dump() for m in make_comparison().models]
    models[1]["info"] |= {"kind": kind, "uri": uri}
    assert said in topics(make_comparison(models=models))["Privacy"]


def test_the_break_even_ratio_is_the_one_worked_by_hand():
    # 40 misses and 90 alarms against 120 and 50: at r = 0.5 both cost 110 and 110.
    assert break_even((40, 90), (120, 50)).endswith("where a miss costs more than 0.5 times a false alarm")
    assert break_even((120, 50), (40, 90)).endswith("where a miss costs less than 0.5 times a false alarm")
    assert break_even((40, 50), (120, 90)) == "the vertical model's errors are not dearer at any costs"
    assert break_even((120, 90), (40, 50)) == "the general model's errors are not dearer at any costs"
    assert break_even((40, 50), (40, 50)) == "the errors of both cost the same at any costs"


def test_what_decides_and_was_not_measured_is_inconclusive(make_comparison):
    record = make_comparison()
    none = [d for d in record.differences if d.measure != "performance.accuracy"]
    leg = record.decision.legs[0].model_copy(
        update={"outcome": "not_tested", "message": "performance.accuracy: no labels"}
    )
    choice = record.decision.model_copy(update={"outcome": "inconclusive", "legs": [leg]})
    first = recommendation(record.model_copy(update={"differences": none, "decision": choice}))[0]
    assert first == (
        "Decision: Inconclusive, because what decides was not measured for both models: performance.accuracy: no labels."
    )


def test_a_guard_set_is_kept_apart_from_the_domain(make_comparison):
    record = make_comparison(shares=(0.86, 0.85))
    guard = {"measure": "performance.accuracy", "by": 0.02, "reason": "Still safe", "source": "owner"}
    elsewhere = record.differences[0].model_copy(update={"guard_suite": "general/safety", "n": 77})
    record = record.model_copy(
        update={
            "margins": record.margins.model_validate(record.margins.model_dump() | {"guard": guard}),
            "differences": [elsewhere, *record.differences],
        }
    )
    told = topics(record)
    assert "n = 950" in told["Performance"]
    assert "Measured on general/safety (Accuracy: a gain of" in told["Outside the domain"]
    assert "n = 77" in told["Outside the domain"]
