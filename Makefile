# Short doors to the commands; `make` alone lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo test tests models servers lint format types contracts unit random synth lock schemas clean

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3.11)
BIN := .venv/bin
PIP_COMPILE := $(BIN)/pip-compile -q --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header --no-annotate

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## /  make \1|/' | column -t -s '|'

setup: .venv/.ready node_modules/.ready ## virtual environment with the slipway command, and the pinned CDK CLI

.venv/.ready: requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "slipway needs Python 3.11, $(PYTHON) is not: run make PYTHON=/path/to/python3.11" >&2; exit 3; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

node_modules/.ready: package.json package-lock.json
	@command -v npm >/dev/null || { echo "slipway needs Node.js 20 or newer for the CDK CLI" >&2; exit 3; }
	npm ci --no-audit --no-fund --loglevel=error
	touch $@

demo: setup ## build, deploy to the local cloud with the real cdk, invoke, compare; KEEP=1 leaves it up
	$(BIN)/slipway demo $(if $(KEEP),--keep)

test: setup ## the whole check, as CI runs it; RECORD=1 notes what each file takes
	@$(MAKE) --no-print-directory -j 4 lint contracts models servers
	@$(MAKE) --no-print-directory -j 2 types tests

AGAIN := --reruns 1 --reruns-delay 2 --max-suite-reruns 5 --rerun-show-tracebacks # docs/decisions/0041
tests: setup ## all tests, three at a time; what make models and make servers make is there
	$(BIN)/pytest -n logical --maxprocesses 3 --dist loadfile --no-loadscope-reorder --durations 25 $(AGAIN) $(if $(RECORD),--record-seconds)

models: setup ## build the example models, where they are not built yet
	$(BIN)/slipway build

servers: setup ## the environments of other servers, where they are not made yet
	$(BIN)/python -m tests.servers.environments

lint: setup ## style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: setup ## mend what style can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: setup ## mypy, strict
	$(BIN)/mypy .

contracts: setup ## who may import whom
	$(BIN)/lint-imports

unit: setup ## the tests that start no cloud
	$(BIN)/pytest -m "not local_cloud and not slow"

random: setup ## specs at random, refused or synthesised: make random COUNT=10000
	SLIPWAY_RANDOM_SPECS=$(or $(COUNT),10000) $(BIN)/pytest tests/stacks/test_random_specs.py -s -n 2 --dist load

synth: setup ## the templates of the local environment
	npx cdk synth --quiet

schemas: setup ## write docs/reference/ from the specs and the rules
	$(BIN)/python -m slipway.specs.schemas
	$(BIN)/python -m slipway.preflight.reference
	$(BIN)/python -m slipway.operations.conform.reference

lock: setup ## resolve the pins of pyproject.toml into requirements*.txt
	$(PIP_COMPILE) --extra build --extra local --extra dev -o requirements-dev.txt pyproject.toml
	sed -i -E '/^slipway @/d; /^#/d; /^$$/d; s/^torch==([0-9.]+)\+cpu$$/torch==\1/' requirements-dev.txt
	$(PIP_COMPILE) -c requirements-dev.txt -o requirements.txt pyproject.toml
	echo '-e .' >> requirements.txt
	echo '-e .[build,local,dev]' >> requirements-dev.txt
	$(BIN)/python scripts/generate_build_requirements.py

clean: ## remove what can be made again
	rm -rf artifacts cdk.out .slipway build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
