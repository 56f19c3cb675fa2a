"""The known flaws of the shipped data, put back: each is found, and not found in the suite as shipped or in a copy without it.

docs/methods/known-flaws.md lists them; what it says nothing can find has no case here.
"""

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from harness import load_suite
from harness.checks.data.clusters import clusters
from harness.checks.data.quality import quality
from harness.checks.data.sites import sites
from harness.core.finding import CheckRecord
from harness.datasets.roles import DataOptions, load_dataset
from harness.engine.evidence import Evidence
from harness.engine.judge import judge
from harness.spec.data import Prevalence

PAGE = Path(__file__).parents[2] / "docs" / "methods" / "known-flaws.md"
LOANS, GERMAN, SITES, SAVERS = (
    "finance/credit-risk",
    "finance/credit-risk-german",
    "finance/fraud-detection",
    "finance/robo-advisor",
)
HEART, NHEFS = "medical/diagnosis", "medical/health-management"
MACHINES, CONCRETE, WINE = (f"manufacturing/{name}" for name in ("predictive-maintenance", "process-optimisation", "quality-control"))  # fmt: skip
IN_1982 = [
    *("wt82", "wt82_71", "smkintensity82_71", "hightax82", "price82", "tax82", "price71_82", "tax71_82"),
    *("qsmk", "censored"),
]


@dataclass(frozen=True)
class Rows:
    """A suite's rows, as changed: of its data section, and of its table (written to `folder` first)."""

    name: str
    data: dict = field(default_factory=dict)
    table: object = None

    def findings(self, check, folder):
        """What the check finds."""
        loaded = load_suite(self.name)
        changes = self.data(loaded.suite.data) if callable(self.data) else self.data
        section = loaded.suite.data.model_copy(update=changes)
        if self.table is not None:
            path = loaded.folder / section.source
            table = self.table(pd.read_csv(path, sep=section.read.separator))
            table.to_csv(folder / path.name, index=False, sep=section.read.separator)
            loaded, section = replace(loaded, folder=folder), section.model_copy(update={"card": None})
        suite = loaded.suite.model_copy(update={"data": section})
        return check(Evidence(suite, load_dataset(replace(loaded, suite=suite)), None, 0)).findings


@dataclass(frozen=True)
class Flaw:
    """A flaw: the rows with and without it, the check, and whether its findings tell it."""

    words: str
    rows: Rows
    told: object
    check: object = quality
    without: Rows | None = None


def features(*added):
    return lambda data: {"features": [*data.features, *added]}


def value(found, measure, of=None):
    (one,) = [f for f in found if f.measure == measure and f.of == of]
    return one.value, one.n


def counted(measure, count, of=None):
    """Whether the finding comes to this many of its rows or cells."""

    def told(found):
        share, n = value(found, measure, of)
        return round(share * n) == count and share > 0

    return told


def named(*measures, columns):
    """Whether every measure names just these columns."""

    def told(found):
        return all({f.of["feature"] for f in found if f.measure == f"data.{name}"} == set(columns) for name in measures)

    return told


def rows_of(measure, feature, count=None):
    """Whether there is a finding of the feature, of this many rows where given."""

    def told(found):
        own = [f.value for f in found if f.measure == measure and f.of == {"feature": feature}]
        return bool(own) and count in (None, *own)

    return told


def duplicates(name, count):
    words = f"{name}: {count} duplicate rows"
    return Flaw(words, Rows(name, {"drop_duplicates": False}), counted("data.duplicate_rate", count))


def sites_apart(found):
    bands = sorted((f.interval.low, f.interval.high) for f in found if f.measure == "data.site_prevalence")
    return len(bands) == 4 and bands[0][1] < bands[-1][0]


def gap(found):
    (one,) = [f for f in found if f.measure == "data.prevalence_gap"]
    return one.interval.low > 0


def kin(found):
    (one,) = [f for f in found if f.measure == "data.kin_rate"]
    return one.interval.low > 0.5


def repaired(table):
    return table[(table["Failure Type"] == "No Failure") == (table["Target"] == 0)]


def p401k(data):
    return {
        "label": data.label.model_copy(update={"column": "p401k"}),
        "split": data.split.model_copy(update={"stratify": ["p401k"]}),
    }


def at_its_own_rate(data):
    return {"label": data.label.model_copy(update={"prevalence": Prevalence(rate=0.3, source="as drawn")})}


def added(name, column, words, *measures):
    return Flaw(
        f"{name}: {words}", Rows(name, features(column)), named(*measures, "forbidden_feature", columns=[column])
    )


FLAWS = [
    duplicates(LOANS, 3),
    Flaw(f"{GERMAN}: bads oversampled to 30 %", Rows(GERMAN), gap, without=Rows(GERMAN, at_its_own_rate)),
    added(GERMAN, "personal_status", "sex can't be recovered from `personal_status`"),
    duplicates(SITES, 587),
    added(SAVERS, "incsq", "`incsq` is the square of `inc`", "redundant_column"),
    added(SAVERS, "agesq", "`agesq` is the square of `age`", "redundant_column"),
    Flaw(f"{SAVERS}: `e401k` leaks `p401k`", Rows(SAVERS, p401k), rows_of("data.determined_label_rate", "e401k")),
    Flaw(
        f"{HEART}: 1,759 missing cells", Rows(HEART, {"missing": {}, "drop_duplicates": False}), counted("data.missing_rate", 1759),
        without=Rows(HEART, {"missing": {}}, lambda table: table.fillna(table.mode().iloc[0])),
    ),
    Flaw(
        f"{HEART}: cholesterol 0 stands for missing", Rows(HEART, {"missing": {}, "drop_duplicates": False}),
        rows_of("data.disguised_missing", "chol", 172),
    ),
    Flaw(
        f"{HEART}: prevalence of 36 to 94 % by site", Rows(HEART), sites_apart, partial(sites, by="dataset"),
        without=Rows(HEART, table=lambda table: table.assign(dataset=np.random.default_rng(0).permutation(table["dataset"]))),
    ),
    duplicates(HEART, 2),
    *(added(NHEFS, name, f"`{name}` gives death away", "leak_suspect") for name in ("yrdth", "modth", "dadth")),
    Flaw(
        f"{NHEFS}: every column of 1982 lies after the examination", Rows(NHEFS, features(*IN_1982)),
        named("forbidden_feature", columns=IN_1982),
    ),
    added(MACHINES, "UDI", "`UDI` numbers the rows", "identifier_feature"),
    added(MACHINES, "Product ID", "`Product ID` numbers the rows", "identifier_feature"),
    added(MACHINES, "Failure Type", "`Failure Type` gives the failure away", "leak_suspect"),
    Flaw(
        f"{MACHINES}: 27 contradictory labels", Rows(MACHINES),
        counted("data.label_disagreement_rate", 27, {"column": "Failure Type"}), without=Rows(MACHINES, table=repaired),
    ),
    duplicates(CONCRETE, 25),
    Flaw(f"{CONCRETE}: the same mix at several ages", Rows(CONCRETE, {"cluster": None}), kin, clusters),
    duplicates(WINE, 937),
]  # fmt: skip


@pytest.mark.parametrize("flaw", FLAWS, ids=[flaw.words for flaw in FLAWS])
def test_a_flaw_that_is_put_back_is_found_and_not_found_without_it(flaw, tmp_path):
    name = flaw.rows.name
    assert flaw.told(flaw.rows.findings(flaw.check, tmp_path))
    assert not flaw.told((flaw.without or Rows(name)).findings(flaw.check, tmp_path))


def listed():
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")][1:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_the_page_lists_every_flaw_and_says_what_finds_it():
    findable = {f"{data}: {flaw}" for data, flaw, _, how in listed() if not how.startswith("nothing:")}
    assert findable == {flaw.words for flaw in FLAWS}
    assert all(len(row) == 4 and row[3].startswith(("`data.", "nothing:")) for row in listed())


def test_a_suite_that_extends_another_keeps_what_is_declared_out(tmp_path):
    """The flaw as a user makes it: more features, in a suite of their own."""
    wanted = [*load_suite(NHEFS).suite.data.features, "wt82"]
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump({"extends": NHEFS, "name": "own", "data": {"features": wanted}}))
    loaded = load_suite(path)
    found = quality(Evidence(loaded.suite, load_dataset(loaded), None, 0)).findings
    assert named("forbidden_feature", columns=["wt82"])(found)


def test_rows_of_use_need_not_have_the_column_that_labels_agree_with(tmp_path):
    """What is known after a failure only is not there before it."""
    loaded = load_suite(MACHINES)
    pd.read_csv(loaded.folder / loaded.suite.data.source).drop(columns="Failure Type").to_csv(
        tmp_path / "new.csv", index=False
    )
    data = load_dataset(loaded, DataOptions(data=tmp_path / "new.csv"))
    (found,) = [
        f
        for f in quality(Evidence(loaded.suite, data, None, 0)).findings
        if f.measure == "data.label_disagreement_rate"
    ]
    assert found.value is None
    assert "no column 'Failure Type'" in found.reason


def test_no_statistic_finds_a_column_of_the_future_that_hardly_tells_the_label():
    """Why `not_features` exists."""
    found = Rows(NHEFS, features("wt82", "tax82")).findings(quality, None)
    assert named("leak_suspect", "determined_label_rate", "redundant_column", columns=[])(found)


def test_an_official_split_column_is_obeyed():
    splits = load_dataset(load_suite("medical/drug-discovery")).splits
    assert (len(splits["test"]), len(splits["train"])) == (553, 2201)
    assert not set(splits["test"].ids) & set(splits["train"].ids)
    assert np.unique(splits["test"].labels).tolist() == ["active", "inactive"]


def test_mixes_of_concrete_never_straddle_a_split():
    suite = load_suite(CONCRETE)
    splits = load_dataset(suite).splits
    assert sum(map(len, splits.values())) == 1005
    mixes = [
        set(map(tuple, part.inputs[suite.suite.data.cluster_columns].to_numpy().tolist())) for part in splits.values()
    ]
    assert [len(own & other) for i, own in enumerate(mixes) for other in mixes[:i]] == [0, 0, 0]


@pytest.mark.parametrize(
    ("rule", "rows", "check", "without"),
    [
        ("declared-out", Rows(NHEFS, features("wt82")), quality, Rows(NHEFS)),
        ("declared-out", Rows(MACHINES, features("UDI")), quality, Rows(MACHINES)),
        ("labels-agree", Rows(MACHINES, table=lambda table: table.assign(Target=1 - table["Target"])), quality, Rows(MACHINES)),
        ("no-kin", Rows(CONCRETE, {"cluster": None}), clusters, Rows(CONCRETE)),
    ],
)  # fmt: skip
def test_a_warning_rule_fails_on_the_flaw_and_passes_on_the_shipped_rows(rule, rows, check, without, tmp_path):
    (own,) = [r for r in load_suite(rows.name).suite.policy if r.id == rule]
    outcomes = []
    for given in (rows, without):
        record = CheckRecord(check="data.made", status="measured", findings=given.findings(check, tmp_path))
        outcomes.append([d.outcome for d in judge([own], [record], 100).decisions])
    assert outcomes == [["fail"], ["pass"]]
