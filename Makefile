# Belvedere: make help

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

JOBS ?= $(shell nproc)
PYTHON := /usr/bin/python3
RUN_PYTEST := $(PYTHON) -m pytest --rootdir=Tests -c Tests/pytest.ini
# `address` or `thread`: build and test with that sanitizer, in a separate build folder.
SANITIZE ?=
# Additional arguments of pytest: make test-end-to-end PYTEST='-k tunnel'
PYTEST ?=
# The end-to-end tests of a repetition, by the marks in Tests/pytest.ini.
ON_RELEASE := -m "not once"
UNDER_SANITIZER := $(if $(SANITIZE),-m $(if $(filter thread,$(SANITIZE)),threads,memory))
# Unit tests that no sanitizer repeats: the code of pure targets has neither threads nor `unsafe`.
PURE_TESTS := Wire Domain HTTP1 Balancing Exchange WorkerProtocol Control VRRP PairChannel Apply Observe Screen Import Doctor
ONCE := Structure $(PURE_TESTS)
space := $() $()
# Number of parallel end-to-end tests, more than the cores because they mostly wait. Tests of a pair wait longer.
TEST_JOBS ?= $(shell echo $$((3 * $$(nproc))))
PAIR_JOBS ?= $(shell echo $$((6 * $$(nproc))))
# Run time of each fuzz target.
FUZZ_SECONDS ?= 60
# Size of `make simulation`, in multiples of the simulations in `make test`.
SIMULATION_SCALE ?= 100

# Debian packages. The toolchain, Swift 6.3 or later, is from swift.org.
BUILD_PACKAGES := libssl-dev libsystemd-dev libyaml-dev binutils
TEST_PACKAGES := python3 python3-pytest python3-pytest-xdist python3-cryptography python3-websockets python3-yaml nginx-light curl \
	openssl haproxy libnginx-mod-stream iproute2 iperf3 slowhttptest goaccess logrotate prometheus chromium \
	testssl.sh apache2-bin tomcat10-user python3-pyte
# RawSocketTests creates interfaces with iproute2, and is skipped without it.
UNIT_TEST_PACKAGES := $(BUILD_PACKAGES) iproute2
C_TEST_PACKAGES := $(BUILD_PACKAGES) gcc libc6-dev
PACKAGE_PACKAGES := $(BUILD_PACKAGES) python3 dpkg-dev lintian rpm rpmlint file
PACKAGE_TEST_PACKAGES := $(TEST_PACKAGES) fish iptables man-db nftables util-linux zsh
PAIR_PACKAGES := $(TEST_PACKAGES) gcc libc6-dev keepalived tcpdump tshark util-linux hostname procps nftables
APPLIANCE_PACKAGES := $(TEST_PACKAGES) mmdebstrap util-linux
BENCH_PACKAGES := $(TEST_PACKAGES) gcc util-linux valgrind

SCRATCH := .build$(if $(SANITIZE),-$(SANITIZE))
SWIFT_OPTIONS := -j $(JOBS) --scratch-path $(SCRATCH) $(if $(SANITIZE),--sanitize=$(SANITIZE))
# Swift's own crash handler would hang under a sanitizer. A sanitizer's finding is a failure.
ADDRESS_OPTIONS := ASAN_OPTIONS=detect_leaks=0:abort_on_error=1
# A process with threads waits for races before its end, by default for a second.
THREAD_OPTIONS := TSAN_OPTIONS=halt_on_error=1:atexit_sleep_ms=100:suppressions=$(CURDIR)/Tests/thread-sanitizer.suppressions
SANITIZER_ENVIRONMENT := SWIFT_BACKTRACE=enable=no $(if $(filter thread,$(SANITIZE)),$(THREAD_OPTIONS),$(ADDRESS_OPTIONS)) \
	BELVEDERE_TEST_TIMEOUT=60 BELVEDERE_SIMULATION_SCALE=0.1
ENVIRONMENT := $(if $(SANITIZE),$(SANITIZER_ENVIRONMENT))

# The released binary: the Swift library is linked statically, all other libraries are from the distribution, every
# symbol is bound before main and then read-only. No hash by the compiler, which would depend on the build folder.
RELEASE_OPTIONS := -c release --product belvedere --static-swift-stdlib -Xswiftc -no-toolchain-stdlib-rpath --disable-local-rpath \
	-Xswiftc -Xfrontend -Xswiftc -disable-incremental-llvm-codegen \
	-Xlinker -s -Xlinker -z -Xlinker now -Xlinker -z -Xlinker relro

# Output folder of packages. Their date is that of the commit, so that the same commit gives the same bytes.
PACKAGES := .build/packages
export SOURCE_DATE_EPOCH := $(shell git log -1 --format=%ct 2>/dev/null || echo 0)

.PHONY: help build debug demo deb rpm test build-tests test-unit test-c test-end-to-end test-pair soak test-release test-packages test-appliance test-instructions lint simulation \
	fuzz bench clean \
	stage deps deps-test deps-test-unit deps-test-c deps-bench deps-package deps-test-packages deps-pair deps-appliance

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: deps ## build the release: .build/release/belvedere
	swift build -j $(JOBS) $(RELEASE_OPTIONS)
	packaging/check-binary .build/release/belvedere

debug: deps ## build the binary for tests: .build/debug/belvedere
	swift build $(SWIFT_OPTIONS) --product belvedere

demo: debug ## run a balancer and two example servers on this machine
	$(SCRATCH)/debug/belvedere demo

stage: deps-package build
	rm -rf $(PACKAGES)
	packaging/stage .build/release/belvedere $(PACKAGES)/tree

deb: stage ## build the package for Debian 12
	packaging/deb $(PACKAGES)/tree $(PACKAGES) | tee $(PACKAGES)/deb
	lintian --allow-root --fail-on warning $$(cat $(PACKAGES)/deb)

rpm: stage ## build the package for Enterprise Linux 9
	packaging/rpm $(PACKAGES)/tree $(PACKAGES) | tee $(PACKAGES)/rpm
	rpmlint --config packaging/rpmlint.toml $$(cat $(PACKAGES)/rpm)

test: test-unit test-end-to-end test-pair ## run the unit, end-to-end and pair tests

build-tests: deps ## build what test-unit and test-end-to-end run
	swift build $(SWIFT_OPTIONS) --build-tests

test-unit: deps-test-unit test-c ## test the Swift and the C code
	$(ENVIRONMENT) swift test $(SWIFT_OPTIONS) $(if $(SANITIZE),--skip '^($(subst $(space),|,$(ONCE)))Tests\.')

test-c: deps-test-c ## test the C code under gcc's sanitizers
	Tests/C/run

test-end-to-end: deps-test debug ## test the debug binary against real peers
	$(ENVIRONMENT) BELVEDERE=$(CURDIR)/$(SCRATCH)/debug/belvedere \
		$(RUN_PYTEST) Tests/EndToEnd -n $(TEST_JOBS) $(UNDER_SANITIZER) $(PYTEST)

test-pair: deps-pair debug ## test two nodes that share an address, in network namespaces
	$(ENVIRONMENT) BELVEDERE=$(CURDIR)/$(SCRATCH)/debug/belvedere \
		$(RUN_PYTEST) Tests/Pair -n $(PAIR_JOBS) $(PYTEST)

# 1 GiB in each direction, a two-way chunked stream for five minutes, and mutated requests on 60,000 connections, whose
# requests nginx, Apache and Tomcat are to see as Belvedere does; the defaults of the tests are short for CI.
soak: export BELVEDERE_TEST_BULK ?= 1024
soak: export BELVEDERE_TEST_DIFFERENTIAL ?= 20000
soak: export BELVEDERE_TEST_STREAM ?= 300
soak: deps-test build ## run the long tests at full length, on the release
	BELVEDERE=$(CURDIR)/.build/release/belvedere $(RUN_PYTEST) Tests/EndToEnd -m soak --durations=0 $(PYTEST)

test-release: deps-test build ## run the end-to-end tests on the release, which is optimised
	BELVEDERE=$(CURDIR)/.build/release/belvedere $(RUN_PYTEST) Tests/EndToEnd -n $(TEST_JOBS) $(ON_RELEASE) $(PYTEST)

test-packages: deps-test-packages deb rpm ## test the content, the scripts and the reproducibility of the packages
	BELVEDERE_TREE=$(CURDIR)/$(PACKAGES)/tree BELVEDERE_DEB=$$(cat $(PACKAGES)/deb) \
		BELVEDERE_RPM=$$(cat $(PACKAGES)/rpm) \
		$(RUN_PYTEST) Tests/Packaging $(PYTEST)

test-appliance: deps-appliance deb ## test the package on booted Debian machines
	packaging/deb $(PACKAGES)/tree $(PACKAGES) 2 >$(PACKAGES)/next-deb
	BELVEDERE_DEB=$$(cat $(PACKAGES)/deb) BELVEDERE_NEXT_DEB=$$(cat $(PACKAGES)/next-deb) \
		$(RUN_PYTEST) Tests/Appliance -n 2 --dist loadfile $(PYTEST)

test-instructions: deps-bench build ## check that requests and handshakes need no more instructions than recorded
	Tests/Bench/run --gate

lint: ## check the formatting, and that Python can read its files
	swift format lint --strict --recursive Package.swift Sources Tests
	PYTHONPYCACHEPREFIX=.build/python $(PYTHON) -m compileall -q Tests packaging
	PYTHONPYCACHEPREFIX=.build/python $(PYTHON) -m py_compile Tests/Bench/run packaging/manual

simulation: deps ## run the seeded simulations, SIMULATION_SCALE times as large: 100 is ten million clients
	BELVEDERE_SIMULATION_SCALE=$(SIMULATION_SCALE) swift test -j $(JOBS) -c release -Xswiftc -enable-testing \
		--scratch-path .build-simulation --filter Simulation

fuzz: deps ## run every parser under libFuzzer, FUZZ_SECONDS each
	Tests/Fuzz/run $(FUZZ_SECONDS)

bench: deps-bench build ## compare Belvedere, HAProxy and nginx
	Tests/Bench/run
	Tests/Bench/run --relay

clean: ## remove all build folders
	rm -rf .build .build-*

# $(call install,PACKAGES): installs missing Debian packages, and lists them.
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

deps: ## install the packages for a build
	$(call install,$(BUILD_PACKAGES))

deps-test: deps ## install the packages for the tests
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
