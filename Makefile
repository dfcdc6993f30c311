# `make` lists what there is. A new machine needs Python 3.11 or later and make; the rest goes into .venv.

PYTHON ?= python3
BIN := .venv/bin
# What the tests and linters store is apart from the data of `make run` and `make demo`.
TEST_VAR_DIR := var/test
# So is what the demo makes up.
DEMO_VAR_DIR := var/demo
# And what the faults leave behind.
CHAOS_VAR_DIR := var/chaos
# And what is filled and measured.
BENCH_VAR_DIR := var/bench
# And what the fuzzing stores; tests/fuzz uses no other directory and no other database.
FUZZ_VAR_DIR := var/fuzz
# All that pip-audit says.
AUDIT_LOG := var/audit.log
# Linters look at the app as a production server would run it. The keys are made up for each run.
PRODUCTION = DEBUG=false PUBLIC_URL=https://rcintercom.example.com ALLOWED_HOSTS=rcintercom.example.com TRUSTED_PROXIES=1 \
	DATABASE_URL=postgres://rcintercom@db.example.com/rcintercom INTERCOM_API_URL= REVENUECAT_API_URL= \
	SECRET_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))')" \
	ENCRYPTION_KEYS="$$($(BIN)/python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())')"
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make requirements" $(if $(UPGRADE),--upgrade)

.DELETE_ON_ERROR:
.PHONY: help demo run test chaos fuzz bench screenshots lint audit sbom requirements clean

help: ## This list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' Makefile

demo: .venv/installed ## The app with a stand-in for Intercom and sample webhooks, until Ctrl-C (ONCE=1: ends by itself; PORT=8000)
	@DATABASE_URL= VAR_DIR=$(DEMO_VAR_DIR) exec $(BIN)/python manage.py demo $(if $(filter-out 0,$(ONCE)),--once)

run: .venv/installed ## The web server and a delivery worker, until Ctrl-C (PORT=8000)
	@exec $(BIN)/python manage.py run

test: .venv/installed-dev ## The whole suite (ARGS="-k door" for a part of it)
	@VAR_DIR=$(TEST_VAR_DIR) exec $(BIN)/python -m pytest -n 2 $(ARGS)

chaos: .venv/installed-dev ## Faults on real processes, and whether anything is lost (ARGS="--only web_killed --seed 7" for one)
	@DATABASE_URL= VAR_DIR=$(CHAOS_VAR_DIR) exec $(BIN)/python -m tests.chaos $(ARGS)

fuzz: .venv/installed-dev ## Bad bodies by the thousand, and good ones between them, against the web server (ARGS="--seconds 600")
	@exec $(BIN)/python -m tests.fuzz $(ARGS)

bench: .venv/installed-dev ## How fast the app is, and whether that is what is promised (ARGS="--only door --only drain" for a part)
	@DATABASE_URL= VAR_DIR=$(BENCH_VAR_DIR) exec $(BIN)/python -m tests.bench $(ARGS)

screenshots: .venv/installed-dev ## README's pictures, taken of a demo of its own, light and dark; needs Chromium
	@exec $(BIN)/python -m tests.screenshots $(ARGS)

lint: .venv/installed-dev ## Style, types, import rules, migrations and production settings
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	VAR_DIR=$(TEST_VAR_DIR) $(BIN)/python manage.py makemigrations --check --dry-run
	@echo $(BIN)/python manage.py check --deploy --fail-level WARNING
	@$(PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING

audit: .venv/installed-dev ## Known vulnerabilities of the pinned packages; needs a network (ARGS="-s osv" for another source)
	@mkdir -p var; code=0; $(BIN)/pip-audit --strict --disable-pip --require-hashes --progress-spinner off \
		-r requirements.txt -r requirements-dev.txt $(ARGS) 2>$(AUDIT_LOG) || code=$$?; tail -n 1 $(AUDIT_LOG) >&2; \
	grep -q 'known vulnerabilit' $(AUDIT_LOG) || { \
		echo "NOT AUDITED: the data could not be had, so nothing is known. All that was said: $(AUDIT_LOG)" >&2; exit 2; }; \
	exit $$code

sbom: .venv/installed-dev ## What the app is made of: requirements.txt as CycloneDX JSON, in var/sbom.json
	@mkdir -p var && $(BIN)/cyclonedx-py requirements --output-reproducible --of JSON -o var/sbom.json requirements.txt
	@echo var/sbom.json

requirements: .venv/installed-dev ## Pin what requirements*.in ask for (UPGRADE=1 for the newest versions)
	$(COMPILE) requirements.in -o requirements.txt
	$(COMPILE) --constraints requirements.txt requirements-dev.in -o requirements-dev.txt

clean: ## Remove the virtual environment and what tools made; keeps var/, where data and keys are
	rm -rf .venv $(TEST_VAR_DIR) $(CHAOS_VAR_DIR) $(FUZZ_VAR_DIR) $(BENCH_VAR_DIR) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- The virtual environment ---------------------------------------------------------------------------------

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or later is needed, and $(PYTHON) is not one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .venv

# Every package is compared with the hash that the file names.
.venv/installed: requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/installed-dev: requirements-dev.txt requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
