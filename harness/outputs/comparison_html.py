"""The comparison page: one HTML file, the recommendation first, a pure function of the record."""

from __future__ import annotations

from dataclasses import dataclass

from harness.core.comparison import Comparison, Difference, Margin
from harness.core.finding import Cell, Exhibit
from harness.engine.judge import selects
from harness.outputs import narrative
from harness.outputs.charts import Chart, draw, draw_gains, draw_learning, draw_trade
from harness.outputs.consequences import ERRORS
from harness.outputs.page import page
from harness.outputs.pair import Pair, amount, exhibit_of, pair_of, signed, why_not
from harness.outputs.recommendation import CHOICE_WORDS, CURVE, LEG_WORDS, advise

CHANCE = "The bars hold the chance of the test rows alone: other training rows, or another seed of the fit, would move a point too."
DISAGREEMENTS, POWER = "Where the models disagree", "Power"
DRAWN = 30
_FAMILIES = {
    "performance": "Performance",
    "slices": "Slices",
    "bias": "Bias",
    "privacy": "Privacy",
    "explainability": "Explainability",
    "robustness": "Robustness",
}


@dataclass(frozen=True)
class Drawing:
    """A chart, or why there is none; SVG is our own or vl-convert's, which escapes text."""

    title: str
    svg: str | None
    note: str | None = None


def _drawing(title: str, chart: Chart, note: str | None) -> Drawing:
    return Drawing(title, chart.svg, " ".join(filter(None, (chart.problem, note))) or None)


def render_comparison_html(comparison: Comparison) -> str:
    """The whole page; the same record gives the same bytes."""
    from markupsafe import Markup

    pair = pair_of(comparison, comparison.decision)
    named = {start: exhibit_of(comparison, start) for start in (ERRORS, CURVE, DISAGREEMENTS, POWER)}
    decision, *reasons = advise(pair)
    values = {
        "comparison": comparison,
        "pair": pair,
        "decision": decision,
        "reasons": reasons,
        "words": narrative.OUTCOME_WORDS | LEG_WORDS,
        "choice_words": CHOICE_WORDS,
        "others": [pair_of(comparison, choice) for choice in comparison.choices if choice != comparison.decision],
        "gains": gain_drawings(pair),
        "trades": trade_drawings(comparison),
        "learning": _learning(pair),
        "no_learning": why_not(comparison, "learning"),
        "power": named[POWER],
        "errors": named[ERRORS],
        "disagreements": named[DISAGREEMENTS],
        "rest": [(e, draw(e)) for e in comparison.exhibits if e.rows and e not in named.values()],
        "margins": _margins(comparison),
        "svg": Markup,
        "amount": amount,
        "signed": signed,
        "rows_of": {split.role: split.rows for split in comparison.data.splits},
    }
    return page("comparison.html", values)


def gain_drawings(pair: Pair) -> list[Drawing]:
    """The gains with their intervals, one chart a family (and unit); the table beside holds what doesn't fit."""
    parts: dict[str, list[Difference]] = {}
    for found in [*pair.differences, *pair.guard]:
        if found.gain is not None and found.gain_interval is not None:
            parts.setdefault(_chart_of(found), []).append(found)
    drawings = []
    for title, part in parts.items():
        rows = [_gain_row(pair, d) for d in part[:DRAWN]]
        axis = f"gain of the vertical model, {pair.level} interval"
        exhibit = Exhibit(kind="intervals", title=title, columns=["measure", axis], rows=rows)
        more = f"{DRAWN} of {len(part)}: the rest is in the table" if len(part) > DRAWN else None
        drawings.append(_drawing(title, draw_gains(exhibit), more))
    return drawings


def _chart_of(found: Difference) -> str:
    family, _, name = found.measure.partition(".")
    if found.guard_suite is not None:
        return f"Guard set: {found.guard_suite}"
    if "slice" in (found.of or {}):
        family = "slices"
    own = "nats" if name == "log_loss" else "rows per 1,000" if name.endswith("_per_1000") else None
    unit = found.unit or own
    # What is not paired has axes of its own: its wide intervals would hide the others.
    parts = [_FAMILIES.get(family, family.capitalize()), f"in {unit}" if unit else None]
    return ", ".join(part for part in [*parts, None if found.paired else "not paired"] if part)


def _gain_row(pair: Pair, found: Difference) -> list[Cell]:
    band = pair.band(found)
    assert band is not None
    margins = pair.comparison.margins
    guard = [] if margins.guard is None else [margins.guard]
    asked = [margins.superior, *margins.not_inferior] if found.guard_suite is None else guard
    margin = next((m for m in asked if _is_about(m, found)), None)
    words = narrative.about(found.group, found.of)
    name = ", ".join(filter(None, (narrative.measure_title(found.measure), words)))
    ends = (None, None) if margin is None else (-margin.by, margin.by)
    return [name, found.gain, band.low, band.high, *ends]


def _margins(comparison: Comparison) -> list[tuple[str, Margin]]:
    margins = comparison.margins
    guard = [("Guard set, not worse", margins.guard)] if margins.guard else []
    return [("Better", margins.superior), *(("Not worse", m) for m in margins.not_inferior), *guard]


def _is_about(margin: Margin, found: Difference) -> bool:
    return margin.measure == found.measure and selects(margin.group, found.group) and selects(margin.of, found.of)


def trade_drawings(comparison: Comparison) -> list[Drawing]:
    """Quality against cost and against latency; a model without the number is named, not drawn."""
    prices = {
        "Quality against cost": ("cost per 1,000 rows", {m.name: m.cost_per_1000 for m in comparison.models}),
        "Quality against latency": ("seconds per 1,000 rows", {m.name: m.seconds_per_1000 for m in comparison.models}),
    }
    return [_trade(title, axis, values, comparison) for title, (axis, values) in prices.items()]


def _trade(title: str, axis: str, prices: dict[str, float | None], comparison: Comparison) -> Drawing:
    qualities = _qualities(comparison)
    lower = any(pair.main is not None and pair.main.better == "lower" for pair in _pairs(comparison))
    points = [(n, p, qualities[n]) for n, p in prices.items() if p is not None and n in qualities]
    drawn = [name for name, _, _ in points]
    missing = [f"{n} ({'not measured' if p is None else 'no quality'})" for n, p in prices.items() if n not in drawn]
    note = f"Not in the chart: {', '.join(missing)}." if missing else None
    if len(points) < 2:
        return Drawing(title, None, f"Not drawn, for it needs two models. {note or ''}".strip())
    sign = -1 if lower else 1
    rows: list[list[Cell]] = [
        [name, price, quality, not any(_dominates(other, (name, price, quality), sign) for other in points)]
        for name, price, quality in points
    ]
    quality_axis = narrative.measure_title(comparison.margins.superior.measure)
    exhibit = Exhibit(kind="table", title=title, columns=["model", axis, quality_axis, "front"], rows=rows)
    front = ", ".join(str(row[0]) for row in rows if row[3])
    beaten = ", ".join(str(row[0]) for row in rows if not row[3])
    said = f"On the Pareto front (filled): {front}." + (
        f" Another is at least as good in both as: {beaten}." if beaten else ""
    )
    return _drawing(title, draw_trade(exhibit, lower), " ".join(filter(None, (said, note))))


def _dominates(one: tuple[str, float, float], other: tuple[str, float, float], sign: int) -> bool:
    quality, least = sign * one[2], sign * other[2]
    return one[1] <= other[1] and quality >= least and (one[1] < other[1] or quality > least)


def _qualities(comparison: Comparison) -> dict[str, float]:
    """Each model's value of what decides, where a difference holds it."""
    found: dict[str, float | None] = {}
    for pair in _pairs(comparison):
        if pair.main is not None:
            found |= {pair.vertical.name: pair.main.first, pair.general.name: pair.main.second}
    return {name: value for name, value in found.items() if value is not None}


def _pairs(comparison: Comparison) -> list[Pair]:
    return [pair_of(comparison, choice) for choice in comparison.choices or [comparison.decision]]


def _learning(pair: Pair) -> Drawing | None:
    curve = exhibit_of(pair.comparison, CURVE)
    if curve is None:
        return None
    level = pair.main.second if pair.main else None
    note = CHANCE + (
        f" The dashed line is {pair.general.name}: {narrative.number(level)}." if level is not None else ""
    )
    decides = pair.comparison.margins.superior
    whom = narrative.about(decides.group, decides.of)
    name = narrative.measure_title(curve.columns[1]) + (f" ({whom})" if whom else "")
    named = curve.model_copy(update={"columns": [curve.columns[0], name]})
    return _drawing(f"{CURVE}: {named.columns[1]} by training rows", draw_learning(named, level), note)
