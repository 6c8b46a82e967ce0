# Two commands do everything on a machine with Python 3.11 or newer and make: `make demo`, `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# The environment's own Node and CDK CLI come first, whatever the machine has.
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: setup demo test mutate storm compliance conformance bench matrix lint format local deploy docs clean help

help: ## what can be typed here
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[local,checks]' --group dev
	@touch $@

demo: $(READY) ## deploy app.py into a local AWS, run code in it, destroy it
	$(BIN)/python scripts/demo.py

local: $(READY) ## a local AWS in the foreground, with the exports to paste
	$(BIN)/agentcore-local up

setup: $(READY) ## make .venv, as the other commands do by themselves

deploy: $(READY) ## deploy app.py to the account of your AWS credentials
	$(BIN)/cdk deploy

test: $(READY) ## the whole suite
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

# checkov pins another boto3, so it has an environment of its own.
CHECKOV := .venv-checkov/bin/checkov

$(CHECKOV): constraints-checkov.txt
	$(PYTHON) -m venv .venv-checkov
	.venv-checkov/bin/python -m pip install --quiet --disable-pip-version-check -c constraints-checkov.txt checkov
	@touch $@

compliance: $(READY) $(CHECKOV) ## judge governed interpreters with every rule pack and linter
	$(BIN)/python scripts/compliance.py --checkov $(CHECKOV)

storm: $(READY) ## 200 random lives of a stack under faults; STORM="--seed 7" repeats one
	$(BIN)/python scripts/storm.py $(STORM)

conformance: $(READY) ## ask the local AWS what the documentation leaves open, and deploy into it
	$(BIN)/agentcore-local conformance

mutate: $(READY) ## change every decision of the session functions; some test must notice
	$(BIN)/python scripts/mutate.py

bench: $(READY) ## every figure, beside the last committed ones; BENCH="--only drains" for one part
	$(BIN)/python -m benchmarks $(BENCH)

matrix: $(READY) ## the unit tests at the oldest and at the newest version of aws-cdk-lib that are supported
	$(BIN)/python scripts/matrix.py --python $(PYTHON) $(MATRIX)

lint: $(READY) ## ruff, ruff format, mypy --strict, American spelling
	git ls-files '*.py' '*.md' '*.toml' Makefile | xargs $(BIN)/codespell \
	  --builtin en-GB_to_en-US --ignore-words-list cancelled
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY) ## put every file in order
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: $(READY) ## the site, in site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

clean: ## remove what the commands here made
	rm -rf $(VENV) .venv-checkov .venv-matrix-* cdk.out dist build site
