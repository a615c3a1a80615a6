# Thin names over the real commands; `make help` lists them.

.DEFAULT_GOAL := help
.PHONY: help run console test provision fmt lint docs audit bench

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## build and start everything on loopback, data in ./data (needs Rust and a C compiler; with Node also the console)
	cargo build --release --locked
	scripts/run

console: ## build the web console into web/console/dist (needs Node)
	scripts/build-console

test: provision ## run every check and test; the last line is the sum
	scripts/test

provision: ## install what the tests need and the machine lacks (grpcurl, mongod, Chromium, npm packages …)
	scripts/provision

fmt: ## format all Rust code
	cargo fmt --all

lint: provision ## the checks of `make test` that run no test
	scripts/test lint

docs: ## write the configuration reference in docs/OPERATIONS.md from what --help says
	cargo build --locked --workspace --bins
	scripts/reference "$${CARGO_TARGET_DIR:-target}/debug"

audit: ## cargo-deny: dependency bans, licences and sources (installs cargo-deny the first time: minutes)
	scripts/audit

bench: ## measure the release build: start, calls, pages, load on every rpc, MongoDB against its driver (minutes; never part of test)
	cargo build --release --locked --workspace
	cargo run --release --locked -p bench -- all
