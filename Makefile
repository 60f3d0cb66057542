# Share Your Knowledge. `make help` lists what there is.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STATIC := chalicelib/web/static
JOBS ?= 2
WHOLE_CLAIM := tests/contract/records/test_whole_claims.py::test_a_claim_is_approved_at_all_three_stages_and_paid_for_once[memory]

.DEFAULT_GOAL := help
.PHONY: help run demo test quick prove check lint coverage format install tools browser timelines verify export form-show pictures bench bench-charts bench-validators package clean

help: ## List these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

run: install ## Set everything up and serve http://127.0.0.1:8000 (PORT, DATA_DIR)
	@exec $(BIN)/python -m infra.local.run

demo: install ## The run with people, 60 claims and 40 ideas in it, in .local-demo (FRESH=1 fills it anew)
	@exec $(BIN)/python -m infra.local.demo

test: install browser ## Set everything up and run all tests
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup

# A claim's whole life on the ports in memory stands in for all that needs a database, a browser or a package.
quick: install ## What to run after each edit: units, guards of the sources and one whole claim, in a minute
	@$(BIN)/python -m pytest -q -n $(JOBS) -m "not slow and not xdist_group" tests/unit tests/guards "$(WHOLE_CLAIM)"

prove: install browser ## Run the heavy sweeps in full (make test has a smaller setting of each)
	PROVE=1 $(BIN)/python -m pytest -s -q \
	  tests/faults tests/hostile tests/browser tests/whole/test_killed_under_load.py \
	  tests/contract/records/test_races.py tests/contract/intake/test_sent_before.py tests/unit/records/test_timeline_attacks.py tests/unit/people/test_a_year_of_guessing.py

check: test lint coverage ## What must be green before a change lands (.ci/run runs the same, one after the other)

lint: install ## Style, types, layers, forms, state machines, the package's template, vulnerable packages (AUDIT=strict)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m infra.forms check
	$(BIN)/statelint infra/workflows/*.asl.json
	$(BIN)/python -m infra.packaging
	$(BIN)/cfn-lint --regions eu-west-2 --template build/template.json
	$(BIN)/python -m infra.audit

# Without the tests of the whole run: what only they reach is not tested well enough.
coverage: install ## How much of the code the small tests reach: 95 % of its branches, at least
	@rm -f .coverage .coverage.*
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup --cov --cov-report= tests/unit tests/web tests/embedded
	$(BIN)/python -m coverage report --fail-under=95

format: install ## Put the code into its usual form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

install: tools .make/python .make/node ## Install what run and test need (they do it by themselves)

tools:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install Python 3.10 or newer."; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "$(PYTHON) is too old: Python 3.10 or newer is needed (PYTHON=python3.11 make ...)."; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Python cannot make virtual environments: on Debian, apt-get install python3-venv."; exit 2; }
	@command -v npm >/dev/null || { echo "npm is missing: install Node.js 18 or newer."; exit 2; }

.make/python: requirements.txt requirements-dev.txt
	@mkdir -p .make
	@echo "Installing Python packages (a minute or so, once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

.make/bench: requirements-bench.txt .make/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-bench.txt
	@touch $@

# The styles are built here, not committed: they are other people's, and follow package.json.
.make/node: package.json package-lock.json $(wildcard frontend/*.scss)
	@mkdir -p .make
	@echo "Installing Node packages and building the styles"
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@npm run --silent build
	@touch $@

# Chromium drives the browser tests. On Debian it is installed where it is missing; elsewhere, say where it is.
browser:
	@if [ -z "$$CHROMIUM" ] && ! command -v chromium >/dev/null; then \
	  if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	    echo "Installing Chromium for the browser tests"; \
	    apt-get update -qq >/dev/null && apt-get install -y -qq chromium >/dev/null; \
	  else \
	    echo "Chromium is missing: install it, or name it: CHROMIUM=/path/to/chromium make test"; exit 2; \
	  fi; \
	fi

timelines: install ## Write a force's timelines as JSON lines (FORCE=kent; TABLE_NAME, ROOTS_BUCKET and credentials as for AWS)
	@$(BIN)/python -m infra.timelines export $(FORCE)

verify: install ## Check such a file against roots, without AWS (FILE=timelines.jsonl ROOTS=folder KEY=public.pem)
	@$(BIN)/python -m infra.timelines verify $(FILE) --roots $(ROOTS) --key $(KEY)

export: install ## Mail the digests of this week so far and make their files, in the run that is on (PORT)
	@$(BIN)/python -m infra.local.export

form-show: install ## Print a form whole, as a person reads it (FORM=funding-claim)
	@$(BIN)/python -m infra.forms show $(FORM)

pictures: install ## Draw the state machines and the plan of the code anew (docs/images)
	$(BIN)/python -m infra.pictures
	$(BIN)/python -m infra.house

bench: install .make/bench ## Measure everything, print one table (PARTS="cold growth", QUICK=1; docs/performance.md)
	@$(BIN)/python -m bench $(PARTS) $(if $(QUICK),--quick)

bench-charts: install .make/bench ## Put the figures of the last full run into docs/performance.md, and draw them
	@$(BIN)/python -m bench.report
	@$(BIN)/python -m bench.charts

bench-validators: install .make/bench ## Compare the JSON Schema validators on our forms
	$(BIN)/python -m bench.validators

package: install ## Make what is deployed to AWS, in build/ (docs/deploying.md)
	@$(BIN)/python -m infra.packaging

clean: ## Remove what was installed and built; the data in .local stays
	rm -rf $(VENV) node_modules .make build .mypy_cache .ruff_cache .pytest_cache .coverage .coverage.* \
	  $(STATIC)/govuk.css $(STATIC)/govuk-frontend.js
