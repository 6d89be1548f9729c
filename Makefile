# Two commands do everything on a fresh machine: `make demo` and `make test`.
# Each installs what it needs into .venv by itself; a second call finds it there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := src tests benchmarks scripts

.PHONY: demo test test-crash check format bench bench-collection clean help
help: ## say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(VENV)/.base: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11))' || { \
	  echo 'mitame needs Python 3.11 to 3.13; name one with: make PYTHON=python3.12 ...' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.base
	$(BIN)/python -m pip install --quiet --editable '.[lite1,lite2,heic,parquet,inception,text]' --group test
	@touch $@

$(VENV)/.check: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --group check
	@touch $@

demo: $(VENV)/.base ## index real pictures and show what looks like what
	$(BIN)/mitame demo --to demo-out

test: $(VENV)/.test ## run the tests
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-crash: $(VENV)/.test ## kill -9 of writers, mergers and readers, 200 rounds each
	MITAME_CRASH_ROUNDS=200 $(BIN)/python -m pytest tests/test_crash.py tests/collection -k "kill or crash" -s

check: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --group check
	@touch $@

demo: $(VENV)/.base ## index real pictures and show what looks like what
	$(BIN)/mitame demo --to demo-out

test: $(VENV)/.test ## run the tests
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-crash: $(VENV)/.test ## kill -9 an index 50 times and look for losses
	MITAME_CRASH_ROUNDS=50 $(BIN)/python -m pytest tests/test_crash.py -s

check: $(VENV)/.check ## style, types, imports, dependencies
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry src

format: $(VENV)/.check ## bring the code into the house's form
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

bench: $(VENV)/.test ## pictures per second beside the model alone, peak memory
	$(BIN)/python -m benchmarks.ingest $(BENCH_ARGS)

bench-collection: $(VENV)/.test ## a million vectors, and two minutes of readers, writer and merges
	$(BIN)/python -m benchmarks.scale --rows 1000000 --dim 256
	$(BIN)/python -m benchmarks.scale --rows 200000 --dim 1280
	$(BIN)/python -m benchmarks.mixed --seconds 120

clean: ## remove what was made here
	rm -rf $(VENV) demo-out bench-out .pytest_cache .mypy_cache .ruff_cache .hypothesis
