# Each target sets itself up from a bare Python 3.11 with pip, once.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test quick check lint wheel-test newest clean

demo: $(STAMP)  ## audit a real credit model and say where the report lies
	$(BIN)/harness demo

test: $(STAMP)  ## every test
	$(BIN)/python -m pytest -q

quick: $(STAMP)
	$(BIN)/python -m pytest -q -m "not slow"

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

wheel-test: $(STAMP)  ## the built wheel, in a fresh environment and an empty folder
	bash tests/wheel.sh $(PYTHON)

newest:  ## without the constraints: the newest versions that the ranges admit
	bash tests/newest.sh $(PYTHON)

check: test lint wheel-test  ## exactly what CI runs

$(STAMP): pyproject.toml constraints.txt
	@echo "Setting up $(VENV) (once): a virtual environment with the pinned dependencies, no torch"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) dist build
