# Every target makes what it needs: a virtual environment in .venv with all dependencies in it.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup serve demo test soak bench fuzz format screenshots vercel-build

setup: .venv/installed

# pip before 25.1 knows no dependency groups.
.venv/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "arxiv-feeds needs Python 3.11 or newer; this is %d.%d. Name another with: make PYTHON=python3.12 ..." % sys.version_info[:2])'
	@echo "Setting up .venv ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	@touch .venv/installed

serve: setup
	@$(BIN)/python -m core serve

demo: setup
	@$(BIN)/python -m core demo

test: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -n auto --dist loadfile

# The parsers of what strangers send, each for FUZZ_SECONDS; what is found is kept as a test.
FUZZ_SECONDS ?= 60
fuzz: setup
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group fuzz
	$(BIN)/python -m fuzz $(FUZZ_SECONDS)

# The tests that take minutes, then SECONDS of load and faults on each store; SEED repeats a plan of faults.
SECONDS ?= 600
soak: setup
	$(BIN)/pytest -m soak
	$(BIN)/python -m bench.soak --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

bench: setup
	@$(BIN)/python -m bench

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Vercel's own builder, from npm, and its runtime, on this machine; VERCEL_CLI names another one than `npx vercel@64`.
vercel-build: setup
	@$(BIN)/python -m deploy.vercel_check

# Every page in light, dark and on a phone into data/screenshots, two of them into docs/images; needs a Chromium.
screenshots: setup
	@$(BIN)/python -m demo.screenshots
