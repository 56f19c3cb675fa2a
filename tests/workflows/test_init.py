"""Starter suites for files that the harness has never seen, in the shape of real exports."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import yaml

from harness import audit, load_suite
from harness.datasets.reading import read_guessed
from harness.datasets.roles import load_dataset
from harness.errors import DataError
from harness.workflows.fit import fit
from harness.workflows.init import Wishes, init
from harness.workflows.listing import validate

ROWS = 600


def german(value):
    return f"{value:,.2f}".replace(",", "X").replace(".", ",").replace("X", ".")


@pytest.fixture(scope="module")
def exports(tmp_path_factory):
    """A German bank's export, a Chinese one, and visits of patients; each with a trap."""
    folder, rng = tmp_path_factory.mktemp("exports"), np.random.default_rng(0)
    risk = rng.normal(size=ROWS)
    bad = risk + rng.normal(0, 1, ROWS) > 0.5
    pd.DataFrame({
        "Kunden-Nr": [f"K{i:05d}" for i in range(ROWS)],
        "Antragsdatum": [f"{d:02d}.{m:02d}.2023" for d, m in zip(rng.integers(1, 28, ROWS), rng.integers(1, 13, ROWS), strict=True)],
        "Einkommen": [german(3000 - 700 * r) for r in risk], "Gender": rng.choice(["m", "w", "ü"], ROWS),
        "Mahnstufe": np.where(bad, rng.integers(2, 4, ROWS), 0), "Zweck": rng.choice(["Auto", "Häuser", "Reise"], ROWS),
        "Ausfall": np.where(bad, "ja", "nein"),
    }).to_csv(folder / "bank.csv", sep=";", index=False, encoding="latin-1")  # fmt: skip
    pd.DataFrame({
        "编号": range(1, ROWS + 1), "性别": rng.choice(["男", "女"], ROWS), "年龄": rng.integers(18, 70, ROWS),
        "收入": (8000 - 1500 * risk).round(1),
        "备注": [f"客户来电咨询贷款事宜并说明其收入情况以及家庭情况，工作人员已经做了记录第{i}号" for i in range(ROWS)],
        "逾期天数": np.where(bad, rng.integers(30, 90, ROWS), 0), "是否违约": np.where(bad, "是", "否"),
    }).to_csv(folder / "客户.csv", index=False, encoding="gb18030")  # fmt: skip
    pd.DataFrame({
        "patient_id": np.repeat(np.arange(ROWS // 3), 3),
        "visit_date": pd.date_range("2020-01-01", periods=ROWS).strftime("%Y-%m-%d"),
        "bp": np.where(rng.random(ROWS) < 0.05, -999, rng.normal(130, 15, ROWS).round(1)),
        "chol": rng.normal(200 + 20 * risk, 30).round(1), "ethnicity": rng.choice(["A", "B", "C"], ROWS, p=[0.6, 0.3, 0.1]),
        "site": "north", "letter_code": np.where(bad, "d", "h"), "outcome": bad.astype(int),
    }).to_csv(folder / "visits.csv", index=False)  # fmt: skip
    return folder


LEAK = {"bank.csv": "Mahnstufe", "客户.csv": "逾期天数", "visits.csv": "letter_code"}
SENSITIVE = {"bank.csv": {"sex"}, "客户.csv": {"sex", "age"}, "visits.csv": {"race"}}


@pytest.mark.parametrize("name", LEAK)
def test_a_file_never_seen_gives_a_suite_that_validates_and_audits_unedited_and_warns_of_the_leak(
    exports, name, tmp_path
):
    starter = init(exports / name, tmp_path / "suite.yaml", Wishes())
    assert any(repr(LEAK[name]) in warning and "leak" in warning for warning in starter.warnings)
    suite = validate(str(tmp_path / "suite.yaml")).suite
    assert LEAK[name] not in suite.data.features
    assert set(suite.data.sensitive) == SENSITIVE[name]
    fit(tmp_path / "suite.yaml", "sklearn:logistic-regression", tmp_path / "m")
    record = audit(tmp_path / "suite.yaml", str(tmp_path / "m"))
    assert {r.status for r in record.records} == {"measured"}
    auc = next(f for r in record.records for f in r.findings if f.measure == "performance.roc_auc")
    assert 0.6 < auc.value < 0.95


def test_each_role_is_guessed_and_its_reason_stands_in_the_file(exports, tmp_path):
    init(exports / "visits.csv", tmp_path / "s.yaml", Wishes())
    text = (tmp_path / "s.yaml").read_text(encoding="utf-8")
    data = load_suite(tmp_path / "s.yaml").suite.data
    assert data.split.group == "patient_id"
    assert data.missing == {"bp": [-999]}
    for reason in (
        "(date: its values are dates",
        "(constant: every row",
        "(group: an id that repeats",
        "regulated attribute",
    ):
        assert reason in text


def test_a_table_is_read_as_it_is_written(exports):
    read = read_guessed(exports / "bank.csv")[1].read
    assert (read.separator, read.decimal, read.thousands, read.encoding) == (";", ",", ".", "latin-1")
    assert read_guessed(exports / "客户.csv")[1].read.encoding == "gb18030"
    assert read_guessed(exports / "visits.csv")[1].read.encoding == "utf-8"


AWKWARD = {
    "unicode.txt": ("utf-16", "\t", "{0},5", "result\tx", 1),
    "euro.csv": ("windows-1252", ";", "1.2{0:02d},50 €", "result;x", 1),
    "dollar.csv": ("utf-8", ",", '"$1,2{0:02d}.50"', "result,x", 1),
    "gaps.csv": ("utf-8", ",", "{0}.5", "result,x", 13),
    "end.csv": ("utf-8", ";", "{0}.5;;", "result;x;;", 1),
}


@pytest.mark.parametrize("name", AWKWARD)
def test_an_awkward_export_is_read_with_the_same_numbers_by_init_and_by_audit(tmp_path, name):
    encoding, separator, written, header, every = AWKWARD[name]
    rng = np.random.default_rng(1)
    numbers = rng.integers(10, 90, 200)
    labels = np.where(numbers + rng.normal(0, 25, 200) > 50, "ja", "nein")
    cells = [written.format(n) if every == 1 or i % every else "?" for i, n in enumerate(numbers)]
    own = zip(range(7000, 7200), labels, cells, strict=True)
    lines = [f"z{separator}{header}", *(separator.join(map(str, row)) for row in own)]
    (tmp_path / name).write_bytes("\n".join([*lines, "", ""]).encode(encoding))
    init(tmp_path / name, tmp_path / "s.yaml", Wishes())
    loaded = validate(str(tmp_path / "s.yaml"))
    test = load_dataset(loaded).splits["test"]
    offset = 1200.5 if "1" in written else 0.5
    for row, number in zip(test.ids.astype(int) - 7000, test.inputs["x"], strict=True):
        assert number == numbers[row] + offset if every == 1 or row % every else np.isnan(number)
    fit(tmp_path / "s.yaml", "sklearn:logistic-regression", tmp_path / "m")
    record = audit(tmp_path / "s.yaml", str(tmp_path / "m"))
    assert [r.check for r in record.records if r.status == "error"] == []
    assert any(f.measure == "performance.roc_auc" and f.value > 0.6 for r in record.records for f in r.findings)


def test_what_is_doubtful_about_the_reading_is_printed_and_stands_in_the_file(tmp_path):
    rows = "".join(
        f'{{"x": {i}, "crp": {f"{i}.5" if i % 9 else chr(34) + "<1" + chr(34)}, "tags": ["a"], "y": {i % 2}}}\n'
        for i in range(99)
    )
    (tmp_path / "t.jsonl").write_text(rows, encoding="utf-8")
    starter = init(tmp_path / "t.jsonl", tmp_path / "s.yaml", Wishes(label="y"))
    assert "'tags' was left out: it holds lists or records." in starter.warnings
    assert any("'crp' is a number in 88 of 99 filled cells, but not in '<1' (11)" in line for line in starter.warnings)
    assert '# left out: "tags" (it holds lists or records)' in (tmp_path / "s.yaml").read_text(encoding="utf-8")


def test_what_the_user_says_is_taken_as_said(exports, tmp_path):
    wishes = Wishes(label="outcome", positive="0", favourable="1", sensitive=("chol",))
    starter = init(exports / "visits.csv", tmp_path / "s.yaml", wishes)
    document = yaml.safe_load((tmp_path / "s.yaml").read_text(encoding="utf-8"))
    assert document["data"]["label"] == {"column": "outcome", "positive": "0", "favourable": "1"}
    assert document["data"]["sensitive"]["chol"]["column"] == "chol"
    assert not any("label" in line for line in starter.decide)


def test_a_label_of_many_numbers_is_predicted_itself_or_cut_where_the_user_says(exports, tmp_path):
    init(exports / "visits.csv", tmp_path / "s.yaml", Wishes(label="chol"))
    assert load_suite(tmp_path / "s.yaml").suite.task == "regression"
    with pytest.raises(DataError, match="is no number"):
        init(exports / "visits.csv", tmp_path / "t.yaml", Wishes(label="chol", positive="high"))
    init(exports / "visits.csv", tmp_path / "t.yaml", Wishes(label="chol", positive="220"))
    label = load_suite(tmp_path / "t.yaml").suite.data.label
    assert (label.positive.at_least, label.favourable) == (220, None)  # "chol" says not which end is good


@pytest.mark.parametrize(
    ("wishes", "says"),
    [
        (Wishes(label="nothing"), "There is no column 'nothing'"),
        (Wishes(positive="perhaps"), "is no class of"),
        (Wishes(favourable="perhaps"), "is no class"),
        (Wishes(label="site"), "one class only"),
    ],
)
def test_a_wish_that_does_not_fit_is_refused(exports, tmp_path, wishes, says):
    with pytest.raises(DataError, match=says):
        init(exports / "visits.csv", tmp_path / "s.yaml", wishes)


def test_the_verb_says_what_to_decide_by_hand(exports, tmp_path):
    command = [
        sys.executable,
        "-m",
        "harness.cli",
        "init",
        "--data",
        str(exports / "bank.csv"),
        "-o",
        str(tmp_path / "s.yaml"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "200"})
    assert "Decide by hand:" in done.stdout
    assert "'Mahnstufe' alone tells the label" in done.stderr
    (tmp_path / "s.yaml").write_text("mine", encoding="utf-8")
    again = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "COLUMNS": "200"})
    assert (again.returncode, (tmp_path / "s.yaml").read_text(encoding="utf-8")) == (2, "mine")
    assert "is there already" in again.stderr
    assert "--force" in again.stderr
    assert "Traceback" not in again.stderr
    subprocess.run([*command, "--force"], capture_output=True, check=True)
    assert load_suite(tmp_path / "s.yaml").suite.data.label.column == "Ausfall"


def test_a_frequent_word_for_missing_is_kept_as_a_class_or_group_and_asked_about(tmp_path):
    rng, n = np.random.default_rng(0), 300
    table = pd.DataFrame({
        "load": rng.normal(size=n).round(3), "site": np.where(np.arange(n) % 5 == 0, "None", "east"),
        "sex": np.where(np.arange(n) % 50 == 0, "None", rng.choice(["f", "m"], n)),
        "fault": rng.choice(["None", "Power", "Heat"], n, p=[0.6, 0.2, 0.2]),
    })  # fmt: skip
    table.to_csv(tmp_path / "f.csv", index=False)
    found = init(tmp_path / "f.csv", tmp_path / "f.yaml", Wishes(label="fault"))
    (asked,) = [line for line in found.decide if "The word 'None'" in line]
    assert "in 'fault' (" in asked and "kept as a class" in asked and "data.read.missing_words" in asked
    loaded = validate(str(tmp_path / "f.yaml"))
    assert "None" not in loaded.suite.data.read.missing_words
    assert loaded.suite.data.missing["site"] == ["None"]  # elsewhere it still means 'missing'
    data = load_dataset(loaded)
    assert data.classes == ("Heat", "None", "Power")
    rare = table.assign(fault=np.where(np.arange(n) % 50 == 0, "None", rng.choice(["Power", "Heat"], n)))
    rare.to_csv(tmp_path / "r.csv", index=False)
    found = init(tmp_path / "r.csv", tmp_path / "r.yaml", Wishes(label="fault"))
    assert not [line for line in found.decide if "The word" in line]
    assert [line for line in found.warnings if "'None' (6 cells) means 'missing' in 'fault'" in line]


def test_codes_of_a_label_keep_their_zeros_and_blanks_are_told(tmp_path):
    rows = [f"{k}, {k % 7}, {'01' if k % 3 else '02'}" for k in range(200)]
    (tmp_path / "c.csv").write_text("x, load, decision\n" + "\n".join(rows) + "\n")
    found = init(tmp_path / "c.csv", tmp_path / "c.yaml", Wishes(label="decision"))
    assert validate(str(tmp_path / "c.yaml")).suite.data.label.positive == "02"
    assert [
        line for line in found.warnings if line.startswith("Blanks around cells are cut off, in 'decision' (200 cells)")
    ]
