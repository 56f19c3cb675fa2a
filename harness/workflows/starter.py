"""The text of a starter suite: every guess with its reason beside it, and what its author must decide at its head."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from harness.datasets.column_roles import Guess
from harness.datasets.sources import is_named
from harness.workflows.starter_decision import USUAL_SHARE, starter_decision
from harness.workflows.survey import MINIMUM_GROUP, SMALL_TABLE, Attribute, Survey, distinct_names

BY_USER = "named by you"


_Rule = tuple[str, str, str]
"""A rule's id, what it judges, and why."""


@dataclass(frozen=True)
class Starter:
    """The suite's text, what its author must decide, and what looks wrong with the data."""

    text: str
    decide: list[str]
    warnings: list[str]


def write_starter(survey: Survey) -> Starter:
    """The suite, which validates and audits unedited."""
    decide, warnings = _decisions(survey), _warnings(survey)
    blocks = [
        _head(survey, decide, warnings),
        *_data(survey),
        *_views(survey),
        *_decision(survey),
        *_checks(survey),
        *_policy(survey),
        *_system(survey),
    ]
    return Starter("\n".join(blocks) + "\n", decide, warnings)


def _decisions(survey: Survey) -> list[str]:
    outcome, label = survey.outcome, survey.label
    found = []
    if label.reason != BY_USER:
        others = ", ".join(map(repr, label.others[:6])) + (", …" if len(label.others) > 6 else "")
        found.append(
            f"The label: {label.column!r} was chosen, because {label.reason}. "
            + (f"{len(label.others)} other column(s) could be meant: {others}. " if label.others else "")
            + "Name another one: --label COLUMN."
        )
    if survey.unlabelled:
        found.append(f"Rows without a label: {survey.unlabelled} are left out and counted; are they like the others?")
    found += _decisions_on_words(survey)
    if outcome.numbers:
        found.append("The task: the label holds numbers, so the number is predicted; --positive N makes classes of it.")
    elif outcome.positive.reason != BY_USER:
        found.append(
            f"The positive class: {outcome.positive.name!r} was chosen, because {outcome.positive.reason}."
            if outcome.positive.name is not None
            else f"The positive class: none was chosen, because {outcome.positive.reason}; --positive CLASS names one."
        )
    if (decision := starter_decision(survey)) is not None:
        found.append(f"The decision: {decision.line.partition(': ')[2]}, because {decision.why}.")
    found += _decisions_on_bias(survey)
    found += [f"Missing values: is {value:g} in {column!r} no true value?" for column, value in survey.missing]
    return [*found, "Every limit of the policy, with its reason and source."]


def _decisions_on_words(survey: Survey) -> list[str]:
    rows = len(survey.table) + survey.unlabelled
    return [
        f"The word {word!r} in {column!r} ({count:,} of {rows:,} rows): it is kept as a {'class' if column == survey.label.column else 'group'}, "
        "because it is frequent there; if it means 'missing', write it into data.read.missing_words."
        for column, words in survey.read.kept.items()
        for word, count in words.items()
    ]


def _decisions_on_bias(survey: Survey) -> list[str]:
    good, found = survey.outcome.favourable, []
    if good.name is not None and good.reason != BY_USER:
        use = "; bias is measured on it" if survey.sensitive else ""
        found.append(f"The favourable class: {good.name!r} was chosen, because {good.reason}{use}.")
    elif good.name is None and survey.sensitive and not survey.outcome.numbers:
        found.append(
            f"The favourable class: none was written, because {good.reason}; bias.groups compares accuracy only until --favourable CLASS names it."
        )
    if not survey.sensitive:
        found.append(
            "Sensitive: no column looks like a protected attribute, so bias is not measured; name one: --sensitive COLUMN."
        )
    read = {g.column for g in survey.features}
    for attribute in survey.sensitive:
        column, why = attribute.guess.column, attribute.guess.reason
        found.append(f"Sensitive: {column!r} as {attribute.key} ({why}); which group is the reference?")
    if both := [a.guess.column for a in survey.sensitive if a.guess.column in read]:
        found.append(f"Features that are sensitive: the model reads {', '.join(map(repr, both))}; may it?")
    return found + [_lost(guess) for guess in _lost_attributes(survey)]


def _lost_attributes(survey: Survey) -> list[Guess]:
    """Columns of regulated attributes that no group can be made of as they are, and no other column holds the attribute."""
    known = {a.guess.attribute for a in survey.sensitive}
    kept = ("label", "constant", "sensitive")
    return [g for g in survey.guesses if g.attribute and g.attribute not in known and g.role not in kept]


def _lost(guess: Guess) -> str:
    if guess.role == "date" and guess.attribute == "age":
        todo = "holds dates of birth: add a column of ages (or years of birth) to the data by hand"
    else:
        todo = (
            f"says {guess.attribute}, but its values are no groups ({guess.reason}): put them into a few groups by hand"
        )
    return f"{guess.column!r} {todo} and name that column under sensitive; until then bias by {guess.attribute} isn't measured."


def _warnings(survey: Survey) -> list[str]:
    found = [*survey.remarks, *survey.read.warnings]
    found += [f"{column!r} {leak.how}: it was left out as a likely leak." for column, leak in survey.leaks.items()]
    if survey.outcome.rare:
        found.append(
            f"Few rows have the label {', '.join(map(repr, survey.outcome.rare))}: a model that trains on none of them can't be audited. "
            "Join them with another class in the data; or list them under missing and write label.missing: leave_out."
        )
    texts = {g.column for g in survey.texts}
    found += [
        f"{g.column!r} was left out: {g.reason}."
        for g in survey.of_role("date", "text", "code", "constant")
        if g.column not in texts
    ]
    found += [
        f"{a.guess.column!r}: {a.small} of its {a.groups} groups will have fewer than {MINIMUM_GROUP} test rows, too few to judge: "
        "rules on them stay not tested, and the verdict incomplete. Put small groups together under values."
        for a in survey.sensitive
        if a.small
    ]
    if survey.sensitive and not survey.outcome.numbers and survey.outcome.favourable.name is None:
        found.append(
            f"No rule on bias was written: {survey.outcome.favourable.reason}. bias.groups compares accuracy by group."
        )
    return found


def _head(survey: Survey, decide: list[str], warnings: list[str]) -> str:
    shown = _quoted(survey.source if is_named(survey.source) else Path(survey.source).name)[1:-1]
    lines = [
        f"# A starter suite, guessed from {shown} ({len(survey.table):,} rows). Read every line before you rely on it."
    ]
    lines += ["# Decide by hand:", *(f"# - {line}" for line in decide)]
    if warnings:
        lines += ["# Warnings:", *(f"# - {line}" for line in warnings)]
    lines += [f"name: own/{_plain(_stem(survey).lower().replace(' ', '-'))}", "version: 1", "vertical: own"]
    return "\n".join([*lines, f"task: {'regression' if survey.outcome.numbers else 'classification'}"])


def _data(survey: Survey) -> list[str]:
    lines = ["data:", f"  source: {_quoted(survey.source)}"]
    lines += [*survey.read.lines, *_label(survey), *_features(survey), *_groups(survey)]
    ids = survey.of_role("id")
    if ids:
        lines.append(f"  id: {_quoted(ids[0].column)}  # {ids[0].reason}")
    lines += _missing(survey)
    return [*lines, "  drop_duplicates: true  # rows equal in every column but the id count once", *_split(survey)]


def _missing(survey: Survey) -> list[str]:
    words = {column: [*map(_quoted, own)] for column, own in survey.read.missing.items() if column in survey.table}
    kinds = [*(["words among numbers"] if words else [])]
    kinds += [*(["values that stand apart from all others"] if survey.missing else [])]
    for column, value in survey.missing:
        words.setdefault(column, []).append(f"{value:g}")
    if not words:
        return []
    pairs = ", ".join(f"{_quoted(column)}: [{', '.join(values)}]" for column, values in words.items())
    return [f"  missing: {{{pairs}}}  # {' and '.join(kinds)} and usually mean 'missing'"]


def _label(survey: Survey) -> list[str]:
    outcome = survey.outcome
    lines = [f"  # label: {survey.label.reason}"]
    keys = [f"column: {_quoted(survey.label.column)}"]
    if outcome.threshold is not None:
        keys.append(f"positive: {{at_least: {outcome.threshold:g}}}")
    elif outcome.positive.name is not None:
        keys.append(f"positive: {_quoted(outcome.positive.name)}")
    if not outcome.numbers:
        none = "none is written: " if outcome.positive.name is None else ""
        lines.append(f"  # positive: {none}{outcome.positive.reason}")
        none = "none is written: " if outcome.favourable.name is None else ""
        lines.append(f"  # favourable (the class that is good for the person): {none}{outcome.favourable.reason}")
    if outcome.favourable.name is not None:
        keys.append(f"favourable: {_quoted(outcome.favourable.name)}")
    if survey.unlabelled:
        keys.append("missing: leave_out")
        lines.append(
            f"  # missing: {survey.unlabelled} rows have no label; they are left out, and data.quality counts them"
        )
    return [*lines, f"  label: {{{', '.join(keys)}}}"]


def _features(survey: Survey) -> list[str]:
    lines, used = ["  features:"], {g.column for g in survey.features}
    for guess in survey.guesses:
        name = _quoted(guess.column)
        if guess.column in used:
            lines.append(f"    - {name}  # {_why_in(guess)}")
        elif guess.column in survey.leaks:
            how = survey.leaks[guess.column].how
            lines.append(f"    # left out: {name} {how}. Put it back only if it is known when the decision is made")
        elif guess.role == "sensitive":
            lines.append(f"    # left out: {name} (sensitive; the model reads texts only)")
        elif guess.role != "label":
            lines.append(f"    # left out: {name} ({guess.role}: {guess.reason})")
    return lines + [f"    # left out: {_quoted(column)} ({why})" for column, why in survey.read.left_out.items()]


def _why_in(guess: Guess) -> str:
    if guess.role == "sensitive":
        return f"sensitive ({guess.attribute}), and the model reads it: decide whether it may"
    return guess.reason


def _groups(survey: Survey) -> list[str]:
    lines = ["  sensitive:"] if survey.sensitive else []
    lines += [f"    {_attribute(a)}  # {a.guess.reason}" for a in survey.sensitive]
    return lines + [f"  # {_lost(guess)}" for guess in _lost_attributes(survey)]


def _attribute(attribute: Attribute) -> str:
    how = f"column: {_quoted(attribute.guess.column)}"
    if attribute.bins is not None:
        how += f", bins: [{', '.join(_number(edge) for edge in attribute.bins)}]"
    return f"{_quoted(attribute.key)}: {{{how}}}"


def _split(survey: Survey) -> list[str]:
    size = (
        f"a small table (under {SMALL_TABLE:,} rows) gives half"
        if len(survey.table) < SMALL_TABLE
        else "four rows in ten"
    )
    decision = starter_decision(survey)
    share = USUAL_SHARE if decision is None else decision.calibration
    keys, why = f"test: {survey.test_share}, calibration: {share:g}", f"{size} for testing"
    if share > USUAL_SHARE:
        why += f"; {100 * share:g} % set the threshold of the decision"
    group = next(iter(survey.of_role("group")), None)
    if group is not None:
        keys, why = f"{keys}, group: {_quoted(group.column)}", f"{why}; {group.column!r} is {group.reason}"
    elif not survey.outcome.numbers:
        keys, why = (
            f"{keys}, stratify: [{_quoted(survey.label.column)}]",
            f"{why}; every part keeps the mix of the label",
        )
    return [f"  # split: {why}", f"  split: {{{keys}, seed: 20260101}}"]


def _views(survey: Survey) -> list[str]:
    if not survey.texts:
        return []
    parts = " ".join(f"{{{{ row[{_quoted(g.column)}] }}}}" for g in survey.texts)
    return ["views:  # the model reads a text: harness fit … --base sklearn:tfidf", f"  text: {_quoted(parts)}"]


def _decision(survey: Survey) -> list[str]:
    found = starter_decision(survey)
    return [] if found is None else [f"{found.line}  # {found.why}"]


def _checks(survey: Survey) -> list[str]:
    own = ["regression", "conformal"] if survey.outcome.numbers else ["classification", "calibration"]
    lines = ["checks:", *(f"  - performance.{name}" for name in own), "  - performance.slices"]
    if survey.sensitive:
        bias = "errors" if survey.outcome.numbers else "groups"
        accuracy = (
            ""
            if survey.outcome.numbers or survey.outcome.favourable.name
            else "  # accuracy only: no class is favourable"
        )
        lines.append(f"  - bias.{bias}: {{minimum_group: {MINIMUM_GROUP}}}{accuracy}")
    else:
        lines.append("  # no bias check: no column looks sensitive; name one: --sensitive COLUMN")
    names = (
        "privacy.membership",
        "explainability.attribution",
        "data.quality",
        "data.power",
        "data.shift",
        "data.signal",
    )
    return [*lines, *(f"  - {name}" for name in names)]


def _policy(survey: Survey) -> list[str]:
    rules, warnings = _on_use(survey)
    if survey.outcome.favourable.name is not None:
        for attribute in survey.sensitive:
            what = f'measure: bias.impact_ratio, group: {{{_quoted(attribute.key)}: "*"}}, between: [0.8, 1.25]'
            why = "No group gets the favourable answer much less often"
            rules.append((f"four-fifths-{_plain(attribute.key)}", what, why))
    members = 'measure: privacy.membership_auc, of: {attack: "*"}, at_most: 0.6'
    rules.append(("members", members, "Whether somebody is in the training data must not be readable from the answers"))
    leaks = "measure: data.leak_suspects, at_most: 0"
    rules.append(("no-leak", leaks, "A column that gives the label away makes every measure void"))
    lines = ["policy:  # a first policy: every limit is yours to set, with its reason and source"]
    if survey.sensitive and not survey.outcome.numbers and survey.outcome.favourable.name is None:
        lines.append("  # no rule on bias: the label (above) has no favourable class")
    severities = ["block"] * len(rules) + ["warn"] * len(warnings)
    named = zip(distinct_names(rule[0] for rule in [*rules, *warnings]), [*rules, *warnings], severities, strict=True)
    for name, (_, what, why), severity in named:
        lines.append(f"  - {{id: {name}, {what}, severity: {severity}, reason: {_quoted(why)}, source: to be decided}}")
    return lines


def _on_use(survey: Survey) -> tuple[list[_Rule], list[_Rule]]:
    """Rules on whether the model is of use: what blocks, and limits that somebody has to decide, which warn."""
    signal = (
        "signal",
        "measure: data.signal, above: 0",
        "Labels that nothing predicts are random, or those of other rows",
    )
    if survey.outcome.numbers:
        numbers = survey.table[survey.label.column].astype(float)
        usual = float((numbers - numbers.median()).abs().mean())
        limit = f"measure: performance.mae, at_most: {0.9 * usual:.3g}"
        useful = ("useful", limit, f"The median for every row errs by {usual:.3g} on average; better by a tenth")
        constant = (
            "better-than-constant",
            "measure: performance.squared_error_skill, above: 0",
            "Better than one number for all",
        )
        return [constant, useful, signal], []
    guessing = (
        "better-than-guessing",
        "measure: performance.informedness, above: 0",
        "Better than answers that do not depend on the case",
    )
    named = survey.outcome.positive.name
    if named is None:
        worst = (
            "finds-each-class",
            "measure: performance.worst_recall, at_least: 0.2",
            "Each class must be found often enough to be of use",
        )
        return [guessing, signal], [worst]
    useful = (
        "useful",
        "measure: performance.roc_auc, at_least: 0.6",
        "Ranks better than chance by a margin that matters",
    )
    what = f"measure: performance.recall, of: {{class: {_quoted(named)}}}, at_least: 0.5"
    finds = ("finds-positives", what, "Positives must be found often enough to be of use")
    return [guessing, useful, signal], [finds]


def _system(survey: Survey) -> list[str]:
    return [
        "seed: 20260101",
        "system:  # printed in the report; 'not stated' until you say it",
        f"  name: {_quoted(_stem(survey))}",
        *("  # intended_purpose: ", "  # users: ", "  # affected: ", "  # jurisdictions: []", "  # out_of_scope: "),
    ]


def _stem(survey: Survey) -> str:
    """What the data are called: the file without its suffix, or a name without scheme, revision and split."""
    if is_named(survey.source):
        return re.split(r"[@#]", survey.source.partition(":")[2])[0].rpartition("/")[2]
    return Path(survey.source).stem


def _number(value: float) -> str:
    return f"{value:.0f}" if value.is_integer() else repr(value)


def _quoted(value: object) -> str:
    """A text or number as YAML on one line; signs that would end the line or that YAML refuses are escaped."""
    return re.sub(
        r"[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]",
        lambda sign: f"\\u{ord(sign[0]):04x}",
        json.dumps(value, ensure_ascii=False),
    )


def _plain(text: str) -> str:
    kept = "".join(sign if sign.isalnum() else "-" for sign in text).strip("-")
    return kept or "data"
