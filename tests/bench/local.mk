# SPDX-License-Identifier: ISC
noinst_PROGRAMS += tests/bench/dev_bench
tests_bench_dev_bench_LDADD = daemon/libdev.la daemon/libbase.la

# The load generator is one of the unmodified programs: it links nothing of
# ours and is built without sanitizers.
EXTRA_PROGRAMS += tests/bench/load
tests_bench_load_SOURCES = tests/bench/load.c
tests_bench_load_CPPFLAGS = -D_GNU_SOURCE
tests_bench_load_CFLAGS = $(TCPD_CFLAGS) -O2 -pthread
tests_bench_load_LDFLAGS = -pthread
CLEANFILES += tests/bench/load$(EXEEXT)

# SYNs from nobody, for tests/e2e/synflood.t.
EXTRA_PROGRAMS += tests/bench/synflood
tests_bench_synflood_SOURCES = tests/bench/synflood.c
tests_bench_synflood_CPPFLAGS = -D_GNU_SOURCE
tests_bench_synflood_CFLAGS = $(TCPD_CFLAGS) -O2
tests_bench_synflood_LDFLAGS =
CLEANFILES += tests/bench/synflood$(EXEEXT)

EXTRA_DIST += tests/bench/bench
CLEANFILES += bench.json
bench: all tests/bench/load$(EXEEXT) tests/bench/synflood$(EXEEXT)
	$(AM_TESTS_ENVIRONMENT) $(top_srcdir)/tests/bench/bench
.PHONY: bench
