# make run    set up, run the quickstart, say where the report is
# make test   set up, run the whole test suite (CI=1: and say what of the code it ran)
# make check  lint, types, layers
# make clean test-fast PYTHON=python3.13   the fast tests on another interpreter
# make test-slow   the twenty slowest tests of the last make test
# make test-deep   what make test tries on a part of its examples, on all
# make mutate ROOM=statistics N=14 SEED=0   would the tests of a room notice a fault? (minutes)
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3.11
JOBS ?= 2
ROOM ?= all
N ?= 14
SEED ?= 0
BIN := .venv/bin
STAMP := .venv/installed
TIMES := build/tests

.PHONY: run test test-fast test-slow test-deep coverage-floors check fmt mutate bench docs clean

run: $(STAMP)
	$(BIN)/wattmark run

# Side by side, then what wants the machine for itself (only its files: collecting all takes long). Where CI is set: what of the code was run,
# by room, and no less than its floor; it takes a fifth longer.
COVER := $(if $(CI),--cov --cov-report=)
test: $(STAMP)
	rm -rf .coverage .coverage.* $(TIMES)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "not alone" \
	  --junitxml=$(TIMES)/beside.xml $(COVER)
	$(BIN)/python -m pytest -m alone $$(grep -rl --include='*.py' 'mark\.alone' tests) \
	  --junitxml=$(TIMES)/alone.xml $(COVER) $(if $(CI),--cov-append)
	$(if $(CI),$(BIN)/python scripts/coverage_by_room.py)

# All the examples that the tests of the board's API can send.
test-deep: $(STAMP)
	WATTMARK_TEST_EXAMPLES=200 $(BIN)/python -m pytest tests/board/test_board_schemathesis.py

coverage-floors: | $(BIN)
	$(BIN)/python scripts/coverage_by_room.py --propose

test-slow: | $(BIN)
	$(BIN)/python scripts/slowest_tests.py $(TIMES)/*.xml

test-fast: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m "not slow"

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

fmt: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

mutate: | $(BIN)
	$(BIN)/python scripts/mutate.py --room $(ROOM) --number $(N) --seed $(SEED) --jobs $(JOBS)

bench: $(STAMP)
	$(BIN)/python benchmarks/cold_start.py
	$(BIN)/python benchmarks/harness_overhead.py
	$(BIN)/python benchmarks/meter_overhead.py
	$(BIN)/python benchmarks/noisy_ratio.py

# Files that are generated from the code.
docs: $(STAMP)
	$(BIN)/python scripts/schema_files.py schema
	$(BIN)/python scripts/reasons_page.py docs/reasons.md
	$(BIN)/python scripts/public_page.py docs/public.md

# The environment is made anew only where what it depends on has changed.
$(STAMP): pyproject.toml constraints.txt scripts/install.sh
	bash scripts/install.sh "$(PYTHON)"
	touch $@

clean:
	rm -rf .venv build dist
