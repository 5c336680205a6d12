# The two commands that matter: `make run` and `make test`. CONTRIBUTING.md explains the others.

PYTHON ?= python3
UV ?= uv
ARGS ?=
NAME ?=

# Relative, since make can't handle a path with a space in its name.
VENV := .venv
BIN := $(VENV)/bin
RUN := $(VENV)/run.stamp
DEV := $(VENV)/dev.stamp

export PIP_DISABLE_PIP_VERSION_CHECK = 1
# Servers, their workers and tests start many processes, which would all compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run test check soak bench lock graphiql schema matrix migration
.DEFAULT_GOAL := help

help: ## Show this.
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-9s %s\n", $$1, $$2}' Makefile

run: $(RUN) ## Start everything and serve a demonstration on PORT (8000).
	@$(BIN)/python -m app.cli run

test: $(DEV) ## Run all tests; ARGS go to pytest.
	@$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

check: $(DEV) ## Check formatting, lint, types, the committed schema, and that migrations make the models.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m app.cli schema | diff schema.graphql -
	$(BIN)/python -m pytest -q tests/models/test_migrations.py -k exactly_the_models

soak: $(DEV) ## Compare both ways of reading on 100,000 questions, and live 100,000 steps of subscriptions.
	@$(BIN)/python -m tests.soak $(ARGS)

bench: $(DEV) ## Measure the workloads of benchmarks/.
	$(BIN)/python -m benchmarks $(ARGS)

schema: $(DEV) ## Write schema.graphql anew.
	$(BIN)/python -m app.cli schema > schema.graphql

matrix: $(DEV) ## Write anew who may what (tests/matrix/*.txt).
	@$(BIN)/python -m pytest -q -n 0 tests/matrix --write-matrix $(ARGS)

migration: $(DEV) ## Write the next migration from the models; NAME says what it does.
	@$(BIN)/python -m app.migrations $(NAME)

graphiql: ## Bundle the GraphiQL page anew (needs node and npm).
	cd app/server/graphiql && npm ci && npm run build

# Both locks name the same versions; no registry's address is written down.
LOCK := $(UV) pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
	--extra embedded --group build pyproject.toml

lock: ## Lock the newest allowed versions of all packages (needs uv).
	$(LOCK) --upgrade --group dev --output-file requirements-dev.lock
	$(LOCK) --upgrade --constraint requirements-dev.lock --output-file requirements.lock

# An environment's stamp is newer than what it was made from, so that nothing is done twice.
$(RUN): requirements.lock pyproject.toml
	@LOCK=requirements.lock PYTHON="$(PYTHON)" sh tools/environment $(VENV)
	@touch $@

$(DEV): requirements-dev.lock pyproject.toml
	@LOCK=requirements-dev.lock PYTHON="$(PYTHON)" sh tools/environment $(VENV)
	@touch $@
