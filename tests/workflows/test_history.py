"""harness history on three real runs of one suite with three models."""

import csv
import json
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from harness.datasets.roles import load_dataset
from harness.engine.progress import silent
from harness.errors import IntegrityError, UserError
from harness.spec.loading import load_suite
from harness.workflows.history import Chosen, differences, list_runs, open_runs, trend

AUC = "performance.roc_auc"
EVERY = Chosen()


def rows(table):
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def finding(record, measure):
    return next(f for r in record.records for f in r.findings if f.measure == measure)


def harness(folder, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "harness.cli", "history", *arguments], capture_output=True, text=True, cwd=folder
    )


def test_the_table_has_each_run_with_what_its_policy_judges(history_folder):
    folder, records = history_folder
    listed = rows(list_runs(open_runs(folder / "runs", silent), EVERY))
    assert [row["model"] for row in listed] == ["one", "two", "three"]
    for row, record in zip(listed, records.values(), strict=True):
        auc = finding(record, AUC)
        assert row["run"] == f"small-{row['model']}-{record.digest[7:15]}"
        assert (row["suite"], row["version"], row["verdict"]) == ("small", "1", record.verdict.outcome)
        first, second = row["measures"].split("; ")
        assert first == f"{AUC} {auc.value:.3f} ({auc.interval.low:.3f} to {auc.interval.high:.3f}, n 950)"
        assert second.startswith("performance.informedness ")


def test_the_trend_has_the_records_values_and_the_change_from_the_run_before(history_folder):
    folder, records = history_folder
    points = rows(trend(open_runs(folder / "runs", silent), AUC, EVERY))
    found = [finding(record, AUC) for record in records.values()]
    assert [(p["value"], p["low"], p["high"], p["n"]) for p in points] == [
        (f.value, f.interval.low, f.interval.high, 950) for f in found
    ]
    assert points[0]["change"] is None
    assert points[2]["change"] == pytest.approx(found[2].value - found[1].value)
    assert points[2]["note"] == "intervals overlap"


def test_a_model_that_became_useless_lies_apart_and_other_rows_are_said(history_folder, run_in):
    folder, _ = history_folder
    test = load_dataset(load_suite(folder / "small.yaml")).splits["test"]
    blind = pd.DataFrame({"id": test.ids, "score": np.random.default_rng(0).uniform(0, 1, len(test))})
    blind.to_csv(folder / "blind.csv", index=False)
    run_in(folder, "small.yaml", "blind.csv")
    assert rows(trend(open_runs(folder / "runs", silent), AUC, EVERY))[-1]["note"] == "intervals apart"
    text = (folder / "small.yaml").read_text(encoding="utf-8")
    (folder / "small.yaml").write_text(f"{text}\ndata: {{split: {{test: 0.3}}}}", encoding="utf-8")
    run_in(folder, "small.yaml", "one/model.skops")
    points = rows(trend(open_runs(folder / "runs", silent), AUC, EVERY))
    assert points[-1]["note"] == "intervals apart, the suite changed, other test rows"


def test_runs_of_one_second_are_told_apart(history_folder):
    _, records = history_folder
    assert all(re.fullmatch(r"[\d-]{10}T[\d:]{8}\.\d{3}\+00:00", record.started) for record in records.values())


def test_each_thing_that_a_measure_is_about_has_its_own_trend(history_folder):
    folder, _ = history_folder
    points = rows(trend(open_runs(folder / "runs", silent), "performance.recall", EVERY))
    assert [(p["about"], p["model"]) for p in points] == [
        (f"class: {name}", model) for name in ("no", "yes") for model in ("one", "two", "three")
    ]


def test_runs_are_chosen_by_suite_and_by_a_models_name_or_fingerprint(history_folder):
    folder, records = history_folder
    index = open_runs(folder / "runs", silent)
    for model in ("two", records["two"].model.fingerprint):
        assert [row["model"] for row in rows(list_runs(index, Chosen("small", model)))] == ["two"]
    for chosen, wanted in ((Chosen("smal"), "Did you mean small?"), (Chosen(model="tow"), "Did you mean two?")):
        with pytest.raises(UserError, match=wanted.replace("?", r"\?")):
            list_runs(index, chosen)


def test_a_relaxed_policy_shows_in_the_difference_with_its_amount(history_folder, run_in):
    folder, records = history_folder
    text = (
        (folder / "small.yaml").read_text(encoding="utf-8").replace("0.70", "0.68").replace("version: 1", "version: 2")
    )
    (folder / "small.yaml").write_text(text, encoding="utf-8")
    record, run = run_in(folder, "small.yaml", "one")
    index = open_runs(folder / "runs", silent)
    first = f"small-one-{records['one'].digest[7:15]}"
    found = [tuple(row) for row in differences(index, folder / "runs", first, record.digest[7:]).rows]
    assert ("policy", "useful: performance.roc_auc at least 0.7 → 0.68: relaxed by 0.02") in found
    assert ("suite", "version 1 → 2") in found
    assert {about for about, _ in found} == {"policy", "suite"}
    same = differences(index, folder / "runs", f"{folder / 'runs'}/{run.name}", run.name[:-1])
    assert same.rows == []


@pytest.mark.parametrize(
    ("name", "why"), [("small-", "3 runs begin so"), ("smal-one", "there is none"), ("", "3 runs")]
)
def test_a_name_that_is_not_of_one_run_is_refused(history_folder, name, why):
    folder, _ = history_folder
    with pytest.raises(UserError, match=why):
        differences(open_runs(folder / "runs", silent), folder / "runs", name, "small-one")


def test_a_damaged_record_is_listed_as_such_and_not_compared(history_folder):
    folder, records = history_folder
    name = f"small-two-{records['two'].digest[7:15]}"
    path = folder / "runs" / name / "audit.json"
    body = json.loads(path.read_text(encoding="utf-8"))
    next(f for r in body["records"] for f in r["findings"] if f["measure"] == AUC)["value"] = 0.99
    path.write_text(json.dumps(body), encoding="utf-8")
    index = open_runs(folder / "runs", silent)
    listed = rows(list_runs(index, EVERY))
    assert [row["model"] for row in listed] == ["one", "three", None]
    assert (listed[2]["run"], listed[2]["verdict"]) == (name, "damaged")
    assert [p["model"] for p in rows(trend(index, AUC, EVERY))] == ["one", "three"]
    with pytest.raises(IntegrityError, match="do not match"):
        differences(index, folder / "runs", "small-one", name)


def test_the_command_prints_the_table_and_says_what_it_left_out(history_folder):
    folder, _ = history_folder
    (folder / "runs" / "notes").mkdir()
    done = harness(folder)
    assert done.returncode == 0, done.stderr
    head, *lines = done.stdout.splitlines()
    assert head.split() == [
        *("run", "started", "suite", "version", "model", "verdict", "earlier_audits", "measures"),
    ]
    assert len(lines) == 3
    assert done.stderr.strip() == "runs/notes holds no audit.json: left out"
    rebuilt = harness(folder, "runs", "--rebuild")
    assert rebuilt.stdout == done.stdout


def test_the_command_writes_the_trend_at_full_precision(history_folder):
    folder, records = history_folder
    done = harness(folder, "--measure", AUC, "-o", "t.csv", "-o", "t.json")
    assert "Intervals apart: the change is beyond chance" in done.stdout
    wanted = [finding(record, AUC).value for record in records.values()]
    with (folder / "t.csv").open(encoding="utf-8") as stream:
        assert [float(row["value"]) for row in csv.DictReader(stream)] == wanted
    assert [row["value"] for row in json.loads((folder / "t.json").read_text(encoding="utf-8"))] == wanted


def test_the_command_refuses_what_it_cant_answer(history_folder):
    folder, _ = history_folder
    for arguments, wanted in (
        (["nowhere"], "There is no folder nowhere"),
        (["--measure", "performance.roc_aux"], "Did you mean performance.roc_auc?"),
        (["-o", "t.txt"], "Wanted a path ending in .csv or .json"),
        (["--diff", "a", "b", "--suite", "small"], "Leave --suite, --model and --measure out"),
    ):
        done = harness(folder, *arguments)
        assert (done.returncode, done.stdout) == (2, "")
        assert wanted in done.stderr
