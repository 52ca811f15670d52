# Two commands do everything: `make run` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
LMS_PORT ?= 8001
NODE := tests/support/node

.PHONY: run test soak bench lint locks translations clean

run: $(VENV)/.run
	@exec $(BIN)/milepost demo --port $(PORT) --lms-port $(LMS_PORT)

test: $(VENV)/.test $(NODE)/node_modules/.installed lint
	$(BIN)/pytest -q -n 2 --dist worksteal -m "not soak"

soak: $(VENV)/.test $(NODE)/node_modules/.installed lint
	MILEPOST_SOAK=1 $(BIN)/pytest -q -n 2 --dist worksteal

bench: $(VENV)/.test $(NODE)/node_modules/.installed
	$(BIN)/python -m tests.bench $(if $(ONLY),--only $(ONLY))

lint: $(VENV)/.test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Milepost needs Python 3.11 or newer; name one with: make PYTHON=python3.12 run" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Python cannot make a virtual environment here. On Debian: apt-get install python3-venv" >&2; rm -rf $(VENV); exit 1; }

$(VENV)/.run: requirements/run.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.test: requirements/test.txt requirements/agpl.txt $(VENV)/.run
	@.ci/packages
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/test.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/agpl.txt
	@touch $@

$(NODE)/node_modules/.installed: $(NODE)/package-lock.json | $(VENV)/.test
	cd $(NODE) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# Lock files hold versions and hashes, and no address of any registry.
locks:
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements/run.txt pyproject.toml requirements/build.in
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -c requirements/run.txt --group test -o requirements/test.txt pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-deps -o requirements/agpl.txt requirements/agpl.in

translations:
	$(BIN)/pybabel -q extract -F core/web/babel.cfg --project=Milepost --version=0.1 --no-location --sort-output -k _l -k N_ -o core/web/translations/messages.pot .
	$(BIN)/pybabel -q update --no-fuzzy-matching -i core/web/translations/messages.pot -d core/web/translations
	$(BIN)/pybabel -q compile -d core/web/translations

clean:
	rm -rf $(VENV) $(NODE)/node_modules .bench .mypy_cache .ruff_cache .pytest_cache .import_linter_cache dist
