# Table of contents. Every recipe bootstraps its own virtual environment first.
.DEFAULT_GOAL := help
.PHONY: help demo test check chaos bench lock clean
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: .venv/ready ## a simulated AWS organization, live: make demo ARGS="--exit-when-synced --json"
	@$(BIN)/grantwire demo $(ARGS)

test: .venv/ready ## the suite that a newcomer and CI run
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile -m "not slow" $(ARGS)

check: .venv/ready ## format, lint, types, import walls, deployment files, then the tests
	@sh tools/check.sh
	@$(BIN)/python -m pytest -q -n 2 --dist loadfile -m "not slow" $(ARGS)

chaos: .venv/ready ## kill schedules and fault matrix at length (bounded, loopback only)
	@$(BIN)/python -m pytest -q -m slow tests/chaos tests/system $(ARGS)

bench: .venv/ready ## how long an organization takes; wants a quiet machine
	@$(BIN)/python -m pytest -q -s tests/bench $(ARGS)

lock: .venv/ready ## resolve anew and export both lock files with hashes
	@$(BIN)/uv lock --upgrade -q
	@$(BIN)/uv export --all-extras --all-groups --no-emit-workspace --no-header -q -o requirements.lock
	@$(BIN)/uv export --all-extras --no-dev --group build --no-emit-workspace --no-header -q -o requirements.runtime.lock

clean: ## remove the environment and caches; never a state directory
	@rm -rf .venv .pytest_cache .mypy_cache .ruff_cache .import_linter_cache build dist *.egg-info

.venv/ready: requirements.lock pyproject.toml
	@PYTHON="$(PYTHON)" sh tools/bootstrap.sh
