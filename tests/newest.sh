#!/usr/bin/env bash
# The newest versions that the ranges admit, core extra only, without the constraints: imports, and the quick tests.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$1" -m venv "$work/venv"
"$work/venv/bin/python" -m pip install -q build
"$work/venv/bin/python" -m build -q --wheel --outdir "$work/dist" "$root"
"$work/venv/bin/python" -m pip install -q "$work"/dist/*.whl pytest pytest-xdist hypothesis jsonschema
cd "$work"
"$work/venv/bin/harness" --help > /dev/null
"$work/venv/bin/pytest" -q -n auto --dist loadfile -m "not slow" -c "$root/pyproject.toml" --rootdir "$root" -p no:cacheprovider "$root/tests"
"$work/venv/bin/python" -m pip freeze | grep -iE "^(numpy|pandas|scikit-learn|scipy|shap|fairlearn|skops|pydantic|typer|altair|vl-convert-python|pyarrow|statsmodels)=="
echo "the newest versions pass"
