# k3s in Swift. The two commands to know: `make run` and `make test`.

SHELL := /bin/bash
BINARY := .build/release/k3s
SIMULATOR := .build/release/simulate
# No program looks up symbols of this one, and the names of those that it would export weigh 4 MB. Functions of equal
# code are folded into one, unless their address is taken. It is linked at fixed addresses
# (docs/decisions/0015-fixed-addresses.md). The linker is the one that comes with Swift.
LINKING := --gc-sections --no-pie --no-export-dynamic --icf=safe -s --no-eh-frame-hdr -T $(CURDIR)/Tools/unwinding.ld
RELEASE := -c release --static-swift-stdlib -Xswiftc -use-ld=lld $(addprefix -Xlinker ,$(LINKING))

.PHONY: build run test simulate simulator bench tables zones scripts packages clean

build: packages
	@Tools/step "Building $(BINARY) (the first time takes some minutes)"
	@swift build $(RELEASE) --product k3s
	@Tools/step "Built $(BINARY), $$(du -h --apparent-size $(BINARY) | cut -f1)"

run: build
	@Tools/step "Starting the server; stop it with Ctrl-C"
	@exec $(BINARY) server

test: packages simulator
	@Tools/python
	@Tools/step "Building the tests (the first time takes some minutes)"
	@swift build --build-tests
	@Tools/step "Running the tests"
	@Tools/test

# Lives of clusters under faults; `make simulate ARGS='--seed 7 --trace'` tells one.
simulate: simulator
	@$(SIMULATOR) $(ARGS)

simulator: packages
	@Tools/step "Building the simulator (the first time takes some minutes)"
	@swift build $(RELEASE) --product simulate

bench: build simulator
	@Tools/step "Measuring (about a quarter of an hour)"
	@Tools/bench $(BINARY) --simulator $(SIMULATOR)

# Rewrites the embedded tables and typed views from the facts that lie beside the project.
tables: packages
	@swift run tables

# Rewrites the rules of time zones from those that the system has.
zones: packages
	@swift run tables zones /usr/share/zoneinfo .

# Rewrites the scripts of Unicode from those that the system has (Debian's package unicode-data).
scripts: packages
	@swift run tables scripts /usr/share/unicode/Scripts.txt .

packages:
	@Tools/packages

clean:
	@rm -rf .build
