# The front door. `make` builds build/hadal; `make demo` trains LeNet-5 on Fashion-MNIST.
MAKEFLAGS += --no-print-directory
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
PREFIX ?= /usr/local
FUZZ_SECONDS ?= 10

all: build/CMakeCache.txt
	@cmake --build build -j $(JOBS)

build/CMakeCache.txt: deps
	@test -e $@ || cmake --preset release || { rm -f $@; exit 1; }

# Installs the Debian packages that are missing; silent when none is.
deps:
	@tools/deps

demo: build/CMakeCache.txt
	@cmake --build build -j $(JOBS) --target command
	@tools/demo build/hadal

test: all
	@tools/test build $(JOBS)

# The slow tests too, all of it under the sanitizers, each fuzzer for FUZZ_SECONDS, and the bugs
# planted for the fuzzers.
test-all: export HADAL_SLOW = 1
test-all: export HADAL_LECTURES = 3
test-all: test test-asan test-tsan fuzz planted
test-asan test-tsan: test-%: deps
	@cmake --preset $*
	@cmake --build build/$* -j $(JOBS)
	@tools/test build/$* $(JOBS)
fuzz: deps
	@tools/fuzz build/fuzz $(FUZZ_SECONDS) $(JOBS)
planted: deps
	@tools/fuzz --planted build/fuzz $(JOBS)

# Nothing but cc and make: the library without dependencies, its tests, and the command.
core:
	@$(MAKE) -f tools/core.mk -j $(JOBS)

bench: all
	@bench/run

install: deps
	@cmake --preset release -DCMAKE_INSTALL_PREFIX=$(PREFIX)
	@cmake --build build -j $(JOBS)
	@cmake --install build

clean:
	rm -rf build

lint:
	@tools/lint

format:
	clang-format -i $$(find src include examples test -name '*.[ch]' -o -name '*.inc' -o -name '*.cpp')

.PHONY: all deps demo test test-all test-asan test-tsan fuzz planted core bench install clean lint format
