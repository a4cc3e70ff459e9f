# SPDX-License-Identifier: ISC
# Fuzz targets: tests/fuzz/NAME_fuzz.c with the corpus tests/fuzz/corpus/NAME.
# With --enable-fuzzer libFuzzer drives them; without it they replay their
# corpus (make check does that in either case).  To fuzz each for ten minutes:
#
#	make fuzz FUZZ_SECONDS=600
#
# A new one takes the lines below with its own name, and a word in
# FUZZ_TARGETS.
FUZZ_TARGETS = frames segments ipc control dns
FUZZ_SECONDS = 600
FUZZ_JOBS = 2
AM_TESTS_ENVIRONMENT += FUZZ_TARGETS='$(FUZZ_TARGETS)'; export FUZZ_TARGETS;

fuzz: $(FUZZ_TARGETS:%=tests/fuzz/%_fuzz$(EXEEXT))
if FUZZER
	@$(AM_TESTS_ENVIRONMENT) FUZZ_SECONDS='$(FUZZ_SECONDS)' \
	    FUZZ_JOBS='$(FUZZ_JOBS)' $(SHELL) $(srcdir)/tests/fuzz/fuzz.sh
else
	@echo 'make fuzz needs libFuzzer: configure CC=clang' \
	    '--enable-sanitizers --enable-fuzzer'; exit 1
endif
.PHONY: fuzz
EXTRA_DIST += tests/fuzz/fuzz.sh

check_PROGRAMS += tests/fuzz/frames_fuzz
tests_fuzz_frames_fuzz_SOURCES = tests/fuzz/frames_fuzz.c
tests_fuzz_frames_fuzz_LDADD = daemon/libstack.la daemon/libtcp.la \
	daemon/libudp.la daemon/libip.la daemon/libwire.la daemon/libbase.la
if FUZZER
tests_fuzz_frames_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
else
tests_fuzz_frames_fuzz_SOURCES += tests/fuzz/replay.c
endif

check_PROGRAMS += tests/fuzz/segments_fuzz
tests_fuzz_segments_fuzz_SOURCES = tests/fuzz/segments_fuzz.c
tests_fuzz_segments_fuzz_LDADD = daemon/libtcp.la daemon/libwire.la \
	daemon/libbase.la
if FUZZER
tests_fuzz_segments_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
else
tests_fuzz_segments_fuzz_SOURCES += tests/fuzz/replay.c
endif

dist_check_SCRIPTS += tests/fuzz/corpus.sh
TESTS += tests/fuzz/corpus.sh
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/make_corpus.py tests/fuzz/replay.c

check_PROGRAMS += tests/fuzz/ipc_fuzz
tests_fuzz_ipc_fuzz_SOURCES = tests/fuzz/ipc_fuzz.c
tests_fuzz_ipc_fuzz_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS) \
	$(LIBBSD_CFLAGS)
tests_fuzz_ipc_fuzz_LDADD = $(ENGINE_LIBS) $(TCPD_LIBS)
if FUZZER
tests_fuzz_ipc_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
else
tests_fuzz_ipc_fuzz_SOURCES += tests/fuzz/replay.c
endif
EXTRA_DIST += tests/fuzz/make_ipc_corpus.py

check_PROGRAMS += tests/fuzz/control_fuzz
tests_fuzz_control_fuzz_SOURCES = tests/fuzz/control_fuzz.c
tests_fuzz_control_fuzz_CPPFLAGS = $(AM_CPPFLAGS) $(LIBEVENT_CFLAGS)
tests_fuzz_control_fuzz_LDADD = $(TCPD_LIBS)
if FUZZER
tests_fuzz_control_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
else
tests_fuzz_control_fuzz_SOURCES += tests/fuzz/replay.c
endif
EXTRA_DIST += tests/fuzz/make_control_corpus.py

check_PROGRAMS += tests/fuzz/dns_fuzz
tests_fuzz_dns_fuzz_SOURCES = tests/fuzz/dns_fuzz.c
tests_fuzz_dns_fuzz_LDADD = $(TCPD_LIBS)
if FUZZER
tests_fuzz_dns_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
else
tests_fuzz_dns_fuzz_SOURCES += tests/fuzz/replay.c
endif
EXTRA_DIST += tests/fuzz/make_dns_corpus.py
