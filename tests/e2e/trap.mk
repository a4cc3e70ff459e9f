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

# The cases of tests/shim as a program that no library can be put into.
EXTRA_DIST += tests/e2e/trap.t tests/e2e/trapped.py tests/e2e/trapwait.py tests/e2e/web.go
EXTRA_DIST += tests/e2e/owner.py
if HAVE_STATIC
check_PROGRAMS += tests/e2e/bare
endif
EXTRA_PROGRAMS += tests/e2e/bare
tests_e2e_bare_SOURCES = $(tests_shim_cases_SOURCES)
tests_e2e_bare_CPPFLAGS = -D_GNU_SOURCE
tests_e2e_bare_CFLAGS = $(TCPD_CFLAGS) -pthread
tests_e2e_bare_LDFLAGS = -all-static -pthread
tests_e2e_bare_LDADD = -lrt
CLEANFILES += tests/e2e/bare$(EXEEXT)

# What the library is not loaded into, started by programs under it.
NET_TESTS += tests/e2e/exec.t
EXTRA_DIST += tests/e2e/exec.t
check_PROGRAMS += tests/e2e/starter
tests_e2e_starter_SOURCES = tests/e2e/starter.c
tests_e2e_starter_CPPFLAGS = -D_GNU_SOURCE
tests_e2e_starter_CFLAGS = $(TCPD_CFLAGS)
tests_e2e_starter_LDFLAGS =
tests_e2e_starter_LDADD =
if HAVE_STATIC
check_PROGRAMS += tests/e2e/started
endif
EXTRA_PROGRAMS += tests/e2e/started
tests_e2e_started_SOURCES = tests/e2e/started.c
tests_e2e_started_CPPFLAGS = -D_GNU_SOURCE
tests_e2e_started_CFLAGS = $(TCPD_CFLAGS)
tests_e2e_started_LDFLAGS = -all-static
tests_e2e_started_LDADD =
CLEANFILES += tests/e2e/started$(EXEEXT)
