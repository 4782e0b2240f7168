# Plain targets over venv and uv. `make` alone lists them.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PEERS := .peers
OLDEST := .oldest
FRAMEWORKS := .frameworks
SERVERS := .servers

# uv lies in $(VENV) and fills all environments: what two of them need is fetched and unpacked once.
INSTALL := $(BIN)/uv pip install --quiet --python

# Tests start hundreds of processes: none must compile what another has compiled before.
unexport PYTHONDONTWRITEBYTECODE

# One stamp for what the demo needs, one for what developers need; both follow pyproject.toml.
FOR_DEMO := $(VENV)/.installed-for-demo
FOR_DEVELOPMENT := $(VENV)/.installed-for-development

# The adapters whose oldest supported frameworks are pinned in tests/integrations/oldest.txt.
OLDEST_ADAPTERS := fastapi flask
FOR_OLDEST := $(OLDEST)/.installed

.DEFAULT_GOAL := help
.PHONY: help venv demo demo-check check format test oldest frameworks examples test-traces \
	test-rotel traces-picture test-prometheus test-node properties fuzz bench soak collector-soak kills peers \
	peer-costs build clean

help:  ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/uv:
	@echo "modelwatch: making the virtual environment $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "modelwatch needs Python 3.11 or later: make PYTHON=python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip --quiet --quiet --disable-pip-version-check --no-input install uv

$(FOR_DEMO): pyproject.toml | $(BIN)/uv
	@echo "modelwatch: installing the project with what the demo needs"
	@$(INSTALL) $(BIN)/python --compile-bytecode --editable '.[demo]'
	@touch $@

$(FOR_DEVELOPMENT): pyproject.toml | $(BIN)/uv
	@echo "modelwatch: installing the project with what its checks and tests need"
	@$(INSTALL) $(BIN)/python --compile-bytecode --group dev --editable '.[all]'
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

# On up to four cores: more than that make no test that waits for a process shorter.
test: $(FOR_DEVELOPMENT)  ## all tests
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal

# Old releases warn of their own age, so that warnings are no errors here.
oldest: $(FOR_OLDEST)  ## the adapters' tests with the oldest frameworks that they support
	@$(OLDEST)/bin/python -m pytest -m 'not slow' -W default --disable-warnings \
		$(OLDEST_ADAPTERS:%=tests/integrations/modelwatch_%)

$(FOR_OLDEST): pyproject.toml tests/integrations/oldest.txt | $(BIN)/uv
	@echo "modelwatch: installing the oldest supported frameworks into $(OLDEST)"
	@$(PYTHON) -m venv --clear --without-pip $(OLDEST)
	@$(INSTALL) $(OLDEST)/bin/python --editable '.[auto]' -r tests/integrations/oldest.txt
	@touch $@

# The extras that they need besides.
EXTRAS_servers := [auto,fastapi]
EXTRAS_kserve := [auto,fastapi]
EXTRAS_ray := [auto,fastapi]
EXTRAS_traces := [fastapi]

# Frameworks that cannot share our environment have one of their own, and so have their tests. The
# oldest release that is supported, where one is named, is laid over the newest and tested too.
# Byte code is made of what is used, not of all: that is two thirds of an installation's time.
$(FRAMEWORKS)/%/.installed: tests/integrations/%/requirements.txt pyproject.toml | $(BIN)/uv
	@echo "modelwatch: installing $* into $(@D)"
	@$(PYTHON) -m venv --clear --without-pip $(@D)
	@$(INSTALL) $(@D)/bin/python --editable '.$(EXTRAS_$*)' -r $<
	@! test -f $(<D)/oldest.txt || $(INSTALL) $(@D)/bin/python \
		--no-deps --target $(@D)/oldest -r $(<D)/oldest.txt
	@touch $@

.SECONDARY:  # an environment stays when its tests have run

frameworks: test-modelwatch_bentoml test-servers  ## tests with frameworks that have an environment of their own

examples: test-servers test-kserve test-ray  ## the examples of all frameworks, the slow ones too

test-%: $(FRAMEWORKS)/%/.installed
	@echo "modelwatch: $* with the newest releases"
	@$(FRAMEWORKS)/$*/bin/python -m pytest tests/integrations/$*
	@! test -d $(FRAMEWORKS)/$*/oldest || echo "modelwatch: $* with its framework's oldest release"
	@! test -d $(FRAMEWORKS)/$*/oldest || PYTHONPATH=$(CURDIR)/$(FRAMEWORKS)/$*/oldest \
		$(FRAMEWORKS)/$*/bin/python -m pytest tests/integrations/$*

# Phoenix brings a plugin of pytest that warns when it is loaded.
test-traces: $(FRAMEWORKS)/traces/.installed  ## traces and events in backends that show them
	@$(FRAMEWORKS)/traces/bin/python -m pytest -p no:phoenix tests/integrations/traces

# The tests run in our environment; rotel's program is all that is used of the other.
test-rotel: $(FOR_DEVELOPMENT) $(FRAMEWORKS)/traces/.installed  ## OTLP through rotel, a collector of other makers
	@$(BIN)/python -m pytest tests/collector/receiving/rotel

traces-picture: $(FRAMEWORKS)/traces/.installed  ## the picture of a trace, with Chromium
	@$(FRAMEWORKS)/traces/bin/python -m tests.integrations.traces.take_picture examples/traces/trace.png

# Debian's package is laid out below the checkout: nothing is installed on the machine.
test-prometheus: $(FOR_DEVELOPMENT)  ## metrics, alert rules and dashboards with a Prometheus that scrapes a collector
	@$(BIN)/python -m pytest tests/collector/showing/prometheus

NODE_TESTS := tests/collector/receiving/node

test-node: $(FOR_DEVELOPMENT) $(NODE_TESTS)/node_modules/.installed  ## OTLP as the SDK of Node sends it; needs Node 20
	@$(BIN)/python -m pytest $(NODE_TESTS)

$(NODE_TESTS)/node_modules/.installed: $(NODE_TESTS)/package.json
	@echo "modelwatch: installing OpenTelemetry for Node into $(@D)"
	@cd $(NODE_TESTS) && npm install --silent --no-audit --no-fund --no-package-lock --ignore-scripts
	@touch $@

# `make test` tries the same examples each time, so that it fails only for what has changed.
properties: $(FOR_DEVELOPMENT)  ## tests of properties, with 2,000 new examples each
	@grep -rl '@given' tests | xargs $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 \
		--dist worksteal --hypothesis-profile searching

fuzz: $(FOR_DEVELOPMENT)  ## a million damaged requests through the receiver
	@$(BIN)/python -m tests.collector.receiving.fuzzing 1000000

bench: $(FOR_DEVELOPMENT)  ## all benchmarks, into tests/benchmarks/results.md
	@$(BIN)/python tests/benchmarks/run.py

soak: $(FOR_DEVELOPMENT)  ## memory under long loads, into tests/soak/results.md
	@$(BIN)/python tests/benchmarks/run.py --folder tests/soak --results tests/soak/results.md \
		--made-by "make soak"

collector-soak: $(FOR_DEVELOPMENT)  ## a simulated day of 1,000 replicas with all that goes wrong, into tests/e2e/results.md
	@$(BIN)/python -m tests.e2e.collector_soak $(SOAK)

kills: $(FOR_DEVELOPMENT)  ## kill a collector 100 times under load; nothing is lost or counted twice
	@MODELWATCH_TEST_KILLS=100 $(BIN)/python -m pytest tests/collector/test_app.py \
		tests/collector/receiving/test_cumulative_kills.py tests/collector/outcomes/test_kills.py -k kill

# Other tools cannot share our environment: each has one of its own, made from the versions pinned
# in tests/benchmarks/peers. `make peers ONLY=--ours` runs ours again beside what the others said.
$(PEERS)/%/.installed: tests/benchmarks/peers/requirements-%.txt | $(BIN)/uv
	@echo "modelwatch: installing $* into $(@D)"
	@$(PYTHON) -m venv --clear $(@D)
	@$(INSTALL) $(@D)/bin/python -r $<
	@touch $@

peers: $(FOR_DEVELOPMENT) $(PEERS)/evidently/.installed $(PEERS)/nannyml/.installed  ## other tools' verdicts beside ours, into tests/benchmarks/peers/results.md
	@$(BIN)/python -m tests.benchmarks.peers.compare_peers $(PEERS) $(ONLY)

peer-costs: $(FOR_DEVELOPMENT) $(PEERS)/bentoml/.installed $(PEERS)/whylogs/.installed  ## what other tools cost beside ours, into tests/benchmarks/peers/costs.md
	@$(BIN)/python -m tests.benchmarks.peers.compare_costs $(PEERS)

build: $(FOR_DEVELOPMENT)  ## the wheel and the source distribution, into dist/
	@$(BIN)/python -m build --no-isolation

clean:  ## remove what the targets made, the environment included
	@rm -rf $(VENV) $(PEERS) $(OLDEST) $(FRAMEWORKS) $(SERVERS) build dist
	@rm -rf tests/collector/receiving/node/node_modules
	@rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
