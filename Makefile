# One word for every habit. `make demo` and `make test` need Python 3.11 or newer and nothing else.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
RIVALS := $(VENV)/.rivals
TIMES := .data/test-times

.DEFAULT_GOAL := help
.PHONY: help demo dev dev-cluster test test-slow test-times attack soak conformance lint format generate lock packages bench bench-fulfillment bench-workers bench-takeover bench-events clean

help: ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

# The environment: from hashes only, again when a lock or a project's own file has changed.
$(READY): requirements.lock requirements-source.lock pyproject.toml clients/python/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "wms-orders needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Set PYTHON=/path/to/python3.")'
	@echo "Making the environment in $(VENV) (about half a minute, once) ..."
	@$(PYTHON) -m venv $(VENV) || { echo "No virtual environment could be made; on Debian: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.lock
	@# What is published in no other form than source, built by the tools that were just installed.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --no-build-isolation -r requirements-source.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable clients/python --editable .
	@touch $(READY)

# What the benchmarks compare us with, beside it.
$(RIVALS): $(READY) requirements-bench.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements-bench.lock
	@touch $(RIVALS)

demo: $(READY) ## orders on their way, from nothing: embedded Postgres, server, worker, simulator, 415 real orders
	@$(BIN)/wms-orders demo

dev: $(READY) ## the same without the orders; stays up and says where everything listens; with KAFKA=1 a Kafka too
	@$(BIN)/wms-orders dev

dev-cluster: $(READY) ## three ZooKeeper nodes, a server and three workers; shows who of them acts
	@$(BIN)/wms-orders dev-cluster

PYTEST := $(BIN)/python -m pytest --numprocesses 3 --dist loadgroup

test: $(READY) ## the tests to run before each commit: real Postgres, in less than ten minutes on two cores
	@$(PYTEST) -m "not slow" $(ARGS)

test-slow: $(READY) ## the other tests: faults with real waits, processes, the demo, the clients, all of it on Postgres 15 too
	@$(PYTEST) -m slow --ignore tests/attack $(ARGS)
	@# Attacks measure latency and memory, so they run by themselves. With ARGS only what was asked for runs.
	@$(if $(ARGS),,$(BIN)/python -m pytest -m slow tests/attack)

test-times: $(READY) ## run `make test` and print where its time goes: by kind, file, fixture, test and wait
	@rm -rf $(TIMES)
	@TEST_TIMES_DIRECTORY=$(TIMES) $(PYTEST) -p tests.support.timing.recorder -m "$(or $(MARK),not slow)" $(ARGS); \
	status=$$?; $(BIN)/python -m tests.support.timing.report $(TIMES); exit $$status

conformance: $(READY) ## the clients in Python, Go, TypeScript and Java through the same cases, and a table of how they went
	@$(BIN)/python -m wms_dev.conformance $(ARGS)

lint: $(RIVALS) ## style, types, import contracts, the contract's own rules, generated code, locks, dependencies
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/pyright --pythonpath $(BIN)/python
	@$(BIN)/lint-imports
	@$(BIN)/buf lint
	@$(BIN)/python -m wms_dev.generate --check
	@$(BIN)/python -m wms_dev.documents --check
	@$(BIN)/python -m wms_dev.lockfiles
	@$(BIN)/python -m wms_dev.dependencies

format: $(READY) ## format the code
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

generate: $(READY) ## generate the clients of four languages from the protos (Go, Node, Maven), and the documents from the code
	@$(BIN)/python -m wms_dev.generate
	@$(BIN)/python -m wms_dev.documents

lock: $(READY) ## pin the dependencies anew
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --extra dev --no-emit-find-links --no-header --no-emit-package pure-sasl --no-emit-package wms-orders-client pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --extra bench --constraints requirements.lock --no-emit-find-links --no-header --no-emit-package pure-sasl --no-emit-package wms-orders-client pyproject.toml -o requirements-bench.lock
	@# What the image has: what we run with, and apart from it what that is built with.
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --constraints requirements.lock --no-emit-find-links --no-header --no-emit-package pure-sasl --no-emit-package wms-orders-client pyproject.toml -o requirements-image.lock
	@printf 'hatchling\nsetuptools\n' | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --constraints requirements.lock --no-emit-find-links --no-header - -o requirements-build.lock
	@echo pure-sasl | $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-find-links --no-header - -o requirements-source.lock

packages: $(READY) ## build what others install into dist/: wheels, the Go module, the npm package, the Maven artifact
	@$(BIN)/python -m wms_dev.packages $(ARGS)

attack: $(READY) ## hostile loads on a real server and worker, beside a well-behaved caller, and a table of how they went; SHORT=1 for four minutes
	@$(BIN)/python -m tests.attack $(if $(SHORT),--short) $(ARGS)

soak: $(READY) ## the tests of failures with full times: 6 s sessions, a minute without quorum, five without Kafka; recorded
	@SOAK=1 $(BIN)/python -m pytest -p tests.support.soak_record tests/chaos --timeout 900 $(ARGS)

bench: $(RIVALS) ## orders and reads a second beside other services, with five million orders too (benchmarks/README.md)
	@$(BIN)/python -m benchmarks.api $(ARGS)

bench-fulfillment: $(READY) ## orders fulfilled a second, beside the bare status update (benchmarks/README.md)
	@$(BIN)/python -m benchmarks.fulfillment $(ARGS)

bench-workers: $(RIVALS) ## the cycle's orders a second beside Procrastinate, DBOS and Temporal (benchmarks/README.md)
	@$(BIN)/python -m benchmarks.workers $(ARGS)

bench-takeover: $(READY) ## how long nobody acts when the active worker is killed, stopped or frozen
	@$(BIN)/python -m benchmarks.takeover $(ARGS)

bench-events: $(READY) ## events a second from outbox to Kafka, their delay, and what it costs CreateOrder
	@$(BIN)/python -m benchmarks.events $(ARGS)

clean: ## remove what was made here
	rm -rf $(VENV) .data .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache dist
