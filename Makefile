# Everything a developer and CI run. `make` alone lists the targets.
#
# One target directory for all of it: nothing is compiled twice because two steps disagree on where. A program missing
# on this machine is installed by scripts/tools, into .tools where it can be.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

export CARGO_TARGET_DIR ?= $(CURDIR)/target
# Last, so that a system's own newer program wins.
export PATH := $(PATH):$(CURDIR)/.tools/bin

.PHONY: help build run test tools fmt proto reference man fmt-check deny lint fuzz-check unit advisories soak bench image clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

build: ## both programs and the pair, optimised
	cargo build --workspace --bins --locked --release

run: ## a target and an injector on loopback, in one process
	cargo run --locked --release

# Cheap first: what fails most often fails within seconds.
test: tools fmt-check deny lint fuzz-check unit ## everything CI checks

tools: ## install the programs the tests use, if missing
	@scripts/tools test || { [ "$${REQUIRE_TOOLS:-}" != 1 ] && echo "tools: going on; what needs a missing one says so"; }

fmt: ## format the code
	cargo fmt --all

proto: ## write the gRPC code anew from shared/proto
	WRITE_PROTO=1 cargo test --locked --test it generated::

reference: ## write docs/reference anew from the code
	WRITE_DOCS=1 cargo test --locked --test it reference::

man: build ## manual pages and bash completions of both programs, in target/man
	@for program in injector target-server; do \
		"$(CARGO_TARGET_DIR)/release/$$program" man --out "$(CARGO_TARGET_DIR)/man/man1"; \
		"$(CARGO_TARGET_DIR)/release/$$program" completions bash >"$(CARGO_TARGET_DIR)/man/$$program.bash"; \
	done

fmt-check:
	cargo fmt --all --check

deny: ## bans, licences and sources of the dependency tree
	@if command -v cargo-deny >/dev/null || [ "$${REQUIRE_TOOLS:-}" = 1 ]; then \
		set -x; cargo deny --locked check bans licenses sources; \
	else echo "deny: skipped: needs cargo-deny (scripts/tools cargo-deny)"; fi

lint: ## clippy, warnings are errors
	cargo clippy --workspace --all-targets --locked -- -D warnings

# The fuzz targets are a workspace of their own; here they only have to compile, which the stable compiler can.
fuzz-check: ## compile the fuzz targets, do not run them
	@if [ -d shared/fuzz ]; then set -x; cargo check --manifest-path shared/fuzz/Cargo.toml --locked; fi

# Programs first and by themselves: the integration tests spawn them, and only this build has the features that ship.
# Building them together with the tests would save a quarter of a minute, and let a feature that only a test turns on
# hide that the program lacks it.
unit: ## build and test, without the other checks
	cargo build --workspace --bins --locked
	cargo test --workspace --locked --no-fail-fast

advisories: ## known vulnerabilities (downloads their database)
	cargo deny --locked check advisories

# One at a time: each has the machine to itself, and asserts figures that need it. SOAK_SECONDS is the length of each.
soak: tools build ## drills that take minutes each, five or SOAK_SECONDS
	cargo test --locked --release --test it -- --ignored soak_ --test-threads=1

bench: build ## ceilings on this machine, beside nginx and wrk
	@scripts/tools bench
	cargo bench --locked --bench hot_path
	scripts/bench

image: ## the image with both programs, by docker, podman or buildah
	scripts/image

clean: ## remove what was built and the tools installed here
	cargo clean
	rm -rf .tools
