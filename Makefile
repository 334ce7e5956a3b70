# Everything runs through dev.py, which makes .venv first when it is missing or stale.

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)
FOUND = $(or $(PYTHON),$(error readwatch needs Python 3.11 or newer and found none on the PATH: \
	apt install python3 python3-venv, or brew install python))
RUN = @$(FOUND) dev.py run

BENCHMARKS = ingest recipe servers logins ladder memory console audit person

.PHONY: help demo test check format proof bench lock clean

help:
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## watch invented readers live, in a throw-away database (ARGS="--seconds 10")
	$(RUN) readwatch demo $(ARGS)

test: ## run the tests on SQLite and on a real PostgreSQL (ARGS="-k heartbeat")
	$(RUN) pytest -n 2 --dist worksteal $(ARGS)

check: ## all that has to hold before a change goes in: format, lint, types, tests
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy
	$(RUN) pytest -n 2 --dist worksteal

format: ## format the code and mend what the linter can mend
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

proof: ## run the long proofs of what the README promises
	$(RUN) pytest -m proof --verbose --durations=0 --durations-min=1 $(ARGS)

bench: ## measure on a machine that does nothing else (NAME=ladder ARGS="--seconds 5")
	@for name in $(or $(NAME),$(BENCHMARKS)); do \
		echo "== $$name" && $(FOUND) dev.py run python benchmarks/$$name.py $(ARGS) || exit 1; done

# Written without addresses, so that it installs from any index.
lock: ## pin what pyproject.toml asks for in requirements.lock (ARGS=--upgrade: the newest)
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT \
	&& $(FOUND) -m venv "$$folder" \
	&& "$$folder/bin/pip" install --quiet --disable-pip-version-check uv \
	&& "$$folder/bin/uv" pip compile --quiet --system-certs --universal --python-version 3.11 \
		--generate-hashes --extra postgresql --group dev \
		--no-annotate --custom-compile-command 'make lock' \
		--output-file requirements.lock $(ARGS) pyproject.toml

clean: ## remove .venv, caches and build results
	@rm -rf .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	@find . -name __pycache__ -prune -exec rm -rf {} +
