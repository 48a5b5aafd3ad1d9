# Belvedere: make help

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

JOBS ?= $(shell nproc)
PYTHON := /usr/bin/python3
RUN_PYTEST := $(PYTHON) -m pytest --rootdir=Tests -c Tests/pytest.ini
# address or thread: build and test with that sanitizer, in a build folder of its own.
SANITIZE ?=
# What to hand to pytest besides: make test-end-to-end PYTEST='-k tunnel'
PYTEST ?=
# How many end-to-end tests run at a time; they wait more than they compute.
TEST_JOBS ?= $(shell echo $$((3 * $$(nproc))))
# How long each fuzz target runs.
FUZZ_SECONDS ?= 60
# How much larger `make simulation` makes what every `make test` simulates.
SIMULATION_SCALE ?= 100

# Debian's packages. The toolchain, Swift 6.3 or later, comes from swift.org.
BUILD_PACKAGES := libssl-dev libsystemd-dev libyaml-dev binutils
TEST_PACKAGES := python3 python3-pytest python3-pytest-xdist python3-cryptography python3-websockets nginx-light curl \
	openssl haproxy libnginx-mod-stream iproute2 slowhttptest
# RawSocketTests makes interfaces and skips without it.
UNIT_TEST_PACKAGES := $(BUILD_PACKAGES) iproute2
C_TEST_PACKAGES := $(BUILD_PACKAGES) gcc libc6-dev
PACKAGE_PACKAGES := $(BUILD_PACKAGES) python3 dpkg-dev lintian rpm rpmlint file
PACKAGE_TEST_PACKAGES := $(TEST_PACKAGES) fish iptables man-db nftables util-linux zsh
PAIR_PACKAGES := $(TEST_PACKAGES) gcc libc6-dev keepalived tcpdump tshark util-linux hostname procps nftables
APPLIANCE_PACKAGES := $(TEST_PACKAGES) mmdebstrap util-linux
BENCH_PACKAGES := $(TEST_PACKAGES) gcc util-linux valgrind

SCRATCH := .build$(if $(SANITIZE),-$(SANITIZE))
SWIFT_OPTIONS := -j $(JOBS) --scratch-path $(SCRATCH) $(if $(SANITIZE),--sanitize=$(SANITIZE))
# Under a sanitizer, Swift's own crash handler would hang; and a finding is a failure.
SANITIZER_ENVIRONMENT := SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0:abort_on_error=1 \
	TSAN_OPTIONS=halt_on_error=1:suppressions=$(CURDIR)/Tests/thread-sanitizer.suppressions \
	BELVEDERE_TEST_TIMEOUT=60
ENVIRONMENT := $(if $(SANITIZE),$(SANITIZER_ENVIRONMENT))

# The released binary: the Swift library inside, nothing to look up at run time but the distribution's own libraries,
# every symbol bound before main, read-only after that; and no hash of the compiler's, which differs with the folder.
RELEASE_OPTIONS := -c release --product belvedere --static-swift-stdlib -Xswiftc -no-toolchain-stdlib-rpath --disable-local-rpath \
	-Xswiftc -Xfrontend -Xswiftc -disable-incremental-llvm-codegen \
	-Xlinker -s -Xlinker -z -Xlinker now -Xlinker -z -Xlinker relro

# Where packages are made. The commit says when, so that the same commit makes the same bytes.
PACKAGES := .build/packages
export SOURCE_DATE_EPOCH := $(shell git log -1 --format=%ct 2>/dev/null || echo 0)

.PHONY: help build reproducible debug demo deb rpm test build-tests test-unit test-c test-end-to-end test-pair soak test-release test-packages test-appliance test-instructions lint simulation \
	fuzz bench clean \
	stage deps deps-test deps-test-unit deps-test-c deps-bench deps-package deps-test-packages deps-pair deps-appliance

help: ## what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: deps ## the released binary: .build/release/belvedere
	swift build -j $(JOBS) $(RELEASE_OPTIONS)
	packaging/check-binary .build/release/belvedere

reproducible: deps ## whether the same sources make the same binary in another folder
	copy=$$(mktemp --directory) && trap 'rm -rf "$$copy"' EXIT && \
		cp --recursive Package.swift Package.resolved Sources Tests "$$copy" && \
		swift build -j $(JOBS) --package-path "$$copy" $(RELEASE_OPTIONS) && \
		$(MAKE) build && cmp .build/release/belvedere "$$copy/.build/release/belvedere"

debug: deps ## the binary for tests: .build/debug/belvedere
	swift build $(SWIFT_OPTIONS) --product belvedere

demo: debug ## a balancer and two example servers on this machine
	$(SCRATCH)/debug/belvedere demo

stage: deps-package build
	rm -rf $(PACKAGES)
	packaging/stage .build/release/belvedere $(PACKAGES)/tree

deb: stage ## the package for Debian 12
	packaging/deb $(PACKAGES)/tree $(PACKAGES) | tee $(PACKAGES)/deb
	lintian --allow-root --fail-on warning $$(cat $(PACKAGES)/deb)

rpm: stage ## the package for Enterprise Linux 9
	packaging/rpm $(PACKAGES)/tree $(PACKAGES) | tee $(PACKAGES)/rpm
	rpmlint --config packaging/rpmlint.toml $$(cat $(PACKAGES)/rpm)

test: test-unit test-end-to-end test-pair ## everything that must pass

build-tests: deps ## what test-unit and test-end-to-end run, built
	swift build $(SWIFT_OPTIONS) --build-tests

test-unit: deps-test-unit test-c ## the Swift tests, and those of the C code
	$(ENVIRONMENT) swift test $(SWIFT_OPTIONS)

test-c: deps-test-c ## our C code under gcc's sanitizers
	Tests/C/run

test-end-to-end: deps-test debug ## the built binary against real peers
	$(ENVIRONMENT) BELVEDERE=$(CURDIR)/$(SCRATCH)/debug/belvedere \
		$(RUN_PYTEST) Tests/EndToEnd -n $(TEST_JOBS) $(PYTEST)

test-pair: deps-pair debug ## two nodes that share an address, in network namespaces
	$(ENVIRONMENT) BELVEDERE=$(CURDIR)/$(SCRATCH)/debug/belvedere \
		$(RUN_PYTEST) Tests/Pair -n $(TEST_JOBS) $(PYTEST)

# 1 GiB each way, and a two-way chunked stream for five minutes; the tests' own defaults are what CI has time for.
soak: export BELVEDERE_TEST_BULK ?= 1024
soak: export BELVEDERE_TEST_STREAM ?= 300
soak: deps-test build ## the long tests at full length, on the released binary
	BELVEDERE=$(CURDIR)/.build/release/belvedere $(RUN_PYTEST) Tests/EndToEnd -m soak --durations=0 $(PYTEST)

test-release: deps-test build ## the end-to-end tests on the released binary, which the optimiser has changed most
	BELVEDERE=$(CURDIR)/.build/release/belvedere $(RUN_PYTEST) Tests/EndToEnd -n $(TEST_JOBS) $(PYTEST)

test-packages: deps-test-packages deb rpm ## what the packages hold, their scripts, and whether the same bytes come again
	BELVEDERE_TREE=$(CURDIR)/$(PACKAGES)/tree BELVEDERE_DEB=$$(cat $(PACKAGES)/deb) \
		BELVEDERE_RPM=$$(cat $(PACKAGES)/rpm) \
		$(RUN_PYTEST) Tests/Packaging $(PYTEST)

test-appliance: deps-appliance deb ## the package on booted Debian machines
	packaging/deb $(PACKAGES)/tree $(PACKAGES) 2 >$(PACKAGES)/next-deb
	BELVEDERE_DEB=$$(cat $(PACKAGES)/deb) BELVEDERE_NEXT_DEB=$$(cat $(PACKAGES)/next-deb) \
		$(RUN_PYTEST) Tests/Appliance -n 2 --dist loadfile $(PYTEST)

test-instructions: deps-bench build ## whether a request or a handshake needs more instructions than recorded
	Tests/Bench/run --gate

lint: ## the formatter's opinion
	swift format lint --strict --recursive Package.swift Sources Tests

simulation: deps ## the seeded simulations, SIMULATION_SCALE times as large: 100 is ten million clients
	BELVEDERE_SIMULATION_SCALE=$(SIMULATION_SCALE) swift test -j $(JOBS) -c release -Xswiftc -enable-testing \
		--scratch-path .build-simulation --filter Simulation

fuzz: deps ## every parser under libFuzzer, FUZZ_SECONDS each
	Tests/Fuzz/run $(FUZZ_SECONDS)

bench: deps-bench build ## Belvedere, HAProxy and nginx side by side
	Tests/Bench/run

clean: ## remove what was built
	rm -rf .build .build-*

# $(call install,PACKAGES): installs those of Debian's packages that are missing, and says so.
define install
@missing=(); for package in $(1); do \
	dpkg-query --show --showformat='$${Status}' "$$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$$package"); \
done; \
if (( $${#missing[@]} )); then \
	if ! command -v apt-get >/dev/null; then echo "please install: $${missing[*]} (Debian's names)"; exit 1; fi; \
	as=(); if (( $$(id -u) )); then as=(sudo); fi; \
	echo "installing with $${as[*]:+$${as[*]} }apt-get: $${missing[*]}"; \
	"$${as[@]}" apt-get update -qq && \
	"$${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$${missing[@]}"; \
fi
endef

deps: ## install what a build needs
	$(call install,$(BUILD_PACKAGES))

deps-test: deps ## install what the tests need
	$(call install,$(TEST_PACKAGES))

deps-test-unit:
	$(call install,$(UNIT_TEST_PACKAGES))

deps-test-c:
	$(call install,$(C_TEST_PACKAGES))

deps-pair: deps
	$(call install,$(PAIR_PACKAGES))

deps-package: deps
	$(call install,$(PACKAGE_PACKAGES))

deps-test-packages: deps-package
	$(call install,$(PACKAGE_TEST_PACKAGES))

deps-appliance: deps-test
	$(call install,$(APPLIANCE_PACKAGES))

deps-bench: deps
	$(call install,$(BENCH_PACKAGES))
