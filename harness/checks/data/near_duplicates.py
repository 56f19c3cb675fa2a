"""Rows that are nearly, but not wholly, equal to others: copies that were rounded, measured again, retyped or reworded.

Two rows are near duplicates if they differ, agree in every category, differ in each number by at most `tolerance` of that
column's interquartile range (of its standard deviation where that range is 0), and their texts share at least `similarity`:
Jaccard |A ∩ B| / |A ∪ B| of the sets of 5-character shingles (Broder 1997; 0.8 as in Lee et al. 2022). Missing equals
missing. Shingles in more than half of the texts, a form's words, are left out (Broder et al. 1997 drop common ones too).
A feature is a text if it has `text_length` characters on average and a value of its own for one row in ten at least; the
options of a choice belong to the text. No pair is missed: numbers are found by a k-d tree, texts by their rarest shingles, of
which alike texts share one (prefix filter, Chaudhuri et al. 2006). More than `rows` test rows are sampled: each is still
compared with every row, so that the rates are shares of a sample, with an interval. Pairs inside one cluster resemble each other rightly and
are left out. Limitations: one cell that differs much hides a copy; in few or coarse columns honest rows are near; a text that
was reworded wholly or translated is not seen, nor are copies that make up more than half of the texts.
"""

from __future__ import annotations

import numpy as np

from harness.checks.data.near_pairs import Kinds, NearPairs, Rows, distinct_rows, find_near_pairs
from harness.checks.data.shingles import Bools
from harness.core.dataset import Labels, Split
from harness.core.finding import Cell, Exhibit, Finding
from harness.engine.evidence import Evidence
from harness.engine.measurement import Measurement, not_tested, undefined
from harness.engine.parameters import Count, Positive, PositiveShare, SampleRows
from harness.stats.exact import clopper_pearson

WITHIN, ACROSS = "data.near_duplicate_rate", "data.near_overlap_rate"
CONFLICT = "data.near_duplicate_label_conflict_rate"


def near_duplicates(
    evidence: Evidence,
    *,
    tolerance: Positive = 0.01,
    similarity: PositiveShare = 0.8,
    text_length: Count = 25,
    rows: SampleRows = 5000,
) -> Measurement:
    """Compares every test row, of more than `rows` a seeded sample, with every other test row and every training row."""
    test, train = evidence.split("test"), evidence.split("train")
    if test is None:
        return not_tested("no data: there are no test rows")
    parts = [test] if train is None else [test, train]
    kinds = _kinds(evidence, parts, text_length)
    if not kinds.numbers and not kinds.texts:
        return not_tested("no data: no feature is a number or a text, so that rows are equal or not (data.quality)")
    compared = np.arange(len(test))
    if rows < len(test):
        compared = np.sort(evidence.generator("data.near_duplicates").permutation(len(test))[:rows])
    made = distinct_rows(parts, kinds, tolerance, compared)
    found, answers = find_near_pairs(made, similarity), _answers(evidence, parts)
    own = made.own[compared]
    findings = [
        _within(found.near_test[own], test),
        _across(found.near_train[own], train),
        _conflicts(made, found, answers),
    ]
    near = _meaning(kinds, tolerance, similarity, text_length)
    told = [
        f if f.value is None else f.model_copy(update={"reason": "; ".join(filter(None, [f.reason, near]))})
        for f in findings
    ]
    return Measurement(told, _examples(made, found, parts, answers))


def _meaning(kinds: Kinds, tolerance: float, similarity: float, text_length: int) -> str:
    """What counts as near, of the kinds of features that there are."""
    of_numbers = [f"numbers within {tolerance:g} of their column's spread"] if kinds.numbers else []
    of_texts = [f"texts of {text_length} characters or more that share {similarity:g}"] if kinds.texts else []
    return "near: " + " and ".join([*of_numbers, *of_texts])


def _kinds(evidence: Evidence, parts: list[Split], text_length: int) -> Kinds:
    import pandas as pd

    data, kinds = evidence.suite.data, Kinds([], [], [])
    for column in data.features:  # the counts of a text's pieces say nothing that the text does not
        values = pd.concat([part.inputs[column] for part in parts], ignore_index=True).dropna()
        if values.dtype.kind == "f":
            kinds.numbers.append(column)
            continue
        long = len(values) > 0 and values.astype(str).str.len().mean() >= text_length
        free = long and 10 * values.nunique() >= len(values) and column not in data.categorical
        (kinds.texts if free or column in data.options else kinds.categories).append(column)
    return kinds


def _within(near: Bools, test: Split) -> Finding:
    """Of the compared test rows (m,), those near another test row; exact where all are compared."""
    count, n = int(near.sum()), len(near)
    why = None if test.clusters is None else "pairs inside one cluster are left out"
    if n == len(test):
        return Finding(measure=WITHIN, value=count / n, n=n, exact=True, better="lower", reason=why)
    why = "; ".join(filter(None, [why, f"a sample of {n} of {len(test)} test rows was compared with all"]))
    return Finding(measure=WITHIN, value=count / n, n=n, interval=clopper_pearson(count, n), better="lower", reason=why)


def _across(near: Bools, train: Split | None) -> Finding:
    count, n = int(near.sum()), len(near)
    if train is None:
        return undefined(ACROSS, n, "no data: there are no training rows")
    why = f"{count} of {n} test row(s) nearly equal a training row"
    return Finding(measure=ACROSS, value=count / n, n=n, interval=clopper_pearson(count, n), better="lower", reason=why)


def _conflicts(rows: Rows, found: NearPairs, answers: Labels | None) -> Finding:
    """Over sets, not pairs: ten copies of one row make 45 pairs that are anything but independent."""
    import pandas as pd

    if answers is None:
        return undefined(
            CONFLICT, 0, "only class labels can conflict: numbers differ rightly, and some suites have no label"
        )
    sets = found.sets[rows.own]
    joined = np.bincount(found.sets)[sets] > 1
    n_labels = pd.Series(answers[joined]).groupby(sets[joined]).nunique()
    n, clashing = len(n_labels), int((n_labels > 1).sum())
    if n == 0:
        return undefined(CONFLICT, 0, "there are no near duplicates")
    why = f"{clashing} of {n} set(s) of near duplicates hold more than one label"
    return Finding(
        measure=CONFLICT, value=clashing / n, n=n, interval=clopper_pearson(clashing, n), better="lower", reason=why
    )


def _answers(evidence: Evidence, parts: list[Split]) -> Labels | None:
    """The class of each row, or the words of its right option, whose place says nothing; None where no class exists."""
    data = evidence.suite.data
    if not evidence.data.classes or data.label.column is None:
        return None
    if not data.options:
        return np.concatenate([part.labels for part in parts])
    rows = (
        (row, place)
        for part in parts
        for row, place in zip(part.inputs[data.options].to_numpy(), part.labels, strict=True)
    )
    return np.array([row[int(place)] for row, place in rows], dtype=object)


def _examples(rows: Rows, found: NearPairs, parts: list[Split], answers: Labels | None) -> list[Exhibit]:
    if not found.examples:
        return []
    ids = np.concatenate([part.ids for part in parts])
    roles = np.repeat([part.role for part in parts], [len(part) for part in parts])
    shown: list[list[Cell]] = []
    for i, j in found.examples:
        one, other = rows.first[i], rows.first[j]
        same = None if answers is None else bool(answers[one] == answers[other])
        shown.append([str(ids[one]), str(ids[other]), str(roles[other]), same])
    columns = ["test row", "resembles row", "of split", "same label"]
    return [Exhibit(kind="table", title="Some near duplicates, by row id", columns=columns, rows=shown)]
