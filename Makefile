# Every target sets up what it needs: python3 (3.11 or later, with venv) and make are enough.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
DISTS := contracts services/chassis services/intake services/triage services/routing services/notification deploy/local
PROJECTS := pyproject.toml $(addsuffix /pyproject.toml,$(DISTS))

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; set PYTHON=python3.x" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/.installed: requirements.lock $(PROJECTS) | $(BIN)/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --requirements requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(addprefix --editable ./,$(DISTS))
	@touch $@

##@ Set up
.PHONY: install lock
install: $(VENV)/.installed ## Make the environment in .venv from requirements.lock

lock: | $(BIN)/uv ## Resolve requirements.lock anew (hashes, every platform)
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-annotate --no-header \
		$(addprefix --no-emit-package ,conduit-contracts conduit-chassis conduit-intake conduit-triage conduit-routing conduit-notification conduit-local) \
		--group dev $(PROJECTS) --output-file requirements.lock
