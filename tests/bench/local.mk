# SPDX-License-Identifier: ISC
noinst_PROGRAMS += tests/bench/dev_bench
tests_bench_dev_bench_LDADD = daemon/libdev.la daemon/libbase.la

# The load generator is one of the unmodified programs: it links nothing of
# ours and is built without sanitizers.
EXTRA_PROGRAMS += tests/bench/load
tests_bench_load_SOURCES = tests/bench/load.h tests/bench/load.c \
	tests/bench/load_serve.c tests/bench/load_stream.c \
	tests/bench/load_many.c tests/bench/load_udp.c
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

# Instructions a packet, counted by callgrind: the stack's sources once more,
# with flags that are always the same; valgrind reads that DWARF of any compiler.
ICOUNT_FLAGS = -O2 -gdwarf-4
check_PROGRAMS += tests/bench/icount
tests_bench_icount_SOURCES = tests/bench/icount.c \
	$(daemon_libstack_la_SOURCES) $(daemon_libudp_la_SOURCES) \
	$(daemon_libip_la_SOURCES) $(daemon_libtcp_la_SOURCES) \
	$(daemon_libwire_la_SOURCES) $(daemon_libbase_la_SOURCES)
tests_bench_icount_CFLAGS = $(TCPD_CFLAGS)
tests_bench_icount_CPPFLAGS = $(AM_CPPFLAGS) $(LIBBSD_CFLAGS)
tests_bench_icount_LDFLAGS =
$(tests_bench_icount_OBJECTS): override CFLAGS = $(ICOUNT_FLAGS)
$(tests_bench_icount_OBJECTS): override CPPFLAGS =

dist_check_SCRIPTS += tests/bench/instructions
TESTS += tests/bench/instructions
EXTRA_DIST += tests/bench/instructions.txt
icount-record: tests/bench/icount$(EXEEXT)
	$(AM_TESTS_ENVIRONMENT) $(top_srcdir)/tests/bench/instructions record
.PHONY: icount-record

# load's server over lwIP, one of the stacks to compare with.
if HAVE_LWIP
LWIP_BENCH = tests/bench/lwip$(EXEEXT)
endif
EXTRA_PROGRAMS += tests/bench/lwip
tests_bench_lwip_SOURCES = tests/bench/lwip.c
tests_bench_lwip_CPPFLAGS = -D_GNU_SOURCE $(LWIP_CFLAGS)
tests_bench_lwip_CFLAGS = $(TCPD_CFLAGS) -O2 -pthread
tests_bench_lwip_LDFLAGS = -pthread
tests_bench_lwip_LDADD = $(LWIP_LIBS)
CLEANFILES += tests/bench/lwip$(EXEEXT)

EXTRA_DIST += tests/bench/bench tests/bench/README \
	tests/bench/suite/__init__.py tests/bench/suite/main.py \
	tests/bench/suite/measures.py tests/bench/suite/plot.py \
	tests/bench/suite/report.py tests/bench/suite/systems.py \
	tests/bench/suite/tools.py
CLEANFILES += bench.json bench-writes.svg bench-streams.svg \
	bench-latency.svg bench-programs.svg
bench: all tests/bench/load$(EXEEXT) tests/bench/synflood$(EXEEXT) \
    $(LWIP_BENCH)
	$(AM_TESTS_ENVIRONMENT) $(top_srcdir)/tests/bench/bench
.PHONY: bench

# What a packet costs by the number of connections (in virtual time), and what
# 15,000 real ones cost.
EXTRA_PROGRAMS += tests/bench/scale
tests_bench_scale_LDADD = daemon/libstack.la daemon/libudp.la daemon/libip.la \
	daemon/libtcp.la daemon/libwire.la daemon/libbase.la
CLEANFILES += tests/bench/scale$(EXEEXT)
EXTRA_DIST += tests/bench/scale_real
CLEANFILES += scale.json
scale: all tests/bench/scale$(EXEEXT)
	tests/bench/scale
	SCALE_JSON=scale.json $(AM_TESTS_ENVIRONMENT) \
		$(top_srcdir)/tests/bench/scale_real
.PHONY: scale
