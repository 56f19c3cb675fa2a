from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.datasets.splitting import assign_roles, sample, units_of
from harness.spec.suite import SplitPlan

PLANS = st.builds(
    lambda test, calibration, seed: SplitPlan(test=test, calibration=min(calibration, 0.99 - test), seed=seed),
    st.floats(0.05, 0.9),
    st.floats(0, 0.5),
    st.integers(0, 10**6),
)
IDS = st.lists(st.text("abcdef0123", min_size=1, max_size=6), min_size=1, max_size=80, unique=True)


def alone(ids, plan):
    return assign_roles(ids, [""] * len(ids), ids, plan)


@given(IDS, PLANS, st.data())
@settings(max_examples=60, deadline=None)
def test_a_group_never_straddles_two_splits(ids, plan, data):
    units = data.draw(st.lists(st.sampled_from("pqrst"), min_size=len(ids), max_size=len(ids)))
    strata = data.draw(st.lists(st.sampled_from("xy"), min_size=len(ids), max_size=len(ids)))
    roles = assign_roles(ids, strata, units, plan)
    assert len(set(zip(units, roles, strict=True))) == len(set(units))


@given(IDS, PLANS, st.data())
@settings(max_examples=60, deadline=None)
def test_where_two_groupings_hold_neither_straddles(ids, plan, data):
    whole = [data.draw(st.lists(st.sampled_from(names), min_size=len(ids), max_size=len(ids)))
             for names in ([f"p{i}" for i in range(40)], [f"q{i}" for i in range(40)])]  # fmt: skip
    roles = assign_roles(ids, [""] * len(ids), units_of(ids, whole), plan)
    for names in whole:
        assert len(set(zip(names, roles, strict=True))) == len(set(names))


def test_rows_that_others_link_belong_together_and_no_others_do():
    ids = ["r0", "r1", "r2", "r3", "r4"]
    whole = [["a", "a", "b", "c", "d"], ["x", "y", "y", "z", "x2"]]
    assert units_of(ids, whole) == ["r0", "r0", "r0", "r3", "r4"]
    assert units_of(ids, []) == ids
    assert units_of(ids, [whole[0]]) == whole[0]


@given(IDS, PLANS)
@settings(max_examples=60, deadline=None)
def test_each_split_gets_its_share_to_within_a_row(ids, plan):
    count = Counter(alone(ids, plan))
    assert abs(count["test"] - plan.test * len(ids)) <= 0.5 + 1e-6
    assert abs(count["test"] + count["calibration"] - (plan.test + plan.calibration) * len(ids)) <= 0.5 + 1e-6
    assert sum(count.values()) == len(ids)
    assert set(count) <= {"test", "calibration", "train"}


@given(IDS, PLANS)
@settings(max_examples=60, deadline=None)
def test_shares_are_of_rows_not_of_groups(ids, plan):
    units = [i[0] for i in ids]
    count = Counter(assign_roles(ids, [""] * len(ids), units, plan))
    assert abs(count["test"] - plan.test * len(ids)) <= max(Counter(units).values()) / 2 + 1e-6


@given(IDS, PLANS, st.data())
@settings(max_examples=60, deadline=None)
def test_each_stratum_gets_its_share(ids, plan, data):
    strata = data.draw(st.lists(st.sampled_from("xyz"), min_size=len(ids), max_size=len(ids)))
    roles = assign_roles(ids, strata, ids, plan)
    for stratum, rows in Counter(strata).items():
        tested = sum(role == "test" and s == stratum for role, s in zip(roles, strata, strict=True))
        assert abs(tested - plan.test * rows) <= 0.5 + 1e-6


@given(IDS, PLANS, st.randoms())
@settings(max_examples=60, deadline=None)
def test_a_rows_role_does_not_depend_on_the_order_of_the_rows(ids, plan, random):
    before = dict(zip(ids, alone(ids, plan), strict=True))
    shuffled = random.sample(ids, len(ids))
    assert dict(zip(shuffled, alone(shuffled, plan), strict=True)) == before


@given(IDS, PLANS, st.data())
@settings(max_examples=40, deadline=None)
def test_a_groups_role_does_not_depend_on_the_order_of_the_rows(ids, plan, data):
    unit = {i: i[0] for i in ids}
    stratum = {i: "even" if ord(i[0]) % 2 else "odd" for i in ids}
    shuffled = data.draw(st.permutations(ids))
    one, two = (
        dict(zip(order, assign_roles(order, [stratum[i] for i in order], [unit[i] for i in order], plan), strict=True))
        for order in (ids, shuffled)
    )
    assert one == two


def test_the_split_is_pinned_and_the_seed_moves_it():
    ids = [str(i) for i in range(12)]
    # sha256("7:0") … sha256("7:11") sorted by `sha256sum`: the first four are the test rows.
    assert chosen(ids, 7) == ["3", "4", "7", "8"]
    assert chosen(ids, 8) != chosen(ids, 7)


def chosen(ids, seed):
    roles = alone(ids, SplitPlan(test=1 / 3, seed=seed))
    return sorted(i for i, role in zip(ids, roles, strict=True) if role == "test")


@given(IDS, st.integers(1, 80), st.integers(0, 100))
@settings(max_examples=60, deadline=None)
def test_a_sample_has_its_size_keeps_the_order_and_follows_the_ids(ids, count, seed):
    rows = sample(ids, count, seed)
    assert rows == sorted(set(rows))
    assert len(rows) == min(count, len(ids))
    backwards = ids[::-1]
    assert {backwards[i] for i in sample(backwards, count, seed)} == {ids[i] for i in rows}
    assert set(rows) <= set(sample(ids, count + 1, seed))
