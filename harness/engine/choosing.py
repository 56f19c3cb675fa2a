"""Chooses between two models: superior by δ, and not inferior by more than ε; each leg on its whole interval."""

from __future__ import annotations

from dataclasses import dataclass, field

from harness.core.comparison import Choice, ChoiceOutcome, Difference, Leg, LegOutcome, Margin, Margins
from harness.core.decision import Decision
from harness.core.figures import signed_figure
from harness.core.interval import Interval
from harness.engine.judge import selects
from harness.stats.levels import at_level
from harness.stats.power import rows_needed

NO_GUARD = "no guard set was named (--guard-suite), so this says nothing on what the model can do outside its domain"


@dataclass(frozen=True)
class Compared:
    """What a choice is made from: the differences on the domain, and on a guard set where there is one; what each model's own
    audit decided on whether it beats guessing.
    """

    differences: list[Difference]
    guard: list[Difference] | None = None
    guard_reason: str = NO_GUARD
    rows: int = 0
    vertical_skill: list[Decision] = field(default_factory=list)
    general_skill: list[Decision] = field(default_factory=list)


def choose(margins: Margins, compared: Compared, against: str, level: float = 0.95) -> Choice:
    """The vertical model, the general one, neither, or what is missing.

    No model is chosen that its own audit does not show to beat guessing. A model is chosen if its gain on `superior` lies wholly above δ, and its gain on every `not_inferior` measure and on the
    guard set wholly above -ε. Both lying within ±δ is no difference. Superior, but surely worse elsewhere, is a trade-off
    that no number of rows settles. A measure that was asked for and not measured holds nothing up.
    """
    main = _one(margins.superior, compared.differences)
    if main is None or main.gain is None or main.gain_interval is None:
        why = (main.reason if main else None) or "not measured for both models"
        leg = _leg("superior", margins.superior, main, "not_tested", f"{margins.superior.measure}: {why}")
        return Choice(against=against, outcome="inconclusive", legs=[leg], reasons=[leg.message])
    band, delta = at_level(main.gain_interval, level), margins.superior.by
    if band.low > delta:
        return _chosen("choose_vertical", 1, margins, compared, against, level)
    if band.high < -delta:
        return _chosen("choose_general", -1, margins, compared, against, level)
    text = _text(main, main.gain, band)
    if band.low > -delta and band.high < delta:
        leg = _leg("superior", margins.superior, main, "broken", f"{text}: wholly within ±{delta:g}")
        return Choice(against=against, outcome="no_difference", legs=[leg], reasons=[leg.message])
    needed = _needed(main.gain, band, delta, compared.rows)
    more = f"about {needed:,} test rows would decide" if needed else "the estimate lies on the limit"
    leg = _leg(
        "superior", margins.superior, main, "open", f"{text}: reaches across {delta:g} or -{delta:g}; {more}", needed
    )
    return Choice(against=against, outcome="inconclusive", legs=[leg], reasons=[leg.message], n_needed=needed)


def _chosen(
    outcome: ChoiceOutcome, sign: int, margins: Margins, compared: Compared, against: str, level: float
) -> Choice:
    main = _one(margins.superior, compared.differences)
    assert main is not None and main.gain is not None and main.gain_interval is not None
    band = at_level(main.gain_interval, level)
    first = _leg(
        "superior",
        margins.superior,
        main,
        "holds",
        f"{_text(main, main.gain, band)}: wholly beyond {margins.superior.by:g}",
    )
    legs = [first]
    for margin in margins.not_inferior:
        matched = [d for d in compared.differences if _matches(margin, d)]
        legs += [_not_inferior("not_inferior", margin, d, sign, level, compared.rows) for d in matched]
        if not matched:
            legs.append(
                _leg("not_inferior", margin, None, "not_tested", f"{margin.measure}: not measured for both models")
            )
    if margins.guard is not None:
        legs.append(_guard(margins.guard, compared, sign, level))
    legs += [_skill(d) for d in (compared.vertical_skill if sign > 0 else compared.general_skill)]
    broken = [leg for leg in legs if leg.outcome == "broken"]
    missing = [leg for leg in legs if leg.outcome in ("open", "not_tested") and not _free(leg, compared)]
    if broken:
        outcome = "trade_off"
    elif missing:
        outcome = "inconclusive"
    needed = [leg.n_needed for leg in missing if leg.n_needed]
    told = [first, *broken, *missing, *(leg for leg in legs if leg.name == "guard" and leg not in broken + missing)]
    reasons = [leg.message for leg in told]
    return Choice(
        against=against,
        outcome=outcome,
        legs=legs,
        reasons=list(dict.fromkeys(reasons)),
        n_needed=max(needed) if outcome == "inconclusive" and needed else None,
    )


def _free(leg: Leg, compared: Compared) -> bool:
    """A guard set that nobody named is said aloud, but does not hold up the choice on the domain."""
    return leg.name == "guard" and compared.guard is None and compared.guard_reason == NO_GUARD


def _skill(decision: Decision) -> Leg:
    """That the chosen model beats guessing, by its own audit."""
    holds = decision.outcome == "pass"
    about = f" ({', '.join(f'{k}: {v}' for k, v in decision.of.items())})" if decision.of else ""
    verb = "beats guessing" if holds else "is not shown to beat guessing"
    return Leg(
        name="better_than_guessing",
        measure=decision.measure,
        of=decision.of,
        by=0.0,
        outcome="holds" if holds else "open",
        gain=decision.observed,
        interval=decision.interval,
        n_needed=decision.n_needed,
        message=f"it {verb}: {decision.measure}{about}: {decision.message}",
        reason=decision.reason,
        source=decision.limit_source,
    )


def _guard(margin: Margin, compared: Compared, sign: int, level: float) -> Leg:
    if compared.guard is None:
        return _leg("guard", margin, None, "not_tested", f"guard set: {compared.guard_reason}")
    found = _one(margin, compared.guard)
    if found is None:
        return _leg(
            "guard", margin, None, "not_tested", f"guard set: {margin.measure} was not measured for both models"
        )
    return _not_inferior("guard", margin, found, sign, level, found.n)


def _not_inferior(name: str, margin: Margin, found: Difference, sign: int, level: float, rows: int) -> Leg:
    if found.gain is None or found.gain_interval is None:
        why = found.reason or "it has no interval"
        return _leg(name, margin, found, "not_tested", f"{_about(found)}: {why}")
    band = at_level(found.gain_interval, level)
    low, high = (band.low, band.high) if sign > 0 else (-band.high, -band.low)
    text = _text(found, found.gain, band)
    if low > -margin.by:
        return _leg(name, margin, found, "holds", f"{text}: not worse by more than {margin.by:g}")
    if high < -margin.by:
        return _leg(name, margin, found, "broken", f"{text}: worse by more than {margin.by:g}")
    limit = -sign * margin.by
    needed = rows_needed(found.gain, band, limit, rows)
    more = f"about {needed:,} test rows would decide" if needed else "the estimate lies on the limit"
    return _leg(name, margin, found, "open", f"{text}: may be worse by more than {margin.by:g}; {more}", needed)


def _needed(gain: float, band: Interval, delta: float, rows: int) -> int | None:
    """Rows that would decide at this estimate: beyond a limit, that one must be excluded; within, both."""
    if abs(gain) > delta:
        return rows_needed(gain, band, delta if gain > 0 else -delta, rows)
    found = [rows_needed(gain, band, limit, rows) for limit in (delta, -delta)]
    return None if any(n is None for n in found) else max(n for n in found if n is not None)


def _matches(margin: Margin, found: Difference) -> bool:
    return margin.measure == found.measure and selects(margin.group, found.group) and selects(margin.of, found.of)


def _one(margin: Margin, differences: list[Difference]) -> Difference | None:
    return next((d for d in differences if _matches(margin, d)), None)


def _about(found: Difference) -> str:
    words = ", ".join(f"{k}: {v}" for k, v in sorted({**(found.group or {}), **(found.of or {})}.items()))
    return f"{found.measure} ({words})" if words else found.measure


def _text(found: Difference, gain: float, band: Interval) -> str:
    ends = f"{signed_figure(band.low)} to {signed_figure(band.high)}"
    return f"{_about(found)}: the vertical model gains {signed_figure(gain)} ({ends})"


def _leg(
    name: str, margin: Margin, found: Difference | None, outcome: LegOutcome, message: str, needed: int | None = None
) -> Leg:
    return Leg.model_validate(
        {
            "name": name,
            "measure": margin.measure,
            "group": found.group if found else margin.group,
            "of": found.of if found else margin.of,
            "by": margin.by,
            "outcome": outcome,
            "gain": found.gain if found else None,
            "interval": found.gain_interval.model_dump() if found and found.gain_interval else None,
            "n_needed": needed,
            "message": message,
            "reason": margin.reason,
            "source": margin.source,
        }
    )
