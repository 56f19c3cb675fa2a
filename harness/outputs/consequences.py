"""What follows from running either model: its cost, the cost of its errors, its latency, and where the rows go."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from harness.core.comparison import ComparedModel
from harness.core.finding import Exhibit
from harness.outputs.narrative import about, measure_title, number
from harness.outputs.pair import Pair, amount, exhibit_of, signed, why_not

ERRORS = "Errors per 1,000 rows"


def cost(pair: Pair) -> str:
    """What 1,000 rows cost with either model, in the unit of the prices given."""
    known = [m for m in pair.models if m.cost_per_1000 is not None]
    parts = [f"{m.name} costs {amount(m.cost_per_1000 or 0)} per 1,000 rows, by the prices given" for m in known]
    parts += [f"{m.name} has no measured cost" for m in pair.models if m.cost_per_1000 is None]
    return _sentence("; ".join(parts + _times(known, [m.cost_per_1000 for m in known], "cheaper")))


def latency(pair: Pair) -> str:
    """How long 1,000 rows took with either model."""
    known = [m for m in pair.models if m.seconds_per_1000 is not None]
    parts = [
        f"{m.name} took {amount(m.seconds_per_1000 or 0)} seconds per 1,000 rows"
        + (f" (timed on {m.timed_rows:,} rows)" if m.timed_rows else "")
        for m in known
    ]
    parts += [f"{m.name} has no measured time" for m in pair.models if m.seconds_per_1000 is None]
    parts += _times(known, [m.seconds_per_1000 for m in known], "faster")
    return _sentence("; ".join(parts) + ("; times are of this run's machine" if known else ""))


def _times(models: list[ComparedModel], values: list[float | None], word: str) -> list[str]:
    found = sorted((v, m.name) for m, v in zip(models, values, strict=True) if v)
    if len(found) < 2 or found[0][0] == found[1][0]:
        return []
    return [f"{found[0][1]} is {amount(found[1][0] / found[0][0])} times {word}"]


def privacy(pair: Pair) -> str:
    """How well training rows can be recognised, where both were measured, and where rows go to be answered."""
    measured = [d for d in pair.of_family("privacy") if d.value is not None]
    measured.sort(key=lambda d: d.measure != "privacy.membership_auc")
    told = []
    for found in measured[:3]:
        band = pair.band(found)
        name = ", ".join(filter(None, (measure_title(found.measure), about(found.group, found.of))))
        interval = f" ({signed(band.low)} to {signed(band.high)})" if band else ""
        gain = f", a gain of {signed(found.gain)}{interval} for the vertical model" if found.gain is not None else ""
        told.append(f"{name}: {number(found.first)} against {number(found.second)}{gain}, n = {found.n:,}")
    if len(measured) > 3:
        told.append(f"{len(measured) - 3} more such differences are in the table")
    if not measured:
        why = why_not(pair.comparison, "privacy", "membership")
        told.append(f"Whether training rows can be recognised was not compared: {why}")
    return " ".join(_sentence(text) for text in ["; ".join(told), *map(_where_rows_go, pair.models)])


def _where_rows_go(model: ComparedModel) -> str:
    if model.info.kind == "openai-server":
        if _on_this_machine(model.info.uri):
            return f"{model.name} is a server on the machine that made this comparison, so its rows stayed there"
        return f"{model.name} is a remote server, so every row that it answers leaves the house"
    if model.info.kind == "predictions":
        return f"The answers of {model.name} were read from a file, so where its rows went to be answered is not known"
    if model.info.kind == "callable":
        return f"{model.name} is the user's own code, so where it sends rows is not known"
    return f"{model.name} ran on the machine that made this comparison"


def _on_this_machine(uri: str) -> bool:
    host = urlsplit(uri).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def cost_of_errors(pair: Pair) -> str:
    """The cheaper model by its errors, or from which ratio of costs on it is; estimates of this exhibit's rows."""
    table = exhibit_of(pair.comparison, ERRORS)
    rows = _errors(table) if table else {}
    if pair.vertical.name not in rows or pair.general.name not in rows:
        return f"Not compared: {why_not(pair.comparison, 'error')}."
    own, others = rows[pair.vertical.name], rows[pair.general.name]
    counts = "; ".join(
        f"{m.name} misses {amount(rows[m.name][0])} and raises {amount(rows[m.name][1])} false alarms"
        for m in pair.models
    )
    said = [f"Of 1,000 rows {counts}"]
    costs = [rows[m.name][2] for m in pair.models]
    if None not in costs:
        said.append(f"at the costs given that is {amount(costs[0] or 0)} against {amount(costs[1] or 0)}")
    return " ".join(map(_sentence, ["; ".join(said), f"By these counts alone, {break_even(own[:2], others[:2])}"]))


def break_even(own: tuple[float, float], others: tuple[float, float]) -> str:
    """For which ratio of a miss's cost to a false alarm's the vertical model's errors are cheaper.

    With (missed, false alarms) of the vertical (v) and the general (g) model and the ratio r, it is cheaper where
    r · FN_v + FP_v < r · FN_g + FP_g, that is r · (FN_g - FN_v) > FP_v - FP_g.
    """
    fewer_missed, more_alarms = others[0] - own[0], own[1] - others[1]
    if fewer_missed == 0 and more_alarms == 0:
        return "the errors of both cost the same at any costs"
    if fewer_missed >= 0 and more_alarms <= 0:
        return "the vertical model's errors are not dearer at any costs"
    if fewer_missed <= 0 and more_alarms >= 0:
        return "the general model's errors are not dearer at any costs"
    ratio, side = more_alarms / fewer_missed, "more" if fewer_missed > 0 else "less"
    return f"the vertical model's errors are cheaper where a miss costs {side} than {amount(ratio)} times a false alarm"


def _errors(table: Exhibit) -> dict[str, tuple[float, float, float | None]]:
    """Missed, false alarms and cost (None where no costs were given) by model."""
    found = {}
    for name, missed, alarms, price in table.rows:
        if isinstance(missed, int | float) and isinstance(alarms, int | float):
            found[str(name)] = (float(missed), float(alarms), float(price) if isinstance(price, int | float) else None)
    return found


def _sentence(text: str) -> str:
    """Closed by one full stop; a name at its beginning stays as it is written."""
    return text.rstrip(".") + "."
