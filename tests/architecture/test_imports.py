"""What importing costs, and what is public."""

import subprocess
import sys

import harness

HEAVY = {"torch", "transformers", "sklearn", "shap", "fairlearn", "jinja2", "altair", "vl_convert", "pandas", "statsmodels", "numba"}  # fmt: skip


def modules_after(*code):
    done = subprocess.run(
        [sys.executable, "-c", f"{';'.join(code)};import sys;print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}


def test_help_loads_no_heavy_library():
    loaded = modules_after("import sys", "sys.argv=['harness','--help']", "from harness.cli.app import app", "app(standalone_mode=False)")  # fmt: skip
    assert loaded & (HEAVY | {"scipy", "numpy"}) == set()


def test_importing_every_module_loads_no_heavy_library():
    walk = "[importlib.import_module(m.name) for m in pkgutil.walk_packages(harness.__path__, 'harness.') if not m.name.endswith('__main__')]"
    loaded = modules_after("import importlib,pkgutil,harness", walk)
    assert loaded & HEAVY == set()


def test_the_public_names_are_these():
    assert harness.__all__ == ["audit", "compare", "load_suite"]
    assert all(callable(getattr(harness, name)) for name in harness.__all__)
