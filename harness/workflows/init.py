"""Writes a starter suite for the user's own data: every guess explained, and what to decide by hand."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.checks.data.quality import column_auc, column_concordance, sentinels
from harness.core.names import name_of
from harness.datasets.guessing import Guess, guess_columns
from harness.datasets.reading import Reading, read_guessed
from harness.datasets.sources import is_named
from harness.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

LEAK_AUC = 0.98
_POSITIVE = {"1", "yes", "true", "bad", "default", "fraud", "positive", "y", "是", "有", "违约", "阳性", "故障"}
_TYPICAL_SENTINELS = {-1, -9, -99, -999, -9999, 99, 999, 9999, 99999, 0}


@dataclass(frozen=True)
class Wishes:
    """What the user says of their data; None is guessed."""

    label: str | None = None
    positive: str | None = None
    favourable: str | None = None
    sensitive: tuple[str, ...] = ()


@dataclass(frozen=True)
class Starter:
    """The suite's text, what its author must decide, and what looks wrong with the data."""

    text: str
    decide: list[str]
    warnings: list[str]


def init(data: str | Path, target: Path, wishes: Wishes) -> Starter:
    """Reads the data, a file or a name, and writes the suite to `target`; of a name, what it stood for is written."""
    found, read = read_guessed(data)
    table = found.table
    guesses = guess_columns(table, wishes.label, list(wishes.sensitive))
    label = next(guess.column for guess in guesses if guess.role == "label")
    table = table.dropna(subset=[label])
    classes, positive, threshold = _classes(table[label], label, wishes.positive)
    favourable = _favourable(wishes, classes, positive)
    source = Path(data).resolve()
    shown = found.origin or (source.name if source.parent == target.resolve().parent else str(source))
    leaks = _leaks(table, guesses, label, classes, threshold)
    starter = _Writer(
        shown, read, table, guesses, label, positive, threshold, favourable, leaks, numbers=not classes
    ).starter(wishes)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(starter.text, encoding="utf-8")
    return starter


def _classes(column: pd.Series[Any], label: str, wanted: str | None) -> tuple[list[str], str | None, float | None]:
    if column.dtype.kind in "iuf" and column.nunique() > 10:
        try:
            threshold = float(wanted) if wanted is not None else None
        except ValueError:
            threshold = None
        if threshold is None and wanted is not None:
            raise DataError(
                f"--positive {wanted!r} is no number, and the label {label!r} holds numbers. Say from which number on a row "
                f"is positive (its median is {column.median():g}), or leave it out to predict the number itself."
            )
        if threshold is None:
            return [], None, None
        return ["positive", "negative"], "positive", threshold
    counts = column.map(name_of).value_counts()
    classes = [str(name) for name in counts.index]
    if len(classes) < 2:
        raise DataError(f"The label {label!r} has one class only. Name another column: --label COLUMN.")
    if wanted is not None and wanted not in classes:
        raise DataError(f"--positive {wanted!r} is no class of {label!r}. It holds: {', '.join(classes[:10])}.")
    if wanted is None and len(classes) == 2:
        wanted = next((name for name in classes if name.lower() in _POSITIVE), classes[-1])
    return classes, wanted, None


def _favourable(wishes: Wishes, classes: list[str], positive: str | None) -> str | None:
    if wishes.favourable is not None and not classes:
        raise DataError("--favourable names a class, but the label holds numbers. Say from which on: --positive N.")
    if wishes.favourable is not None:
        if wishes.favourable not in classes:
            raise DataError(f"--favourable {wishes.favourable!r} is no class. Classes: {', '.join(classes[:10])}.")
        return wishes.favourable
    others = [name for name in classes if name != positive]
    return others[0] if positive is not None and len(classes) == 2 else None


def _leaks(
    table: pd.DataFrame, guesses: list[Guess], label: str, classes: list[str], threshold: float | None
) -> dict[str, float]:
    values = table[label]
    found = {}
    for guess in guesses:
        if guess.role not in ("feature", "sensitive"):
            continue
        column = table[guess.column]
        column = column.astype(float) if column.dtype.kind in "iuf" else column
        if not classes:
            best = column_concordance(column, values.to_numpy(dtype=float))
        else:
            names = values.map(name_of)
            hits = [values >= threshold] if threshold is not None else [names == name for name in names.unique()]
            best = max(column_auc(column, np.asarray(hit, dtype=bool)) for hit in hits)
        if best >= LEAK_AUC:
            found[guess.column] = best
    return found


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


@dataclass(frozen=True)
class _Writer:
    """What is known of the data while the suite's text is put together."""

    source: str
    read: Reading
    table: pd.DataFrame
    guesses: list[Guess]
    label: str
    positive: str | None
    threshold: float | None
    favourable: str | None
    leaks: dict[str, float]
    numbers: bool = False

    @property
    def sensitive(self) -> list[Guess]:
        """Guesses of sensitive columns that give nothing away."""
        return [g for g in self.guesses if g.role == "sensitive" and g.column not in self.leaks]

    @property
    def shown_name(self) -> str:
        """The file's name, or the name that the data were loaded by."""
        return self.source if is_named(self.source) else Path(self.source).name

    @property
    def stem(self) -> str:
        """What the data are called: the file without its suffix, or a name without scheme, revision and split."""
        if is_named(self.source):
            return re.split(r"[@#]", self.source.partition(":")[2])[0].rpartition("/")[2]
        return Path(self.source).stem

    def starter(self, wishes: Wishes) -> Starter:
        blocks = [self._head(), self._data(), self._checks(), self._policy(), self._system()]
        return Starter("\n".join(blocks), self._decisions(wishes), self._warnings())

    def _head(self) -> str:
        name = self.stem.lower().replace(" ", "-")
        return (
            f"# A starter suite, guessed from {self.shown_name} ({len(self.table):,} rows). Read every line before "
            f"you rely on it.\nname: own/{_plain(name)}\nversion: 1\nvertical: own\ntask: "
            + ("regression" if self.numbers else "classification")
        )

    def _data(self) -> str:
        lines = ["data:", f"  source: {_quoted(self.source)}"]
        lines += self.read.lines
        lines.append(f"  label: {{{self._label_keys()}}}")
        features = [g for g in self.guesses if g.role in ("feature", "sensitive") and g.column not in self.leaks]
        lines.append("  features:")
        lines += [f"    - {_quoted(g.column)}" for g in features]
        for guess in self.guesses:
            if guess.column in self.leaks:
                auc = self.leaks[guess.column]
                lines.append(
                    f"    # left out: {_quoted(guess.column)} alone tells the label (AUC {auc:.3f}). Put it back only if it "
                    "is known when the decision is made"
                )
            elif guess.role not in ("feature", "sensitive", "label"):
                lines.append(f"    # left out: {_quoted(guess.column)} ({guess.role}: {guess.reason})")
        lines += [f"    # left out: {_quoted(column)} ({why})" for column, why in self.read.left_out.items()]
        lines += self._groups() + self._identity() + self._missing()
        split = f"{{test: {0.5 if len(self.table) < 1000 else 0.4}, calibration: 0.1, stratify: [{_quoted(self.label)}]"
        if self.numbers:
            split = split.replace(f", stratify: [{_quoted(self.label)}]", "")
        group = next((g for g in self.guesses if g.role == "group"), None)
        if group:
            split = split.replace(f", stratify: [{_quoted(self.label)}]", "") + f", group: {_quoted(group.column)}"
        return "\n".join([*lines, "  drop_duplicates: true", f"  split: {split}, seed: 20260101}}"])

    def _label_keys(self) -> str:
        keys = [f"column: {_quoted(self.label)}"]
        if self.threshold is not None:
            keys.append(f"positive: {{at_least: {self.threshold:g}}}")
        elif self.positive is not None:
            keys.append(f"positive: {_quoted(self.positive)}")
        if self.favourable is not None:
            keys.append(f"favourable: {_quoted(self.favourable)}")
        return ", ".join(keys)

    def _groups(self) -> list[str]:
        if not self.sensitive:
            return []
        lines = ["  sensitive:"]
        for guess in self.sensitive:
            values = self.table[guess.column].dropna()
            how = f"column: {_quoted(guess.column)}"
            if values.dtype.kind in "iuf" and values.nunique() > 6:
                cuts = [float(np.floor(values.min())), *(float(round(q)) for q in np.quantile(values, [1 / 3, 2 / 3]))]
                edges = sorted({*cuts, float(np.floor(values.max()) + 1)})
                how += f", bins: [{', '.join(f'{edge:g}' for edge in edges)}]"
            lines.append(f"    {_quoted(guess.attribute)}: {{{how}}}  # {guess.reason}")
        return lines

    def _identity(self) -> list[str]:
        found = next((g for g in self.guesses if g.role == "id"), None)
        return [f"  id: {_quoted(found.column)}"] if found else []

    def _missing(self) -> list[str]:
        numbers = self.table.select_dtypes("number").astype(float)
        found = {column: [value] for column, value, *_ in sentinels([numbers]) if value in _TYPICAL_SENTINELS}
        words: dict[str, list[str]] = {c: w for c, w in self.read.missing.items() if c in self.table.columns}
        if not found and not words:
            return []
        pairs = []
        for column in [*words, *(name for name in found if name not in words)]:
            values = [*map(_quoted, words.get(column, [])), *(f"{value:g}" for value in found.get(column, []))]
            pairs.append(f"{_quoted(column)}: [{', '.join(values)}]")
        kinds = [
            *(["words among numbers"] if words else []),
            *(["values that stand apart from all others"] if found else []),
        ]
        return [f"  missing: {{{', '.join(pairs)}}}  # {' and '.join(kinds)} and usually mean 'missing'"]

    def _checks(self) -> str:
        own = ["regression", "conformal"] if self.numbers else ["classification", "calibration"]
        lines = ["checks:", *(f"  - performance.{name}" for name in own), "  - performance.slices"]
        if self.sensitive and self.numbers:
            lines.append("  - bias.errors: {minimum_group: 30}")
        if self.sensitive and self.favourable:
            lines.append("  - bias.groups: {minimum_group: 30}")
        return "\n".join(
            [
                *lines,
                "  - privacy.membership",
                "  - explainability.attribution",
                "  - data.quality",
                "  - data.power",
                "  - data.shift",
            ]
        )

    def _policy(self) -> str:
        lines = ["policy:  # a first policy: every limit is yours to set, with its reason and source"]

        def rule(name: str, what: str, why: str) -> None:
            lines.append(f"  - {{id: {name}, {what}, severity: block, reason: {_quoted(why)}, source: to be decided}}")

        if self.numbers:
            rule("useful", "measure: performance.r2, at_least: 0.1", "Better than always saying the mean")
        elif self.positive is not None:
            rule("useful", "measure: performance.roc_auc, at_least: 0.6", "Better than chance by a margin that matters")
        else:
            rule("useful", "measure: performance.accuracy, at_least: 0.5", "Better than a coin")
        if self.sensitive and self.favourable:
            for guess in self.sensitive:
                what = f'measure: bias.impact_ratio, group: {{{_quoted(guess.attribute)}: "*"}}, between: [0.8, 1.25]'
                rule(
                    f"four-fifths-{_plain(str(guess.attribute))}",
                    what,
                    "No group gets the favourable answer much less often",
                )
        members = 'measure: privacy.membership_auc, of: {attack: "*"}, at_most: 0.6'
        rule("members", members, "Whether somebody is in the training data must not be readable from the answers")
        rule(
            "no-leak",
            "measure: data.leak_suspects, at_most: 0",
            "A column that gives the label away makes every measure void",
        )
        return "\n".join(lines)

    def _system(self) -> str:
        return (
            "seed: 20260101\nsystem:  # printed in the report; 'not stated' until you say it\n"
            f"  name: {_quoted(self.stem)}\n  # intended_purpose: \n  # users: \n  # affected: \n"
            "  # jurisdictions: []\n  # out_of_scope: \n"
        )

    def _decisions(self, wishes: Wishes) -> list[str]:
        found = []
        if wishes.label is None:
            found.append(f"The label: {self.label!r} was chosen by its name or its two values.")
        if self.numbers:
            found.append(
                "The task: the label holds numbers, so the number is predicted; --positive N makes classes of it."
            )
        if wishes.positive is None and self.positive is not None:
            found.append(f"The positive class: {self.positive!r} was chosen.")
        if wishes.favourable is None and self.favourable is not None:
            found.append(f"The favourable outcome: {self.favourable!r} was chosen; bias is measured on it.")
        found += [
            f"Sensitive: {g.column!r} as {g.attribute} ({g.reason}); which group is the reference?"
            for g in self.sensitive
        ]
        found.append("Every limit of the policy, with its reason and source.")
        return found

    def _warnings(self) -> list[str]:
        found = self.read.told
        found += [
            f"{column!r} alone tells the label (AUC {auc:.3f}): it was left out as a likely leak."
            for column, auc in self.leaks.items()
        ]
        found += [
            f"{g.column!r} was left out: {g.reason}."
            for g in self.guesses
            if g.role in ("date", "text", "code", "constant")
        ]
        return found


def _plain(text: str) -> str:
    kept = "".join(sign if sign.isalnum() else "-" for sign in text).strip("-")
    return kept or "data"
