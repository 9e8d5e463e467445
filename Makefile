# Chores. Each is one command; what is behind `local` is in tests/local.
# Needs Rust, Python 3.11 or later and make; the rest is installed into .tools/.

LOCAL := cargo run --locked --package causeway-local --bin local --
# The SAM CLI finds cargo-lambda, and cargo-lambda finds zig, on this path. It heeds only one of AWS's two
# variables for a region.
SAM := $(if $(AWS_REGION),AWS_DEFAULT_REGION="$(AWS_REGION)") PATH="$(CURDIR)/.tools/sam/bin:$$PATH" SAM_CLI_TELEMETRY=0 .tools/sam/bin/sam

.DEFAULT_GOAL := help
.PHONY: help test lint deny unit test-vendors packs validate tools build deploy shipped release sim sim-bugs model fuzz demo chaos outage demo-self-check causeway demo-up demo-down map-test bench bench-guard bench-mapping bench-insights fit-insights bench-packs bench-limits bench-cost bench-scale fmt

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: lint deny validate unit ## Everything that continuous integration runs, the local stack included

lint: ## Formatting, lints and documentation, warnings forbidden
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo check --locked --package causeway --no-default-features
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --quiet

deny: ## Licences, sources and bans of all dependencies; advisories where their database can be fetched
	@$(LOCAL) tools deny
	@infra/build/deny

validate: tools ## The templates, by the SAM CLI's linter
	@$(SAM) validate --region us-east-1 --lint
	@$(SAM) validate --region us-east-1 --lint --template infra/lane-alarms.yaml

# No program's main file and no documentation holds a test: asking them costs forty compilations.
TESTS ?= --workspace

# The end-to-end tests mostly wait: four at once on two cores take three quarters of the time that two do.
unit: export RUST_TEST_THREADS ?= 4
unit: tools ## All tests; the end-to-end ones bring up a local stack
	cargo test --locked $(TESTS) --lib --test '*'

test-vendors: ## Lanes and fakes against what vendors publish: contracts (Prism), their own fakes, their SDKs
	@cargo run --locked --quiet --package causeway-vendors --bin vendors -- $(if $(ONLY),--only $(ONLY))

# Fixed by what reads target/packs/summary.json: the path, and the names in it.
packs: ## Every operation of every pack: a vendor that loses answers, and its own document as judge: make packs, or ONLY=stripe
	@cargo run --locked --quiet --package causeway-packs --bin packs -- $(if $(ONLY),--only $(ONLY)) $(if $(OPERATION),--operation $(OPERATION))
ifneq ($(wildcard ../shared/providers/documents),)
	@cargo run --locked --quiet --package causeway-packs --bin judge -- $(if $(ONLY),--only $(ONLY),--import)
endif

tools: ## Install the pinned tools into .tools/
	@$(LOCAL) tools

# An environment of samconfig.toml.
ENV ?= default
PARAMETERS := target/deploy/$(ENV).yaml
CHECK = cargo run --locked --quiet --package causeway-command --bin causeway -- deploy check --env $(ENV) \
	--sam .tools/sam/bin/sam --parameters $(PARAMETERS) $(if $(LEAVE),--leave $(LEAVE))

# Four programs (infra/build/functions.mk), with the packs of the folders that CAUSEWAY_PACKS names.
# What they call themselves is the commit (GET /v1/providers).
build: tools ## Build the functions for AWS: make build ENV=prod, an environment of samconfig.toml
	CAUSEWAY_RELEASE="$$(git describe --tags --always --dirty 2>/dev/null)" $(SAM) build --config-env $(ENV)

# A stack's first deployment leaves its tables unprotected, so that it can be rolled back: the second protects them.
deploy: build ## Check, then deploy to the AWS account of this shell: make deploy ENV=prod
	@$(CHECK)
	$(SAM) deploy --config-env $(ENV) --parameter-overrides file://$(PARAMETERS)
	@grep -q '"DeletionProtection": "on"' $(PARAMETERS) || { $(CHECK) && \
	$(SAM) deploy --config-env $(ENV) --parameter-overrides file://$(PARAMETERS); }

RELEASE := cargo run --locked --quiet --package causeway-release --bin release --
BENCH := cargo run --locked --quiet --package causeway-bench --bin bench --
HERE := $(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x86_64)

# What tests start is compiled in a hurry; this is what is deployed, by the makefile that `sam build` uses. In a folder of
# its own, since cargo would have local stacks' builds wait for it.
shipped: tools ## Build a lane in the form that is deployed, inspect it, start it and send a message through it
	@PATH="$(CURDIR)/.tools/sam/bin:$$PATH" CARGO_TARGET_DIR=target/shipped $(MAKE) --no-print-directory \
		-f infra/build/$(HERE)/Makefile programs PROGRAMS=target/shipped/lambda ONLY="--package causeway-lane"
	@$(RELEASE) inspect --processor $(HERE) target/shipped/lambda/lane/bootstrap
	@$(BENCH) --shipped target/shipped/lambda/lane/bootstrap

# The functions for Graviton, every lane whose pack is shipped, and the command for this machine. No path of this machine's is
# in them, so that builds of the same commit can be compared. (RUSTFLAGS would put out of force what cargo-lambda says by the
# same setting: for which processor it optimises.)
RELEASED = $(shell git describe --tags --always --dirty)
LANES = $(shell sed -n '/^    Provider: {/,/}/p' template.yaml | grep -o '[A-Z][A-Za-z]*: [a-z]' | cut -d : -f 1 | paste -s -d ,)
HOST = $(shell rustc -vV | sed -n 's/^host: //p')
PATHLESS = CAUSEWAY_PACKS= CAUSEWAY_RELEASE="$(RELEASED)" \
	CARGO_BUILD_RUSTFLAGS="--remap-path-prefix=$(CURDIR)=/causeway --remap-path-prefix=$(or $(CARGO_HOME),$(HOME)/.cargo)=/cargo"

release: tools deny ## Build, inspect and pack a release for arm64: zips, SBOMs, manifest, checksums in target/release-artefacts
	$(PATHLESS) $(SAM) build --config-env default --build-dir target/release-build --parameter-overrides Architecture=arm64 Lanes=$(LANES)
	$(PATHLESS) cargo build --locked --release --target $(HOST) --package causeway-command --bin causeway
	@$(RELEASE) pack --processor arm64 --functions target/release-build --release "$(RELEASED)" \
		--command $(HOST)=target/$(HOST)/release/causeway --out target/release-artefacts

# Fixed by what reads target/sim/summary.json: the path, and `make sim SEEDS=…`.
SEEDS ?= 20000
FIRST ?= 1

sim: ## Lanes in simulated worlds: make sim SEEDS=20000, or one with its trace: make sim SEED=7
	cargo build --locked --profile sim --package causeway-simulation --bin sim
	@target/sim/sim $(if $(SEED),--seed $(SEED),--seeds $(SEEDS) --first $(FIRST) --out target/sim)

sim-parked: ## 200,000 messages of a connection that is paused, beside others
	cargo build --locked --profile sim --package causeway-simulation --bin sim
	@target/sim/sim --parked 200000

sim-bugs: ## Prove that the simulation bites: every bug of tests/simulation/mutants.toml must be found within 1,000 seeds
	cargo build --locked --profile sim --package causeway-simulation --bin mutants
	@target/sim/mutants $(if $(BUG),--mutant $(BUG)) $(if $(SEED),--seed $(SEED))

model: ## Search the protocols' models in their large worlds too: minutes, with the numbers of states
	CAUSEWAY_MODEL=deep cargo test --locked --package causeway-model -- --nocapture --test-threads 1

# For each of the seven targets.
SECONDS ?= 60

fuzz: ## Search what reads strangers' bytes for faults: make fuzz SECONDS=60 (each target; needs a C++ compiler)
	@cargo run --locked --quiet --package causeway-fuzz --bin fuzz -- --seconds $(SECONDS) $(if $(TARGET),--target $(TARGET))

demo: ## Run a realistic load through a local stack and check every request
	@$(LOCAL) demo

chaos: ## Kill the functions at random under load, three times over, and check every request
	@$(LOCAL) chaos

demo-self-check: ## Tamper with a run's result: must exit non-zero, with exactly the two findings
	@$(LOCAL) demo --self-check

outage: ## Let a vendor fail for five minutes while 5,000 messages wait (a quarter of an hour)
	@$(LOCAL) outage

# With the local stack's command beside it, so that `make demo-up` compiles for both at once.
causeway: ## Build the operators' command: target/debug/causeway (to install it: CAUSEWAY_RELEASE="$(git describe --tags --always)" cargo install --locked --path infra/causeway)
	cargo build --locked --package causeway-command --package causeway-local --bin causeway
	@echo "built $(CURDIR)/target/debug/causeway"

demo-up: causeway ## Leave a local stack running, to explore
	@$(LOCAL) up

demo-down: ## Stop what demo-up left running
	@$(LOCAL) down

map-test: ## Show what a mapping makes of its examples: make map-test MAPPING=functions/stripe/mappings/pms-customer.json [SAMPLE=file.json]
	@cargo run --locked --quiet --package causeway-command --bin causeway -- map test "$(MAPPING)" $(if $(SAMPLE),"$(SAMPLE)")

# Fixed by what reads target/bench/summary.json: the path, and the names in it. Lane and harness are built apart, so that
# the lane has exactly its own features, and in the shipped profile. `limits`, `scale` and `cost` leave their parts in
# target/bench before.
BENCH_PARTS := $(foreach part,limits scale cost,$(if $(shell grep -ls '^name = "causeway-$(part)"' tests/*/Cargo.toml),$(part)))

bench: ## Lanes beside Powertools, a naive handler and a bare loop: make bench, or ONLY=stripe,floor
	@$(LOCAL) tools bench-python node
	cargo build --locked --release --package causeway-lane --bin lane
	cargo build --locked --release --package causeway-bench --bins
ifndef ONLY
	$(foreach part,$(BENCH_PARTS),cargo run --locked --quiet --profile sim --package causeway-$(part) --bin $(part) &&) true
endif
	@target/release/bench $(if $(ONLY),--only $(ONLY)) $(if $(ROUNDS),--rounds $(ROUNDS))

# Unoptimised programs, which the tests' build has already: what is compared is what our code and the SDK do for a record.
GUARD_BUILD := cargo build --locked --package causeway-lane --package causeway-bench --bins

bench-guard: ## Fail where a record costs the lane more, in times of the bare loop: ratios, never times
	$(GUARD_BUILD)
	@target/debug/bench --guard

bench-mapping: ## What mapping a 2 KB document costs, in times of parsing and printing it
	@CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 cargo run --locked --quiet --release --package causeway-contract --bin bench-mapping

# Fixed by what reads target/insights/summary.json: the path, and the names in it.
bench-insights: ## How good proposed mappings and early warnings are: golden pairs, public data, the frozen generator
	@CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 cargo run --locked --quiet --release --package causeway-bench-insights --bin bench-insights -- $(if $(PAIR),--pair $(PAIR))

fit-insights: ## The matcher's weights, fitted on all pairs, and what such weights are worth on vendors that they never saw
	@CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 cargo run --locked --quiet --release --package causeway-bench-insights --bin bench-insights -- --fit

bench-packs: ## What an operation costs at its first use, and what checking a payload costs
	@CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 cargo run --locked --quiet --release --package causeway-packs --bin bench-packs

# Fixed by what reads target/bench/limiter.json: the path, and the names in it.
bench-limits: ## The limiter's promise over 10,000 drawn fleets, and what backlogs get of each documented window
	@CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 cargo run --locked --quiet --release --package causeway-limits --bin limits

# Fixed by what reads target/bench/cost.json: the path, and the names in it.
bench-cost: ## What a million requests cost on AWS: target/bench/cost.json, docs/cost.md, the README's table of idle lanes
	@cargo run --locked --quiet --package causeway-cost --bin cost -- write
	@CAUSEWAY_BLESS=1 cargo test --locked --quiet --package causeway-cost --test it readme >/dev/null

# Fixed by what reads target/bench/scale.json: the path, and the names in it.
MOST ?= 10000000

bench-scale: ## How far lanes go in memory, on two cores: target/bench/scale.json (some minutes; MOST=100000 for less)
	cargo build --locked --profile sim --package causeway-scale --bin scale
	@$(or $(CARGO_TARGET_DIR),target)/sim/scale all --most $(MOST)

fmt: ## Format the code
	cargo fmt --all
