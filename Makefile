# The targets set up everything they need in this folder: .tools, .venv, node_modules and var.
# You need only python3, pip, make and git.

SHELL := /bin/bash
HOST ?= 127.0.0.1
PORT ?= 8000
VENV := .venv/bin
export HOST PORT

.PHONY: run test test-postgres coverage check shots catalogs demo-reset setup

# Serves the demo clinic. EMPTY=1 serves a clinic of your own, which begins empty. You can set HOST and PORT; DEBUG=1 turns
# on Django's debug pages.
run demo-reset: export DEPLOYMENT = local
run:
	@bin/port-is-free "$(HOST)" "$(PORT)"
	@bin/set-up
	@bin/collect-static
	@$(VENV)/python manage.py prepare_local
	@exec bin/serve

# Runs the suite on SQLite. ARGS are passed to pytest: make test ARGS="tests/unit -x"
test: export DEPLOYMENT = test
test: setup
	@$(VENV)/pytest -n auto $(ARGS)

# Runs the suite on SQLite and measures branch coverage of domains and services. Fails below the minimum in pyproject.toml.
coverage: export DEPLOYMENT = test
coverage: setup
	@$(VENV)/pytest -n auto --cov --cov-report=term $(ARGS)

# Runs the suite on a PostgreSQL server that is started for it.
test-postgres: setup
	@bin/with-postgres $(VENV)/pytest -n auto $(ARGS)

check: export DEPLOYMENT = test
check: setup
	$(VENV)/ruff format --check .
	$(VENV)/ruff check .
	git ls-files -z '*.html' | xargs -0 $(VENV)/djade --check --target-version 6.1
	$(VENV)/mypy .
	PYTHONPATH=. $(VENV)/lint-imports --cache-dir var/import-linter
	$(VENV)/deptry .
	$(VENV)/python manage.py makemigrations --check --dry-run
	bin/check-deploy

# Takes screenshots of every page in three widths, light and dark, English and Spanish, into var/shots. Needs Chromium.
shots: export DEPLOYMENT = local
shots: setup
	@bin/collect-static
	@$(VENV)/python -m tests.shots

# Collects the texts of the sources in locale/, and compiles the translations.
catalogs: setup
	@$(VENV)/python manage.py catalogs
	@bin/set-up

# Deletes the local database and loads the demo clinic again.
demo-reset: setup
	@[ -z "$${DATABASE_URL:-}" ] || { echo "DATABASE_URL is set: only the local SQLite database is reset." >&2; exit 1; }
	@rm -f var/iopmanager.sqlite3 var/iopmanager.sqlite3-wal var/iopmanager.sqlite3-shm
	@$(VENV)/python manage.py prepare_local

setup:
	@bin/set-up
