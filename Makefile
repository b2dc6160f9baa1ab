# The one list of commands. `make` alone prints it.
.DEFAULT_GOAL := help
SHELL := /bin/sh
STACK ?= staging
in_shell := . ./activate &&

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' Makefile

setup: ## everything the others need: the environment, Pulumi, the stacks
	@sh toolchain/setup.sh

staging: setup ## from nothing: `pulumi up --stack staging`, then a first promotion from Python 3.9 to 3.12
	@$(in_shell) pulumi up --stack staging --yes --skip-preview --suppress-outputs && crossfade promote --stack staging && crossfade status --stack staging

test: setup ## the whole suite that this machine can run, and a plain list of what it cannot and why
	@$(in_shell) sh tests/run.sh $(ARGS)

docker: setup ## what the target docker needs beside an engine: buildx, and Pulumi's providers; what is there stays
	@$(in_shell) sh toolchain/docker-install.sh

test-docker: setup ## the tests of the target docker, on an engine of their own: as root; on Debian it installs what is missing
	@sh toolchain/packages.sh docker
	@$(in_shell) pytest -m docker tests/docker $(ARGS)

test-kubernetes: setup ## the tests of the target kubernetes, on clusters of their own: those with a node as root; the first builds Kubernetes
	@sh toolchain/packages.sh kubernetes
	@$(in_shell) sh toolchain/kubernetes.sh >/dev/null && "$$(sh toolchain/uv.sh)" sync --quiet --frozen --all-extras --group kubernetes && pytest -m kubernetes tests/kubernetes tests/smoke $(ARGS)

test-aws: setup ## the tests of what is at AWS, on a service of their own that answers as it does
	@$(in_shell) "$$(sh toolchain/uv.sh)" sync --quiet --frozen --all-extras --group aws && pytest -m aws tests/smoke $(ARGS)

test-quick: ## what needs no processes: a few minutes
	@$(in_shell) pytest -q -m "not processes and not engine and not load and not docker and not kubernetes and not aws"

check: lint format types imports ## everything that reads the code and runs none of it

lint: ## ruff
	@$(in_shell) ruff check .

format: ## ruff format, as a check; `ruff format .` mends
	@$(in_shell) ruff format --check .

types: ## mypy, strict
	@$(in_shell) mypy

imports: ## the layers of docs/architecture.md, by import-linter
	@$(in_shell) lint-imports

bench: setup ## the decision engine against other tools' rules, simulated: docs/canary.md and its picture (five minutes on two cores)
	@$(in_shell) "$$(sh toolchain/uv.sh)" sync --quiet --frozen --all-extras --group bench && PYTHONPATH=bench python -m canary

bench-live: setup ## measure the real thing: promotions and switches under load, faults, verdicts (half an hour)
	@$(in_shell) python bench/promotions.py --rate 700 && python bench/faults.py && python bench/verdicts.py

destroy: ## take the stack STACK (staging) off this machine, and leave nothing behind
	@$(in_shell) pulumi destroy --stack $(STACK) --yes --skip-preview

clean: ## remove what was built here; never the state of a stack
	rm -rf .venv .toolchain .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist

.PHONY: help setup staging docker test test-docker test-kubernetes test-aws test-quick check lint format types imports bench bench-live destroy clean
