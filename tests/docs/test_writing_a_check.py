"""docs/writing-a-check.md: the check in the page is installed, its tests pass, and a suite runs it as the page says."""

import re
import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness import audit, load_suite
from harness.datasets.roles import load_dataset
from harness.errors import SuiteError
from harness.workflows.listing import validate

PAGE = (Path(__file__).parents[2] / "docs" / "writing-a-check.md").read_text(encoding="utf-8")
pytest_plugins = "pytester"


def snippets(language):
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.fixture
def package(pytester, monkeypatch):
    """The page's package, as pip leaves it on the path."""
    check, _ = snippets("python")
    project = tomllib.loads(snippets("toml")[0])["project"]
    folder = pytester.path / "acme_checks"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "review.py").write_text(check, encoding="utf-8")
    told = pytester.path / f"acme_checks-{project['version']}.dist-info"
    told.mkdir()
    head = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (told / "METADATA").write_text(head, encoding="utf-8")
    points = [f"{name} = {target}\n" for name, target in project["entry-points"]["harness.checks"].items()]
    (told / "entry_points.txt").write_text("[harness.checks]\n" + "".join(points), encoding="utf-8")
    monkeypatch.syspath_prepend(pytester.path)
    monkeypatch.setenv("PYTHONPATH", str(pytester.path), prepend=":")
    for name in [name for name in sys.modules if name.startswith("acme_checks")]:
        monkeypatch.delitem(sys.modules, name)
    return pytester


def suite_of(package, old="", new=""):
    path = package.path / "suite.yaml"
    path.write_text(
        f"extends: finance/credit-risk\nname: own/loans\n{snippets('yaml')[0]}".replace(old, new), encoding="utf-8"
    )
    return path


def test_the_tests_in_the_page_pass(package):
    path = package.makepyfile(test_review=snippets("python")[1])
    package.runpytest_subprocess("-p", "no:cacheprovider", path).assert_outcomes(passed=3)


def test_the_suite_in_the_page_runs_the_check_and_judges_its_measure(package):
    path = suite_of(package)
    test = load_dataset(load_suite(path)).splits["test"]
    scores = np.where(test.labels == "yes", 0.6, 0.4) + np.linspace(0, 0.1, len(test))
    pd.DataFrame({"id": test.ids, "score": scores}).to_csv(package.path / "good.csv", index=False)
    record = audit(path, str(package.path / "good.csv"))
    (check,) = (r for r in record.records if r.check == "acme/review")
    assert (check.status, [f.measure for f in check.findings]) == ("measured", ["acme/review.recall_at_budget"])
    assert ("review", "pass") in [(d.rule_id, d.outcome) for d in record.verdict.decisions]


@pytest.mark.parametrize(
    ("old", "new"),
    [("budget: 0.2", "budgt: 0.2"), ("budget: 0.2", "budget: high"), ("review.recall_at", "review.recal_at")],
)
def test_what_the_page_says_is_refused_is_refused(old, new, package):
    with pytest.raises(SuiteError) as error:
        validate(str(suite_of(package, old, new)))
    said = str(error.value)
    if new.startswith("review"):
        assert "Did you mean acme/review.recall_at_budget?" in said
    else:
        assert any(line.strip() in said for line in PAGE.splitlines() if line.strip().startswith("Check acme/review"))
