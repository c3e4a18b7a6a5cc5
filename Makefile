# Every target sets up what it needs: python3 (3.11 or later, with venv) and make are enough.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BENCH := .conduit/bench-venv
UV_VERSION := 0.13.9
WORKERS ?= 2
BY_FOLDER = --numprocesses $(WORKERS) --dist loadscope --no-loadscope-reorder
# Compiled modules are kept, whatever the surroundings say: else each process of a test run compiles all that it imports.
export PYTHONDONTWRITEBYTECODE :=
DISTS := contracts services/chassis services/intake services/triage services/routing services/notification services/web services/console services/programme services/signer deploy/operate deploy/local deploy/conformance deploy/generate
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
.PHONY: install kafka lock bench-install
install: $(VENV)/.installed ## Make the environment in .venv from requirements.lock

kafka: install ## Fetch Apache Kafka and prepare it, as the first start of anything would do
	$(BIN)/python -m conduit_local.kafka_archive

lock: | $(BIN)/uv ## Resolve requirements.lock and requirements-bench.lock again (hashes, every platform)
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-annotate --no-header \
		$(addprefix --no-emit-package conduit-,$(notdir $(DISTS))) \
		--group dev $(PROJECTS) --output-file requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-annotate --no-header \
		--group pyproject.toml:bench --output-file requirements-bench.lock

$(BENCH)/.installed: requirements-bench.lock | $(BIN)/uv
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(BENCH)
	$(BIN)/uv pip install --quiet --python $(BENCH)/bin/python --require-hashes --requirements requirements-bench.lock
	@touch $@

bench-install: install $(BENCH)/.installed ## Make .conduit/bench-venv: quixstreams, which the benchmark compares with, and plots

##@ Run
.PHONY: demo up down
demo: install ## Run the main job on real Kafka and PostgreSQL: sample referrals become acknowledged hand-offs (STAY=1: look at them in the console)
	$(BIN)/conduit demo $(if $(STAY),--stay)

up: install ## Run everything in the foreground; .conduit/env tells clients where (Ctrl-C or make down ends it)
	$(BIN)/conduit up

down: install ## Stop what make up started
	$(BIN)/conduit down

##@ Check
.PHONY: check test test-long test-browser keycloak clients lint format schemas documents dashboards kubernetes kubernetes-check words frontend fuzz monitoring
check: install ## What a change is tried with at first: lint, then the tests that need no Kafka, without the costly ones
	@$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest -m "not long and not clients and not browser and not keycloak and not kafka and not thorough" $(BY_FOLDER) $(ARGS)

test: install ## Lint, then the tests on real Kafka and PostgreSQL, folder by folder in two processes (WORKERS=0: in this one)
	@$(MAKE) --no-print-directory --jobs 2 lint kafka
	$(BIN)/python -m pytest -m "not long and not clients and not browser and not keycloak" $(BY_FOLDER) $(ARGS)

# Live alerts come alone: they notice when others keep the machine busy, and rightly. Faults come last: before, figures of the
# last minutes are looked at.
test-long: install kafka ## The tests that take long: kills, replicas, fuzzing, live alerts, several brokers, stalled servers, the previous release
	@failed=0; \
	$(BIN)/python -m pytest -m "long and not clients and not browser and not keycloak" --ignore tests/monitoring $(BY_FOLDER) $(ARGS) || failed=1; \
	$(BIN)/python -m pytest -m long tests/monitoring/test_[!f]*.py tests/monitoring/test_faults.py $(ARGS) || failed=1; \
	exit $$failed

test-browser: install ## Pages in a real browser: by keyboard, without scripts, small, enlarged, in forced colours; pictures in .conduit/pictures
	$(BIN)/python -m pytest -m browser services $(BY_FOLDER) $(ARGS)

keycloak: install ## Signing in and out, in a real browser, with Keycloak in place of the provider for tests (fetches 177 MB at first)
	$(BIN)/python -m pytest -m keycloak services/web/tests $(ARGS)

clients: install kafka ## Generate clients from the OpenAPI, compile them and use them (needs a JDK)
	$(BIN)/python -m pytest -m clients tests/clients $(ARGS)

lint: install ## ruff, mypy --strict, the import rules and the word list
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(addsuffix /src,$(DISTS)) tests/benchmarks tests/clients tests/architecture tests/support tests/security tests/e2e tests/documents tests/fuzz tests/kits tests/scale tests/monitoring tests/tracing tests/kubernetes tests/sandbox tests/prose tests/listings
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m tests.prose

format: install ## Format, and fix what ruff can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schemas: install ## Write the JSON Schemas of all messages
	$(BIN)/python -m conduit_contracts.schemas write

documents: install ## Write AsyncAPI, OpenAPI and their pages in docs/api, and docs/states.md
	$(BIN)/python -m conduit_generate.documents write
	$(BIN)/python -m conduit_generate.states write

dashboards: install ## Write Grafana's dashboards in deploy/grafana/dashboards
	$(BIN)/python -m conduit_generate.dashboards write

kubernetes: install ## Write the manifests in deploy/kubernetes
	$(BIN)/python -m conduit_generate.kubernetes write

words: install ## Write the template of catalogues, from which the pages are translated
	$(BIN)/python -m conduit_generate.words

frontend: install ## Fetch GOV.UK Frontend for the pages again, for who changes its version (needs npm)
	$(BIN)/python -m conduit_generate.frontend

kubernetes-check: install ## kustomize, kubeconform and hadolint on what a deployer renders and builds (builds them with Go at first)
	$(BIN)/python -m tests.kubernetes.rendered
	IMAGES=all $(BIN)/python -m pytest tests/kubernetes/test_images.py $(ARGS)

monitoring: install ## Every fault of the running stack raises the right alert, and only that; the rules, runbooks and dashboards too
	$(BIN)/python -m pytest tests/monitoring $(ARGS)

fuzz: install ## What strangers might send, at length: over HTTP and on partners' and forces' topics; FUZZ_SEED=1 for other cases
	FUZZ_EXAMPLES=$${FUZZ_EXAMPLES:-500} FUZZ_LEAST=5000 $(BIN)/python -m pytest -s services/intake/tests/test_http_fuzz.py $(ARGS)
	FUZZ_RECORDS=$${FUZZ_RECORDS:-6000} $(BIN)/python -m pytest tests/fuzz $(ARGS)

##@ Measure
.PHONY: bench bench-flat bench-large bench-fair bench-wide bench-console bench-scale capacity scale soak
bench: bench-install ## The same referrals through the conduit and four other pipelines; writes .conduit/bench.json and docs/benchmarks
	$(BIN)/python -m tests.benchmarks $(ARGS)

bench-flat: bench-install ## What a referral costs on top of 1,000 to 1,000,000 stored ones; writes .conduit/flat.json and docs/benchmarks
	$(BIN)/python -m tests.benchmarks.flat $(ARGS)

bench-large: install kafka ## What one partner's floods cost, in CPU and memory, and whom they delay; writes .conduit/large.json and docs/benchmarks
	$(BIN)/python -m tests.benchmarks.large $(ARGS)

bench-fair: bench-install kafka ## Whom one partner's load delays, and how far; writes .conduit/fair.json and docs/benchmarks
	$(BIN)/python -m tests.benchmarks.fair $(ARGS)

bench-wide: bench-install kafka ## What grows with the number of partners, from 50 to 1,500; writes .conduit/wide.json and docs/benchmarks
	$(BIN)/python -m tests.benchmarks.wide $(ARGS)

bench-console: install ## The console's answers over 100,000 cases while 50 referrals/s come in; ARGS="--rate 50 --seconds 60"; writes .conduit/console.json
	$(BIN)/python -m tests.benchmarks.console $(ARGS)

scale: install ## 2,000 referrals through four processes of each service that come and go: each one once and in order
	SCALE_REPLICAS=4 SCALE_REFERRALS=2000 SCALE_SECONDS=45 $(BIN)/python -m pytest -s tests/scale -k every_referral $(ARGS)

bench-scale: install ## Throughput and CPU with 1, 2 and 4 processes per service; writes .conduit/scale.json
	$(BIN)/python -m tests.benchmarks.scale $(ARGS)

soak: bench-install ## A steady load, and a verdict on what grew; MINUTES=30 RATE=20; writes .conduit/soak.csv
	$(BIN)/python -m tests.benchmarks.soak --minutes $${MINUTES:-30} --rate $${RATE:-20} $(ARGS)

capacity: bench-install kafka ## What a referral costs and how wide it may be, measured in half an hour; writes docs/capacity.md and two .json
	$(BIN)/python -m tests.benchmarks.footprint
	$(BIN)/python -m tests.benchmarks.width
	$(BIN)/python -m tests.benchmarks.capacity

##@ Clean
.PHONY: clean
clean: ## Remove the environment and all local state, downloads included
	rm -rf $(VENV) .conduit

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
