"""Waivers as they are written: what is refused, with file and line, and which policy they go with."""

from datetime import date

import pytest
import yaml

from harness.errors import SuiteError
from harness.spec.loading import load_policy, load_suite

RULE = {"id": "useful", "measure": "performance.accuracy", "at_least": 0.9, "reason": "r", "source": "s"}
PARITY = {**RULE, "id": "parity", "measure": "bias.impact_ratio", "group": {"race": "*"}}
WAIVER = {"rule": "useful", "owner": "o", "reason": "r", "compensating_control": "c", "expires": date(2026, 12, 31)}


def written(folder, file, /, **document):
    path = folder / file
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
    return path


def refused(folder, *waivers):
    path = written(folder, "p.yaml", policy=[RULE, PARITY], waivers=list(waivers))
    with pytest.raises(SuiteError) as caught:
        load_policy(path)
    return str(caught.value), path.read_text(encoding="utf-8").splitlines()


def test_all_waivers_that_fit_no_rule_are_named_at_once_with_their_lines(tmp_path):
    error, lines = refused(
        tmp_path,
        {**WAIVER, "rule": "usefull"},
        {**WAIVER, "rule": "parity"},
        {**WAIVER, "of": {"class": "yes"}},
        {**WAIVER, "rule": "parity", "group": {"sex": "women"}},
    )
    assert error.startswith("4 problem(s)")
    line = lines.index("- rule: usefull") + 1
    assert (
        f"p.yaml:{line}: waivers.0.rule: there is no rule 'usefull'; the policy's rules: useful, parity, better-than-guessing"
        in error
    )
    assert 'waivers.1.group: rule parity has {race: "*"}' in error
    assert f"p.yaml:{lines.index('  of:') + 1}: waivers.2.of: rule useful has none: leave it out" in error
    assert 'waivers.3.group: rule parity has {race: "*"}' in error


@pytest.mark.parametrize("key", ["rule", "owner", "reason", "compensating_control", "expires"])
def test_a_waiver_says_who_why_what_instead_and_until_when(key, tmp_path):
    error, lines = refused(tmp_path, {name: value for name, value in WAIVER.items() if name != key})
    assert f"p.yaml:{lines.index('waivers:') + 2}: waivers.0.{key}: this key is missing" in error
    if key != "expires":
        assert f"waivers.0.{key}: String should have at least 1 character" in refused(tmp_path, {**WAIVER, key: " "})[0]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"granted": date(2025, 12, 29)}, "367 days after granted 2025-12-29; a waiver holds 366 days at most"),
        ({"granted": date(2027, 1, 1)}, "lies before granted"),
        ({"expires": 20261231}, "wanted a day such as 2026-12-31, got 20261231"),
        ({"expires": "soon"}, "got 'soon'"),
        ({"ownr": "x"}, "did you mean 'owner'?"),
    ],
)
def test_a_wrong_day_or_key_is_refused_and_so_is_a_waiver_for_years(change, says, tmp_path):
    assert says in refused(tmp_path, {**WAIVER, **change})[0]


def test_366_days_are_not_too_long(tmp_path):
    longest = {**WAIVER, "granted": date(2025, 12, 30)}
    waiver = load_policy(written(tmp_path, "p.yaml", policy=[RULE], waivers=[longest])).waivers[0]
    assert (waiver.expires - waiver.granted).days == 366


def test_two_rules_never_share_an_id(tmp_path):
    with pytest.raises(SuiteError, match="rules share an id: useful"):
        load_policy(written(tmp_path, "p.yaml", policy=[RULE, RULE], waivers=[WAIVER]))


def test_a_policy_file_brings_its_waivers_into_a_suite_beside_the_suites_own(tmp_path):
    written(tmp_path, "p.yaml", policy=[RULE, PARITY], waivers=[WAIVER])
    own = {**WAIVER, "rule": "parity", "group": {"race": "black"}}
    suite = load_suite(written(tmp_path, "s.yaml", extends="finance/credit-risk", policy="p.yaml", waivers=[own])).suite
    assert [w.rule for w in suite.waivers] == ["parity", "useful"]
    alone = load_suite(written(tmp_path, "t.yaml", extends="finance/credit-risk", policy="p.yaml"))
    assert [w.rule for w in alone.suite.waivers] == ["useful"]
    inline = written(tmp_path, "u.yaml", extends="finance/credit-risk", policy=[RULE, PARITY], waivers=[WAIVER])
    assert load_suite(inline).digest == alone.digest


def test_waivers_are_inherited_with_their_policy_and_left_behind_with_it(tmp_path):
    written(tmp_path, "base.yaml", extends="finance/credit-risk", policy=[RULE], waivers=[WAIVER])
    child = load_suite(written(tmp_path, "child.yaml", extends="base.yaml", name="own/child"))
    assert [w.rule for w in child.suite.waivers] == ["useful"]
    other = load_suite(written(tmp_path, "other.yaml", extends="base.yaml", policy=[{**RULE, "at_least": 0.8}]))
    assert other.suite.waivers == []


def test_a_waiver_of_a_suite_that_fits_no_rule_names_the_suites_line(tmp_path):
    path = written(tmp_path, "s.yaml", extends="finance/credit-risk", policy=[RULE], waivers=[{**WAIVER, "rule": "x"}])
    line = path.read_text(encoding="utf-8").splitlines().index("- rule: x") + 1
    with pytest.raises(SuiteError, match=rf"s\.yaml:{line}: waivers\.0\.rule: there is no rule 'x'"):
        load_suite(path)
