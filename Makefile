# lldkit: every target builds .venv by itself, with uv where there is one, else with plain venv and pip.
# Nothing but Python 3.11+ and make is needed.
.DEFAULT_GOAL := help
.PHONY: help demo test check bench docs katas lock clean lint mutants
PYTHON ?= python3
BIN := .venv/bin

help:   ## what you can ask for
	@sed -n 's/^\([a-z]*\): .*## /  make \1|/p' Makefile | awk -F'|' '{printf "%-15s %s\n", $$1, $$2}'

OLD := lldkit needs Python 3.11 or newer; name one: make PYTHON=python3.12 ...
CHECK := $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "$(OLD)")'

.venv/ready: requirements.lock pyproject.toml
	@$(CHECK)
	@echo "building .venv (once) ..."
	@if command -v uv >/dev/null 2>&1; then \
	  uv venv --quiet --clear --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" .venv && \
	  VIRTUAL_ENV=.venv uv pip install --quiet --require-hashes -r requirements.lock && \
	  VIRTUAL_ENV=.venv uv pip install --quiet --no-deps --no-build-isolation -e . ; \
	else \
	  $(PYTHON) -m venv --clear .venv && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . ; \
	fi
	@touch $@
	@echo "built; \`. .venv/bin/activate\` gives your shell the command \`lldkit\`"

demo:   ## a rate limiter under a burst, in the terminal
	@$(CHECK)
	@PYTHONPATH=components PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m lldkit demo rate_limiter
	@command -v lldkit >/dev/null || echo "(\`pip install .\` gives you the command \`lldkit\`)"

test: .venv/ready   ## all tests
	@$(BIN)/python -m pytest -n auto $(ARGS)

check: lint   ## format, lint, types, all tests and their coverage
	@$(BIN)/python -m coverage run -m pytest $(ARGS)
	@$(BIN)/python -m coverage report

lint: .venv/ready
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/pyright --pythonpath $(BIN)/python
	@$(BIN)/pyrefly check --python-interpreter-path $(BIN)/python

bench: .venv/ready   ## lldkit beside its peers in one run; writes docs/benchmarks.md
	@$(BIN)/python tests/benchmarks/report.py $(ARGS)

docs: .venv/ready   ## renew the generated charts and diagrams
	@$(BIN)/python tests/generate_docs.py

katas: .venv/ready   ## prove the graders of the katas
	@$(BIN)/lldkit kata dev check $(ARGS)

mutants: .venv/ready   ## delete each statement of the pure cores and see that a test fails
	@$(BIN)/python tests/mutation.py $(ARGS)

lock:   ## renew requirements.lock (needs uv)
	@uv lock --quiet --upgrade
	@uv export --quiet --no-emit-project --no-header --all-extras --no-annotate -o requirements.lock >/dev/null

clean:   ## remove everything that was built
	@rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks .coverage uv.lock
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
