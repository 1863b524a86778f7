# Ledgerline. `make` lists what can be made.

.PHONY: help demo test lint sqlx bench build

# The visitor's own invoices for the demonstration; without it a portfolio is generated.
DATA ?=

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## build, import, and run the service with an emulated carrier and agents (DATA=file.csv for your own invoices)
	@scripts/bootstrap
	cargo run -- demo $(if $(DATA),--data '$(DATA)')

test: ## everything that can fail, on private stores that end with it
	@scripts/bootstrap test
	cargo test --all-targets

lint: ## formatting, clippy, and licences where cargo-deny is installed
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	@if command -v cargo-deny >/dev/null; then cargo deny --offline check bans licenses sources; \
	else echo "cargo-deny is not installed: licences not checked"; fi

sqlx: ## refresh the data of the checked queries after a change of SQL
	@scripts/bootstrap
	@scripts/sqlx

bench: ## measure the promised speeds, as ratios to the bare stores
	@scripts/bootstrap
	ulimit -n 5000 2>/dev/null || true; cargo run --release -- bench

build: ## the optimised binary, target/release/ledgerline
	@scripts/bootstrap
	cargo build --release
