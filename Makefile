# Everything runs through dev.py, which first creates .venv if it is missing or outdated.

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)
INTERPRETER = $(or $(PYTHON),$(error readwatch needs Python 3.11 or newer; none is on the PATH: \
	apt install python3 python3-venv, or brew install python))
RUN = @$(INTERPRETER) dev.py run
# More workers than cores: many tests wait for a server process, a terminal or PostgreSQL.
TESTS = pytest -n 3 --dist worksteal

BENCHMARKS = ingest recipe servers logins ladder service_memory console audit personal_data exports operations archive frozen

.PHONY: help demo test check format proof bench lock clean

help:
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## run the console with simulated readers in a temporary database (ARGS="--readers 50")
	$(RUN) readwatch demo $(ARGS)

test: ## run the tests on SQLite and PostgreSQL (ARGS="-k heartbeat")
	$(RUN) $(TESTS) $(ARGS)

check: ## check format, lint, types and tests, as CI does
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) mypy
	$(RUN) $(TESTS)

format: ## format the code and apply the fixes of the linter
	$(RUN) ruff format .
	$(RUN) ruff check --fix .

proof: ## run the long endurance and fault tests
	$(RUN) pytest -m proof --verbose --durations=0 --durations-min=1 $(ARGS)

bench: ## run the benchmarks, on an idle machine (NAME=ladder ARGS="--seconds 5")
	@for name in $(or $(NAME),$(BENCHMARKS)); do \
		echo "== $$name" && $(INTERPRETER) dev.py run python benchmarks/$$name.py $(ARGS) || exit 1; done

# Without addresses, so that it installs from any index.
lock: ## pin the dependencies in requirements.lock (ARGS=--upgrade: the newest versions)
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT \
	&& $(INTERPRETER) -m venv "$$folder" \
	&& "$$folder/bin/pip" install --quiet --disable-pip-version-check uv \
	&& "$$folder/bin/uv" pip compile --quiet --system-certs --universal --python-version 3.11 \
		--generate-hashes --extra postgresql --group dev \
		--no-annotate --custom-compile-command 'make lock' \
		--output-file requirements.lock $(ARGS) pyproject.toml

clean: ## delete .venv, caches and build results
	@rm -rf .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	@find . -name __pycache__ -prune -exec rm -rf {} +
