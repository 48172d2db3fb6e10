# `make help` lists the targets. `make demo` and `make test` need only Python 3.11 or newer.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
COMPETITORS := $(VENV)/.competitors
TIMES := .data/test-times

.DEFAULT_GOAL := help
.PHONY: help demo dev dev-cluster test test-slow test-times metrics attack soak conformance lint format generate lock packages bench bench-fulfillment bench-workers bench-takeover bench-events clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

# The virtual environment, installed with hashes. It is installed again when a lock or a pyproject.toml has changed.
$(READY): requirements.lock requirements-source.lock pyproject.toml clients/python/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "wms-orders needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Set PYTHON=/path/to/python3.")'
	@echo "Creating the virtual environment in $(VENV) (about half a minute, once) ..."
	@$(PYTHON) -m venv $(VENV) || { echo "Cannot create a virtual environment; on Debian: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.lock
	@# Packages that are published only as source, built with the tools that were just installed.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --no-build-isolation -r requirements-source.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable clients/python --editable .
	@touch $(READY)

# The other packages and services that the benchmarks measure.
$(COMPETITORS): $(READY) requirements-bench.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements-bench.lock
	@touch $(COMPETITORS)

demo: $(READY) ## run 415 real orders with embedded Postgres, server, worker and simulator, and reconcile the result
	@$(BIN)/wms-orders demo

dev: $(READY) ## run the same processes without orders until Ctrl-C, and print their addresses; KAFKA=1 adds Kafka
	@$(BIN)/wms-orders dev

dev-cluster: $(READY) ## run three ZooKeeper nodes, a server and three workers, and show which workers are active
	@$(BIN)/wms-orders dev-cluster

PYTEST := $(BIN)/python -m pytest --numprocesses 3 --dist loadgroup

test: $(READY) ## run the tests for each commit, on a real Postgres, in less than ten minutes on two cores
	@$(PYTEST) -m "not slow" $(ARGS)

test-slow: $(READY) ## run the slow tests: faults with real waits, processes, demo, clients; also on Postgres 15
	@$(PYTEST) -m slow --ignore tests/attack $(ARGS)
	@# Attacks measure latency and memory, so they run separately. With ARGS only the selected tests run.
	@$(if $(ARGS),,$(BIN)/python -m pytest -m slow tests/attack)

test-times: $(READY) ## run `make test` and print its times by kind, file, fixture, test and wait
	@rm -rf $(TIMES)
	@TEST_TIMES_DIRECTORY=$(TIMES) $(PYTEST) -p tests.support.pytest_plugins.timing.recorder -m "$(or $(MARK),not slow)" $(ARGS); \
	status=$$?; $(BIN)/python -m tests.support.pytest_plugins.timing.report $(TIMES); exit $$status

conformance: $(READY) ## run the clients in Python, Go, TypeScript and Java through the same cases, and print the results
	@$(BIN)/python -m wms_dev.conformance $(ARGS)

lint: $(COMPETITORS) ## check style, types, import contracts, protos, generated code, lock files and dependencies
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/pyright --pythonpath $(BIN)/python
	@$(BIN)/lint-imports
	@$(BIN)/buf lint
	@$(BIN)/python -m wms_dev.codegen --check
	@$(BIN)/python -m wms_dev.docs_generator --check
	@$(BIN)/python -m wms_dev.checks.lockfiles
	@$(BIN)/python -m wms_dev.checks.dependencies
	@$(BIN)/python -m wms_dev.checks.vocabulary

metrics: $(READY) ## figures of the code base: names, prose, folders, functions, duplicates
	@$(BIN)/python -m wms_dev.checks.readability $(ARGS)

format: $(READY) ## format the code
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

generate: $(READY) ## generate the clients of four languages from the protos (needs Go, Node, Maven), and the docs from the code
	@$(BIN)/python -m wms_dev.codegen
	@$(BIN)/python -m wms_dev.docs_generator

lock: $(READY) ## update the lock files
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --extra dev --no-emit-find-links --no-header --no-emit-package pure-sasl --no-emit-package wms-orders-client pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --extra bench --constraints requirements.lock --no-emit-find-links --no-header --no-emit-package pure-sasl --no-emit-package wms-orders-client pyproject.toml -o requirements-bench.lock
	@# The image has two locks: the packages at runtime, and the tools that build it.
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --constraints requirements.lock --no-emit-find-links --no-header --no-emit-package pure-sasl --no-emit-package wms-orders-client pyproject.toml -o requirements-image.lock
	@printf 'hatchling\nsetuptools\n' | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --constraints requirements.lock --no-emit-find-links --no-header - -o requirements-build.lock
	@echo pure-sasl | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-find-links --no-header - -o requirements-source.lock

packages: $(READY) ## build the packages into dist/: wheels, Go module, npm package, Maven artifact
	@$(BIN)/python -m wms_dev.packages $(ARGS)

attack: $(READY) ## run hostile loads against a server and worker with a well-behaved caller, and print the results; SHORT=1 takes four minutes
	@$(BIN)/python -m tests.attack $(if $(SHORT),--short) $(ARGS)

soak: $(READY) ## run the chaos tests with production times (6 s sessions, 1 min without quorum, 5 min without Kafka), and record them
	@SOAK=1 $(BIN)/python -m pytest -p tests.support.pytest_plugins.soak_record tests/chaos --timeout 900 $(ARGS)

bench: $(COMPETITORS) ## measure orders and reads per second against other services, also with five million orders (benchmarks/README.md)
	@$(BIN)/python -m benchmarks.api $(ARGS)

bench-fulfillment: $(READY) ## measure fulfilled orders per second against a bare status update (benchmarks/README.md)
	@$(BIN)/python -m benchmarks.fulfillment $(ARGS)

bench-workers: $(COMPETITORS) ## measure the cycle's orders per second against Procrastinate, DBOS and Temporal (benchmarks/README.md)
	@$(BIN)/python -m benchmarks.workers $(ARGS)

bench-takeover: $(READY) ## measure the time without an active worker after it is killed, stopped or frozen
	@$(BIN)/python -m benchmarks.takeover $(ARGS)

bench-events: $(READY) ## measure events per second from outbox to Kafka, their delay, and the cost for CreateOrder
	@$(BIN)/python -m benchmarks.events $(ARGS)

clean: ## remove all generated files of the working copy
	rm -rf $(VENV) .data .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache dist
