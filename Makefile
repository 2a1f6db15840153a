# make demo | test | test-slow | test-benchmarks | lint | bench | screenshots | messages | clean. Everything runs in .venv, which the first target that needs it makes.
# Variables: PYTHON (which Python makes .venv), PORT, DATA (a folder with images for the demo), ARGS (for pytest), NAME (a benchmark).
SHELL := /bin/bash
.DEFAULT_GOAL := help

PYTHON ?= $(firstword $(foreach name,python3.13 python3.12 python3.11 python3,$(shell $(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))) python3)
PORT ?= 8000
VENV := .venv
BIN := $(VENV)/bin
# Bytecode is written at the first import instead, whatever the environment says: without it each process of the product
# compiles thousands of files before it does anything.
PIP_OPTIONS := --disable-pip-version-check --no-compile
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo test test-slow test-benchmarks lint bench screenshots messages clean

help:
	@echo "make demo        the product with demo data on http://127.0.0.1:$(PORT)   (PORT=8001, DATA=folder with images)"
	@echo "make test        the tests                                           (ARGS='tests/unit -k routing')"
	@echo "make test-slow   killed servers and workers, coverage by simulation, accessibility (some 6 minutes)"
	@echo "make test-benchmarks  a quick run of each benchmark"
	@echo "make lint        ruff, mypy, import order, missing migrations"
	@echo "make bench       the benchmarks                                      (NAME=bulk_ingest for one)"
	@echo "make screenshots pictures of every page into docs/images"
	@echo "make messages    new sentences into locale/, and what is translated compiled (needs gettext)"
	@echo "make clean       removes .venv and caches; data under var/ stay"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "reviewapp needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>/dev/null || echo missing). Say which one to use: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "On Debian and Ubuntu the package python3-venv is needed: apt-get install -y python3-venv" >&2; exit 1; }

# Installs again only when the text of the requirements has changed, which a file's time does not tell.
define install
	@wanted=$$(cat $(1) | $(BIN)/python -c 'import hashlib, sys; print(hashlib.sha256(sys.stdin.buffer.read()).hexdigest())'); \
	if [ "$$(cat $(VENV)/.installed-$(2) 2>/dev/null)" != "$$wanted" ]; then \
	  echo "Installing $(2) requirements (once; a minute or two)"; \
	  $(BIN)/python -m pip install $(PIP_OPTIONS) -r $(2) && echo "$$wanted" > $(VENV)/.installed-$(2); \
	fi
endef

.PHONY: runtime development mlflow
runtime: $(BIN)/python
	$(call install,requirements.txt,requirements.txt)

development: runtime
	$(call install,requirements.txt requirements-onnx.txt requirements-parquet.txt requirements-s3.txt requirements-dev.txt,requirements-dev.txt)

# MLflow's server for the tests of the link to it, in an environment of its own: it brings forty packages.
mlflow: $(BIN)/python
	@[ -x $(VENV)/mlflow/bin/mlflow ] || { $(BIN)/python -m venv $(VENV)/mlflow && \
	  $(VENV)/mlflow/bin/python -m pip install $(PIP_OPTIONS) -q -r requirements-mlflow.txt; }

# exec: make passes SIGTERM to its direct child, and that is then the runner itself.
demo: runtime
	@exec env REVIEWAPP_DEMO=1 PORT=$(PORT) $(if $(DATA),REVIEWAPP_DEMO_DATA="$(abspath $(DATA))") $(BIN)/python -m reviewapp.up

test: development
	@$(BIN)/python -m pytest -n 2 -m "not benchmark and not slow" $(ARGS)
	@echo "Left out, and run by CI: make test-slow (killed servers and workers, coverage by simulation, accessibility), make test-benchmarks."

test-slow: development
	@$(BIN)/python -m pytest -n 2 -m slow $(ARGS)

test-benchmarks: development
	@$(BIN)/python -m pytest -n 2 tests/test_benchmarks.py

lint: development
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy .
	@$(BIN)/lint-imports
	@DJANGO_SETTINGS_MODULE=reviewapp.settings $(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run

screenshots: development
	@$(BIN)/python -m pytest tests/browser/take_screenshots.py

messages: runtime
	@$(BIN)/python manage.py makemessages --all --no-location --no-wrap
	@$(BIN)/python manage.py compilemessages --ignore .venv

bench: runtime
	@$(BIN)/python -m benchmarks $(NAME) $(ARGS)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
