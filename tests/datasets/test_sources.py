"""Names instead of files: readers of installed packages, what they may give, and the digest of what was loaded."""

import hashlib

import numpy as np
import pandas as pd
import pytest
import yaml

from harness.datasets.roles import DataOptions, load_dataset
from harness.datasets.sources import read_source
from harness.errors import DataError
from harness.spec.loading import load_suite
from harness.workflows.init import Wishes, init
from harness.workflows.listing import validate

READER = """
import pandas as pd

def read_acme(source):
    name = source.partition(":")[2]
    if name == "nothing":
        return None
    if name == "twice":
        return pd.DataFrame([[1, 2]], columns=["a", "a"])
    if name == "texts":
        granted, region = ["yes", "no", None] * 20, ["north", None] * 30
        income = [" 1", "2", None] * 20
        return pd.DataFrame({
            "granted": pd.array(granted, dtype="string"),
            "region": pd.Series(region, dtype=object).map(lambda cell: pd.NA if cell is None else cell),
            "income": pd.array(income, dtype="string"),
        })
    n = 40 if name == "loans" else 0
    table = pd.DataFrame({
        "income": pd.array([None, *range(1, n)] if n else [], dtype="Int64"),
        "debt": pd.array(range(n), dtype="Int32"),
        "region": pd.Categorical(["north", "south"] * (n // 2)),
        "owner": pd.array([True, None] * (n // 2), dtype="boolean"),
        "granted": ["yes", "no"] * (n // 2),
    })
    table.attrs["source"] = "acme:loans@7"
    return table
"""
SUITE = {
    "name": "own/loans",
    "vertical": "finance",
    "checks": ["data.quality"],
    "data": {
        "source": "acme:loans",
        "label": {"column": "granted", "positive": "yes"},
        "features": ["income", "debt", "region", "owner"],
        "split": {"test": 0.5},
    },
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package with a reader, as pip leaves one on the path."""
    folder = tmp_path / "site"
    told = folder / "acme_data-1.0.dist-info"
    told.mkdir(parents=True)
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-data\nVersion: 1.0\n", encoding="utf-8")
    (told / "entry_points.txt").write_text("[harness.datasets]\nacme = acme_data:read_acme\nhf = acme_data:read_acme\n", encoding="utf-8")  # fmt: skip
    (folder / "acme_data.py").write_text(READER, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)


@pytest.fixture
def suite(tmp_path):
    path = tmp_path / "suite.yaml"
    path.write_text(yaml.safe_dump(SUITE), encoding="utf-8")
    return path


def test_texts_with_pandas_own_mark_for_missing_are_missing(package, tmp_path):
    told = SUITE["data"] | {
        "source": "acme:texts",
        "features": ["income"],
        "sensitive": {"region": {"column": "region"}},
    }
    told["label"] = SUITE["data"]["label"] | {"missing": "leave_out"}
    (tmp_path / "texts.yaml").write_text(yaml.safe_dump(SUITE | {"data": told}), encoding="utf-8")
    data = load_dataset(validate(str(tmp_path / "texts.yaml")))
    assert data.classes == ("no", "yes") and data.unlabelled == 20
    test = data.splits["test"]
    assert set(test.inputs["income"].dropna()) == {"1", "2"}
    assert set(test.groups["region"]) == {"north", None}


def test_a_suite_names_a_source_that_a_package_reads(package, suite):
    data = load_dataset(validate(str(suite)))
    assert (data.rows, data.origin, data.classes) == (40, "acme:loans@7", ("no", "yes"))
    inputs = data.splits["test"].inputs
    assert [kind.kind for kind in inputs.dtypes[["income", "debt"]]] == ["f", "f"]
    assert set(inputs["owner"].dropna()) == {"true"}
    assert inputs["owner"].isna().any()
    assert set(inputs["region"]) == {"north", "south"}


def test_the_fingerprint_is_of_the_content_and_a_card_holds_a_name_to_it(package, suite, tmp_path):
    found = read_source("acme:loans")
    rows = ["␀,0,north,True,yes"]
    rows += [f"{i}.0,{i},south,␀,no" if i % 2 else f"{i}.0,{i},north,True,yes" for i in range(1, 40)]
    text = "\n".join(["income,debt,region,owner,granted", *rows, ""])
    by_hand = hashlib.sha256(text.encode()).hexdigest()
    assert found.fingerprint == f"sha256:{by_hand}"
    card = {"title": "t", "source": "s", "licence": "l", "real_or_synthetic": "real", "sha256": by_hand}
    document = {**SUITE, "data": {**SUITE["data"], "card": "card.yaml"}}
    suite.write_text(yaml.safe_dump(document), encoding="utf-8")
    (tmp_path / "card.yaml").write_text(yaml.safe_dump(card), encoding="utf-8")
    assert load_dataset(load_suite(suite)).card is not None
    (tmp_path / "card.yaml").write_text(yaml.safe_dump({**card, "sha256": "0" * 64}), encoding="utf-8")
    with pytest.raises(DataError, match="acme:loans is not the table that its card describes"):
        load_dataset(load_suite(suite))


def test_options_may_name_one_too_and_init_writes_what_the_name_stood_for(package, suite, tmp_path):
    loaded = load_suite(suite)
    data = load_dataset(loaded, DataOptions(data="acme:loans", train_data="acme:loans"))
    assert (len(data.splits["test"]), len(data.splits["train"]), data.members) == (40, 40, "train-data")
    written = init("acme:loans", tmp_path / "own.yaml", Wishes(label="granted"))
    assert "acme:loans@7" in written.text
    document = yaml.safe_load(written.text)
    assert (document["name"], document["data"]["source"], document["system"]["name"]) == ("own/loans", "acme:loans@7", "loans")  # fmt: skip


def test_a_file_is_a_file_whatever_its_name(tmp_path):
    (tmp_path / "run:1.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    found = read_source("run:1.csv", folder=tmp_path)
    assert (found.name, found.origin) == ("run:1.csv", None)
    assert found.fingerprint == f"sha256:{hashlib.sha256(b'a,b' + bytes([10]) + b'1,2' + bytes([10])).hexdigest()}"


def test_a_package_can_not_replace_a_reader_of_ours(package):
    with pytest.raises(DataError, match="names no data set of the hub"):
        read_source("hf:loans")


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("acmee:loans", r"No reader knows acmee:.* Did you mean acme\? .*acme:…, hf:…, openml:…"),
        ("https://data.example/loans.csv", "No reader knows https:.*download it first"),
        ("acme://me:secret@host/loans", "A key in a acme: source would end in records"),
        ("acme:nothing", "acme:nothing gave no table"),
        ("acme:empty", "acme:empty gave no table"),
        ("acme:twice", "acme:twice gave no table"),
    ],
)
def test_a_name_that_gives_no_table_says_what_to_do(source, says, package):
    with pytest.raises(DataError, match=says) as caught:
        read_source(source)
    assert "secret" not in str(caught.value)


def test_missing_and_empty_text_differ_in_the_fingerprint(package, monkeypatch):
    import acme_data

    prints = set()
    for value in (None, "", "NA", np.nan):
        monkeypatch.setattr(acme_data, "read_acme", lambda source, value=value: pd.DataFrame({"a": ["x", value]}))
        prints.add(read_source("acme:loans").fingerprint)
    assert len(prints) == 3
