# What `sam build` runs for each function, from the root, with the folder to fill in ARTIFACTS_DIR: build-StripeFunction
# and so on. The first run compiles the four programs, those of the workspace's default members; the others find them
# compiled. What cargo says goes to standard output, which SAM shows as it comes. `make shipped` builds one package alone
# (ONLY), into a folder of its own.
PROGRAMS := target/lambda
ONLY :=

.PHONY: programs
programs:
	@command -v cargo-lambda >/dev/null || { echo "cargo-lambda is missing: https://www.cargo-lambda.info"; exit 1; }
	@command -v zig >/dev/null || command -v python-zig >/dev/null || { echo "zig is missing, with which cargo-lambda links: pip install ziglang, or https://ziglang.org"; exit 1; }
	@cargo lambda build --release --locked $(PROCESSOR) $(ONLY) --lambda-dir $(PROGRAMS) 2>&1

build-GatekeeperFunction build-IngestFunction build-WarningFunction: build-%Function: programs
	@install -m 755 "$(PROGRAMS)/$$(echo $* | tr A-Z a-z)/bootstrap" "$(ARTIFACTS_DIR)/bootstrap"

build-%Function: programs
	@infra/build/lay-lane "$*" $(PROGRAMS)/lane/bootstrap "$(ARTIFACTS_DIR)"
