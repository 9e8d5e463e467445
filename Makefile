# Chores. Each is one command; what is behind `local` is in tests/local.
# Needs Rust, Python 3.11 or later and make; the rest is installed into .tools/.

LOCAL := cargo run --locked --package causeway-local --bin local --
# The SAM CLI finds cargo-lambda, and cargo-lambda finds zig, on this path. It heeds only one of AWS's two
# variables for a region.
SAM := $(if $(AWS_REGION),AWS_DEFAULT_REGION="$(AWS_REGION)") PATH="$(CURDIR)/.tools/sam/bin:$$PATH" SAM_CLI_TELEMETRY=0 .tools/sam/bin/sam

.DEFAULT_GOAL := help
.PHONY: help test lint unit test-vendors packs validate tools build deploy sim sim-bugs model fuzz demo chaos outage demo-self-check causeway demo-up demo-down map-test bench-mapping bench-insights fit-insights bench-packs fmt

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

test: lint validate unit ## Everything that continuous integration runs, the local stack included

lint: ## Formatting, lints and documentation, warnings forbidden
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo check --locked --package causeway --no-default-features
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --quiet

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

# Four programs (infra/build/functions.mk), with the packs of the folders that CAUSEWAY_PACKS names.
build: tools ## Build the functions for AWS
	$(SAM) build

deploy: build ## Deploy to the AWS account of this shell
	$(SAM) deploy

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
causeway: ## Build the operators' command: target/debug/causeway (to install it: cargo install --locked --path infra/causeway)
	cargo build --locked --package causeway-command --package causeway-local --bin causeway
	@echo "built $(CURDIR)/target/debug/causeway"

demo-up: causeway ## Leave a local stack running, to explore
	@$(LOCAL) up

demo-down: ## Stop what demo-up left running
	@$(LOCAL) down

map-test: ## Show what a mapping makes of its examples: make map-test MAPPING=functions/stripe/mappings/pms-customer.json [SAMPLE=file.json]
	@cargo run --locked --quiet --package causeway-command --bin causeway -- map test "$(MAPPING)" $(if $(SAMPLE),"$(SAMPLE)")

bench-mapping: ## What mapping a 2 KB document costs, in times of parsing and printing it
	@CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 cargo run --locked --quiet --release --package causeway-contract --bin bench-mapping

# Fixed by what reads target/insights/summary.json: the path, and the names in it.
bench-insights: ## How good proposed mappings and early warnings are: golden pairs, public data, the frozen generator
	@CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 cargo run --locked --quiet --release --package causeway-bench-insights --bin bench-insights -- $(if $(PAIR),--pair $(PAIR))

fit-insights: ## The matcher's weights, fitted on all pairs, and what such weights are worth on vendors that they never saw
	@CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 cargo run --locked --quiet --release --package causeway-bench-insights --bin bench-insights -- --fit

bench-packs: ## What an operation costs at its first use, and what checking a payload costs
	@CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 cargo run --locked --quiet --release --package causeway-packs --bin bench-packs

fmt: ## Format the code
	cargo fmt --all
