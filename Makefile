# make results   set up and run the workflow (SCALE, PAPER, DATA_ROOT, CORES as needed)
# make data      download and prepare the data sets (DRY_RUN=1: only show how much, and under which terms)
# make test      set up and run the tests
SHELL := /bin/bash
comma := ,
space := $() $()
# One word of the shell, and a text of YAML, whatever the value holds: spaces, quotes, #, {a}, 2023_11, dollars. The
# space and the comment keep Snakemake from taking the quotes off.
quoted = '$(subst ','\'',$(1))'
as_yaml = $(space)'$(subst ','',$(1))' \#
PYTHON ?= python3
VENV ?= .venv
SCALE ?= miniature
PAPER ?=
NAMES = $(strip $(subst $(comma), ,$(PAPER)))
TARGET ?= $(NAMES)
# On one line, as names that a program has listed may come a line each.
TARGETS = $(strip $(TARGET))
DATA_ROOT ?=
CORES ?= all
SET ?=
MIRROR ?=
DRY_RUN ?=
AGAIN ?=
SHARE ?=
CONFIG ?=
GPU ?=
COUNT ?=
JOBS ?=

READY := $(VENV)/.ready
# Relative or absolute, and never split at spaces: the checkout may lie anywhere.
BIN := $(if $(filter /%,$(VENV)),,$(CURDIR)/)$(VENV)/bin
export PATH := $(BIN):$(PATH)
# A pip.conf that installs for the user, as shared machines have it, does not do so into this environment.
export PIP_USER := 0
# Where the home folder cannot be written, caches and settings of the libraries lie in the checkout.
ifneq ($(shell test -w "$$HOME" && echo yes),yes)
export HOME := $(CURDIR)/.home
endif
SNAKEMAKE = snakemake --profile workflow/profiles/default --cores $(CORES)
PAPERS = $(subst $(space),$(comma),$(NAMES))
# The values of DATA_ROOT and MIRROR as they stand, for Snakemake, which reads YAML, and for sedrepro, which does not.
CHOSEN = --config scale=$(SCALE) $(if $(PAPER),papers=$(PAPERS)) \
	$(if $(value DATA_ROOT),$(call quoted,data_root=$(call as_yaml,$(value DATA_ROOT)))) \
	$(if $(value MIRROR),$(call quoted,mirror=$(call as_yaml,$(value MIRROR)))) \
	$(foreach key,$(filter-out $(OF_PAPERS),$(KEYS)),$(call quoted,$(key))) $(if $(OF_PAPERS),$(call quoted,set=$(OF_PAPERS)))
ASSIGNED = --scale $(SCALE) $(if $(PAPER),--set papers=$(PAPERS)) \
	$(if $(value DATA_ROOT),--set $(call quoted,data_root=$(value DATA_ROOT))) \
	$(if $(value MIRROR),--set $(call quoted,mirror=$(value MIRROR))) $(foreach key,$(KEYS),--set $(call quoted,$(key)))
KEYS = $(CONFIG)
# Settings of papers, PAPER.KEY=VALUE: Snakemake takes no key with dots, so they are one text for it.
OF_PAPERS = $(strip $(foreach key,$(KEYS),$(if $(findstring .,$(firstword $(subst =, ,$(key)))),$(key))))
# That jobs failed, while what is there without them is shown.
FAILED := .snakemake/jobs_failed

.DEFAULT_GOAL := help
.PHONY: help results notebooks docs documents records data unlock test lint format bench clean setup plan touch summary rehearsal

help:  ## this list
	@echo "sedrepro: make TARGET [SCALE=miniature|recordings|full] [PAPER=folder name] [DATA_ROOT=dir] [MIRROR=dir] [CORES=n]"
	@echo
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## */\1\t/' | while IFS=$$'\t' read -r target text; \
	do printf '  make %-10s %s\n' "$$target" "$$text"; done
	@echo
	@echo "  make results PAPER=two_step_attention                  one paper"
	@echo "  make results TARGET=results/miniature/.../table1.csv   one table or figure, by its file name"
	@echo "  make results SCALE=recordings DATA_ROOT=dir            real recordings in the official layouts"
	@echo "  make data DRY_RUN=1                                    what would be downloaded, and under which terms"
	@echo "  make data SET=dcase2017_task4 MIRROR=dir-or-url        one data set, from a copy of the archives"
	@echo "  make results CONFIG='device=cpu seeds=1,2'             any configuration key"
	@echo "  make results CONFIG='c_ssed.training.epochs=3'         any setting of a paper"

setup: $(READY)  ## create the environment (a virtual environment in .venv, pinned versions)

$(READY): envs/requirements.txt envs/development.txt envs/constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: $(PYTHON) is older than Python 3.11; set PYTHON=python3.11 or newer"; exit 1; }
	@echo "Installing the pinned environment into $(VENV) (once; a few minutes)"
	@$(PYTHON) -m venv $(VENV) || { echo "error: cannot create a virtual environment; on Debian: apt-get install python3-venv"; exit 1; }
	@"$(BIN)/python" -m pip install -qq --disable-pip-version-check --no-compile -r envs/requirements.txt -r envs/development.txt -c envs/constraints.txt
	@"$(BIN)/python" -m compileall -qq -j 0 "$(BIN)/../lib" || true  # on all cores; some packages hold files of other Pythons
	@"$(BIN)/python" -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

results: $(READY)  ## run the workflow, print the tables in compact form, write the results page
	@rm -f $(FAILED)
	@set -o pipefail; $(SNAKEMAKE) $(TARGETS) --quiet host reason $(CHOSEN) 2>&1 | python workflow/progress.py || { test $$? = 1 && touch $(FAILED); }
	@python -m sedrepro summary $(ASSIGNED) $(if $(filter-out $(NAMES),$(TARGETS)),--target $(TARGETS))
	@python -m sedrepro page $(ASSIGNED)
	@test ! -e $(FAILED) || { rm $(FAILED); echo "error: jobs failed, as told above; shown is what is there without them"; exit 1; }

notebooks: $(READY)  ## run the notebooks on the results so far, into results/SCALE/notebooks
	@python -m sedrepro notebooks $(ASSIGNED)

documents: $(READY)  ## fill in the numbers of README and docs from the records
	@python -m sedrepro documents

records: $(READY)  ## write the results page of every record in results/recorded
	@python -m sedrepro record-pages

docs: $(READY)  ## build the documentation as a site that works offline, into site/
	@python -m pip install -qq --disable-pip-version-check -r envs/docs.txt -c envs/constraints.txt
	@NO_MKDOCS_2_WARNING=1 mkdocs build --strict --quiet
	@echo site/index.html

data: SCALE = full
data: KEYS += data_sets=$(or $(subst $(space),$(comma),$(strip $(SET))),all)
data: $(READY)  ## download and prepare the data sets (SET=name,name; DRY_RUN=1: only show size, licence, terms; AGAIN=1: check all clips again)
	@python -m sedrepro data $(if $(DRY_RUN),,--check) $(ASSIGNED)
	@test -n "$(DRY_RUN)" || { set -o pipefail; $(SNAKEMAKE) data $(if $(AGAIN),--forcerun survey) --quiet host reason $(CHOSEN) 2>&1 | python workflow/progress.py; }
	@test -n "$(DRY_RUN)" || python -m sedrepro coverage $(ASSIGNED)

rehearsal: SCALE = rehearsal
rehearsal: KEYS += share=$(or $(SHARE),1)
rehearsal: $(READY)  ## rehearse SCALE=full without its data: cost and disk of every stage, tables of random scores (SHARE=0.02: with 2 % of the clips)
	@set -o pipefail; $(SNAKEMAKE) $(TARGETS) --quiet host reason $(CHOSEN) 2>&1 | python workflow/progress.py
	@python -m sedrepro rehearsal $(ASSIGNED)

unlock: $(READY)  ## release the lock that a killed run has left on the folder
	@python workflow/unlock.py

touch: $(READY)  ## accept results that were copied without their times as up to date
	@$(SNAKEMAKE) $(TARGETS) --touch --quiet host reason $(CHOSEN) 2>&1 | python workflow/progress.py

plan: $(READY)  ## what `make results` would cost and run (GPU=a100 COUNT=4: on another machine; JOBS=1: job by job)
	@python -m sedrepro forecast $(ASSIGNED) $(if $(GPU),--gpu $(GPU)) $(if $(COUNT),--count $(COUNT)) $(if $(filter-out $(NAMES),$(TARGETS)),--target $(TARGETS))
	@echo
	@$(SNAKEMAKE) $(TARGETS) --dry-run --quiet host reason $(if $(JOBS),,rules) $(CHOSEN)

summary: $(READY)  ## print the tables made so far
	@python -m sedrepro summary $(ASSIGNED)

test: $(READY)  ## run the test suite, in one process more than there are cores, as many tests wait
	@OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE= python -m pytest -q --numprocesses "$$(python -c 'import os; print(min(os.cpu_count() + 1, 16))')" --dist loadfile --no-loadscope-reorder

lint: $(READY)  ## ruff, mypy, snakefmt, snakemake --lint
	ruff check .
	ruff format --check .
	mypy
	snakefmt --check Snakefile workflow
	snakemake --lint

format: $(READY)  ## format all code
	ruff check --fix .
	ruff format .
	snakefmt Snakefile workflow

bench: $(READY)  ## run the benchmarks (ratios, a minute or two)
	@for script in benchmarks/bench_*.py; do python $$script || exit 1; done

clean:  ## remove what runs at SCALE have made (audio of the data sets stays, unless it was synthesised)
	rm -rf results/$(SCALE) $(if $(filter miniature rehearsal,$(SCALE)),data/$(SCALE))
	@test ! -d data/$(SCALE) || find data/$(SCALE) -mindepth 1 -maxdepth 1 ! -name corpora -exec rm -rf {} +
