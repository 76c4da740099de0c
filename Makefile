# Ringdown.  GNU make; HACKING.md says what there is to run.
#
#   make [VARIANT=gcc|clang|clang-san|gcc-san|fuzz] [WERROR=1] [TARGET ...]
#
# Everything is built below $(BUILD)/VARIANT/.  Sources are found by room: a new
# file needs no change here.

VARIANT ?= gcc
BUILD ?= build
B := $(BUILD)/$(VARIANT)
export BUILD
VERSION := 0.1.0

DESTDIR ?=
PREFIX ?= /usr/local
MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc/ringdown
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d

# ---- compilers and flags ----

VARIANT_CC := $(if $(filter gcc%,$(VARIANT)),gcc,clang)
ifeq ($(origin CC),default)
CC := $(VARIANT_CC)
endif
CFLAGS ?= -O2 -g
SAN := $(filter %-san fuzz,$(VARIANT))

WARN := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -Wformat=2 $(if $(filter 1,$(WERROR)),-Werror)
HARDEN := -fPIE -fstack-protector-strong -fstack-clash-protection
ifneq ($(SAN),)
HARDEN += -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
LDHARDEN := -fsanitize=address,undefined
else
HARDEN += -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
endif
ifeq ($(VARIANT),fuzz)
HARDEN += -fsanitize=fuzzer-no-link
endif

comma := ,
PKGS := libssl libcrypto sqlite3 libmicrohttpd jansson libcurl libseccomp
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
# libre's headers are not clean under our warnings, and its pkg-config file
# does not say with which defines it was built
PKG_CFLAGS += $(patsubst -I%,-isystem %,$(shell pkg-config --cflags libre 2>/dev/null)) \
	-DHAVE_INET6 -DUSE_TLS -DUSE_OPENSSL -DHAVE_STDBOOL_H -DHAVE_INTTYPES_H \
	-DHAVE_UNISTD_H
PKG_LIBS += $(shell pkg-config --libs libre 2>/dev/null)
# src/sip/timer.c and decode.c stand in for these; libre must find ours
LDSIP := $(patsubst %,-Wl$(comma)--export-dynamic-symbol=%,tmr_start tmr_cancel \
	tmr_poll tmr_next_timeout tmr_jiffies sip_msg_decode)

ALL_CPPFLAGS := -Isrc -Itest -Itest/unit -D_GNU_SOURCE $(PKG_CFLAGS) \
	-DRINGDOWN_VERSION='"$(VERSION)"' $(CPPFLAGS)
ALL_CFLAGS := -std=c11 $(CFLAGS) $(WARN) $(HARDEN)
ALL_LDFLAGS := -pie $(LDHARDEN) -Wl,-z,relro,-z,now,--as-needed $(LDSIP) $(LDFLAGS)
LINK = @echo "LINK    $@"; mkdir -p $(@D); $(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@

# ---- what there is ----

ROOMS := base crypto proto core report wire sandbox store keeper trunk media sip console monitor
objs = $(patsubst %.c,$(B)/%.o,$(wildcard $(1)))

LIB := $(B)/libringdown.a
LIB_OBJS := $(call objs,$(ROOMS:%=src/%/*.c))
DAEMON_OBJS := $(call objs,src/cmd/ringdownd*.c)
VERIFY_OBJS := $(call objs,src/cmd/ringdown-verify*.c src/verify/*.c)
CLI_OBJS := $(filter-out $(DAEMON_OBJS) $(VERIFY_OBJS),$(call objs,src/cmd/*.c))

PROGRAMS := $(if $(DAEMON_OBJS),$(B)/ringdownd) $(if $(CLI_OBJS),$(B)/ringdown) \
	$(if $(VERIFY_OBJS),$(B)/ringdown-verify)

# In test/fault, system, bench and sim each file with a main() is a program;
# the other files of its directory belong to all of them.
mains = $(if $(wildcard $(1)),$(shell grep -l '^int main\>' $(wildcard $(1))))
SIDE_DIRS := test/fault test/system test/bench
ALL_SIDE_MAINS := $(call mains,$(SIDE_DIRS:%=%/*.c))
# Needs sofia-sip, a peer of src/sip in tests; without it sip_test.py says so
SOFIA_LIBS := $(shell pkg-config --libs sofia-sip-ua 2>/dev/null)
SIDE_MAINS := $(if $(SOFIA_LIBS),$(ALL_SIDE_MAINS),$(filter-out %/sip_nua.c,$(ALL_SIDE_MAINS)))
SIDE_PROGRAMS := $(SIDE_MAINS:%.c=$(B)/%)
UNIT_OBJS := $(call objs,test/unit/*.c)
SIM_OBJS := $(call objs,test/sim/*.c)
FUZZERS := $(patsubst test/fuzz/%.c,$(B)/%,$(wildcard test/fuzz/fuzz_*.c))
SHIMS := $(patsubst %.c,$(B)/%.so,$(wildcard test/shim/*.c))
TESTS := $(B)/rdtest $(if $(SIM_OBJS),$(B)/rdsim) $(SIDE_PROGRAMS) $(FUZZERS) \
	$(if $(SAN),,$(SHIMS))

OURS := $(wildcard src/*/*.[ch] test/*/*.[ch])

.PHONY: all tests fuzzers demo check check-trixie soak fuzz bench install uninstall \
	clean format lint
.DELETE_ON_ERROR:

all: $(PROGRAMS)
tests: all $(TESTS)
fuzzers: $(FUZZERS)

$(B)/ringdownd: $(DAEMON_OBJS) $(LIB)
	$(LINK) $^ $(PKG_LIBS)

$(B)/ringdown: $(CLI_OBJS) $(LIB)
	$(LINK) $^ $(PKG_LIBS)

# On purpose without $(LIB): it shares no code with what it judges
$(B)/ringdown-verify: $(VERIFY_OBJS)
	$(LINK) $^ -lcrypto

# The rooms themselves: a removed file must leave the archive
$(LIB): $(LIB_OBJS) $(wildcard $(ROOMS:%=src/%))
	@echo "AR      $@"
	@rm -f $@
	@ar rcs $@ $(LIB_OBJS)

$(B)/rdtest: $(UNIT_OBJS) $(LIB)
	$(LINK) -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc $^ $(PKG_LIBS)

$(B)/rdsim: $(SIM_OBJS) $(LIB)
	$(LINK) -Wl,--wrap=key_sign,--wrap=key_verify $^ $(PKG_LIBS)

.SECONDEXPANSION:
$(SIDE_PROGRAMS): $(B)/%: $(B)/%.o $$(filter-out $(ALL_SIDE_MAINS:%.c=$(B)/%.o),$$(call objs,$$(dir $$*)*.c)) $(LIB)
	$(LINK) $^ $(PKG_LIBS)

$(B)/test/system/sip_nua.o: ALL_CPPFLAGS += \
	$(patsubst -I%,-isystem %,$(shell pkg-config --cflags sofia-sip-ua 2>/dev/null))
$(B)/test/system/sip_nua: PKG_LIBS += $(SOFIA_LIBS)

FUZZ_MAIN := $(if $(filter fuzz,$(VARIANT)),,$(B)/test/fuzz/replay.o)
$(FUZZERS): $(B)/%: $(B)/test/fuzz/%.o $(FUZZ_MAIN) $(LIB)
	$(LINK) $(if $(FUZZ_MAIN),,-fsanitize=fuzzer) $^ $(PKG_LIBS)

$(B)/test/shim/%.so: test/shim/%.c
	@echo "CC      $<"
	@mkdir -p $(@D)
	@$(CC) $(ALL_CPPFLAGS) $(filter-out -fPIE,$(ALL_CFLAGS)) -fPIC -shared -MMD \
		-MF $(@:.so=.d) -o $@ $< -ldl

$(B)/%.o: %.c $(B)/flags
	@echo "CC      $<"
	@mkdir -p $(@D)
	@$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# Other flags, other objects
FLAGS := $(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS)
$(B)/flags: $(if $(filter-out $(file < $(B)/flags),$(FLAGS)),always)
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(FLAGS))' > $@
.PHONY: always
always:

-include $(shell find $(B) -name '*.d' 2>/dev/null)

# ---- to run ----

demo:
	tools/deps.sh demo
	$(MAKE) -j2 all $(B)/rdsim $(B)/test/system/relay
	BIN=$(B) test/system/demo.sh

check:
	tools/deps.sh check
	tools/check

check-trixie:
	tools/check-trixie

# Longer runs of what check runs short
soak:
	SEEDS=$(or $(SEEDS),20000) tools/check build sim
	$(MAKE) fuzz SECONDS=$(or $(SECONDS),600)

fuzz:
	$(MAKE) -j2 VARIANT=fuzz WERROR=1 fuzzers
	tools/fuzz $(or $(SECONDS),60) $(TARGETS)

bench: tests
	for b in test/bench/*.sh; do BIN=$(B) "$$b" || exit; done

lint:
	tools/lint $(filter src/%.c,$(OURS))

format:
	tools/format.py $(OURS)

install: all
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/bin \
		$(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man5 \
		$(DESTDIR)$(MANDIR)/man8 $(DESTDIR)$(DOCDIR) $(DESTDIR)$(UNITDIR)
	install -m 755 $(B)/ringdownd $(DESTDIR)$(PREFIX)/sbin/
	install -m 755 $(B)/ringdown $(B)/ringdown-verify $(DESTDIR)$(PREFIX)/bin/
	for m in man/*.[158]; do \
		install -m 644 "$$m" $(DESTDIR)$(MANDIR)/man"$${m##*.}"/ || exit; done
	for d in LICENSE $(wildcard README.md CHANGELOG.md docs/*.md docs/*.yaml); do \
		install -m 644 "$$d" $(DESTDIR)$(DOCDIR)/ || exit; done
	for c in $(wildcard packaging/*.example); do \
		install -m 644 "$$c" $(DESTDIR)$(DOCDIR)/ || exit; done
	for c in $(wildcard packaging/completion/*.bash); do \
		install -D -m 644 "$$c" $(DESTDIR)$(COMPLETIONDIR)/$$(basename "$$c" .bash) || exit; done
	for u in $(wildcard packaging/*.sysusers); do \
		install -D -m 644 "$$u" $(DESTDIR)$(SYSUSERSDIR)/ringdown.conf || exit; done
	for u in $(wildcard packaging/*.service); do \
		sed 's,/usr/sbin/ringdownd,$(PREFIX)/sbin/ringdownd,g' "$$u" \
		> $(DESTDIR)$(UNITDIR)/"$${u##*/}" || exit; done

# Leaves configuration and state alone
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/sbin/ringdownd $(DESTDIR)$(PREFIX)/bin/ringdown \
		$(DESTDIR)$(PREFIX)/bin/ringdown-verify
	cd man && for m in *.[158]; do \
		rm -f $(DESTDIR)$(MANDIR)/man"$${m##*.}"/"$$m"; done
	cd packaging && for u in *.service; do rm -f $(DESTDIR)$(UNITDIR)/"$$u"; done
	rm -f $(DESTDIR)$(SYSUSERSDIR)/ringdown.conf
	rm -f $(DESTDIR)$(COMPLETIONDIR)/ringdown
	rm -rf $(DESTDIR)$(DOCDIR)

clean:
	rm -rf $(BUILD)
