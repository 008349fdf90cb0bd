# make run    set up, run the quickstart, say where the report is
# make test   set up, run the whole test suite
# make check  lint, types, layers
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3.11
JOBS ?= 2
BIN := .venv/bin
STAMP := .venv/installed

.PHONY: run test test-fast check fmt bench docs clean

run: $(STAMP)
	$(BIN)/wattmark run

# Side by side by file, then what wants the machine for itself.
test: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m "not alone"
	$(BIN)/python -m pytest -m alone

test-fast: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m "not slow"

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

fmt: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

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
