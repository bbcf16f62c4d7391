# One word each, from a clean clone, with Python 3.11 and make alone.
.DEFAULT_GOAL := help
.PHONY: help setup demo test firefox lighthouse lint styles bench faults fuzz pictures clean browser pango audit lock proxies

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PORT ?= 8000
SENCE_PORT ?= 8001
LOGIN_PORT ?= 8002
TESTS ?= tests
FUZZ_MINUTES ?= 10
ANY_BYTES := tests/attendance/test_callback_bytes.py tests/rosters/test_any_bytes.py tests/attendance/test_life.py

help:
	@echo "make setup   the environment alone, in .venv"
	@echo "make demo    the site, SENCE's simulator and invented people (PORT, SENCE_PORT, LOGIN_PORT)"
	@echo "make test    the whole suite (TESTS=path for a part of it)"
	@echo "make firefox   the guide's way in Firefox, which apt installs where it is missing"
	@echo "make proxies   the site behind nginx and Caddy, and twice with one Redis (apt installs them)"
	@echo "make lighthouse   Lighthouse's scores of the students' pages in a demo (needs npm)"
	@echo "make lint    ruff, mypy, templates, migrations, deploy check"
	@echo "make styles   what the pages use of Bootstrap, after one of them names a new class"
	@echo "make pictures   the screenshots of the guide and of the manual, taken anew"
	@echo "make bench   what the site costs, beside references (BENCH='--only pages' for a part)"
	@echo "make faults   what is lost when the database, a worker, a disk or the clock fail under load"
	@echo "make fuzz    what any bytes and any order of events break (FUZZ_MINUTES=10)"
	@echo "make audit   known holes in what production runs, and doubtful code"
	@echo "make lock    requirements.lock anew, after a change of requirements.txt"
	@echo "make clean   stop the embedded PostgreSQL and delete its data and the demo's"

setup: $(BIN)/.installed .env

$(BIN)/.installed: requirements.txt requirements-dev.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

# Keys of this machine's own. sed's separator can't appear in either of them.
.env: | $(BIN)/.installed
	@umask 077; \
	secret=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))'); \
	key=$$($(BIN)/python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'); \
	sed -e "s|^SECRET_KEY=.*|SECRET_KEY=$$secret|" -e "s|^TOKEN_ENCRYPTION_KEYS=.*|TOKEN_ENCRYPTION_KEYS=$$key|" .env.example > .env

demo: pango
	@$(BIN)/python -m usecap_sence.demo --port $(PORT) --sence-port $(SENCE_PORT) --login-port $(LOGIN_PORT)

# What the guide's PDF is drawn with; without it there is no PDF, and all the rest works.
pango: setup
	@$(BIN)/python -c 'import weasyprint' 2>/dev/null || \
		{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
			apt-get install -y -qq libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 >/dev/null; } || \
		echo "Sin Pango (libpango-1.0-0, libpangoft2-1.0-0) no hay PDF de la guía."

# Debian's Chromium where apt can install it, Playwright's own elsewhere.
browser: setup
	@if command -v chromium >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && apt-get install -y -qq chromium >/dev/null; \
	else $(BIN)/playwright install chromium; fi

test: browser pango
	$(BIN)/python -m pytest -n 2 --dist loadfile $(TESTS)

# The guide's way in Debian's Firefox, with packages that nothing else needs.
firefox: setup
	@command -v firefox-esr >/dev/null || command -v firefox >/dev/null || \
		{ apt-get update -qq && apt-get install -y -qq firefox-esr >/dev/null; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-firefox.txt
	$(BIN)/python -m pytest tests/browser/firefox_journey.py

# The site behind nginx and Caddy as deploy/ configures them, and two of it with one Redis.
proxies: setup pango
	@command -v nginx >/dev/null && command -v caddy >/dev/null && command -v redis-server >/dev/null || \
		{ apt-get update -qq && apt-get install -y -qq caddy nginx-light openssl redis-server >/dev/null; }
	$(BIN)/python -m pytest tests/proxies/behind_proxies.py tests/proxies/shared_cache.py

lighthouse: browser
	$(BIN)/python -m tests.lighthouse

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/djlint --quiet --lint templates sence_simulator/templates
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python -m tests.deploy_check

# Programs that nothing else needs, in an environment of their own.
.audit/.installed: requirements-audit.txt
	$(PYTHON) -m venv .audit
	.audit/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-audit.txt
	@touch $@

audit: .audit/.installed
	.audit/bin/bandit --quiet --recursive --configfile pyproject.toml --severity-level medium .
	.audit/bin/pip-audit --strict --requirement requirements.lock --require-hashes --disable-pip || \
		{ echo "Not audited, or not clean: without pypi.org's answers nobody knows."; exit 1; }

# What production installs, with --require-hashes: whoever swaps a file on the way is found out.
lock: .audit/.installed
	.audit/bin/pip-compile --quiet --generate-hashes --no-annotate --no-header --allow-unsafe \
		--strip-extras --no-emit-index-url --no-emit-find-links --output-file requirements.lock requirements.txt

styles: setup
	$(BIN)/python -m usecap_sence.trimmed_bootstrap

pictures: browser
	$(BIN)/python -m pytest -m pictures --pictures tests/browser

# Some fifteen minutes on two cores, and 3 GB in .bench; wrk comes from apt where it is missing.
bench: browser
	@command -v wrk >/dev/null || { apt-get update -qq && apt-get install -y -qq wrk >/dev/null; }
	$(BIN)/python -m bench $(BENCH)

# A quarter of an hour; needs root for the disks that get full, git's history and a C compiler.
faults: setup
	@command -v cc >/dev/null || { apt-get update -qq && apt-get install -y -qq gcc libc6-dev >/dev/null; }
	$(BIN)/python -m faults

# Whole rounds until the time is over. What one finds is mended, and kept as an @example.
fuzz: setup
	@end=$$(( $$(date +%s) + 60 * $(FUZZ_MINUTES) )); \
	while [ $$(date +%s) -lt $$end ]; do \
		HYPOTHESIS_PROFILE=fuzz $(BIN)/python -m pytest -q -m hypothesis $(ANY_BYTES) || exit 1; \
	done

clean: setup
	$(BIN)/python -m usecap_sence.embedded_postgres --remove
	rm -rf .demo .spool
