"""Names in charts: Chinese ones are drawn whole, and take the room that they need; hostile ones cost nothing else."""

import re

import pytest

from harness.core.finding import Exhibit
from harness.outputs.charts import draw, draw_gains, draw_learning, draw_trade

HOSTILE = "a\x0b\x1b[31m\x00\ufffe\ud800\u202e</text><script>"
CHINESE = "单位性质 = 国有企业及事业单位在编人员（不含劳务）"


@pytest.mark.parametrize("kind", ["intervals", "bars"])
def test_a_long_chinese_name_is_drawn_whole(kind):
    names = ["女", CHINESE]
    rows = [[name, 1.0, 0.8, 1.2, 50] for name in names]
    svg = draw(Exhibit(kind=kind, title="t", columns=["group", "影响比", "low", "high", "n"], rows=rows)).svg
    assert all(f">{name}</text>" in svg for name in names)
    assert "…" not in svg


def test_lines_are_drawn_by_name_with_a_legend_and_without_a_style():
    rows = [[t, y, low, high, name] for t in (0.1, 0.2) for name, y, low, high in (
        ("the model", 0.2, 0.1, 0.3), ("everybody", -9 * t, -0.95, -0.5), ("nobody", 0.0, None, None))]  # fmt: skip
    columns = ["threshold", "net benefit", "low", "high", "acting on"]
    svg = draw(Exhibit(kind="curve", title="t", columns=columns, rows=rows)).svg
    assert all(f">{name}</text>" in svg for name in ("the model", "everybody", "nobody"))
    assert " style=" not in svg
    assert ">-1.0<" not in svg and ">−1.0<" not in svg  # what lies far below is cut off
    assert "clip" not in svg  # whose names would depend on what was drawn before


@pytest.mark.parametrize("scale", [1.0, 5000.0])
def test_intervals_stay_within_the_drawing_at_any_scale_and_one_that_reaches_far_does_not_squeeze_the_others(scale):
    rows = [["a", scale, 0.8 * scale, 1.2 * scale, 50], ["b", 1.1 * scale, 0.9 * scale, 4000 * scale, 5]]
    svg = draw(Exhibit(kind="intervals", title="t", columns=["group", "cost", "low", "high", "n"], rows=rows)).svg
    width = float(re.search(r'viewBox="0 0 ([\d.]+)', svg)[1])
    assert width < 800
    ticks = [float(t.replace(",", "")) for t in re.findall(r">([\d.,]+)</text>", svg)]
    assert 2 <= len(ticks) <= 14
    assert scale < max(ticks) <= 12 * scale


def _exhibit(kind, columns, *rows):
    return Exhibit(kind=kind, title=HOSTILE, columns=columns, rows=list(rows))


@pytest.mark.parametrize(
    "chart",
    [
        lambda: draw(_exhibit("intervals", ["g", HOSTILE, "low", "high"], [HOSTILE, 1.0, 0.8, 1.2]), (0.8, None)),
        lambda: draw(_exhibit("bars", ["g", HOSTILE, "low", "high"], [HOSTILE, 1.0, 0.8, 1.2])),
        lambda: draw(_exhibit("curve", [HOSTILE, HOSTILE, "low", "high"], [0.1, 0.2, 0.1, 0.3])),
        lambda: draw(_exhibit("curve", [HOSTILE, HOSTILE, "low", "high", "g"], [0.1, 0.2, 0.1, 0.3, HOSTILE])),
        lambda: draw_gains(_exhibit("intervals", ["g", HOSTILE], [HOSTILE, 0.1, 0.0, 0.2, -0.1, 0.1])),
        lambda: draw_trade(_exhibit("table", ["g", HOSTILE, HOSTILE], [HOSTILE, 1.0, 0.9, True], ["b", 2.0, 0.8, False]), False),
        lambda: draw_learning(_exhibit("curve", [HOSTILE, HOSTILE], [10, 0.5, 0.4, 0.6]), 0.5),
    ],
)  # fmt: skip
def test_a_name_that_the_native_library_aborts_at_is_drawn_as_safe_text(chart):
    drawn = chart()
    assert drawn.problem is None
    assert r"a\x0b\x1b[31m\x00\ufffe\ud800\u202e&lt;/text&gt;" in drawn.svg
    assert "<script" not in drawn.svg


def test_a_chart_that_can_not_be_drawn_says_so_and_raises_nothing():
    short = Exhibit(kind="intervals", title="t", columns=["group", "x"], rows=[["a", 1.0]])
    endless = Exhibit(
        kind="intervals", title="t", columns=["g", "x", "low", "high"], rows=[["a", 1e308, -1e308, 1e308]]
    )
    for exhibit in (short, endless):
        assert draw(exhibit).svg is None
        assert "can't be drawn" in draw(exhibit).problem


def test_nothing_to_draw_is_no_problem():
    assert draw(Exhibit(kind="table", title="t", columns=["a"], rows=[["b"]])) == draw(
        Exhibit(kind="bars", title="t", columns=["a"], rows=[])
    )
