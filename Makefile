# Every target builds .venv first (bootstrap.py); the second time that takes no time.
PYTHON ?= python3
BOOTSTRAP = $(PYTHON) bootstrap.py
VENV = .venv/bin/python

.PHONY: help install install-dev run test test-slow check bench chaos load lock clean
help:
	@echo "make run      set up and serve the demo study on this machine"
	@echo "make test     set up and run every test that this machine can run"
	@echo "make test-slow  the simulations that make test leaves out: coverage, error rates, power;"
	@echo "              some minutes, ARGS=\"tests/stats -k cover\" for a part"
	@echo "make check    formatting, types, import contracts, templates, migrations"
	@echo "make bench    benchmarks, each with its floor or rival in the same run"
	@echo "make chaos    ten minutes of kill -9 under a study that is being rated, then a checker;"
	@echo "              ARGS=\"--kills 500 --output chaos.json\" goes on where it was ended"
	@echo "make load     how fast pairs and votes are served, beside bare handlers in the same run;"
	@echo "              ARGS=volume for a study of a million comparisons"
	@echo "make install  only build .venv"

install:
	@$(BOOTSTRAP) install

install-dev:
	@$(BOOTSTRAP) install-dev

run:
	@$(BOOTSTRAP) run $(ARGS)

test:
	@$(BOOTSTRAP) test $(ARGS)

test-slow:
	@$(BOOTSTRAP) test-slow $(ARGS)

check:
	@$(BOOTSTRAP) check $(ARGS)

bench: install-dev
	@$(VENV) -m tests.benchmarks $(ARGS)

chaos: install-dev
	@$(VENV) -m tests.chaos $(ARGS)

load: install-dev
	@$(VENV) -m tests.load $(ARGS)

lock: install-dev
	uv pip compile pyproject.toml --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.11 -o requirements.txt
	uv pip compile pyproject.toml --group dev -c requirements.txt --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.11 -o requirements-dev.txt

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
