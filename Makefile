# The one entry point. Every target works on a fresh clone; second runs start in seconds.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?=
export PYTHON
export PULUMI_ERROR_OUTPUT_STRING := true

.PHONY: help setup setup-dev demo test test-large lint types format docs bench kills faults soak least-privilege lock clean

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | expand -t 12

setup: ## .venv with what the platform needs
	@tools/bootstrap.sh requirements.txt

setup-dev: ## .venv with what its development needs
	@tools/bootstrap.sh requirements-dev.txt

demo: setup ## AWS on this machine, the sandbox stack deployed, the sample workflow run
	@.venv/bin/landfall demo

# Tests start some hundred processes of ours: without compiled modules each compiles them anew.
test test-large: export PYTHONDONTWRITEBYTECODE :=

test: setup-dev ## all tests, with the real engine, emulator and database
	@tools/chromium.sh
	@.venv/bin/landfall sandbox prepare
	@.venv/bin/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder -m "not large"

test-large: setup-dev ## the longest tests: 300 jobs, 1,000 scripts, generated workflows, kill -9 of every part
	@.venv/bin/landfall sandbox prepare
	@.venv/bin/python -m pytest -m large

lint: setup-dev ## ruff, and the format of every file
	@.venv/bin/ruff check . && .venv/bin/ruff format --check .

types: setup-dev ## mypy --strict over our packages; the emulator's plugins by the name that they have there
	@.venv/bin/mypy
	@cd sandbox/emulator && ../../.venv/bin/mypy --config-file ../../pyproject.toml --exclude '^$$' landfall_emulator

format: setup-dev ## put every file into the project's format
	@.venv/bin/ruff check --fix . ; .venv/bin/ruff format .

docs: setup-dev ## generated pages, and the documentation as a site in site/ with every link checked
	@.venv/bin/landfall schema --write && .venv/bin/python -m landfall.cli.reference --write
	@rm -rf site && .venv/bin/sphinx-build --quiet --fail-on-warning --keep-going --nitpicky --fresh-env \
		--conf-dir docs --doctree-dir build/docs --builder html . site
	@.venv/bin/python docs/_ext/check_site.py site

bench: setup-dev ## benchmarks, as ratios side by side
	@.venv/bin/python -m benchmarks

kills: setup-dev ## kill -9 of every part at random moments, and whether all recovers; KILLS="--count 5" for less
	@.venv/bin/landfall sandbox prepare
	@.venv/bin/python -m benchmarks.kills $(KILLS)

faults: setup-dev ## every Task state of the ETL machine under every fault; writes docs/fault-matrix.md
	@.venv/bin/landfall sandbox prepare
	@.venv/bin/python -m tests.faults.matrix --write $(FAULTS)

soak: setup-dev ## 1,000 workflow runs, a fifth with a fault; writes docs/soak.md; SOAK="--count 40" for less
	@.venv/bin/landfall sandbox prepare
	@.venv/bin/python -m benchmarks.soak --write $(SOAK)

least-privilege: setup-dev ## takes every grant of every role away and expects a failure; writes docs/least-privilege.md
	@.venv/bin/landfall sandbox prepare
	@.venv/bin/python -m benchmarks.least_privilege --write $(GRANTS)

lock: setup-dev ## new hash-pinned lock files from pyproject.toml
	@tools/lock.sh

clean: ## stop sandboxes; remove environments, tools and builds
	@[ ! -x .venv/bin/landfall ] || .venv/bin/landfall sandbox down --all
	@rm -rf .venv .tools build site .mypy_cache .ruff_cache .pytest_cache .hypothesis
