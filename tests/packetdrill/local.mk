# SPDX-License-Identifier: ISC
# The adapter that packetdrill loads.  make check runs its self-test, which
# needs no packetdrill; make check-packetdrill runs other people's scripts.
check_LTLIBRARIES += tests/packetdrill/tcpd-packetdrill.la
noinst_HEADERS += tests/packetdrill/adapter.h tests/packetdrill/iface.h
tests_packetdrill_tcpd_packetdrill_la_SOURCES = tests/packetdrill/world.c \
	tests/packetdrill/sock.c tests/packetdrill/data.c \
	tests/packetdrill/poll.c tests/packetdrill/opt.c \
	tests/packetdrill/flags.c tests/packetdrill/entry.c
tests_packetdrill_tcpd_packetdrill_la_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE
tests_packetdrill_tcpd_packetdrill_la_CFLAGS = $(AM_CFLAGS) -pthread
# A module is only built shared with somewhere to install it.
tests_packetdrill_tcpd_packetdrill_la_LDFLAGS = $(AM_LDFLAGS) -module -shared \
	-avoid-version -rpath /nowhere -pthread \
	-export-symbols-regex '^(packetdrill_interface_init|getsockopt|sendfile|system)$$'
tests_packetdrill_tcpd_packetdrill_la_LIBADD = daemon/libstack.la \
	daemon/libudp.la daemon/libip.la daemon/libtcp.la daemon/libwire.la libsockopt.la \
	daemon/libbase.la -ldl

check_PROGRAMS += tests/packetdrill/selftest
tests_packetdrill_selftest_CPPFLAGS = $(AM_CPPFLAGS) -D_GNU_SOURCE
tests_packetdrill_selftest_CFLAGS = $(AM_CFLAGS) -pthread
tests_packetdrill_selftest_LDFLAGS = $(AM_LDFLAGS) -pthread
tests_packetdrill_selftest_LDADD = daemon/libwire.la daemon/libbase.la -ldl
TESTS += tests/packetdrill/selftest

EXTRA_DIST += tests/packetdrill/run tests/packetdrill/expected \
	tests/packetdrill/README
check-packetdrill: tests/packetdrill/tcpd-packetdrill.la
	@if test -z '$(PACKETDRILL)' || test -z '$(SCRIPTS)'; then \
		sed -n '/^Getting it/,/^$$/p' $(srcdir)/tests/packetdrill/README; \
		echo 'then: make check-packetdrill' \
		    'PACKETDRILL=path SCRIPTS=directory'; \
		exit 1; \
	fi
	$(srcdir)/tests/packetdrill/run --packetdrill '$(PACKETDRILL)' \
	    --adapter tests/packetdrill/.libs/tcpd-packetdrill.so \
	    --expected $(srcdir)/tests/packetdrill/expected \
	    --flags='$(PACKETDRILL_FLAGS)' $(SCRIPTS)
.PHONY: check-packetdrill
