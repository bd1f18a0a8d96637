# SPDX-License-Identifier: ISC
# strongroom: `make help` lists what can be made.
#
# Everything goes to $(BUILD).  Each room is a library and a main; the linker
# takes from common only what a program uses, so that keyd never contains
# OpenSSL and netd no cryptography at all (tests/e2e/test_dynamic_sections).

VERSION := 0.1.0
PREFIX ?= /usr/local
# Where systemd finds units below PREFIX, and whose configuration is edited.
UNITDIR ?= $(PREFIX)/lib/systemd/system
USERUNITDIR ?= $(PREFIX)/lib/systemd/user
SYSCONFDIR ?= /etc
SANITIZE ?=
COVERAGE ?=
BUILD ?= build$(if $(SANITIZE),/sanitize)$(if $(COVERAGE),/coverage)
JOBS ?= $(shell nproc)
# One more than there are processors: a test waits for disks as much as it counts.
TEST_JOBS ?= $(shell expr $(JOBS) + 1)

ifeq ($(origin CC),default)
CC := gcc
endif
PYTHON := python3
MINUTES ?= 120
# `make V=1` shows the commands.
Q := $(if $(V),,@)

CFLAGS ?= -O2 -g
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wswitch-enum \
    -Wstrict-prototypes -Werror
INSTRUMENT := $(if $(SANITIZE),-fsanitize=$(SANITIZE) \
    -fno-sanitize-recover=all -fno-omit-frame-pointer) \
    $(if $(COVERAGE),--coverage)

COMPILE = $(CC) -std=gnu17 -D_GNU_SOURCE -I. -I$(BUILD) \
    -DSTRONGROOM_VERSION='"$(VERSION)"' $(WARNINGS) $(CPPFLAGS) $(CFLAGS) \
    $(HARDEN_CFLAGS) $(INSTRUMENT)
LINK = $(CC) $(CFLAGS) $(HARDEN_CFLAGS) $(INSTRUMENT) $(LDFLAGS) \
    $(HARDEN_LDFLAGS)

# ---- What is built from what ----------------------------------------------

GEN := $(BUILD)/gen
ROOMS := keyd netd ledgerd
CLIENTS := atm strongroomctl strongroom-verify

# objects FILES: the object of each .c file, in the tree or generated.
objects = $(patsubst %.c,$(BUILD)/obj/%.o,$(patsubst $(BUILD)/%,%,$(1)))
# libraries NAMES: their archives.
libraries = $(patsubst %,$(BUILD)/lib/lib%.a,$(1))

common_SRC := $(wildcard common/*.c common/*/*.c) $(GEN)/messages.c
policy_SRC := $(filter-out policy/strongroomd%.c policy/policyc%.c policy/probe.c, \
    $(wildcard policy/*.c))
monitor_SRC := $(filter-out policy/strongroomd.c, \
    $(wildcard policy/strongroomd*.c)) $(GEN)/dispatch_monitor.c \
    $(GEN)/events.c
keyd_SRC := $(filter-out keyd/main.c keyd/unlock%.c,$(wildcard keyd/*.c)) \
    $(GEN)/dispatch_keyd.c
unlock_SRC := $(wildcard keyd/unlock*.c)
netd_SRC := $(filter-out netd/main.c,$(wildcard netd/*.c)) \
    $(GEN)/dispatch_netd.c
ledgerd_SRC := $(filter-out ledgerd/main.c,$(wildcard ledgerd/*.c)) \
    $(GEN)/dispatch_ledgerd.c
client_SRC := $(filter-out $(CLIENTS:%=client/%.c), \
    $(wildcard client/*.c client/*/*.c))
testlib_SRC := $(wildcard tests/lib/*.c)

LIBS := common policy monitor keyd netd ledgerd client testlib

# A program of which the main file is not there is left out.
PROGRAMS := \
    $(patsubst client/%.c,$(BUILD)/bin/%,$(wildcard $(CLIENTS:%=client/%.c))) \
    $(if $(wildcard policy/strongroomd.c),$(BUILD)/sbin/strongroomd) \
    $(patsubst %/main.c,$(BUILD)/libexec/strongroom/%, \
        $(wildcard $(ROOMS:%=%/main.c))) \
    $(if $(unlock_SRC),$(BUILD)/libexec/strongroom/strongroom-unlock) \
    $(BUILD)/libexec/strongroom/strongroom-probe

UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/%, \
    $(wildcard tests/unit/test_*.c))
TEST_TOOLS := $(patsubst tests/%.c,$(BUILD)/tests/%, \
    $(foreach d,hostile bench sandbox faults fuzz interop, \
        $(wildcard tests/$(d)/*.c)))
FUZZ_TARGETS := $(filter $(BUILD)/tests/fuzz/%,$(TEST_TOOLS))
SIM := $(BUILD)/tests/sim/sim

# A bank whose holds are overdue soon, for tests/e2e/test_withdrawal.py.
HASTY_LEDGERD := $(BUILD)/tests/hasty/ledgerd
HASTY_VERIFY := $(BUILD)/tests/hasty/strongroom-verify
HASTY := $(HASTY_LEDGERD) $(HASTY_VERIFY)
# A ledgerd that lives forty days ago, for tests/fixtures/make.
PAST_LEDGERD := $(BUILD)/tests/fixtures/ledgerd

POLICIES := $(patsubst policy/%.policy,$(GEN)/%_policy.h, \
    $(wildcard policy/*.policy))
EVENTS := $(GEN)/events.h $(GEN)/events.c $(GEN)/strongroom.catalog
GENERATED := $(EVENTS) $(GEN)/messages.h $(GEN)/messages.c \
    $(patsubst %,$(GEN)/dispatch_%.c,$(ROOMS) monitor)

COMPLETIONS := $(patsubst %,$(GEN)/completion/%,$(CLIENTS) strongroomd)

# ---- Goals -----------------------------------------------------------------

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all tests tools fuzz fuzz-targets help deps deps-ci deps-deb deb demo run check \
    check-interop check-systemd ci bench lines soak mutants rules lint compiler format install clean

all: $(PROGRAMS)	## build all programs (CC=, BUILD=, SANITIZE=, COVERAGE=1)

tests: all tools $(UNIT_TESTS) $(SIM)	## build the test programs, too

fuzz-targets: $(FUZZ_TARGETS)

tools: $(TEST_TOOLS) $(HASTY) $(COMPLETIONS)	## build only what the tests in Python work with

help:	## list these goals
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' Makefile | expand -t 15

deps:	## install with apt what building and testing need and is missing
	@mk/deps check

deps-deb:
	@mk/deps deb

deps-ci:	## the same for `make ci`
	@mk/deps ci

demo: deps	## a whole day of a bank in build/demo, from set-up to audit
	$(MAKE) -j$(JOBS) all
	tests/demo $(BUILD)

run: deps	## the demo's bank in the foreground, for a second terminal
	$(MAKE) -j$(JOBS) all
	tests/demo --run $(BUILD)

check: deps	## every test, in 15 minutes at most
	$(MAKE) -j$(JOBS) tests
	BUILD=$(BUILD) tests/run -j $(TEST_JOBS)

soak: deps	## simulation, kills, power cuts, an hour of load: MINUTES=120
	$(MAKE) -j$(JOBS) tests
	BUILD=$(BUILD) tests/faults/soak $(MINUTES)

fuzz: deps-ci	## libFuzzer on each decoder of verify: MINUTES=120 in all
	$(MAKE) -j$(JOBS) CC=clang BUILD=build/fuzz \
	    SANITIZE=fuzzer-no-link,address,undefined fuzz-targets
	tests/fuzz/run build/fuzz $(MINUTES)

ci: deps-ci	## sanitizers, second compiler, linters, mutants: 60 minutes
	JOBS=$(JOBS) TEST_JOBS=$(TEST_JOBS) mk/ci

check-systemd: deb	## the packages in a machine that systemd runs (root)
	$(MAKE) -j$(JOBS) tools all
	BUILD=$(BUILD) tests/run -j 1 --only 'deb/*'

check-interop: deps	## programs that are not ours check us (npm, Go, hledger ...)
	$(MAKE) -j$(JOBS) all $(filter $(BUILD)/tests/interop/%,$(TEST_TOOLS)) $(SIM) \
	    $(BUILD)/tests/faults/session $(BUILD)/tests/test_book_random
	mk/interop $(BUILD)
	BUILD=$(BUILD) tests/run -j $(JOBS) --only 'interop/*' \
	    --only e2e/test_man_bytes

bench: deps	## the figures: what each operation and each order costs
	$(MAKE) -j$(JOBS) tests
	BUILD=$(BUILD) tests/bench/run
	$(MAKE) lines

lines: $(BUILD)/libexec/strongroom/keyd	## how much there is to read of keyd and what it uses
	$(PYTHON) tests/bench/lines $(BUILD)/obj/keyd.map

mutants: deps	## break each promise once; a test must notice
	tests/mutants/run

rules: deps	## take each rule out of the policies; a test must notice
	tests/mutants/run --rules

compiler:
	@:$(info $(COMPILE))

lint: $(GENERATED)	## clang-format, shellcheck, mandoc, cppcheck, mutants
	mk/lint $(BUILD)

format:	## lay out all C files as .clang-format says
	find common keyd netd ledgerd policy client tests -name '*.[ch]' | xargs clang-format -i

install: all $(COMPLETIONS)	## into $(DESTDIR)$(PREFIX), units and completion, too
	$(if $(SANITIZE)$(COVERAGE),$(error an instrument build is never installed))
	mk/install $(BUILD) "$(DESTDIR)" $(PREFIX) $(UNITDIR) $(USERUNITDIR) \
	    $(SYSCONFDIR)

deb: deps-deb	## the Debian packages, in build/deb
	mk/deb build/deb

clean:	## remove $(BUILD)
	rm -rf $(BUILD)

# ---- Rules -----------------------------------------------------------------

# These goals need no compiler, or call make again once they have one.
NO_PROBE := help deps deps-ci deps-deb deb demo run check check-interop check-systemd ci bench soak fuzz mutants rules format clean
ifneq ($(filter-out $(NO_PROBE),$(or $(MAKECMDGOALS),all)),)
MISSING := $(shell mk/probe $(BUILD)/probed.mk "$(CC)" $(if $(SANITIZE),plain))
$(if $(MISSING),$(error $(MISSING)))
include $(BUILD)/probed.mk
endif

$(BUILD)/obj/%.o: %.c $(BUILD)/probed.mk | $(GENERATED)
	@mkdir -p $(@D)
	@$(if $(V),:,echo CC $<)
	$(Q)$(COMPILE) -MMD -MP -c -o $@ $<

$(BUILD)/obj/gen/%.o: $(GEN)/%.c $(BUILD)/probed.mk
	@mkdir -p $(@D)
	@$(if $(V),:,echo CC $<)
	$(Q)$(COMPILE) -MMD -MP -c -o $@ $<

$(BUILD)/obj/hasty/holds.o: common/book/holds.c $(BUILD)/probed.mk
	@mkdir -p $(@D)
	@$(if $(V),:,echo CC $@)
	$(Q)$(COMPILE) -DBOOK_HOLD_OVERDUE_MS=2000 -MMD -MP -c -o $@ $<

$(EVENTS) &: policy/events.def policy/events.py
	@mkdir -p $(GEN)
	$(PYTHON) -B policy/events.py policy/events.def $(GEN)

$(filter-out $(EVENTS),$(GENERATED)) &: policy/messages.def policy/messages.py policy/messages_def.py
	@mkdir -p $(GEN)
	$(PYTHON) -B policy/messages.py policy/messages.def $(GEN)

$(BUILD)/tools/policyc: policy/policyc.c $(BUILD)/probed.mk
	@mkdir -p $(@D) $(BUILD)/obj
	@$(if $(V),:,echo LINK $@)
	$(Q)$(COMPILE) -MMD -MP -MF $(BUILD)/obj/policyc.d $< $(HARDEN_LDFLAGS) \
	    $(LDFLAGS) -lseccomp -o $@

$(call objects,policy/probe.c $(wildcard $(ROOMS:%=%/*.c) tests/sandbox/*.c \
    tests/unit/*sandbox*.c tests/lib/walls*.c)): | $(POLICIES)

$(GEN)/%_policy.h: policy/%.policy $(BUILD)/tools/policyc
	@mkdir -p $(@D)
	$(BUILD)/tools/policyc $< $@

define library
$(BUILD)/lib/lib$(1).a: $(call objects,$($(1)_SRC))
	@mkdir -p $$(@D)
	@rm -f $$@
	$(Q)$(AR) qcs $$@ $$^
endef
$(foreach l,$(LIBS),$(eval $(call library,$(l))))

# What a shell completes stands in what the programs say of themselves.
$(CLIENTS:%=$(GEN)/completion/%): $(GEN)/completion/%: $(BUILD)/bin/% mk/completion
	@mkdir -p $(@D)
	$(PYTHON) -B mk/completion $< >$@
$(GEN)/completion/strongroomd: $(BUILD)/sbin/strongroomd mk/completion
	@mkdir -p $(@D)
	$(PYTHON) -B mk/completion $< >$@

# Each program: its main, the libraries it may use and nothing else.
BIN := $(BUILD)/bin
SBIN := $(BUILD)/sbin
LIBEXEC := $(BUILD)/libexec/strongroom

$(CLIENTS:%=$(BIN)/%): $(BIN)/%: $(BUILD)/obj/client/%.o \
    $(call libraries,client policy common)
$(SBIN)/strongroomd: $(call objects,policy/strongroomd.c) \
    $(call libraries,monitor policy common)
$(LIBEXEC)/keyd: $(call objects,keyd/main.c) \
    $(call libraries,keyd policy common)
$(LIBEXEC)/strongroom-unlock: $(call objects,$(unlock_SRC)) \
    $(call libraries,policy common)
$(LIBEXEC)/strongroom-probe: $(call objects,policy/probe.c) \
    $(call libraries,policy common)
$(LIBEXEC)/netd: $(call objects,netd/main.c) \
    $(call libraries,netd policy common)
$(LIBEXEC)/ledgerd: $(call objects,ledgerd/main.c) \
    $(call libraries,ledgerd policy common)

$(HASTY_LEDGERD): $(BUILD)/obj/hasty/holds.o \
    $(call objects,ledgerd/main.c) $(call libraries,ledgerd policy common)
$(HASTY_VERIFY): $(BUILD)/obj/hasty/holds.o \
    $(call objects,client/strongroom-verify.c) \
    $(call libraries,client policy common)

$(PAST_LEDGERD): $(call objects,tests/fixtures/past.c ledgerd/main.c) \
    $(call libraries,ledgerd policy common)
$(PAST_LEDGERD): LDFLAGS += -Wl,--wrap=clock_gettime

$(CLIENTS:%=$(BIN)/%) $(HASTY_VERIFY): USES := -lsodium -lcrypto -linih -lunistring \
    -lqrencode
$(SBIN)/strongroomd: USES := -linih
$(LIBEXEC)/keyd: USES := -lsodium
# Which files of common/ it uses, for `make lines`.
$(LIBEXEC)/keyd: LDFLAGS += -Wl,-Map=$(BUILD)/obj/keyd.map
$(LIBEXEC)/strongroom-unlock: USES := -lsodium -lgfshare
$(LIBEXEC)/netd $(LIBEXEC)/strongroom-probe: USES :=
$(LIBEXEC)/ledgerd $(HASTY_LEDGERD) $(PAST_LEDGERD): USES := -lsodium -lcrypto -lpthread

TESTED := $(call libraries,testlib monitor ledgerd keyd netd client policy common)
$(UNIT_TESTS): $(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(TESTED)
$(BUILD)/tests/test_book_random: \
    $(call objects,$(wildcard tests/sim/model*.c tests/sim/orders*.c))
# Their bank is founded under the first rules (tests/lib/forged_day.c).
$(patsubst %,$(BUILD)/tests/test_verify_%,adversary bytes files forged keys \
    leaves leaves_altered replaced witness): \
    LDFLAGS += -Wl,--wrap=entry_rules_default
$(BUILD)/tests/test_verify_adversary: \
    LDFLAGS += -Wl,--wrap=verify_read_segment
FAULT_TOOLS := $(filter $(BUILD)/tests/faults/%,$(TEST_TOOLS))
$(FAULT_TOOLS): $(BUILD)/tests/%: $(BUILD)/obj/tests/%.o \
    $(call libraries,testlib client common)
$(filter-out $(FAULT_TOOLS),$(TEST_TOOLS)): $(BUILD)/tests/%: \
    $(BUILD)/obj/tests/%.o $(TESTED)
# With clang and SANITIZE=fuzzer-no-link,... libFuzzer brings the main.
$(FUZZ_TARGETS): \
    private LDFLAGS += $(if $(findstring fuzzer,$(SANITIZE)),-fsanitize=fuzzer)
$(SIM): $(call objects,$(filter-out tests/sim/orders_export%, \
    $(wildcard tests/sim/*.c))) $(TESTED)
$(SIM): LDFLAGS += -Wl,--wrap=secret_open
$(UNIT_TESTS) $(TEST_TOOLS) $(SIM): USES := -lcmocka -lsodium -lcrypto -linih \
    -lunistring -lqrencode -lgfshare -lpthread

$(PROGRAMS) $(UNIT_TESTS) $(TEST_TOOLS) $(SIM) $(HASTY) $(PAST_LEDGERD):
	@mkdir -p $(@D)
	@$(if $(V),:,echo LINK $@)
	$(Q)$(LINK) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) \
	    -Wl,--end-group $(USES)

-include $(shell [ ! -d $(BUILD)/obj ] || find $(BUILD)/obj -name '*.d')
