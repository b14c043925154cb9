# Everything runs in .venv, made on first use; paths are relative, so the folder may have spaces in its name.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt
PLAN ?= storage

.PHONY: run install test compat check bench clean

run: .venv/.run.stamp
	$(BIN)/spinlab run $(PLAN) $(ARGS)

install: .venv/.develop.stamp

test: .venv/.develop.stamp
	$(BIN)/python -m pytest $(ARGS)

compat: .venv/.compat.stamp
	$(BIN)/python -m pytest tests/compat $(ARGS)

check: .venv/.develop.stamp
	$(BIN)/ruff check --no-cache .
	$(BIN)/ruff format --no-cache --check .
	$(BIN)/mypy
	PYTHONPATH=. $(BIN)/lint-imports --no-cache

bench: .venv/.develop.stamp
	$(BIN)/python -m benchmarks $(ARGS)

clean:
	rm -rf .venv

# A folder without its python is a venv that was interrupted while being made: begin anew.
.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'spinlab needs Python 3.11 or newer; say which: make PYTHON=python3.12' >&2; exit 2; }
	@rm -rf .venv
	@echo 'making .venv ...'
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 2; }

# To run the laboratory takes the main dependencies only; tests and checks take theirs on top.
.venv/.run.stamp: pyproject.toml constraints.txt | .venv/bin/python
	@echo 'installing spinlab (the first time takes a minute) ...'
	@$(PIP) -e .
	@touch $@

.venv/.develop.stamp: pyproject.toml constraints.txt .venv/.run.stamp | .venv/bin/python
	@echo 'installing the test and check tools ...'
	@$(PIP) -e '.[test,check]'
	@touch $@

# Drivers that others wrote, hundreds of megabytes with all they need; only `make compat` asks for them.
.venv/.compat.stamp: pyproject.toml constraints.txt .venv/.develop.stamp | .venv/bin/python
	@echo 'installing the drivers that tests/compat tries ...'
	@$(PIP) -e '.[test,compat]'
	@touch $@
