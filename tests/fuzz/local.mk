# SPDX-License-Identifier: ISC
# Fuzz targets: tests/fuzz/NAME_fuzz.c with the corpus tests/fuzz/corpus/NAME.
# With --enable-fuzzer libFuzzer drives them; without it they replay their
# corpus (make check does that in either case).  To fuzz for ten minutes:
#
#	tests/fuzz/NAME_fuzz -max_total_time=600 DIRECTORY CORPUS
#
# A new one takes the lines below with its own name, and a word in
# FUZZ_TARGETS of tests/fuzz/corpus.sh.
check_PROGRAMS += tests/fuzz/frames_fuzz
tests_fuzz_frames_fuzz_SOURCES = tests/fuzz/frames_fuzz.c
tests_fuzz_frames_fuzz_LDADD = daemon/libstack.la daemon/libtcp.la \
	daemon/libip.la daemon/libwire.la daemon/libbase.la
if FUZZER
tests_fuzz_frames_fuzz_LDFLAGS = $(AM_LDFLAGS) $(FUZZ_LDFLAGS)
else
tests_fuzz_frames_fuzz_SOURCES += tests/fuzz/replay.c
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
