# The commands of a checkout. `make up` is all that one needs to begin with.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
PYTEST_ARGS ?=

.PHONY: help setup up test lint format docs bench faults constraints clean

help: ## List these commands
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 20

up: $(VENV)/.installed ## Install what is missing, then run everything; Ctrl-C stops it. ARGS="…" is passed on
	@exec $(BIN)/equerry up $(ARGS)

setup: $(VENV)/.installed ## Install, without starting anything

test: $(VENV)/.installed-dev tests/corpora/.installed tests/source_maps/.installed tests/clients/.installed tests/mongo_server/.built ## Install what the tests need and run them all
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile $(PYTEST_ARGS)

lint: $(VENV)/.installed-dev ## Style, types and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(VENV)/.installed-dev ## Write the tables of the docs from the code
	$(BIN)/python tests/tables.py

bench: $(VENV)/.installed-dev ## Measure: a table, and a JSON file in bench/results/
	$(BIN)/python -m bench $(ARGS)

faults: $(VENV)/.installed-dev ## The long fault run: kill every process again and again under load
	$(BIN)/pytest tests/faults --faults-long --timeout 7200 $(PYTEST_ARGS)

# Exact versions of everything, from a fresh resolution: run it to move to newer ones.
constraints: $(VENV)/.python ## Resolve constraints.txt anew
	rm -rf build/constraints && $(PYTHON) -m venv build/constraints
	build/constraints/bin/pip install --quiet --editable ".[query,sourcemaps,dev]"
	{ sed -n '/^#/p' constraints.txt; \
	  build/constraints/bin/pip list --format freeze --exclude-editable --exclude pip --exclude setuptools \
	  | LC_ALL=C sort -f; } > build/constraints.txt
	mv build/constraints.txt constraints.txt && rm -rf build/constraints

clean: ## Remove what was installed and built; var/ and equerry.toml stay
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	rm -rf tests/corpora/node_modules tests/corpora/.installed
	rm -rf tests/clients/node_modules tests/clients/.installed
	rm -rf tests/source_maps/node_modules tests/source_maps/.installed
	rm -rf tests/mongo_server/mongo_server tests/mongo_server/.built
	find . -name __pycache__ -prune -exec rm -rf {} +

# Stamps: each is newer than what it was made from, so a second run starts at once.
$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Equerry needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)." >&2; \
	  echo "Install one, or name it: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) has no venv; on Debian and Ubuntu: apt install python3-venv" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.python pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[query,sourcemaps]"
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[query,sourcemaps,dev]"
	@touch $@

# Corpora of hostile input come from npm; without it, the tests that read them say so.
tests/corpora/.installed: $(wildcard tests/corpora/package.json tests/corpora/package-lock.json)
	@if [ -f tests/corpora/package.json ] && command -v npm >/dev/null; then \
	  cd tests/corpora && npm install --no-audit --no-fund --silent && touch .installed; \
	else echo "tests/corpora: no npm, so the tests of hostile input are skipped"; fi

# So do a bundler and sentry-cli, whose maps and uploads are read.
tests/source_maps/.installed: tests/source_maps/package.json
	@if command -v npm >/dev/null; then \
	  cd tests/source_maps && npm install --no-audit --no-fund --silent && touch .installed; \
	else echo "tests/source_maps: no npm, so the tests of real builds are skipped"; fi

# Real clients of other makers, and what bundles and drives their pages.
tests/clients/.installed: tests/clients/package.json
	@if command -v npm >/dev/null; then \
	  cd tests/clients && npm install --no-audit --no-fund --no-package-lock --ignore-scripts --silent \
	  && touch .installed; \
	else echo "tests/clients: no npm, so the tests with real clients are skipped"; fi

# A MongoDB-protocol server, built from its Go modules: a minute the first time, then seconds.
tests/mongo_server/.built: $(addprefix tests/mongo_server/,main.go go.mod go.sum)
	@cd tests/mongo_server && CGO_ENABLED=0 go build -trimpath -buildvcs=false \
	  -tags ferretdb_no_postgresql -ldflags "-s -w" -o mongo_server . && touch .built || \
	echo "tests/mongo_server: needs Go 1.22 or newer, so the tests with a MongoDB server are skipped"
