# Two commands: `make demo` and `make test`. Both install what they need into .venv first, from PyPI
# (and libaio from Debian's packages where the system has none); nothing outside this folder and the
# user's cache is changed, but that `make test` as root installs nftables, iproute2, chromium and Java where they are missing.
# PYTHON=python3.9 chooses another interpreter.
PYTHON ?= python3
VENV = .venv
UV = .tools/bin/uv
BIN = $(VENV)/bin
# Sessions of noxfile.py that `make test` runs too, by tests/test_versions.py.
STACKS = incident middle newest thick
# Use the interpreter that is there; never fetch one.
export UV_PYTHON_DOWNLOADS = never
export PIP_ROOT_USER_ACTION = ignore
# Hundreds of processes are started: each would compile all that it imports.
unexport PYTHONDONTWRITEBYTECODE
# cx_Oracle finds Oracle Client along LD_LIBRARY_PATH, as it is when the process starts.
WITH_CLIENT = $(BIN)/python -m orapool.sandbox.instant_client exec

VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
INSTALLED = $(VENV)/installed-for-$(VERSION)

.PHONY: demo test versions lint install stacks firewall browser java clients properties benchmark \
	benchmark-instrumentation benchmark-dataframes benchmark-outage compliance screens fuzz clean

demo: install
	$(BIN)/orapool demo --driver oracledb
	$(BIN)/orapool demo --driver cx_oracle

test: firewall browser clients install stacks lint
	$(WITH_CLIENT) $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGUMENTS)

# The whole matrix of noxfile.py, an hour; NOX_ARGUMENTS="-s incident" for one session of it.
versions: firewall clients install
	$(BIN)/nox $(NOX_ARGUMENTS)

lint: install
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --strict orapool

# 2,000 values of each data type through each driver, a few minutes; `make test` writes and reads 200.
properties: install
	ORAPOOL_PROPERTY_VALUES=2000 $(WITH_CLIENT) $(BIN)/python -m pytest tests/sandbox/properties

# All of them, more than an hour, the faults of the network as root; BENCHMARK_ARGUMENTS="all --quick" takes minutes,
# "checkout --driver oracledb" is one of them, "readme" puts the tables of benchmarks/results/ into the README.
benchmark: firewall install
	$(UV) pip install --quiet --python $(BIN)/python --editable '.[benchmarks]'
	$(WITH_CLIENT) $(BIN)/python -m benchmarks $(BENCHMARK_ARGUMENTS)

# What the instrumentation of a checkout takes.
benchmark-instrumentation: install
	$(WITH_CLIENT) $(BIN)/python -m benchmarks.checkout

# A quarter of an hour; DATAFRAMES_ARGUMENTS="--quick" takes a minute.
benchmark-dataframes: install
	$(UV) pip install --quiet --python $(BIN)/python --editable '.[benchmarks]'
	$(WITH_CLIENT) $(BIN)/python -m benchmarks.dataframes $(DATAFRAMES_ARGUMENTS)
	$(WITH_CLIENT) $(BIN)/python -m benchmarks.dataframes --memory-of-chunks $(DATAFRAMES_ARGUMENTS)

# As root, with faults of the network. OUTAGE_ARGUMENTS="--quick" takes a minute.
benchmark-outage: firewall install
	$(UV) pip install --quiet --python $(BIN)/python --editable '.[benchmarks]'
	$(WITH_CLIENT) $(BIN)/python -m benchmarks.outage $(OUTAGE_ARGUMENTS)

# Of all tests that others wrote; orapool/sandbox/COMPATIBILITY.md is made anew.
compliance: clients install
	$(WITH_CLIENT) $(BIN)/python -m tests.compliance.run --write

# Of the sandbox's server, until something is found; FUZZ_SEED for what was found before.
FUZZ_MINUTES ?= 30
fuzz: install
	$(WITH_CLIENT) $(BIN)/python -m tests.sandbox.fuzzing --minutes $(FUZZ_MINUTES) $(if $(FUZZ_SEED),--seed $(FUZZ_SEED))

# The pictures in docs/, as root: what they show is run for them.
screens: firewall browser install
	$(BIN)/python -m docs.screens
	$(BIN)/python -m docs.top
	$(BIN)/python -m docs.page

# What the tests' firewall is made of, for root; others skip the tests that need it.
firewall:
	@[ "$$(id -u)" = 0 ] || exit 0; missing=; PATH="$$PATH:/usr/sbin:/sbin"; \
		command -v nft >/dev/null || missing=nftables; \
		command -v ip >/dev/null || missing="$$missing iproute2"; \
		[ -z "$$missing" ] || { echo "Installing $$missing"; \
			{ apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing; } >/dev/null 2>&1; } || \
		{ echo "the tests' firewall needs $$missing: apt-get install $$missing" >&2; exit 1; }

# What shows the status page in tests, for root; others skip the tests that need it.
browser:
	@[ "$$(id -u)" = 0 ] || exit 0; \
		for name in chromium-headless-shell chromium google-chrome; do ! command -v $$name >/dev/null || exit 0; done; \
		echo "Installing chromium"; \
		{ apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1 || \
		{ echo "the tests of the status page need a browser: apt-get install chromium" >&2; exit 1; }

# What compiles and runs the checks of JDBC, for root; others skip them. Its package wants a folder that slim images lack.
java:
	@[ "$$(id -u)" = 0 ] || exit 0; ! command -v javac >/dev/null || exit 0; \
		echo "Installing default-jdk-headless"; \
		{ mkdir -p /usr/share/man/man1 && apt-get update -qq && \
			apt-get install -y -qq --no-install-recommends default-jdk-headless; } >/dev/null 2>&1 || \
		{ echo "the tests of JDBC need Java: apt-get install default-jdk-headless" >&2; exit 1; }

# Clients that others wrote: node-oracledb from npm, older versions of python-oracledb from PyPI.
clients: java install
	@$(BIN)/python -m tests.compliance.clients.tools

install: $(INSTALLED)

$(INSTALLED): pyproject.toml $(UV)
	@$(PYTHON) -c "import os, sys, sysconfig; \
		sys.exit(sys.version_info >= (3, 11) and not os.path.exists(sysconfig.get_path('include') + '/Python.h'))" || \
		{ echo "cx_Oracle is compiled on Python 3.11+ and $(PYTHON) has no Python.h: apt-get install python3-dev" >&2; exit 1; }
	@echo "Installing into $(VENV), from PyPI: 300 MB the first time"
	$(UV) venv --quiet --clear --no-project --python $(PYTHON) $(VENV)
	$(UV) pip install --quiet --python $(BIN)/python --editable '.[demo]' --group dev
	touch $@

stacks: $(VENV)/stacks-installed

$(VENV)/stacks-installed: $(INSTALLED) noxfile.py
	$(BIN)/nox --non-interactive --install-only --session $(STACKS) 2>$(VENV)/nox.log || { cat $(VENV)/nox.log >&2; exit 1; }
	@grep -h "no Python" $(VENV)/nox.log || true
	touch $@

# pip --target needs neither the venv module nor leave to write into the system's Python.
$(UV): Makefile
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 9))' || \
		{ echo "orapool needs Python 3.9 or later as $(PYTHON), or make PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || \
		{ echo "$(PYTHON) has no pip: apt-get install python3-pip" >&2; exit 1; }
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --upgrade --target .tools uv
	touch $@

clean:
	rm -rf $(VENV) .nox .tools build dist .mypy_cache .ruff_cache .pytest_cache
