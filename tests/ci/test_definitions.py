"""The YAML files that CI systems read: well formed, of the published schema, and without a way in for code."""

import json
import re
import shlex
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILES = ("action.yml", "ci/gitlab.yml", ".pre-commit-hooks.yaml")


class Strict(yaml.SafeLoader):
    """Refuses a key that stands twice in a mapping, which YAML forbids and PyYAML takes."""


def _mapping(loader, node, deep=False):
    keys = [key.value for key, _ in node.value]
    assert len(set(keys)) == len(keys), f"repeated keys: {keys}"
    return yaml.SafeLoader.construct_mapping(loader, node, deep)


Strict.add_constructor("tag:yaml.org,2002:map", lambda loader, node: _mapping(loader, node, deep=True))


def parsed(name):
    return yaml.load((ROOT / name).read_text(encoding="utf-8"), Loader=Strict)


@pytest.mark.parametrize("name", FILES)
def test_the_file_is_tidy_yaml(name):
    assert parsed(name)
    text = (ROOT / name).read_text(encoding="utf-8")
    lines = text.splitlines()
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert not [line for line in lines if "\t" in line or line != line.rstrip() or len(line) > 120]


def test_a_repeated_key_is_refused():
    with pytest.raises(AssertionError, match="repeated keys"):
        yaml.load("a: 1\na: 2\n", Loader=Strict)


@pytest.mark.parametrize(("name", "schema"), [("action.yml", "github-actions"), ("ci/gitlab.yml", "gitlab-ci")])
def test_the_file_fits_the_schema_of_its_ci_system(name, schema):
    bundled = pytest.importorskip("check_jsonschema")
    path = files(bundled) / "builtin_schemas" / "vendor" / f"{schema}.json"
    jsonschema.validate(parsed(name), json.loads(path.read_text(encoding="utf-8")))


def test_no_expression_stands_in_shell_code():
    runs = [step["run"] for step in parsed("action.yml")["runs"]["steps"] if "run" in step]
    assert len(runs) == 3
    assert [run for run in runs if "${{" in run or "\n" in run] == []


def test_every_input_is_used_and_every_one_used_is_declared():
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"inputs\.([a-z-]+)", text)) == set(parsed("action.yml")["inputs"])


def test_every_variable_of_the_steps_is_one_that_the_script_reads():
    script = (ROOT / "ci" / "gate.sh").read_text(encoding="utf-8")
    code = "\n".join(line for line in script.splitlines() if not line.startswith("#"))
    steps = parsed("action.yml")["runs"]["steps"]
    given = {name for step in steps if "run" in step for name in step["env"]}
    assert given == set(re.findall(r"GATE_[A-Z_]+", code))


def test_every_action_that_is_used_is_pinned_to_a_version():
    uses = [step["uses"] for step in parsed("action.yml")["runs"]["steps"] if "uses" in step]
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", name) for name in uses)


@pytest.fixture
def hook():
    (found,) = parsed(".pre-commit-hooks.yaml")
    return found


def test_the_hook_takes_suites_and_neither_cards_nor_policies(hook):
    shipped = [str(p.relative_to(ROOT)) for p in (ROOT / "suites").rglob("*.yaml")]
    taken = [n for n in [*shipped, "suites/policy.yaml", "ci/gitlab.yml"] if _takes(hook, n)]
    assert taken == [n for n in shipped if ".card." not in n]


def _takes(hook, name):
    return bool(re.search(hook["files"], name)) and not re.search(hook["exclude"], name)


def test_the_hook_names_the_problems_of_every_file_that_changed(hook, repository, tmp_path):
    good = (repository / "suites" / "loans.yaml").read_text(encoding="utf-8")
    (tmp_path / "policy.yaml").write_text((repository / "suites" / "policy.yaml").read_text(encoding="utf-8"))
    (tmp_path / "good.yaml").write_text(good, encoding="utf-8")
    (tmp_path / "one.yaml").write_text(good + "sed: 1\n", encoding="utf-8")
    (tmp_path / "two.yaml").write_text(good.replace("data.quality", "data.qualty"), encoding="utf-8")
    program, *rest = shlex.split(hook["entry"])
    assert program == "harness"

    def run(*names):
        command = [sys.executable, "-m", "harness.cli", *rest, *names]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    done = run("one.yaml", "good.yaml", "two.yaml")
    assert done.returncode == 2
    assert "one.yaml:7: sed: unknown key 'sed'" in done.stderr
    assert "Did you mean data.quality?" in done.stderr
    assert done.stdout.startswith("own/loans is valid")
    assert run("good.yaml").returncode == 0
