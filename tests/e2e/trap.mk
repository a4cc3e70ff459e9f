# SPDX-License-Identifier: ISC
# tcpd-run --no-bypass and --trap: programs that make system calls themselves.
NET_TESTS += tests/e2e/nobypass.t
EXTRA_DIST += tests/e2e/nobypass.t

check_PROGRAMS += tests/e2e/escape
tests_e2e_escape_SOURCES = tests/e2e/escape.c
tests_e2e_escape_CPPFLAGS = -D_GNU_SOURCE
tests_e2e_escape_CFLAGS = $(TCPD_CFLAGS) -pthread
tests_e2e_escape_LDFLAGS = -pthread
tests_e2e_escape_LDADD =
