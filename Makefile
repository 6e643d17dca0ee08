# Everything needed is set up by the targets themselves, below this folder: .tools, .venv, node_modules and var.
# python3 (3.11 or later), pip, make and git are enough.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:

HOST ?= 127.0.0.1
PORT ?= 8000
VENV := .venv/bin

.PHONY: run test test-postgres check demo-reset setup

setup: ; @bin/set-up

run:
	@bin/port-is-free "$(HOST)" "$(PORT)"
	bin/set-up
	HOST="$(HOST)" PORT="$(PORT)" $(VENV)/python manage.py prepare_local
	echo "Stop it with Ctrl+C."
	HOST="$(HOST)" exec $(VENV)/gunicorn iopmanager.wsgi --bind "$(HOST):$(PORT)" --workers 2 --threads 4 --no-control-socket --log-level warning

test: setup
	@DEPLOYMENT=test $(VENV)/pytest -n auto $(ARGS)

test-postgres: setup
	@bin/with-postgres $(VENV)/pytest -n auto $(ARGS)

check: setup
	@export DEPLOYMENT=test
	$(VENV)/ruff format --check .
	$(VENV)/ruff check .
	git ls-files '*.html' | xargs $(VENV)/djade --check --target-version 6.1
	$(VENV)/mypy .
	$(VENV)/python manage.py makemigrations --check --dry-run
	bin/check-deploy

demo-reset: setup
	@rm -f var/iopmanager.sqlite3 var/iopmanager.sqlite3-wal var/iopmanager.sqlite3-shm
	$(VENV)/python manage.py prepare_local
