"""Draws exhibits as static SVG that follows the page's colours."""

from __future__ import annotations

import json
import math
import unicodedata
from typing import Any

from harness.core.finding import Exhibit

ACCENT = "#2c6fbb"
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


def draw(exhibit: Exhibit, band: tuple[float | None, float | None] | None = None) -> str | None:
    """SVG of an exhibit, with the allowed band shaded; None for a table, a matrix, or nothing to draw."""
    if not exhibit.rows or exhibit.kind in ("table", "matrix"):
        return None
    import vl_convert as vlc

    specification = {"intervals": _intervals, "bars": _bars, "curve": _curve}[exhibit.kind](exhibit, band)
    specification |= {"config": _CONFIG, "$schema": "https://vega.github.io/schema/vega-lite/v5.json"}
    return str(vlc.vegalite_to_svg(json.dumps(specification), vl_version="5.20"))


def _intervals(exhibit: Exhibit, band: tuple[float | None, float | None] | None) -> dict[str, Any]:
    rows = [{"name": str(r[0]), "value": r[1], "low": r[2], "high": min(_number(r[3]), 10.0)} for r in exhibit.rows]
    lows, highs = [_number(r["low"]) for r in rows], [_number(r["high"]) for r in rows]
    edges = [edge for edge in (band or ()) if edge is not None]
    span = max([*highs, *edges]) - min([*lows, *edges]) or 1.0
    domain = [min([*lows, *edges]) - 0.05 * span, max([*highs, *edges]) + 0.05 * span]
    x = {
        "type": "quantitative",
        "title": f"{exhibit.columns[1]}, 95 % interval",
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
                "mark": {"type": "rule", "color": "#b3541e", "strokeDash": [4, 3]},
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
                "mark": {"type": "line", "color": "#b3541e", "strokeDash": [4, 3]},
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


def _name_axis(rows: list[dict[str, Any]]) -> dict[str, int]:
    """Room for the longest name: the reader's font may be wider than the one that the chart was measured with."""
    room = max(170, min(340, max(_width(row["name"]) for row in rows)))
    return {"minExtent": room, "labelLimit": room}


def _width(name: str) -> int:
    """Pixels that a name may take at 12 px; a Chinese, Japanese or Korean character is a full square."""
    return sum(13 if unicodedata.east_asian_width(character) in "WF" else 8 for character in name)


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else 0.0
