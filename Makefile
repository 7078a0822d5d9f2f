# The two commands of this project are `make demo` and `make test`; both set up by themselves.
SHELL := bash
PYTHON := .venv/bin/python
SOURCE ?= sample
MASTER ?= local
SECURE ?=

.PHONY: help setup demo docs pack doctor check test test-unit test-fault test-spark test-sparks bench notebook licenses release clean
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' Makefile | expand -t 14

setup: ## venv, jars and our Java; a second run does nothing
	@scripts/setup

demo: setup ## tweets through Kafka and both jobs onto HDFS, audited; SOURCE=sample|replay|search|stream|x-stub|bluesky-stub MASTER=local|standalone|yarn SECURE=1
	@SOURCE="$(SOURCE)" MASTER="$(MASTER)" SECURE="$(SECURE)" scripts/demo.sh

pack: setup ## build/pack/tweets-….tar.gz: our code and what it imports, for the executors of a cluster
	@$(PYTHON) -m local.pack

doctor: setup ## is everything within reach? SOURCE=sample|stream|search|bluesky
	@.venv/bin/python -m producer --check --source "$(SOURCE)"

check: ## format, lint, types, no secrets
	@scripts/setup --dev
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	$(PYTHON) local/secret_scan.py

test: check ## checks and all tests but the long fault loops, on real Kafka, HDFS and Spark
	$(PYTHON) -m pytest -m "not long" --numprocesses 2 --dist loadfile --no-loadscope-reorder --durations=30

test-unit: ## the tests that need no services
	@scripts/setup --dev
	$(PYTHON) -m pytest tests/unit

test-fault: ## what `make test` leaves out, hours: the long fault loops, the second of each pair; FAULT_ROUNDS=3 makes them short, FAULT_SEED=n chooses others
	@scripts/setup --dev
	TEST_PATIENCE=$${TEST_PATIENCE:-3} $(PYTHON) -m pytest --verbose --timeout 7200 -o faulthandler_timeout=0 --numprocesses 2 --dist worksteal -m long tests
	$(PYTHON) -m tests.kit.faults.results

test-spark: ## the connector's wheel and tests on another PySpark, below build/: make test-spark PYSPARK=3.5.7
	@if [ -z "$(PYSPARK)" ]; then echo "which Spark? make test-spark PYSPARK=3.5.7" >&2; exit 2; fi
	@scripts/setup --dev
	$(PYTHON) -m tests.kit.sparks $(PYSPARK)

test-sparks: ## the same on each Spark that the wheel is for, about an hour; the last lines are a table
	@scripts/setup --dev
	$(PYTHON) -m tests.kit.sparks

bench: setup ## both jobs against their peers, about forty minutes; README.md has the table it makes
	$(PYTHON) -m benchmarks

docs: ## build/docs: the connector's API pages, from its docstrings
	@scripts/setup --dev
	PYTHONPATH=connector $(PYTHON) -m pdoc kafka_dstreams --output-directory build/docs
	@echo "docs: build/docs/kafka_dstreams.html"

notebook: ## examples/structured_streaming.ipynb on Kafka and HDFS here, from the first cell to the last; says where it is
	@scripts/setup --notebook
	@$(PYTHON) -m local.notebooks

licenses: ## docs/licenses.md: the licences of all packages and jars
	@scripts/setup --dev
	$(PYTHON) -m local.licenses

release: ## the connector's wheel and sdist in dist/, each tried in a new venv
	@scripts/setup --dev
	$(PYTHON) -m local.release

clean: ## stop the services and remove what was built and run here (the venv stays, and what a spool keeps)
	@if [ -x $(PYTHON) ] && [ -d build/jars ]; then scripts/services clean; fi
	rm -rf build .pytest_cache .mypy_cache .ruff_cache spark-warehouse metastore_db derby.log
	@if [ -d .run ]; then find .run -mindepth 1 -maxdepth 1 ! -name spool -exec rm -rf {} +; fi
	@if [ -n "$$(find .run/spool \( -name '*.segment' -o -name rejected.jsonl \) -print -quit 2>/dev/null)" ]; then \
		echo "kept: .run/spool has posts that Kafka has not taken, or says where a source continues. To give them up: rm -r .run/spool"; \
	else rm -rf .run; fi
