# SPDX-License-Identifier: ISC
# The program under test is one of the unmodified ones: it links nothing of
# ours and is built without sanitizers.
check_PROGRAMS += tests/shim/cases
tests_shim_cases_SOURCES = tests/shim/cases.c tests/shim/cases.h \
	tests/shim/arguments.c tests/shim/connecting.c tests/shim/datagrams.c \
	tests/shim/families.c tests/shim/messages.c tests/shim/polling.c \
	tests/shim/interfaces.c tests/shim/listening.c tests/shim/options.c \
	tests/shim/peer.c \
	tests/shim/sharing.c tests/shim/streaming.c tests/shim/tools.c \
	tests/shim/copying.c tests/shim/corners.c tests/shim/files.c tests/shim/heirs.c \
	tests/shim/marks.c tests/shim/ports.c tests/shim/rings.c \
	tests/shim/signalling.c tests/shim/sweeping.c tests/shim/waiting.c
tests_shim_cases_CPPFLAGS = -D_GNU_SOURCE
tests_shim_cases_CFLAGS = $(TCPD_CFLAGS) -pthread
tests_shim_cases_LDFLAGS = -pthread
tests_shim_cases_LDADD = -lrt

check_PROGRAMS += tests/shim/linked
tests_shim_linked_SOURCES = tests/shim/linked.c
tests_shim_linked_LDADD = libtcpd.la

check_PROGRAMS += tests/shim/startup
tests_shim_startup_SOURCES = tests/shim/startup.c
tests_shim_startup_CPPFLAGS = -D_GNU_SOURCE
tests_shim_startup_CFLAGS = $(TCPD_CFLAGS)

TESTS += tests/shim/preload.t
dist_check_SCRIPTS += tests/shim/preload.t
EXTRA_DIST += tests/shim/compare.t tests/shim/differences
