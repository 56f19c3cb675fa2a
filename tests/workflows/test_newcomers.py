"""Tables as newcomers bring them, each with traps for `harness init`: init, validate, fit, audit, nothing edited."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml

from harness import audit, load_suite
from harness.datasets.roles import load_dataset
from harness.errors import DataError
from harness.workflows.fit import fit
from harness.workflows.init import Wishes, init
from harness.workflows.listing import validate

ROWS = 600


def loans(rng):
    """A granted loan is true; a unique whole number that is no id; a religion of many small groups; 999 for no age."""
    risk = rng.normal(size=ROWS)
    age = rng.integers(18, 80, ROWS).astype(float)
    age[:20] = 999
    return pd.DataFrame({
        "loan_id": range(1, ROWS + 1), "genders": rng.choice(["f", "m"], ROWS), "age": age,
        "religion": [f"faith {k}" for k in rng.integers(0, 75, ROWS)],
        "income": rng.permutation(np.arange(ROWS) * 7) + np.round(4000 - 3000 * risk).astype(int) * 10_000,
        "has_house": rng.choice(["yes", "no"], ROWS), "Approved": risk + rng.normal(size=ROWS) < 0.4,
    })  # fmt: skip


def hmda(rng):
    """Two columns of one attribute, words of a denial."""
    risk = rng.normal(size=ROWS)
    return pd.DataFrame({
        "applicant_sex": rng.choice(["Male", "Female"], ROWS), "co_applicant_sex": rng.choice(["Male", "Female", "None"], ROWS),
        "applicant_race": rng.choice(["White", "Black", "Asian"], ROWS), "income": (60 - 20 * risk).round(1),
        "amount": (200 + 30 * rng.normal(size=ROWS)).round(1),
        "action": np.where(risk + rng.normal(size=ROWS) > 0.5, "denied", "originated"),
    })  # fmt: skip


def failures(rng):
    """An error code that exists after a failure only, and a repair date likewise for some; no person is described."""
    heat = rng.normal(size=ROWS)
    failed = heat + rng.normal(size=ROWS) > 0.8
    some = failed & (rng.random(ROWS) < 0.6)
    return pd.DataFrame({
        "machine": rng.choice(list("ABCDEFG"), ROWS), "heat": (300 + 5 * heat).round(2), "speed": rng.normal(1500, 100, ROWS).round(),
        "error_code": np.where(failed, 17.0, np.nan), "repaired": np.where(some, "2024-03-05", None),
        "ticket_id": np.where(failed, [f"T{i}" for i in range(ROWS)], None), "failure": failed.astype(int),
    })  # fmt: skip


def chinese(rng):
    """Dates of birth, a bare question, days overdue that give the label away."""
    risk = rng.normal(size=ROWS)
    bad = risk + rng.normal(size=ROWS) > 0.5
    years = rng.integers(1950, 2004, ROWS)
    return pd.DataFrame({
        "性別": rng.choice(["男", "女"], ROWS), "出生日期": [f"{y}-05-{1 + y % 28:02d}" for y in years],
        "收入": (8000 - 2000 * risk).round(1),
        "是否违约": np.where(bad, "是", "否"), "逾期天数": np.where(bad, rng.integers(30, 90, ROWS), 0),
        "是否有房": rng.choice(["是", "否"], ROWS),
    })  # fmt: skip


def texts(rng):
    """Nothing but a text and its label."""
    words = {
        "refund": "please pay back my money for the broken kettle number",
        "other": "thank you for the quick delivery of parcel number",
    }
    labels = rng.choice(list(words), ROWS, p=[0.4, 0.6])
    mixed = np.where(rng.random(ROWS) < 0.2, rng.choice(list(words), ROWS), labels)
    return pd.DataFrame({"the message": [f"{words[w]} {i}" for i, w in enumerate(mixed)], "label": labels})


def texts_of_people(rng):
    """A text, its label, and who wrote it."""
    return texts(rng).assign(gender=rng.choice(["f", "m"], ROWS))


def unlabelled(rng):
    """38 loans that are not decided yet."""
    table = loans(rng).drop(columns=["religion"])
    table["Approved"] = table["Approved"].map({True: "yes", False: "no"})
    table.loc[rng.choice(ROWS, 38, replace=False), "Approved"] = None
    return table


def multiclass(rng):
    """Three classes, none of which is good for anybody, and a gender."""
    size = rng.normal(size=ROWS)
    kind = np.select(
        [size + 0.5 * rng.normal(size=ROWS) > 0.6, size + 0.5 * rng.normal(size=ROWS) < -0.6],
        ["large", "small"],
        "medium",
    )
    return pd.DataFrame(
        {
            "size": size.round(3),
            "gender": rng.choice(["f", "m"], ROWS),
            "weight": rng.normal(size=ROWS).round(3),
            "segment": kind,
        }
    )


AWKWARD = {
    "loans": loans, "hmda": hmda, "failures": failures, "客户": chinese, "texts": texts, "texts of people": texts_of_people, "unlabelled": unlabelled,
    "multiclass": multiclass,
}  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Each table as a CSV file beside the suite that init wrote for it, and what it said, by the table's name."""
    folder, found = tmp_path_factory.mktemp("newcomers"), {}
    for seed, (name, make) in enumerate(AWKWARD.items()):
        make(np.random.default_rng(seed)).to_csv(folder / f"{name}.csv", index=False)
        found[name] = (folder / f"{name}.yaml", init(folder / f"{name}.csv", folder / f"{name}.yaml", Wishes()))
    return found


@pytest.fixture(scope="module")
def documents(written):
    return {name: yaml.safe_load(starter.text) for name, (_, starter) in written.items()}


@pytest.mark.parametrize("name", AWKWARD)
def test_init_validate_fit_and_audit_run_unedited(written, name, tmp_path):
    suite, _ = written[name]
    validate(str(suite))
    base = "sklearn:tfidf" if "texts" in name else "sklearn:logistic-regression"
    fit(suite, base, tmp_path / "m")
    record = audit(suite, str(tmp_path / "m"))
    assert {r.check for r in record.records if r.status != "measured"} == set()
    rule = "useful" if name != "multiclass" else "better-than-guessing"
    useful = next(d for d in record.verdict.decisions if d.rule_id == rule)
    assert useful.outcome == "pass"
    assert (0.6 if name != "multiclass" else 0.1) < useful.observed < 0.95
    counted = [f for r in record.records for f in r.findings if f.measure == "data.unlabelled_rows"]
    assert [(f.value, f.n) for f in counted] == ([(38, ROWS)] if name == "unlabelled" else [])


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("loans", {"column": "Approved", "positive": "True", "favourable": "True"}),
        ("hmda", {"column": "action", "positive": "denied", "favourable": "originated"}),
        ("failures", {"column": "failure", "positive": "1", "favourable": "0"}),
        ("客户", {"column": "是否违约", "positive": "是", "favourable": "否"}),
        ("texts", {"column": "label", "positive": "refund"}),
        ("texts of people", {"column": "label", "positive": "refund"}),
        ("unlabelled", {"column": "Approved", "positive": "yes", "favourable": "yes", "missing": "leave_out"}),
        ("multiclass", {"column": "segment"}),
    ],
)
def test_the_label_and_its_good_class_are_the_right_ones(documents, name, label):
    assert documents[name]["data"]["label"] == label


def test_two_columns_of_one_attribute_get_keys_and_rules_of_their_own(documents):
    assert list(documents["hmda"]["data"]["sensitive"]) == ["applicant_sex", "co_applicant_sex", "race"]
    ids = [rule["id"] for rule in documents["hmda"]["policy"]]
    assert len(set(ids)) == len(ids)
    assert {"four-fifths-applicant-sex", "four-fifths-co-applicant-sex"} <= set(ids)


def test_keys_that_would_be_equal_are_numbered(tmp_path):
    table = hmda(np.random.default_rng(0)).rename(columns={"applicant_race": "co.applicant-sex"})
    table.to_csv(tmp_path / "h.csv", index=False)
    init(tmp_path / "h.csv", tmp_path / "h.yaml", Wishes())
    loaded = validate(str(tmp_path / "h.yaml")).suite
    assert list(loaded.data.sensitive) == ["applicant_sex", "co_applicant_sex", "co_applicant_sex_2"]


def test_codes_of_groups_are_no_numbers_to_cut_and_ages_are(tmp_path):
    table = hmda(np.random.default_rng(0)).assign(
        religion=np.arange(ROWS) % 12, yob=1940 + np.arange(ROWS) % 60, married=np.arange(ROWS) / 7
    )
    table.to_csv(tmp_path / "h.csv", index=False)
    init(tmp_path / "h.csv", tmp_path / "h.yaml", Wishes())
    sensitive = validate(str(tmp_path / "h.yaml")).suite.data.sensitive
    assert sensitive["religion"].bins is None
    assert sensitive["age"].bins == [1940, 1960, 1979, 2000]
    assert len(sensitive["marital_status"].bins) == 4  # a share, not a code


def test_ages_are_cut_without_the_number_that_means_missing(documents):
    data = documents["loans"]["data"]
    assert data["missing"] == {"age": [999]}
    assert data["sensitive"]["age"]["bins"][-1] == 80


def test_what_tells_the_label_is_no_feature_and_gets_no_missing_words(documents, written):
    assert documents["failures"]["data"]["features"] == ["machine", "heat", "speed"]
    assert "missing" not in documents["客户"]["data"]
    warnings = "\n".join(written["failures"][1].warnings)
    for column in ("error_code", "repaired", "ticket_id"):
        assert f"'{column}' " in warnings
    assert "constant" not in written["failures"][1].text


def test_dates_of_birth_are_told_where_no_age_is_known(written):
    _, starter = written["客户"]
    assert any("'出生日期' holds dates of birth" in line for line in starter.decide)
    assert "# '出生日期' holds dates of birth" in starter.text


def test_dates_of_birth_need_no_word_where_the_age_is_known_too(tmp_path):
    table = chinese(np.random.default_rng(0))
    table.assign(年龄段=np.resize(["青年", "中年"], ROWS), 出生年份=1960 + np.arange(ROWS) % 40).to_csv(
        tmp_path / "c.csv", index=False
    )
    starter = init(tmp_path / "c.csv", tmp_path / "c.yaml", Wishes())
    assert "holds dates of birth" not in starter.text
    assert list(validate(str(tmp_path / "c.yaml")).suite.data.sensitive) == ["sex", "年龄段", "出生年份"]


def test_a_regulated_column_that_tells_the_label_is_no_feature_but_its_bias_is_measured(tmp_path):
    table = hmda(np.random.default_rng(0))
    table.assign(gender=np.where(table["action"] == "denied", "f", "m")).to_csv(tmp_path / "h.csv", index=False)
    init(tmp_path / "h.csv", tmp_path / "h.yaml", Wishes())
    data = validate(str(tmp_path / "h.yaml")).suite.data
    assert "gender" not in data.features
    assert "gender" in data.sensitive


def test_classes_of_a_few_rows_are_told_with_what_to_do(tmp_path):
    table = hmda(np.random.default_rng(0))
    table.loc[:2, "action"] = "lost"
    table.to_csv(tmp_path / "h.csv", index=False)
    starter = init(tmp_path / "h.csv", tmp_path / "h.yaml", Wishes())
    assert any("Few rows have the label 'lost'" in warning for warning in starter.warnings)
    text = starter.text.replace("  label: {", '  missing: {"action": ["lost"]}\n  label: {missing: leave_out, ')
    (tmp_path / "h.yaml").write_text(text, encoding="utf-8")
    assert load_dataset(validate(str(tmp_path / "h.yaml"))).unlabelled == 3
    clean = init(tmp_path / "h.csv", tmp_path / "c.yaml", Wishes(label="applicant_race"))
    assert not any("Few rows" in warning for warning in clean.warnings)


def test_cells_of_lists_are_left_out_and_told(tmp_path):
    lines = [json.dumps({"x": k * 1.5, "tags": ["a", "b"], "label": k % 2}) for k in range(60)]
    (tmp_path / "d.jsonl").write_text("\n".join(lines), encoding="utf-8")
    starter = init(tmp_path / "d.jsonl", tmp_path / "d.yaml", Wishes())
    assert validate(str(tmp_path / "d.yaml")).suite.data.features == ["x"]
    assert any("'tags' was left out" in warning for warning in starter.warnings)
    assert '# left out: "tags"' in starter.text


def test_what_is_named_sensitive_is_never_the_label(tmp_path):
    hmda(np.random.default_rng(0)).to_csv(tmp_path / "h.csv", index=False)
    with pytest.raises(DataError, match="'action' is the label, so it can't be sensitive too"):
        init(tmp_path / "h.csv", tmp_path / "h.yaml", Wishes(label="action", sensitive=("action",)))
    with pytest.raises(DataError, match="No column looks like a label"):
        init(tmp_path / "h.csv", tmp_path / "h.yaml", Wishes(sensitive=("action", "amount")))


def test_one_good_class_of_several_is_judged_for_bias(tmp_path):
    table = hmda(np.random.default_rng(0))
    table["action"] = np.where(
        table["action"] == "denied", "denied", np.resize(["approved", "withdrawn", "approved"], ROWS)
    )
    table.to_csv(tmp_path / "h.csv", index=False)
    init(tmp_path / "h.csv", tmp_path / "h.yaml", Wishes())
    fit(tmp_path / "h.yaml", "sklearn:logistic-regression", tmp_path / "m")
    record = audit(tmp_path / "h.yaml", str(tmp_path / "m"))
    assert load_suite(tmp_path / "h.yaml").suite.data.label.favourable == "approved"
    assert {r.check: r.status for r in record.records}["bias.groups"] == "measured"
    assert any(d.rule_id == "four-fifths-race" and d.observed for d in record.verdict.decisions)


def test_a_text_is_the_feature_where_nothing_else_is(documents):
    assert documents["texts"]["data"]["features"] == ["the message"]
    assert documents["texts"]["views"]["text"] == '{{ row["the message"] }}'
    people = documents["texts of people"]["data"]
    assert (people["features"], list(people["sensitive"])) == (["the message"], ["sex"])


def test_without_a_good_class_no_bias_is_judged_and_the_file_and_the_screen_say_why(documents, written):
    _, starter = written["multiclass"]
    document = documents["multiclass"]
    assert not any("bias." in str(rule) for rule in document["policy"])
    assert {"bias.groups": {"minimum_group": 30}} in document["checks"]
    assert any(
        "No rule on bias was written: neither the label's name nor its classes say" in w for w in starter.warnings
    )
    assert "none is written: neither the label's name nor its classes say" in starter.text


def test_many_small_groups_stay_sensitive_and_are_told(documents, written):
    assert "religion" in documents["loans"]["data"]["sensitive"]
    assert any("75 of its 75 groups will have fewer than 30 test rows" in w for w in written["loans"][1].warnings)


def test_every_decision_and_every_reason_stands_in_the_file(written):
    for _, starter in written.values():
        for line in [*starter.decide, *starter.warnings]:
            assert f"# - {line}\n" in starter.text
    text = written["loans"][1].text
    for reason in (
        "# label: its name is that of an outcome, and it has two values",
        "# positive: it is the yes of the two",
        "the label's name is that of a good outcome",
        '"genders"  # sensitive (sex), and the model reads it: decide whether it may',
        '"income"  # number, 600 values',
        'id: "loan_id"  # every value stands once',
        "# split: a small table",
    ):
        assert reason in text


def test_a_table_of_which_nothing_is_left_to_learn_from_is_refused(tmp_path):
    yes = np.resize([1, 0], ROWS)
    pd.DataFrame({"copy": yes, "same": 1, "default": yes}).to_csv(tmp_path / "d.csv", index=False)
    with pytest.raises(DataError, match=r"No column is left.*'copy': alone tells the label.*'same': every row holds"):
        init(tmp_path / "d.csv", tmp_path / "d.yaml", Wishes(label="default"))
    assert not (tmp_path / "d.yaml").exists()


def test_a_header_of_numbers_is_told(tmp_path):
    rng = np.random.default_rng(0)
    pd.DataFrame({"1": rng.normal(size=60), "5.1": np.resize([0, 1], 60)}).to_csv(tmp_path / "d.csv", index=False)
    starter = init(tmp_path / "d.csv", tmp_path / "d.yaml", Wishes())
    assert "holds numbers only" in starter.warnings[0]
    validate(str(tmp_path / "d.yaml"))


@pytest.mark.parametrize(
    "name", ["a: b # c", 'the "best"', "new\nline", "{{ x }}", "- x", "a\u2028b", "50 %", "'", "\x7f\u0085", "é 收"]
)
def test_no_name_of_a_column_breaks_the_suite(name, tmp_path):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({
        name: rng.normal(size=80), f"{name} sex": rng.choice(["f", "m"], 80), f"{name} of": [f"a long text about the case number {k}" for k in range(80)],
        f"default {name}": rng.choice(["yes", "no"], 80),
    })  # fmt: skip
    table.to_parquet(tmp_path / "d.parquet")
    init(tmp_path / "d.parquet", tmp_path / "d.yaml", Wishes())
    assert validate(str(tmp_path / "d.yaml")).suite.data.features == [name.strip(), f"{name} sex"]  # \x85 is a blank
    table.drop(columns=[name, f"{name} sex"]).to_parquet(tmp_path / "t.parquet")
    init(tmp_path / "t.parquet", tmp_path / "t.yaml", Wishes())
    fit(tmp_path / "t.yaml", "sklearn:tfidf", tmp_path / "m")
