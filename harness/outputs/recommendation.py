"""The written recommendation of a comparison, by rule: what to choose, and why, topic by topic."""

from __future__ import annotations

from dataclasses import dataclass

from harness.core.comparison import Comparison, Difference, Leg, Margin
from harness.core.finding import Exhibit
from harness.outputs.consequences import cost, cost_of_errors, latency, privacy
from harness.outputs.decision_text import constant_sentence, decision_sentence
from harness.outputs.narrative import OUTCOME_WORDS, about, measure_title, number
from harness.outputs.pair import Pair, exhibit_of, pair_of, signed, why_not

CHOICE_WORDS = {
    "choose_vertical": "Choose the vertical model",
    "choose_general": "Choose the general model",
    "no_difference": "No difference that counts",
    "trade_off": "Trade-off",
    "inconclusive": "Inconclusive",
}
LEG_WORDS = {"holds": "Holds", "broken": "Not met", "open": "Open", "not_tested": "Not tested"}
CURVE = "Learning curve"
_SOURCES = {"suite": "the suite", "default": "the harness, for the suite states none"}


@dataclass(frozen=True)
class Advice:
    """What the record says of one topic."""

    topic: str
    text: str


def recommendation(comparison: Comparison) -> list[str]:
    """One line a topic, the decision first."""
    return [f"{advice.topic}: {advice.text}" for advice in advise(pair_of(comparison, comparison.decision))]


def advise(pair: Pair) -> list[Advice]:
    """The decision, then what the industry needs, what data there are, and what either model delivers."""
    return [
        Advice("Decision", _decision(pair)),
        Advice("How scores become answers", _answers(pair)),
        Advice("Industry need", _need(pair)),
        Advice("Data volume", _data(pair)),
        Advice("Performance", _performance(pair)),
        Advice("Bias", _bias(pair)),
        Advice("Outside the domain", _guard(pair)),
        Advice("Own audits", _audits(pair)),
        Advice("Cost", cost(pair)),
        Advice("Cost of errors", cost_of_errors(pair)),
        Advice("Privacy", privacy(pair)),
        Advice("Latency", latency(pair)),
    ]


def _decision(pair: Pair) -> str:
    found = pair.main.minimum_detectable if pair.main else None
    power = f" So many rows find a true gain of {number(found)} with 80 % power." if found else ""
    return _outcome(pair) + power


def _outcome(pair: Pair) -> str:
    choice, by = pair.choice, pair.comparison.margins.superior.by
    main = pair.main
    if main is None or main.gain is None or pair.band(main) is None:
        why = choice.legs[0].message if choice.legs else "not measured for both models"
        return f"Inconclusive, because what decides was not measured for both models: {why}."
    sign = 1 if main.gain >= 0 else -1
    better, other = pair.models if sign > 0 else pair.models[::-1]
    gain = _gain(pair, main, sign)
    missing = [leg for leg in choice.legs if leg.outcome in ("open", "not_tested") and leg.name != "superior"]
    if choice.outcome in ("choose_vertical", "choose_general"):
        return (
            f"Choose {better.name}, the {better.role} model, over {other.name}. {gain}, wholly beyond the margin "
            f"δ = {by:g}{_elsewhere(choice.legs)}."
        )
    if choice.outcome == "no_difference":
        return (
            f"No difference beyond δ = {by:g} between {pair.vertical.name} and {pair.general.name}. {gain}, wholly "
            f"within ±δ. So the cost, privacy and latency below may decide."
        )
    if choice.outcome == "trade_off":
        losses = "; ".join(_loss(leg, sign) for leg in choice.legs if leg.outcome == "broken")
        return (
            f"A trade-off that no number of rows settles. {gain}, wholly beyond δ = {by:g}; but {better.name} is worse "
            f"by more than its margin elsewhere: {losses}. Someone has to weigh the one against the other."
        )
    if choice.legs and choice.legs[0].outcome == "holds":
        open_legs = "; ".join(leg.message for leg in missing)
        return f"Inconclusive. {gain}, wholly beyond δ = {by:g}; but this is not settled: {open_legs}."
    return f"Inconclusive. {gain}, which reaches across δ = {by:g} or -δ. {_rows_needed(pair)}"


def _gain(pair: Pair, found: Difference, sign: int) -> str:
    """The values of the better model and the other, and how far they lie apart."""
    band = pair.band(found)
    assert found.gain is not None and band is not None
    low, high = (band.low, band.high) if sign > 0 else (-band.high, -band.low)
    sides = (pair.vertical.name, found.first), (pair.general.name, found.second)
    (better, value), (other, least) = sides if sign > 0 else sides[::-1]
    return (
        f"{_named(found)} is {number(value)} for {better} and {number(least)} for {other}: a gain of "
        f"{signed(sign * found.gain)} ({pair.level} interval {signed(low)} to {signed(high)}, n = {found.n:,})"
    )


def _elsewhere(legs: list[Leg]) -> str:
    held = [leg for leg in legs if leg.name == "not_inferior" and leg.outcome == "holds"]
    if not held:
        return "; no other measure of the domain has a margin"
    return (
        f"; and on all {len(held)} further conditions it is not worse by more than its margin"
        if len(held) > 1
        else (f"; and on {_named(held[0])} it is not worse by more than its margin")
    )


def _loss(leg: Leg, sign: int) -> str:
    gain = "" if leg.gain is None else f" a gain of {signed(sign * leg.gain)}"
    if leg.interval is not None:
        ends = sorted((sign * leg.interval.low, sign * leg.interval.high))
        gain += f" ({signed(ends[0])} to {signed(ends[1])})"
    return f"{_named(leg)}:{gain}, below -{leg.by:g}"


def _rows_needed(pair: Pair) -> str:
    rows = _rows(pair.comparison, "test")
    if pair.choice.n_needed is None:
        return "The estimate lies on the margin, so no number of rows can be named that would decide."
    return f"About {pair.choice.n_needed:,} test rows would decide, were the estimate the truth; there are {rows:,}."


def _answers(pair: Pair) -> str:
    """Each model's decision, and where it answers every row alike, that first."""
    told = []
    for model in pair.models:
        if model.decision is not None:
            parts = (constant_sentence(model.decision), decision_sentence(model.decision).removeprefix("Decision: "))
            told.append(f"{model.name}: {' '.join(part for part in parts if part)}")
    return " ".join(told) or "The record of an earlier version does not say."


def _need(pair: Pair) -> str:
    margins = pair.comparison.margins
    main = margins.superior
    others = [f"{_named(m)} by {m.by:g} ({_stop(m.reason)} Source: {m.source})" for m in margins.not_inferior]
    worse = f" It may be worse by at most: {'; '.join(others)}." if others else " No other measure has a margin."
    return (
        f"In {pair.comparison.suite.vertical}, for {pair.comparison.suite.name}, {_named(main)} decides, by more than "
        f"δ = {main.by:g}: {_stop(main.reason)} Source: {main.source}; margins from {_SOURCES.get(pair.comparison.margins_source, pair.comparison.margins_source)}."
        + worse
    )


def _data(pair: Pair) -> str:
    comparison = pair.comparison
    rows = f"{_rows(comparison, 'train'):,} training rows and {_rows(comparison, 'test'):,} test rows"
    sampled = (
        f" (a seeded sample of {comparison.data.sampled_rows:,} was asked)" if comparison.data.sampled_rows else ""
    )
    curve = exhibit_of(comparison, CURVE)
    if curve is None:
        learning = (
            f"No learning curve was measured ({why_not(comparison, 'learning')}), so how many rows it takes is open."
        )
    else:
        crossing = _crossing(pair, curve)
        learning = f"By the learning curve of {_named(pair.comparison.margins.superior)}, {crossing}."
    return f"The suite's data give {rows}{sampled}. {learning}"


def _crossing(pair: Pair, curve: Exhibit) -> str:
    """From how many training rows on the curve lies beyond the general model's level, and for how sure."""
    points = sorted([float(v) for v in row if isinstance(v, int | float)] for row in curve.rows)
    points = [point for point in points if len(point) == 4]
    first, last = (f"{points[i][0]:,.0f}" for i in (0, -1)) if points else ("0", "0")
    values = (
        f"{number(points[0][1])} with {first} training rows and {number(points[-1][1])} with {last}" if points else ""
    )
    found = pair.main
    if found is None or found.second is None or found.better == "target" or not points:
        return f"it reaches {values}" if points else "nothing could be measured"
    sign = -1 if found.better == "lower" else 1
    level = f"the level of {pair.general.name} ({number(found.second)})"
    surely = _from_on(points, [min(sign * low, sign * high) > sign * found.second for _, _, low, high in points])
    likely = _from_on(points, [sign * value > sign * found.second for _, value, _, _ in points])
    if surely is not None:
        return f"which reaches {values}, the whole interval lies beyond {level} from {surely:,.0f} training rows on"
    if likely is not None:
        return f"which reaches {values}, the estimate lies beyond {level} from {likely:,.0f} training rows on, but not the whole interval"
    return f"which reaches {values}, it does not stay beyond {level} with any number of rows that was tried"


def _from_on(points: list[list[float]], beyond: list[bool]) -> float | None:
    """The first point from which on every one lies beyond."""
    start = len(beyond) - next((i for i, is_beyond in enumerate(reversed(beyond)) if not is_beyond), len(beyond))
    return points[start][0] if start < len(points) else None


def _performance(pair: Pair) -> str:
    main = pair.main
    if main is None or main.gain is None or pair.band(main) is None:
        first = f"{_named(pair.comparison.margins.superior)} was not measured for both models."
    else:
        first = f"{_gain(pair, main, 1)} for the vertical model."
    rest = [d for d in pair.of_family("performance") if d is not main and "slice" not in (d.of or {})]
    return f"{first} {_tally(pair, rest, 'other measures of performance')}"


def _bias(pair: Pair) -> str:
    legs = [leg for leg in pair.choice.legs if leg.measure.startswith("bias.") and leg.name != "superior"]
    found = [d for d in pair.of_family("bias") if d.gain is not None]
    if not legs and not found:
        return f"Not compared: {why_not(pair.comparison, 'bias')}."
    said = []
    if legs:
        held = [leg for leg in legs if leg.outcome == "holds"]
        rest = "; ".join(f"{LEG_WORDS[leg.outcome].lower()}: {leg.message}" for leg in legs if leg.outcome != "holds")
        said.append(f"{len(held)} of {len(legs)} margins hold{f'; {rest}' if rest else ''}.")
    else:
        asked = [m for m in pair.comparison.margins.not_inferior if m.measure.startswith("bias.")]
        said.append(
            "No margin was judged, for what decides did not hold." if asked else "No bias measure has a margin."
        )
    return " ".join([*said, _tally(pair, found, "differences by group")])


def _guard(pair: Pair) -> str:
    leg = next((leg for leg in pair.choice.legs if leg.name == "guard"), None)
    if leg is not None:
        return f"{LEG_WORDS[leg.outcome]}: {_stop(leg.message)}"
    if pair.comparison.margins.guard is None:
        return "Not tested: no guard set has a margin, so this says nothing on what either model can do elsewhere."
    if pair.guard:
        found = pair.guard[0]
        gain = f"{signed(found.gain)}, n = {found.n:,}"
        return f"Measured on {found.guard_suite} ({_named(found)}: a gain of {gain}), but not judged, for what decides did not hold."
    return f"Not tested: {why_not(pair.comparison, 'guard')}."


def _audits(pair: Pair) -> str:
    verdicts = "; ".join(f"{m.name}: {OUTCOME_WORDS[m.verdict].lower()}" for m in pair.models)
    return f"By the suite's own policy, each model alone: {verdicts}. The choice does not change these verdicts."


def _tally(pair: Pair, found: list[Difference], what: str) -> str:
    """How many gains lie wholly above 0, wholly below, or neither; no decision, for nothing corrects for their number."""
    bands = [(d, pair.band(d)) for d in found]
    better = [d for d, band in bands if band and band.low > 0]
    worse = [d for d, band in bands if band and band.high < 0]
    measured = sum(band is not None for _, band in bands)
    if not measured:
        return f"No {what} were measured for both."
    return (
        f"Of {measured} {what}, each on its own interval, the vertical model is better on {_listed(better)} and worse on "
        f"{_listed(worse)}; {measured - len(better) - len(worse)} can't be told apart."
    )


def _listed(found: list[Difference]) -> str:
    if not found:
        return "none"
    names = ", ".join(_named(d) for d in found[:3])
    return f"{len(found)} ({names}{' …' if len(found) > 3 else ''})"


def _named(what: Difference | Leg | Margin) -> str:
    """A measure as a person says it, with whom or what it is about."""
    words = about(what.group, what.of).replace(": *", ": each")
    return f"{measure_title(what.measure)} ({words})" if words else measure_title(what.measure)


def _rows(comparison: Comparison, role: str) -> int:
    return sum(split.rows for split in comparison.data.splits if split.role == role)


def _stop(text: str) -> str:
    return text.rstrip(".") + "."
