import difflib
import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import load_suite
from harness.checks.data.near_duplicates import near_duplicates
from harness.checks.data.shingles import shingles_of
from harness.datasets.roles import load_dataset
from harness.engine.evidence import Evidence

NAMES = {"within": "data.near_duplicate_rate", "across": "data.near_overlap_rate"}
CONFLICT = "data.near_duplicate_label_conflict_rate"


def near_rows(one, other, scales, similarity):
    """Row by row, cell by cell: whether two rows differ and are near."""
    differ = False
    for name in one.index:
        a, b = one[name], other[name]
        if pd.isna(a) or pd.isna(b):
            if not (pd.isna(a) and pd.isna(b)):
                return False
        elif name in scales:
            differ = differ or a != b
            if abs(a - b) > scales[name] * (1 + 1e-9):
                return False
        elif name == "text":
            differ = differ or a != b
            first, second = runs(a), runs(b)
            if len(first & second) < similarity * len(first | second) - 1e-9:
                return False
        elif a != b:
            return False
    return differ


def runs(text):
    text = " ".join(text.lower().split())
    return {text[k : k + 5] for k in range(len(text) - 4)} if len(text) > 5 else {text}


def by_hand(test, train, tolerance=0.01, similarity=0.8):
    """Test rows near a test row and near a training row, and the labels of each set, by a plain double loop."""
    rows = pd.concat([test["inputs"], train["inputs"]], ignore_index=True)
    labels, n = [*test["labels"], *train["labels"]], len(test["labels"])
    scales = {}
    for name in rows.columns[[rows[name].dtype.kind == "f" for name in rows]]:
        column = rows[name].dropna()
        spread = (column.quantile(0.75) - column.quantile(0.25)) if len(column) else 0
        scales[name] = tolerance * (spread or (column.std(ddof=0) if len(column) else 0) or 1)
    hits, kin, sets = [set(), set()], [{i} for i in range(len(rows))], set()
    for i, j in itertools.combinations(range(len(rows)), 2):
        equal = all(a == b or (pd.isna(a) and pd.isna(b)) for a, b in zip(rows.loc[i], rows.loc[j], strict=True))
        near = not equal and i < n and near_rows(rows.loc[i], rows.loc[j], scales, similarity)
        if near:
            hits[j >= n].add(i)
            hits[0] |= {j} if j < n else set()
        if near or equal:
            joined = kin[i] | kin[j]
            for k in joined:
                kin[k] = joined
        if near:
            sets.add(i)
    groups = {frozenset(kin[i]) for i in sets}
    return len(hits[0]), len(hits[1]), sorted(sorted({labels[i] for i in group}) for group in groups)


def measured(build, find, test, train, **parameters):
    found = near_duplicates(build(**test, train=train, positive=None), **parameters)
    within, across, conflict = (find(found, name) for name in (*NAMES.values(), CONFLICT))
    return round(within.value * within.n), round(across.value * across.n), conflict


def table(seed, n, text=False):
    rng = np.random.default_rng(seed)
    inputs = pd.DataFrame({
        "income": rng.normal(50, 20, n).round(1), "rare": np.where(rng.random(n) < 0.2, rng.normal(0, 1, n), 0.0),
        "town": rng.choice(["a", "b"], n).astype(object),
    })  # fmt: skip
    inputs.loc[rng.random(n) < 0.1, "income"] = np.nan
    inputs.loc[rng.random(n) < 0.1, "town"] = None
    if text:
        words = ["furnace", "valve", "pump", "bearing", "sensor", "leaks", "overheats", "stops", "rattles", "again",
                 "motor", "shaft", "belt", "cracks", "smokes", "spindle", "drill", "lathe"]  # fmt: skip
        inputs["text"] = np.array(
            [" ".join(rng.choice(words, 6)) for _ in range(n)], dtype=object
        )  # no word in half of the texts
    return {"labels": list(rng.choice(["no", "yes"], n)), "inputs": inputs}


def copied(source, target, rows, change):
    """Copies of the first rows of one part, changed, appended to another part."""
    copies = source["inputs"].iloc[:rows].copy()
    change(copies)
    inputs = pd.concat([target["inputs"], copies], ignore_index=True)
    return {"labels": [*target["labels"], *source["labels"][:rows]], "inputs": inputs}


def machines(seed, n):
    """Rows of five measured numbers."""
    rng = np.random.default_rng(seed)
    numbers = pd.DataFrame({f"x{k}": rng.normal(50, 20, n) for k in range(5)})
    return {"labels": ["no", "yes"] * (n // 2), "inputs": numbers}


def jitter(copies):
    copies["x0"] += 0.05


def more_income(copies):
    copies["income"] += 0.05


def typo(copies):
    copies["text"] = ["x" + text[1:] for text in copies["text"]]


@pytest.mark.parametrize(("text", "tolerance", "similarity"), [(False, 0.01, 0.8), (False, 0.3, 0.8), (True, 0.3, 0.3)])
def test_the_counts_are_those_of_a_plain_double_loop(text, tolerance, similarity, build, find):
    train = table(2, 60, text)
    test = copied(train, copied(train, table(1, 50, text), 6, more_income), 4, lambda copies: None)
    test["labels"][-1] = "yes" if test["labels"][-1] == "no" else "no"
    given = {"tolerance": tolerance, "similarity": similarity}
    within, across, sets = by_hand(test, train, **given)
    assert across >= 5 and len(sets) >= 3
    got = measured(build, find, test, train, **given)
    assert got[:2] == (within, across)
    assert got[2].n == len(sets)
    assert got[2].value == pytest.approx(sum(len(labels) > 1 for labels in sets) / len(sets))


cell = st.sampled_from([0.0, 1.0, 1.5, 2.0, 9.0, None])
row = st.tuples(cell, cell, st.sampled_from(["a", "b", None]), st.sampled_from(["no", "yes"]))


def as_part(rows):
    frame = pd.DataFrame(
        {f"x{k}": pd.array([r[k] for r in rows], dtype=object).astype(float) for k in range(2)},
    )
    return {"labels": [r[3] for r in rows], "inputs": frame.assign(town=np.array([r[2] for r in rows], dtype=object))}


@settings(max_examples=60, deadline=None)
@given(st.lists(row, min_size=2, max_size=9), st.lists(row, min_size=1, max_size=9), st.randoms())
def test_any_small_table_is_counted_rightly_in_any_order(build, find, test, train, chance):
    found = measured(build, find, as_part(test), as_part(train), tolerance=0.5)
    within, across, sets = by_hand(as_part(test), as_part(train), tolerance=0.5)
    assert found[:2] == (within, across)
    assert found[2].n == len(sets)
    for part in (test, train):
        chance.shuffle(part)
    again = measured(build, find, as_part(test), as_part(train), tolerance=0.5)
    assert again[:2] == found[:2]
    assert (again[2].n, again[2].value) == (found[2].n, found[2].value)


line = st.text(alphabet="ab ", max_size=14)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(line, min_size=2, max_size=9),
    st.lists(line, min_size=1, max_size=9),
    st.sampled_from([0.3, 0.5, 0.8, 1.0]),
)
def test_the_rarest_shingles_lose_no_pair(build, find, test, train, similarity):
    parts = [
        {"labels": ["no"] * len(part), "inputs": pd.DataFrame({"text": np.array(part, dtype=object)})}
        for part in (test, train)
    ]
    found = near_duplicates(build(**parts[0], train=parts[1], positive=None), similarity=similarity, text_length=0)
    counts = [round(find(found, name).value * len(test)) for name in NAMES.values()]
    assert tuple(counts) == by_hand(*parts, similarity=similarity)[:2]


@pytest.mark.parametrize("similarity", [0.2, 0.4, 0.6, 0.8])
def test_texts_of_any_length_and_overlap_are_paired_as_by_their_sets(similarity):
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("abcdefghijklmnop"), 6)) for _ in range(60)]
    texts = []
    for _ in range(60):
        base = list(rng.choice(words, rng.integers(2, 25)))
        texts += [
            " ".join(base),
            " ".join([*base[: rng.integers(1, len(base) + 1)], *rng.choice(words, rng.integers(0, 6))]),
        ]
    sets = shingles_of(texts)
    ((i, j),) = sets.candidates([np.arange(len(texts))], similarity)
    alike = sets.alike(i, j, similarity)
    pairs = itertools.product(range(len(texts)), repeat=2)
    first, every = [runs(text) for text in texts], [(a, b) for a, b in pairs]
    wanted = {(a, b) for a, b in every if len(first[a] & first[b]) >= similarity * len(first[a] | first[b]) - 1e-9}
    assert set(zip(i[alike].tolist(), j[alike].tolist(), strict=True)) == wanted
    assert len(wanted) > len(texts)
    assert len(i) < len(every)


def sentences(seed, n):
    """Texts of 30 words drawn from 300, no two alike."""
    rng = np.random.default_rng(seed)
    words = ["".join(rng.choice(list("abcdefghijklmnoprstu"), 7)) for _ in range(300)]
    texts = [" ".join(np.random.default_rng([seed, i]).choice(words, 30)) for i in range(n)]
    return {"labels": ["no", "yes"] * (n // 2), "inputs": pd.DataFrame({"text": np.array(texts, dtype=object)})}


@pytest.mark.parametrize(
    ("part", "change"), [(lambda seed: machines(seed, 200), jitter), (lambda seed: sentences(seed, 200), typo)]
)
def test_copies_put_across_the_split_are_caught_and_the_clean_twin_is_not_flagged(part, change, build, find):
    test, train = part(1), part(2)
    clean = near_duplicates(build(**test, train=train))
    planted = near_duplicates(build(**copied(train, test, 40, change), train=train))
    assert find(clean, NAMES["across"]).value == find(clean, NAMES["within"]).value == 0
    found = find(planted, NAMES["across"])
    assert found.value * found.n >= 40
    assert found.interval.low > 0.1
    assert find(planted, NAMES["within"]).value <= 0.01
    assert find(planted, CONFLICT).value < 0.1


@pytest.mark.parametrize(
    ("part", "change"), [(lambda seed: machines(seed, 100), jitter), (lambda seed: sentences(seed, 100), typo)]
)
def test_of_many_test_rows_a_sample_is_compared_with_every_row(part, change, build, find):
    alone, train = part(1), part(2)
    twice, copied_all = copied(alone, alone, 100, change), copied(train, train, 100, change)
    of_test = find(near_duplicates(build(**twice, train=train), rows=30), NAMES["within"])
    assert (of_test.value, of_test.n, of_test.exact) == (1, 30, False)
    assert of_test.interval.low > 0.8
    assert "a sample of 30 of 200 test rows" in of_test.reason
    of_train = find(near_duplicates(build(**copied_all, train=part(3)), rows=30), NAMES["across"])
    assert (of_train.value, of_train.n) == (0, 30)
    assert find(near_duplicates(build(**copied_all, train=train), rows=30), NAMES["across"]).value > 0.3
    assert find(near_duplicates(build(**alone, train=train), rows=30), NAMES["within"]).value == 0


def test_labels_turned_in_the_copies_conflict(build, find):
    test, train = sentences(1, 100), sentences(2, 100)
    test = copied(train, test, 40, typo)
    test["labels"][100:120] = ["yes" if label == "no" else "no" for label in train["labels"][:20]]
    found = find(near_duplicates(build(**test, train=train)), CONFLICT)
    assert (found.value, found.n) == (pytest.approx(0.5), 40)
    assert found.interval.low < 0.5 < found.interval.high


def test_what_is_near_by_shingles_is_near_by_another_measure_too(build):
    test = copied(sentences(2, 100), sentences(1, 100), 20, typo)
    shown = near_duplicates(build(**test, train=sentences(2, 100))).exhibits[0].rows
    texts = {f"{role}{i}": t for role, p in (("test", test), ("train", sentences(2, 100))) for i, t in enumerate(p["inputs"]["text"])}  # fmt: skip
    assert len(shown) == 10
    assert all(difflib.SequenceMatcher(None, texts[a], texts[b], autojunk=False).ratio() > 0.9 for a, b, *_ in shown)


def test_the_examples_name_rows_and_no_cell(build):
    inputs = pd.DataFrame({"x": [1.0, 1.001, 5.0, 9.0]})
    evidence = build(["no", "yes", "no", "no"], inputs=inputs, train={"labels": ["no"], "inputs": pd.DataFrame({"x": [5.001]})})  # fmt: skip
    assert near_duplicates(evidence).exhibits[0].rows == [["test0", "test1", "test", False], ["test2", "train0", "train", True]]  # fmt: skip


def test_equal_rows_are_left_to_data_quality(build, find):
    part = {"labels": ["no", "yes"], "inputs": pd.DataFrame({"x": [1.0, 1.0]})}
    assert measured(build, find, part, part)[:2] == (0, 0)


def test_one_missing_cell_is_no_small_difference(build, find):
    test = {"labels": ["no"] * 3, "inputs": pd.DataFrame({"x": [1.0, 2.0, 3.0], "z": [np.nan, np.nan, 5.0]})}
    train = {"labels": ["no"] * 2, "inputs": pd.DataFrame({"x": [1.001, 3.001], "z": [np.nan, np.nan]})}
    assert measured(build, find, test, train)[:2] == (0, 1)


def test_infinite_numbers_equal_only_themselves(build, find):
    test = {"labels": ["no"] * 2, "inputs": pd.DataFrame({"x": [1.0, 2.0], "z": [np.inf, np.inf]})}
    train = {"labels": ["no"] * 2, "inputs": pd.DataFrame({"x": [1.001, 2.001], "z": [np.inf, -np.inf]})}
    assert measured(build, find, test, train)[:2] == (0, 1)


def test_a_table_of_categories_has_nothing_that_could_be_nearly_equal(build):
    towns = pd.DataFrame({"town": np.array(["a", "b"] * 10, dtype=object)})
    found = near_duplicates(build(["no", "yes"] * 10, inputs=towns))
    assert found.status == "not_tested"
    assert found.reason.startswith("no data")


def test_long_names_of_a_few_categories_are_no_texts(build, find):
    names = [f"all credits at this bank have been paid back duly till now, class {name}" for name in "ab"]
    test = pd.DataFrame({"x": np.ones(40), "savings": np.array(names * 20, dtype=object)})
    assert find(near_duplicates(build(["no", "yes"] * 20, inputs=test)), NAMES["within"]).value == 0


def test_a_form_does_not_make_its_fillings_alike(build, find):
    rng = np.random.default_rng(0)
    filled = [f"Applicant of a loan for a house in Boston. The payments take {a:.4f} of the income, the loan to value ratio "
              f"is {b:.4f}, and the score that the bureau gives on its scale from nought to one stands at {c:.3f}"
              for a, b, c in rng.random((100, 3))]  # fmt: skip
    inputs = pd.DataFrame({"text": np.array(filled, dtype=object)})
    assert find(near_duplicates(build(["no", "yes"] * 50, inputs=inputs)), NAMES["within"]).value == 0
    inputs.loc[99, "text"] = filled[0] + "."
    assert find(near_duplicates(build(["no", "yes"] * 50, inputs=inputs)), NAMES["within"]).value == pytest.approx(0.02)


def test_without_training_rows_the_overlap_is_undefined_and_not_zero(build, find):
    found = near_duplicates(build(**table(1, 50)))
    assert find(found, NAMES["across"]).value is None
    assert find(found, NAMES["within"]).value is not None


def test_without_a_near_duplicate_no_label_can_conflict(build, find):
    found = near_duplicates(build(["no", "yes"], inputs=pd.DataFrame({"x": [1.0, 9.0]})))
    assert find(found, CONFLICT).value is None


def test_numbers_to_be_predicted_do_not_conflict(build_numbers, find):
    inputs, train = pd.DataFrame({"x": [1.0, 2.0, 3.0]}), pd.DataFrame({"x": [1.001, 9.0]})
    evidence = build_numbers([1.0, 2.0, 3.0], None, inputs=inputs, train={"labels": [7.0, 9.0], "answers": None, "inputs": train})  # fmt: skip
    found = near_duplicates(evidence)
    assert find(found, NAMES["across"]).value == pytest.approx(1 / 3)
    assert find(found, CONFLICT).value is None


def clustered(build, clusters, train_clusters):
    test = pd.DataFrame({"x": [1.0, 1.001, 5.0, 9.0]})
    evidence = build(["no"] * 4, inputs=test, train={"labels": ["no"] * 2, "inputs": pd.DataFrame({"x": [5.001, 9.001]})})  # fmt: skip
    for role, names in (("test", clusters), ("train", train_clusters)):
        part = evidence.data.splits[role]
        evidence.data.splits[role] = replace(part, clusters=np.array(names, dtype=object))
    return near_duplicates(evidence)


def test_pairs_inside_a_cluster_are_left_out_and_others_stay(build, find):
    found = clustered(build, ["a", "a", "b", "c"], ["b", "d"])
    assert (find(found, NAMES["within"]).value, find(found, NAMES["across"]).value) == (0, 0.25)
    assert "cluster" in find(found, NAMES["within"]).reason
    found = clustered(build, ["a", "b", "c", "d"], ["e", "f"])
    assert (find(found, NAMES["within"]).value, find(found, NAMES["across"]).value) == (0.5, 0.5)


def test_a_row_of_two_clusters_is_near_by_the_other_one(build, find):
    test = pd.DataFrame({"x": [1.0, 1.0, 1.001, 7.0]})
    evidence = build(["no"] * 4, inputs=test)
    part = evidence.data.splits["test"]
    evidence.data.splits["test"] = replace(part, clusters=np.array(["a", "b", "a", "c"], dtype=object))
    assert find(near_duplicates(evidence), NAMES["within"]).value == 0.5


def test_a_choice_whose_options_are_shuffled_is_near_and_its_answer_the_same(find):
    loaded = load_suite("medical/diagnosis-questions")
    data = load_dataset(loaded)
    test = data.splits["test"]
    inputs, options = test.inputs.iloc[:60].copy(), loaded.suite.data.options
    shuffled = inputs.iloc[:5].copy()
    shuffled[options] = shuffled[options[::-1]].to_numpy()
    labels = [*test.labels[:60], *(str(len(options) - 1 - int(place)) for place in test.labels[:5])]
    ids = np.array([f"q{i}" for i in range(65)], dtype=object)
    both = pd.concat([inputs, shuffled], ignore_index=True)
    data.splits["test"] = replace(test, ids=ids, inputs=both, labels=np.array(labels, dtype=object), columns=both)
    found = near_duplicates(Evidence(loaded.suite, data, None, 0))
    assert find(found, NAMES["within"]).value * 65 == pytest.approx(10)
    assert (find(found, CONFLICT).value, find(found, CONFLICT).n) == (0, 5)


def test_questions_asked_for_many_people_resemble_each_other_on_purpose(find):
    loaded = load_suite("finance/advice-questions")
    data = load_dataset(loaded)
    assert find(near_duplicates(Evidence(loaded.suite, data, None, 0)), NAMES["within"]).value == 0
    data.splits["test"] = replace(data.splits["test"], clusters=None)
    found = near_duplicates(Evidence(loaded.suite, data, None, 0))
    assert find(found, NAMES["within"]).value > 0.95
    assert find(found, CONFLICT).value is None


@pytest.mark.parametrize(
    ("name", "rows"), [("manufacturing/process-optimisation", 5), ("manufacturing/quality-control", 3)]
)
def test_rounded_copies_that_equal_rows_hid_are_seen_in_shipped_data(name, rows, find):
    loaded = load_suite(name)
    found = find(near_duplicates(Evidence(loaded.suite, load_dataset(loaded), None, 0)), NAMES["across"])
    assert round(found.value * found.n) == rows


def test_more_pairs_than_a_block_holds_are_all_found(build, find):
    rng = np.random.default_rng(0)
    test = pd.DataFrame({"x": np.r_[rng.uniform(0, 1e-3, 600), 1.0 + 10 * np.arange(600)]})
    train = pd.DataFrame({"x": rng.uniform(0, 1e-3, 100)})
    found = near_duplicates(
        build(["no"] * 1200, inputs=test, train={"labels": ["yes"] * 100, "inputs": train}), tolerance=1e-5
    )
    assert find(found, NAMES["within"]).value == find(found, NAMES["across"]).value == 0.5
    assert (find(found, CONFLICT).value, find(found, CONFLICT).n) == (1, 1)
