# For developers; to use mdm-bridge, `pipx install mdm-bridge` is enough.
# Needs make and a Python >= 3.11 with venv: `make test`, or `make test PYTHON=/path/to/python3.12`.
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: help demo test check bench deep audit format locale lock clean

VENV ?= .venv
export VENV
BIN := $(VENV)/bin
PY := $(BIN)/python
READY := $(VENV)/.ready
JOBS ?= 2
ARGS ?=

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

$(READY): requirements.lock pyproject.toml hatch_build.py tools/setup
	@PYTHON="$(PYTHON)" sh tools/setup
	@touch $@

demo: $(READY) locale ## the whole story, against a simulated server
	@$(PY) -m mdm_bridge demo $(ARGS)

test: $(READY) locale ## every test, both databases (ARGS="-k name" for some)
	@$(PY) -m pytest -n $(JOBS) -q $(ARGS)

check: $(READY) locale ## format, lint, types, architecture, texts, dependencies, dead code
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(PY) tools/messages.py check
	@$(BIN)/deptry .
	@! $(BIN)/vulture | grep -E 'unused (function|method|class|property|import)'

deep: $(READY) locale ## the long versions of the random tests and of the crash tests
	@MDM_TEST_DEEP=1 $(PY) -m pytest -n $(JOBS) -q $(ARGS)

bench: $(READY) locale ## speed and memory against the floor; writes docs/performance.md
	@$(PY) -m bench $(ARGS)

audit: .uv/bin/uv ## known weaknesses of the libraries (informative: knows nothing without a network)
	-@.uv/bin/uv tool run pip-audit --disable-pip --require-hashes -r requirements.lock

format: $(READY) ## format the code and mend what can be mended
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

locale: $(READY) ## compile the translations
	@$(PY) tools/messages.py compile

# Versions stay as they are unless asked: make lock ARGS=--upgrade
LOCK := pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
lock: .uv/bin/uv ## write the lock files anew
	@.uv/bin/uv $(LOCK) $(ARGS) --all-extras --group test --group quality --group build pyproject.toml -o requirements.lock
	@.uv/bin/uv $(LOCK) $(ARGS) --group pyproject.toml:bench -c requirements.lock -o bench/requirements.lock

.uv/bin/uv: $(READY)
	@$(PY) -m venv .uv
	@.uv/bin/python -m pip --disable-pip-version-check --no-input install --quiet uv

clean: ## remove what can be made again
	rm -rf $(VENV) .uv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
