# Each target is one readable command. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash

.PHONY: help demo demo-reset rehearse test test-contracts test-steady fuzz lint scan bench sqlx screenshots

help: ## Tell what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: ## Start everything on this machine: a private PostgreSQL, the product, a simulated world
	@echo "· building" >&2
	@cargo build --locked
	@$${CARGO_TARGET_DIR:-target}/debug/calmness demo

demo-reset: ## Forget the demo's data
	@cargo build --locked --quiet
	@$${CARGO_TARGET_DIR:-target}/debug/calmness demo --reset

rehearse: ## Play the whole story by itself, with what goes wrong
	@echo "· building" >&2
	@cargo build --locked
	@$${CARGO_TARGET_DIR:-target}/debug/calmness rehearse

test: ## Run every check: formatting, lints, unit tests, product tests, browser tests, rehearsal
	@scripts/test.sh

test-contracts: ## Try the simulated providers with the providers' own libraries (installs them)
	@scripts/test-contracts.sh

test-steady: ## Have our requests judged by the official specifications (CALMNESS_SHARED names their folder)
	@scripts/test-steady.sh

fuzz: ## Search for input that breaks a reader of what strangers send (FUZZ_SECONDS each; needs nightly Rust)
	@scripts/fuzz.sh

lint: ## Formatting, clippy, licences and sources of dependencies, freshness of .sqlx
	@scripts/lint.sh

scan: ## Scan dependencies, sources and the running API; write the bill of materials
	@scripts/scan.sh

bench: ## Measure the hot paths against the database's own floor, in one run
	@scripts/bench.sh

sqlx: ## Write .sqlx anew after a query or a migration changed
	@scripts/with-postgres.sh scripts/sqlx-metadata.sh

screenshots: ## Take the pictures of docs/ anew, in a real browser
	@CALMNESS_SCREENSHOTS=docs/images scripts/browser-test.sh
