# Two commands do everything on a fresh machine: `make demo` and `make test`.
# Each installs what it needs into .venv by itself; a second call finds it there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := src tests benchmarks scripts examples
NATIVE_TESTS := tests/test_native.py tests/collection/test_near.py tests/serving/test_vectors_read.py $(wildcard tests/embedders/test_native*.py tests/engines/cascade/test_*.py)

.PHONY: demo test test-crash test-hostile native sanitize check format bench bench-collection bench-engines soak clean help
help: ## say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

$(VENV)/.base: pyproject.toml CMakeLists.txt $(wildcard cmake/* native/*)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11))' || { \
	  echo 'mitame needs Python 3.11 to 3.13; name one with: make PYTHON=python3.12 ...' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

# Engines' libraries and real servers, as far as they can be had here; tests of what can't are skipped.
OPTIONAL := annoy faiss ngt symphonyqg postgres redis otel brotli servers linters browser

$(VENV)/.test: $(VENV)/.base
	$(BIN)/python -m pip install --quiet --editable '.[lite1,lite2,uvloop,heic,parquet,inception,text,sklearn]' --group test
	$(BIN)/python scripts/install_each.py $(OPTIONAL)
	@touch $@

$(VENV)/.check: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --group check
	@touch $@

$(VENV)/.native: $(VENV)/.base
	$(BIN)/python -m pip install --quiet --group native
	@touch $@

demo: $(VENV)/.base ## index real pictures and show what looks like what
	$(BIN)/mitame demo --to demo-out

# A process per core: a test that waits for a disk or a process leaves its core to another.
test: $(VENV)/.test ## run the tests, and say which were skipped and why
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 --dist worksteal $(PYTEST_ARGS)

test-crash: $(VENV)/.test ## kill -9 of writers, mergers and readers, 200 rounds each
	MITAME_CRASH_ROUNDS=200 $(BIN)/python -m pytest tests/test_crash.py tests/collection -k "kill or crash" -s

# Each time something else is sent; SEED=... sends the same again.
HOSTILE_TESTS := tests/serving/test_schemathesis.py tests/serving/test_hostile.py tests/serving/test_limits_shares.py

test-hostile: $(VENV)/.test ## attacks at full length: fuzzed requests and connections, two minutes of guessed keys
	@seed=$${SEED:-$$(date +%s)}; echo "SEED=$$seed"; \
	MITAME_SCHEMATHESIS_EXAMPLES=$${MITAME_SCHEMATHESIS_EXAMPLES:-200} MITAME_BRUTE_SECONDS=120 \
	MITAME_FUZZ_CONNECTIONS=$${MITAME_FUZZ_CONNECTIONS:-20000} MITAME_FUZZ_SEED=$$seed \
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 8 --dist worksteal \
	  --hypothesis-seed=$$seed $(HOSTILE_TESTS) $(PYTEST_ARGS)

# Ninja comes from the environment, so that the build needs nothing of the machine but a compiler.
CMAKE = $(BIN)/cmake -S . -G Ninja -DCMAKE_MAKE_PROGRAM=$(abspath $(BIN))/ninja \
  -DPython_EXECUTABLE=$(abspath $(BIN))/python

native: $(VENV)/.native ## build the native kernels into src/mitame again, after a change of native/
	$(CMAKE) -B build/native -DMITAME_IN_PLACE=ON
	$(BIN)/cmake --build build/native
	$(BIN)/cmake --install build/native

sanitize: $(VENV)/.native $(VENV)/.test ## run the tests of the native kernels under ASan and UBSan
	$(CMAKE) -B build/sanitize -DMITAME_SANITIZE=ON -DCMAKE_BUILD_TYPE=RelWithDebInfo
	$(BIN)/cmake --build build/sanitize
	MITAME_FUZZ_SECONDS=30 $(BIN)/python scripts/sanitized.py build/sanitize -m native -q $(NATIVE_TESTS) $(PYTEST_ARGS)

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

soak: $(VENV)/.test ## half an hour of mixed load on a server: nothing fails, nothing grows
	$(BIN)/python -m benchmarks.serving.soak $(SOAK_ARGS)

# The libraries beside which mitame is measured have an environment of their own.
PEERS := .venv-peers

$(PEERS)/.bench: pyproject.toml
	test -d $(PEERS) || $(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(PEERS)/bin/python -m pip install --quiet --editable .
	$(PEERS)/bin/python scripts/install_each.py bench
	@touch $@

bench-engines: $(PEERS)/.bench ## every engine and library beside each other, e.g. BENCH_ARGS="--quick --sets synthetic"
	$(PEERS)/bin/python -m benchmarks.engines $(BENCH_ARGS)

clean: ## remove what was made here
	rm -rf $(VENV) demo-out bench-out build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -f src/mitame/_native.*
