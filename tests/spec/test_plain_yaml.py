import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import SuiteError
from harness.resources import resource_folder
from harness.spec.loading import load_suite
from harness.spec.plain_yaml import read_yaml


@pytest.mark.parametrize(
    "word",
    ["1:30", "190:20:30", "190:20:30.15", "017", "0o17", "0x1F", "0b11", "1_000", "1_000.5", "1e3", "007", "00",
     "yes", "No", "on", "OFF", "y", "2024-01-01", "2001-12-14t21:59:43.10-05:00", "="],
)  # fmt: skip
def test_what_is_not_plainly_a_number_or_true_or_false_is_the_text_that_was_written(word):
    assert read_yaml(f"a: {word}")[0] == {"a": word}
    assert read_yaml(f"{word}: a")[0] == {word: "a"}


@pytest.mark.parametrize(
    ("word", "value"),
    [("90", 90), ("-3", -3), ("+4", 4), ("0", 0), ("0.5", 0.5), (".5", 0.5), ("1.0e-3", 0.001), ("5.", 5.0), ("true", True),
     ("False", False), ("null", None), ("~", None), ("", None), (".inf", float("inf"))],
)  # fmt: skip
def test_plain_numbers_true_false_and_null_are_what_they_look_like(word, value):
    got = read_yaml(f"a: {word}")[0]["a"]
    assert (got, type(got)) == (value, type(value))


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text("0123456789:_.eExobyn-+ TF"),
                    lambda inner: st.lists(inner, max_size=3), max_leaves=6))  # fmt: skip
def test_what_pyyaml_writes_is_read_back(value):
    assert read_yaml(yaml.safe_dump({"a": value}))[0] == {"a": value}


def test_every_shipped_file_reads_as_it_did():
    for path in resource_folder("suites").glob("*/*.yaml"):
        text = path.read_text(encoding="utf-8")
        assert read_yaml(text)[0] == yaml.safe_load(text), path


def test_keys_merged_from_an_anchor_are_not_repeated_keys(tmp_path):
    own = "extends: finance/credit-risk\nsystem: &one {name: a, users: b}\n"
    path = tmp_path / "s.yaml"
    path.write_text(own.replace("&one {name: a, users: b}", "{<<: {name: a, users: b}, name: c}"), encoding="utf-8")
    assert load_suite(path).suite.system.name == "c"


def written(folder, old, new):
    text = (resource_folder("suites") / "finance" / "credit-risk.yaml").read_text(encoding="utf-8")
    assert old in text
    path = folder / "suite.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


NUMBERS = ["1:30", "190:20:30", "017", "1_000", "0x1F", "1e-3", "'0.7'"]


@pytest.mark.parametrize(
    ("place", "number"),
    [
        *(("at_least: 0.7", number) for number in NUMBERS),
        *(("ranges: {lvrat: [0,", number) for number in NUMBERS),
        *(("seed: 20260101\nsystem", number) for number in ("1:30", "190:20:30", "0x1F")),
    ],
)
def test_a_number_that_is_not_written_plainly_is_refused_with_advice(place, number, tmp_path):
    new = place.replace("0.7", number).replace("[0,", f"[{number},").replace("20260101", number)
    with pytest.raises(
        SuiteError, match=r"got '.*'; write the number plainly, with digits and a point and without quotes"
    ):
        load_suite(written(tmp_path, place, new))


def test_a_name_that_yaml_takes_for_a_number_or_a_truth_is_refused_with_advice(tmp_path):
    with pytest.raises(SuiteError, match='got 30; write a name in quotes: "30"'):
        load_suite(written(tmp_path, 'group: {race: "*"}', "group: {race: 30}"))
    with pytest.raises(SuiteError, match='got True; write a name in quotes: "true"'):
        load_suite(written(tmp_path, 'group: {race: "*"}', "group: {race: true}"))


def test_yes_and_no_are_names_of_classes_and_still_mean_true_and_false_where_these_are_wanted(tmp_path):
    path = written(tmp_path, 'favourable: "no"', "favourable: no")
    text = path.read_text(encoding="utf-8").replace("drop_duplicates: true", "drop_duplicates: yes")
    path.write_text(text, encoding="utf-8")
    loaded = load_suite(path).suite
    assert loaded.data.label.favourable == "no"
    assert loaded.data.drop_duplicates is True
