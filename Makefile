# What a person does here: `make help` lists it. Everything lives inside this folder; the first call makes .venv.
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
READY := $(VENV)/.made-from-the-lock
DEMO := 2025-03-31 2025-06-30 2025-09-30
LAST := 2025-09-30
# Imported before the plugins of pytest, our library spares each of its processes an import that takes seconds.
PYTEST = $(BIN)/python -m pytest -p trialbook.core.fast_imports -n 2 --dist loadfile
# Executes the notebooks of a build a second time and compares every output.
NBVAL = $(PYTEST) -p no:cacheprovider --nbval --nbval-current-env --nbval-cell-timeout 300 -c tests/notebooks/nbval.ini --rootdir . --confcutdir .

# Jupyter, IPython and the tools keep their files inside .venv, never in the home folder.
export IPYTHONDIR := $(CURDIR)/$(VENV)/var/ipython
export JUPYTER_CONFIG_DIR := $(CURDIR)/$(VENV)/var/jupyter-config
export JUPYTER_DATA_DIR := $(CURDIR)/$(VENV)/var/jupyter-data
export JUPYTER_RUNTIME_DIR := $(CURDIR)/$(VENV)/var/jupyter-runtime
export PYTHONUTF8 := 1
# Compiled code is kept, whatever the session says: hundreds of processes start in a run of the tests.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo pilot test pythons soak lint lab docs docs-images catalogue face bench bench-scale golden lock clean
.DEFAULT_GOAL := help

help:  ## this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

# Demo data are made by a simulator: a new version of them (exit status 4) needs no record of the builds of the old one.
demo: $(READY)  ## build the three demo data cuts
	@$(BIN)/trialbook build $(DEMO) || { test $$? -eq 4 && rm -rf $(addprefix build/,$(DEMO)) && $(BIN)/trialbook build $(DEMO); }

pilot: $(READY)  ## build a real trial: the CDISC pilot study
	@$(BIN)/python -c 'from pathlib import Path; from trialbook_demo.pilot import write_pilot_snapshot as w; w(Path("build/pilot-snapshot"))'
	@$(BIN)/trialbook build params/pilot/cut.yaml

test: $(READY)  ## the whole test suite; nbval executes the notebooks of the last demo cut a second time
	@$(MAKE) --no-print-directory -j 2 lint demo
	$(PYTEST) -p no:nbval --no-loadscope-reorder
	$(NBVAL) build/$(LAST)/notebooks

pythons: demo  ## build a demo cut from the wheel under another Python that is here, and compare every number
	@$(BIN)/python .ci/pythons.py

soak: demo  ## what takes too long for every day: many rounds, every notebook of every cut in each way to run it
	$(BIN)/python .ci/pythons.py --all
	$(BIN)/python -m pytest -m soak
	$(NBVAL) $(patsubst %,build/%/notebooks,$(filter-out $(LAST),$(DEMO)))
	TRIALBOOK_SOAK=1 $(BIN)/python -m pytest tests/browser/test_jupyterlab_in_browser.py \
	  tests/properties tests/failures/test_bad_steps.py tests/failures/test_disk_and_snapshot.py \
	  tests/builds/test_verify_tampering.py

lint: $(READY)  ## style, types, layers
	$(BIN)/ruff check src tests docs .ci
	$(BIN)/ruff format --check src tests docs .ci
	$(BIN)/mypy
	$(BIN)/lint-imports

lab: $(READY)  ## JupyterLab on the project, the notebooks first, without any call to the network; make lab ARGS="--port 9999"
	@$(BIN)/python -m trialbook.lab.settings
	$(BIN)/jupyter lab --ServerApp.root_dir=$(CURDIR) --LabApp.default_url=/lab/tree/notebooks \
	  $(if $(filter 0,$(shell id -u)),--allow-root) $(ARGS)

docs: $(READY)  ## the documentation as a site, in docs/_build/html; its examples run
	@PYTHONPATH=docs $(BIN)/python -m sitebuilder

docs-images: $(READY)  ## draw the pictures of the documentation again (needs Chromium and the last demo cut)
	@$(BIN)/trialbook build $(LAST)
	@PYTHONPATH=docs $(BIN)/python -m sitebuilder.images build/$(LAST)

catalogue: $(READY)  ## collect every text for readers as the template for translators
	@$(BIN)/python -m trialbook.display.catalogue

face: $(READY)  ## make the face of exported documents again, from a whole Noto Sans CJK (developers, rarely)
	@scratch=$$(mktemp -d) && trap "rm -rf $$scratch" EXIT && \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target $$scratch mplfonts fonttools && \
	PYTHONPATH=$$scratch $(BIN)/python -m trialbook.documents.make_face $$scratch/mplfonts/fonts/NotoSansCJKsc-Regular.otf

bench: $(READY)  ## measure a build against the chain a user would write, and write the table into docs/performance.md
	PYTHONPATH=tests $(BIN)/python -m bench time --write

bench-scale: $(READY)  ## measure builds of 12 to 12,000 subjects (a quarter of an hour), likewise
	PYTHONPATH=tests $(BIN)/python -m bench scale --write

golden: demo pilot  ## accept the results of the builds as the new golden files, on purpose
	@PYTHONPATH=tests $(BIN)/python -m support.golden

lock:  ## resolve requirements.lock again from pyproject.toml, with uv from a scratch environment; pins that need not move stay
	@scratch=$$(mktemp -d) && trap "rm -rf $$scratch" EXIT && $(PYTHON) -m venv $$scratch && \
	$$scratch/bin/pip install --quiet --disable-pip-version-check uv && \
	$$scratch/bin/uv pip compile pyproject.toml --extra test --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --quiet --output-file requirements.lock

clean:  ## remove the environment, the site and every build
	rm -rf $(VENV) docs/_build && git clean -fdxq build

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed"; exit 2; }
	@echo "making $(VENV) from requirements.lock (once, some two minutes)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m trialbook.display.cache_chart_script
	@$(BIN)/python -m trialbook.lab.settings
	@git config filter.notebook-without-outputs.clean "$(BIN)/python -m trialbook.kernels.strip_outputs" 2>/dev/null || true
	@touch $@
