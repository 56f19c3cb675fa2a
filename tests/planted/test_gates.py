"""For every blocking rule of every shipped suite: a planted model fails that exact rule, a clean one passes it.

The answers are planted through saved predictions on many rows drawn from the suite's own data, so that every gate has
the rows that it needs to decide.
"""

import numpy as np
import pandas as pd
import pytest

from harness import audit, load_suite
from harness.datasets.readers import read_table
from harness.datasets.roles import DataOptions
from harness.spec.loading import built_in_suites

ROWS = 12_000
RULES = [
    (name, rule.id) for name in built_in_suites() for rule in load_suite(name).suite.policy if rule.severity == "block"
]


def draw(table, rng, start):
    """Rows drawn with replacement and numbered."""
    rows = table.iloc[rng.integers(0, len(table), ROWS)].reset_index(drop=True)
    return rows.assign(__row__=range(start, start + ROWS))


def planted(suite, folder, defect, seed=1):
    """Writes test rows whose numbers are jittered (no two rows are equal) and whose groups are drawn at random (so that
    an even-handed model exists), training rows and predictions with one defect; returns the audit of them."""
    rng = np.random.default_rng(seed)
    data = suite.suite.data
    source = read_table(suite.folder / data.source, data.read)
    test, train = draw(source, rng, 0), draw(source, rng, ROWS)
    for table in (test, train):
        for column in {how.column for how in data.sensitive.values()}:
            table[column] = rng.permutation(table[column].to_numpy())
        for column in data.features:
            if table[column].dtype.kind in "if":
                table[column] = table[column] + rng.uniform(0, 1e-6, ROWS)
        if data.id:
            table[data.id] = table["__row__"]
    if defect == "leak":
        leak(suite, test, train)
    paths = [folder / "test.csv", folder / "train.csv"]
    for table, path in zip((test, train), paths, strict=True):
        table.drop(columns="__row__").to_csv(path, index=False)
    answers = [answer(suite, t, rng, defect, member) for t, member in ((test, False), (train, True))]
    ids = [test["__row__"].astype(str), ("train:" + train["__row__"].astype(str))]
    if not data.id:
        ids[1] = "train:" + pd.Series(range(ROWS)).astype(str)
    frame = pd.concat([a.assign(id=i.to_numpy()) for a, i in zip(answers, ids, strict=True)])
    frame.to_csv(folder / "predictions.csv", index=False)
    options = DataOptions(data=paths[0], train_data=paths[1])
    return audit(suite.suite.name, str(folder / "predictions.csv"), options)


def truth(suite, table):
    label = suite.suite.data.label
    if hasattr(label.positive, "at_least"):
        return (table[label.column] >= label.positive.at_least).to_numpy()
    return (table[label.column].astype(str) == label.positive).to_numpy()


def answer(suite, table, rng, defect, member):
    """A good, even-handed score; the defect spoils it."""
    data, positive = suite.suite.data, truth(suite, table)
    score = np.where(positive, 0.75, 0.08) + rng.normal(0, 0.08, len(table))
    flip = rng.random(len(table)) < 0.04
    score[flip] = np.where(positive[flip], 0.2, 0.7)
    if defect == "shuffled":
        score = rng.permutation(score)
    if defect == "blind":
        score = rng.uniform(0.02, 0.4, len(table))
    if defect.startswith("against "):
        attribute = defect.removeprefix("against ")
        how = data.sensitive[attribute]
        named = table[how.column].map(lambda v: (how.values or {}).get(str(v), str(v)))
        hit = (named != data.reference[attribute]).to_numpy() & (rng.random(len(table)) < 0.6)
        bad_is_positive = data.label.favourable != data.label.positive_name
        score[hit] = 0.9 if bad_is_positive else 0.05
    if defect == "memorised" and member:
        score = np.where(positive, 0.999, 0.001)
    return pd.DataFrame({"score": np.clip(score, 0.0005, 0.9995)})


def leak(suite, *tables):
    """Makes the suite's first numeric feature a copy of the label."""
    data = suite.suite.data
    feature = next(
        c
        for c in data.features
        if tables[0][c].dtype.kind in "if" and c not in {s.column for s in data.sensitive.values()}
    )
    for table in tables:
        table[feature] = truth(suite, table) + np.random.default_rng(0).normal(0, 1e-3, len(table))


DEFECTS = {
    "useful": "shuffled", "no-leak": "leak", "members": "memorised", "sensitivity": "blind",
    "four-fifths": "against race", "four-fifths-marital": "against marital_status",
    "equal-opportunity-sex": "against sex", "variants": "against variant",
}  # fmt: skip


def outcomes(record, rule):
    return {d.outcome for d in record.verdict.decisions if d.rule_id == rule}


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def clean():
    return {}


@pytest.mark.parametrize(("name", "rule"), RULES)
def test_a_planted_model_fails_the_exact_rule_and_a_clean_one_passes_it(name, rule, tmp_path, clean, tmp_path_factory):
    suite = load_suite(name)
    if name not in clean:
        clean[name] = planted(suite, tmp_path_factory.mktemp("clean"), "none")
    assert "fail" in outcomes(planted(suite, tmp_path, DEFECTS[rule]), rule)
    assert outcomes(clean[name], rule) == {"pass"}
