# Bare `make` lists the commands. PYTHON chooses the Python that the virtual environment is made from.
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
SETUP := $(PYTHON) deploy/setup.py

.DEFAULT_GOAL := help
.PHONY: help setup dev demo test lint drill drill-many faults soak rasa bench bundle docs serve migrate clean

help: ## List the commands
	@grep -hE '^[a-z-]+:.*?## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: ## Virtual environment, Python packages, front-end files
	@$(SETUP)

dev: ## The same with what tests and linters need
	@$(SETUP) --dev

demo: setup ## The demo office on http://127.0.0.1:8000 (PORT=… for another port)
	@PORT=$(PORT) $(BIN)/python -m hub.cli demo

test: dev ## Every test this machine can run; names what it skipped and why
	@$(BIN)/python deploy/check.py

lint: dev ## Formatter, linter, types, import contracts
	@$(BIN)/python deploy/check.py --only lint

drill: setup ## The whole job, headless, against serve and rehearsal as processes (PLATFORMS=URL for other stand-ins; FACES=https or files: two faces apart)
	@$(BIN)/python -m hub.cli drill $(if $(PLATFORMS),--platforms $(PLATFORMS)) $(if $(FACES),--faces $(FACES))

drill-many: dev ## The same behind nginx, with two web processes of each face and three workers on PostgreSQL, one of each killed in the middle
	@$(BIN)/python -m tests.faults --part many

faults: dev ## Whatever can break does, on both databases; counts what arrived twice or never (ROUNDS=200 of SIGKILL, AWAY=300 seconds without the database)
	@$(BIN)/python -m tests.faults $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(AWAY),--away $(AWAY))

soak: dev ## 500 citizens and 50 agents for ten minutes on both databases, every message counted (CITIZENS, AGENTS, SECONDS; BREAK=database or rasa)
	@$(BIN)/python -m tests.faults --part soak $(if $(CITIZENS),--citizens $(CITIZENS)) $(if $(AGENTS),--agents $(AGENTS)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(BREAK),--break $(BREAK))

rasa: setup ## Rasa 3.6.21 in an environment of its own, trained on what is published, served on loopback
	@$(BIN)/python deploy/rasa.py
	@$(BIN)/python -m hub.cli bot train
	@$(BIN)/python -m hub.cli bot serve

bench: dev ## Figures, each against a limit or a peer (ONLY=prefix)
	@ONLY=$(ONLY) $(BIN)/python -m bench

bundle: setup ## One archive for machines without a network, in dist (this Python and platform)
	@$(BIN)/python deploy/bundle.py

docs: dev ## Write docs/reference from the code
	@$(BIN)/python -m hub.cli docs

serve: setup ## Serve an installation set up by XUANDA_ settings
	@$(BIN)/python -m hub.cli serve

migrate: setup ## Bring the database to this version's schema
	@$(BIN)/python -m hub.cli migrate

clean: ## Remove what set-up made (never ./var)
	@rm -rf .venv node_modules templates/static/vendor .mypy_cache .ruff_cache .pytest_cache
