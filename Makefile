# Plain targets over pip and venv. `make` alone lists them.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PEERS := .peers
FRAMEWORKS := .frameworks
PIP := $(BIN)/python -m pip --quiet --quiet --disable-pip-version-check --no-input

# One stamp for what the demo needs, one for what developers need; both follow pyproject.toml.
FOR_DEMO := $(VENV)/.installed-for-demo
FOR_DEVELOPMENT := $(VENV)/.installed-for-development

.DEFAULT_GOAL := help
.PHONY: help venv demo demo-check check format test frameworks bench peers build clean

help:  ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@echo "modelwatch: making the virtual environment $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "modelwatch needs Python 3.11 or later: make PYTHON=python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --upgrade pip

$(FOR_DEMO): pyproject.toml | $(BIN)/python
	@echo "modelwatch: installing the project with what the demo needs"
	@$(PIP) install --editable '.[demo]'
	@touch $@

$(FOR_DEVELOPMENT): pyproject.toml | $(BIN)/python
	@echo "modelwatch: installing the project with what its checks and tests need"
	@$(PIP) install --group dev --editable '.[all]'
	@touch $@ $(FOR_DEMO)

venv: $(FOR_DEVELOPMENT)  ## make the environment for development

demo: $(FOR_DEMO)  ## show drift being found on real flights; leaves the page up until Ctrl-C
	@$(BIN)/modelwatch demo

demo-check: $(FOR_DEMO)  ## the same, but ends by itself, with an error if a finding is not as it should be
	@$(BIN)/modelwatch demo --exit

check: $(FOR_DEVELOPMENT)  ## formatting, lint, types and layers
	@echo "modelwatch: ruff" && $(BIN)/ruff check . && $(BIN)/ruff format --check .
	@echo "modelwatch: mypy" && $(BIN)/mypy
	@echo "modelwatch: import-linter" && $(BIN)/lint-imports --no-logo

format: $(FOR_DEVELOPMENT)  ## put the code into its one format
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

test: $(FOR_DEVELOPMENT)  ## all tests
	@$(BIN)/python -m pytest

# Frameworks that cannot share our environment have one of their own, and so have their tests. The
# oldest release that is supported, where one is named, is laid over the newest and tested too.
$(FRAMEWORKS)/%/.installed: tests/integrations/%/requirements.txt pyproject.toml
	@echo "modelwatch: installing $* into $(@D)"
	@$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/python -m pip install --quiet --quiet --upgrade pip
	@$(@D)/bin/python -m pip install --quiet --quiet --no-input --editable . -r $<
	@! test -f $(<D)/oldest.txt || $(@D)/bin/python -m pip install --quiet --quiet --no-input \
		--no-deps --target $(@D)/oldest -r $(<D)/oldest.txt
	@touch $@

.SECONDARY:  # an environment stays when its tests have run

frameworks: test-modelwatch_bentoml  ## tests with frameworks that have an environment of their own

test-%: $(FRAMEWORKS)/%/.installed
	@echo "modelwatch: $* with its framework's newest release"
	@$(FRAMEWORKS)/$*/bin/python -m pytest tests/integrations/$*
	@! test -d $(FRAMEWORKS)/$*/oldest || echo "modelwatch: $* with its framework's oldest release"
	@! test -d $(FRAMEWORKS)/$*/oldest || PYTHONPATH=$(CURDIR)/$(FRAMEWORKS)/$*/oldest \
		$(FRAMEWORKS)/$*/bin/python -m pytest tests/integrations/$*

bench: $(FOR_DEVELOPMENT)  ## all benchmarks, into tests/benchmarks/results.md
	@$(BIN)/python tests/benchmarks/run.py

# Other tools cannot share our environment: each has one of its own, made from the versions pinned
# in tests/benchmarks/peers. `make peers ONLY=--ours` runs ours again beside what the others said.
$(PEERS)/%/.installed: tests/benchmarks/peers/requirements-%.txt
	@echo "modelwatch: installing $* into $(@D)"
	@$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/python -m pip install --quiet --quiet --disable-pip-version-check --no-input -r $<
	@touch $@

peers: $(FOR_DEVELOPMENT) $(PEERS)/evidently/.installed $(PEERS)/nannyml/.installed  ## other tools' verdicts beside ours, into tests/benchmarks/peers/results.md
	@$(BIN)/python -m tests.benchmarks.peers.compare_peers $(PEERS) $(ONLY)

build: $(FOR_DEVELOPMENT)  ## the wheel and the source distribution, into dist/
	@$(BIN)/python -m build --no-isolation

clean:  ## remove what the targets made, the environment included
	@rm -rf $(VENV) $(PEERS) $(FRAMEWORKS) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
