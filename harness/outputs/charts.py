"""Draws exhibits as static SVG that follows the page's colours.

A chart that can't be drawn costs the chart, never the report: `Chart.problem` says why there is none.
"""

from __future__ import annotations

import functools
import json
import math
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ParamSpec

from harness.core.finding import Exhibit
from harness.core.safe_text import in_every_text, one_line

P = ParamSpec("P")

ACCENT = "#2c6fbb"
_LIMIT = "#b3541e"
_COLOURS = [ACCENT, _LIMIT, "#6b7280"]
_CONFIG: dict[str, Any] = {
    "background": None,
    "view": {"stroke": None},
    "font": "system-ui, sans-serif",
    "axis": {
        "labelColor": "currentColor",
        "titleColor": "currentColor",
        "tickColor": "currentColor",
        "domainColor": "currentColor",
        "gridColor": "currentColor",
        "gridOpacity": 0.12,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
    },
}


@dataclass(frozen=True)
class Chart:
    """A drawing as SVG, in which all text is escaped; or why there is none. Neither where there is nothing to draw."""

    svg: str | None
    problem: str | None = None


def _drawn(draw: Callable[P, str | None]) -> Callable[P, Chart]:
    """The drawing as a chart; whatever goes wrong in making it is the chart's problem alone."""

    @functools.wraps(draw)
    def drawn(*arguments: P.args, **options: P.kwargs) -> Chart:
        try:
            return Chart(draw(*arguments, **options))
        except Exception as error:  # noqa: BLE001 - a stored record may hold anything
            return Chart(None, f"This chart can't be drawn ({type(error).__name__}). The record holds its numbers.")

    return drawn


@_drawn
def draw(exhibit: Exhibit, band: tuple[float | None, float | None] | None = None) -> str | None:
    """SVG of an exhibit, with the allowed band shaded; none for a table, a matrix, or nothing to draw."""
    if not exhibit.rows or exhibit.kind in ("table", "matrix"):
        return None
    if exhibit.kind != "curve":  # a group of few people has a name and no number
        shown = [row for row in exhibit.rows if row[1] is not None]
        if not shown:
            return None
        exhibit = exhibit.model_copy(update={"rows": shown})
    return _svg({"intervals": _intervals, "bars": _bars, "curve": _curve}[exhibit.kind](exhibit, band))


@_drawn
def draw_gains(exhibit: Exhibit) -> str:
    """SVG of gains: a row is [name, gain, low, high, lowest allowed, highest allowed]; the last two None without a margin.

    A line at 0; a band behind each row that has a margin. A row that lies wholly on one side of 0 is drawn filled.
    """
    keys = ("name", "value", "low", "high", "from", "to")
    rows = [dict(zip(keys, (str(r[0]), *r[1:]), strict=True)) for r in exhibit.rows]
    for row in rows:
        row["decided"] = not _number(row["low"]) <= 0 <= _number(row["high"])
    y = {
        "field": "name",
        "type": "nominal",
        "title": None,
        "sort": [row["name"] for row in rows],
        "axis": _name_axis(rows),
    }
    x = {"type": "quantitative", "title": exhibit.columns[1], "axis": {"tickCount": 6, "labelFlush": False}}
    banded = [row for row in rows if row["from"] is not None]
    band = {"x": {"field": "from", **x}, "x2": {"field": "to"}, "y": y}
    ends = {"x": {"field": "low", **x}, "x2": {"field": "high"}, "y": y}
    fill = {"condition": {"test": "datum.decided", "value": ACCENT}, "value": "#ffffff"}
    layers: list[dict[str, Any]] = [
        {"data": {"values": banded}, "mark": {"type": "bar", "color": _LIMIT, "opacity": 0.22}, "encoding": band},
        {
            "data": {"values": [{"zero": 0}]},
            "mark": {"type": "rule", "color": "currentColor", "strokeWidth": 1},
            "encoding": {"x": {"field": "zero", **x}},
        },
        {"mark": {"type": "rule", "color": ACCENT, "strokeWidth": 3}, "encoding": ends},
        {
            "mark": {"type": "point", "stroke": ACCENT, "strokeWidth": 2, "filled": True, "opacity": 1, "size": 80},
            "encoding": {"x": {"field": "value", **x}, "y": y, "fill": fill},
        },
    ]
    return _svg({"data": {"values": rows}, "width": 480, "height": {"step": 28}, "layer": layers})


@_drawn
def draw_trade(exhibit: Exhibit, lower_is_better: bool) -> str:
    """SVG of models between a price (x, less is better) and a quality (y): rows of [name, price, quality, on the front].

    Models on the Pareto front are filled: no other is at least as good in both and better in one.
    """
    rows = [dict(zip(("name", "x", "y", "front"), (str(r[0]), *r[1:]), strict=True)) for r in exhibit.rows]
    prices = [_number(row["x"]) for row in rows]
    scale: dict[str, Any] = {"nice": True, "zero": True}
    if min(prices) > 0 and max(prices) > 10 * min(prices):
        scale = {"type": "log", "domain": [min(prices) / 2, max(prices) * 2], "nice": False}
    x = {"field": "x", "type": "quantitative", "title": exhibit.columns[1], "scale": scale, "axis": {"tickCount": 5}}
    qualities = [_number(row["y"]) for row in rows]
    room = 0.35 * (max(qualities) - min(qualities) or 0.1)
    y_scale = {"domain": [min(qualities) - room, max(qualities) + room], "nice": False, "reverse": lower_is_better}
    y = {"field": "y", "type": "quantitative", "title": exhibit.columns[2], "scale": y_scale}
    fill = {"condition": {"test": "datum.front", "value": ACCENT}, "value": "#ffffff"}
    middle = (min(prices) * max(prices)) ** 0.5 if "type" in scale else max(prices) / 2
    sides: list[dict[str, Any]] = [
        {
            "transform": [{"filter": f"datum.x {'<=' if left else '>'} {middle!r}"}],
            "mark": {"type": "text", "dx": 10 if left else -10, "dy": -10, "align": "left" if left else "right",
                     "fontSize": 12, "color": "currentColor", "limit": 260},
            "encoding": {"x": x, "y": y, "text": {"field": "name", "type": "nominal"}},
        }
        for left in (True, False)
    ]  # fmt: skip
    points = {
        "mark": {"type": "point", "stroke": ACCENT, "strokeWidth": 2, "filled": True, "opacity": 1, "size": 110},
        "encoding": {"x": x, "y": y, "fill": fill},
    }
    return _svg({"data": {"values": rows}, "width": 520, "height": 220, "layer": [points, *sides]})


@_drawn
def draw_learning(exhibit: Exhibit, level: float | None) -> str:
    """SVG of a measure by training rows with its intervals, and a dashed line at a level to be passed."""
    rows = [dict(zip(("x", "y", "low", "high"), r, strict=True)) for r in exhibit.rows]
    counts = [_number(row["x"]) for row in rows]
    is_log = min(counts) > 0 and max(counts) > 10 * min(counts)
    x_scale = {"type": "log", "nice": False} if is_log else {"zero": False}
    x = {"field": "x", "type": "quantitative", "title": exhibit.columns[0], "scale": x_scale, "axis": {"tickCount": 6}}
    y: dict[str, Any] = {"type": "quantitative", "title": exhibit.columns[1], "scale": {"zero": False}}
    layers: list[dict[str, Any]] = [
        {"mark": {"type": "line", "color": ACCENT, "strokeWidth": 1.5}, "encoding": {"x": x, "y": {"field": "y", **y}}},
        {
            "mark": {"type": "rule", "color": ACCENT, "strokeWidth": 2},
            "encoding": {"x": x, "y": {"field": "low", **y}, "y2": {"field": "high"}},
        },
        {
            "mark": {"type": "point", "color": ACCENT, "filled": True, "size": 70, "opacity": 1},
            "encoding": {"x": x, "y": {"field": "y", **y}},
        },
    ]
    if level is not None:
        layers.append(
            {
                "data": {"values": [{"level": level}]},
                "mark": {"type": "rule", "color": _LIMIT, "strokeDash": [4, 3], "strokeWidth": 1.5},
                "encoding": {"y": {"field": "level", **y}},
            }
        )
    return _svg({"data": {"values": rows}, "width": 480, "height": 240, "layer": layers})


def _svg(specification: dict[str, Any]) -> str:
    import vl_convert as vlc

    # The native library ends the process at a character that XML forbids.
    specification = in_every_text(specification, one_line)
    specification |= {"config": _CONFIG, "$schema": "https://vega.github.io/schema/vega-lite/v5.json"}
    return str(vlc.vegalite_to_svg(json.dumps(specification), vl_version="5.20"))


def _intervals(exhibit: Exhibit, band: tuple[float | None, float | None] | None) -> dict[str, Any]:
    # A ratio's interval may reach very far: it is cut where it would squeeze all others.
    most = max(10.0, *(3 * abs(_number(r[1])) for r in exhibit.rows))
    rows = [{"name": str(r[0]), "value": r[1], "low": r[2], "high": min(_number(r[3]), most)} for r in exhibit.rows]
    lows, highs = [_number(r["low"]) for r in rows], [_number(r["high"]) for r in rows]
    edges = [edge for edge in (band or ()) if edge is not None]
    span = max([*highs, *edges]) - min([*lows, *edges]) or 1.0
    domain = [min([*lows, *edges]) - 0.05 * span, max([*highs, *edges]) + 0.05 * span]
    x = {
        "type": "quantitative",
        "title": f"{exhibit.columns[1]}, 95 % interval",
        "axis": {"tickCount": 6},
        "scale": {"domain": domain, "nice": False, "zero": False},
    }
    y = {"field": "name", "type": "nominal", "title": None, "sort": None, "axis": _name_axis(rows)}
    layers: list[dict[str, Any]] = []
    if edges and band is not None:
        shade = [{"a": domain[0] if band[0] is None else band[0], "b": domain[1] if band[1] is None else band[1]}]
        layers.append(
            {
                "data": {"values": shade},
                "mark": {"type": "rect", "color": "#2b7a4b", "opacity": 0.12},
                "encoding": {"x": {"field": "a", **x}, "x2": {"field": "b"}},
            }
        )
        layers.append(
            {
                "data": {"values": [{"a": edge} for edge in edges]},
                "mark": {"type": "rule", "color": _LIMIT, "strokeDash": [4, 3]},
                "encoding": {"x": {"field": "a", **x}},
            }
        )
    layers.append(
        {
            "mark": {"type": "rule", "color": ACCENT, "strokeWidth": 3},
            "encoding": {"x": {"field": "low", **x}, "x2": {"field": "high"}, "y": y},
        }
    )
    layers.append(
        {
            "mark": {"type": "point", "color": ACCENT, "filled": True, "size": 90},
            "encoding": {"x": {"field": "value", **x}, "y": y},
        }
    )
    return {"data": {"values": rows}, "width": 480, "height": {"step": 30}, "layer": layers}


def _bars(exhibit: Exhibit, band: object) -> dict[str, Any]:
    rows = [{"name": str(r[0]), "value": r[1]} for r in exhibit.rows[:12]]
    x = {"type": "quantitative", "title": exhibit.columns[1]}
    y = {"field": "name", "type": "nominal", "title": None, "sort": None, "axis": _name_axis(rows)}
    layers: list[dict[str, Any]] = [
        {"mark": {"type": "bar", "color": ACCENT, "opacity": 0.75}, "encoding": {"x": {"field": "value", **x}, "y": y}}
    ]
    if exhibit.columns[2:4] == ["low", "high"]:
        for row, source in zip(rows, exhibit.rows, strict=False):
            row |= {"low": source[2], "high": source[3]}
        ends = {"x": {"field": "low", **x}, "x2": {"field": "high"}, "y": y}
        layers.append({"mark": {"type": "rule", "color": "currentColor", "strokeWidth": 1.5}, "encoding": ends})
    return {"data": {"values": rows}, "width": 480, "height": {"step": 24}, "layer": layers}


def _curve(exhibit: Exhibit, band: object) -> dict[str, Any]:
    if isinstance(exhibit.rows[0][-1], str):
        return _lines(exhibit)
    rows = [{"x": r[0], "y": r[1], "low": r[2], "high": r[3]} for r in exhibit.rows]
    top = max(_number(r["high"]) for r in rows)
    x = {"field": "x", "type": "quantitative", "title": exhibit.columns[0]}
    y: dict[str, Any] = {"type": "quantitative", "title": exhibit.columns[1]}
    return {
        "width": 480,
        "height": 260,
        "layer": [
            {
                "data": {"values": [{"x": 0, "y": 0}, {"x": top, "y": top}]},
                "mark": {"type": "line", "color": _LIMIT, "strokeDash": [4, 3]},
                "encoding": {"x": x, "y": {"field": "y", **y}},
            },
            {
                "data": {"values": rows},
                "mark": {"type": "rule", "color": ACCENT, "strokeWidth": 2},
                "encoding": {"x": x, "y": {"field": "low", **y}, "y2": {"field": "high"}},
            },
            {
                "data": {"values": rows},
                "mark": {"type": "point", "color": ACCENT, "filled": True, "size": 70},
                "encoding": {"x": x, "y": {"field": "y", **y}},
            },
        ],
    }


def _lines(exhibit: Exhibit) -> dict[str, Any]:
    """Lines by name (the last column) with their bands; a line far below all others' highest point ends there.

    Points are left out rather than clipped: the names of clip paths depend on what the process drew before.
    """
    rows = [dict(zip(("x", "y", "low", "high", "line"), r, strict=True)) for r in exhibit.rows]
    names = list(dict.fromkeys(row["line"] for row in rows))
    values = [_number(row[key]) for row in rows for key in ("y", "low", "high") if row[key] is not None]
    top = max(values)
    bottom = max(min(values), -0.5 * top) if top > 0 else min(values)
    x = {"field": "x", "type": "quantitative", "title": exhibit.columns[0], "scale": {"nice": False}}
    scale = {"domain": [bottom - 0.05 * (top - bottom or 1.0), top], "nice": False, "zero": False}
    y: dict[str, Any] = {"type": "quantitative", "title": exhibit.columns[1], "scale": scale}
    legend = {"orient": "bottom", "title": None, "labelColor": "currentColor", "labelFontSize": 12, "symbolSize": 400}
    ranges = {"color": _COLOURS, "strokeDash": [[1, 0], [6, 3], [2, 3]]}
    looks = {
        channel: {"field": "line", "type": "nominal", "scale": {"domain": names, "range": wanted}, "legend": legend}
        for channel, wanted in ranges.items()
    }
    bands = [
        {
            "data": {
                "values": [
                    {**row, "low": max(_number(row["low"]), bottom)}
                    for row in rows
                    if row["line"] == name and row["low"] is not None and _number(row["high"]) >= bottom
                ]
            },
            "mark": {"type": "area", "color": colour, "opacity": 0.15},
            "encoding": {"x": x, "y": {"field": "low", **y}, "y2": {"field": "high"}},
        }
        for name, colour in zip(names, _COLOURS, strict=False)
    ]
    line = {
        "data": {"values": [row for row in rows if _number(row["y"]) >= bottom]},
        "mark": {"type": "line", "strokeWidth": 2},
        "encoding": {"x": x, "y": {"field": "y", **y}, **looks},
    }
    return {"width": 480, "height": 260, "layer": [*bands, line]}


def _name_axis(rows: list[dict[str, Any]]) -> dict[str, int]:
    """Room for the longest name: the reader's font may be wider than the one that the chart was measured with."""
    room = max(170, min(440, max(_width(row["name"]) for row in rows)))
    return {"minExtent": room, "labelLimit": room}


def _width(name: str) -> int:
    """Pixels that a name may take at 12 px; a Chinese, Japanese or Korean character is a full square."""
    return sum(13 if unicodedata.east_asian_width(character) in "WF" else 8 for character in name)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0
