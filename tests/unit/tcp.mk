# SPDX-License-Identifier: ISC
noinst_HEADERS += tests/unit/cc_lab.h

UNIT_TESTS += tests/unit/cc_test
tests_unit_cc_test_SOURCES = tests/unit/cc_test.c tests/unit/cc_lab.c \
	tests/unit/cc_bbr_test.c tests/unit/cc_cubic_test.c \
	tests/unit/cc_dctcp_test.c tests/unit/cc_newreno_test.c
tests_unit_cc_test_LDADD = daemon/libtcp.la daemon/libwire.la \
	daemon/libbase.la $(CRITERION_LIBS)

UNIT_TESTS += tests/unit/ao_test
tests_unit_ao_test_CPPFLAGS = $(AM_CPPFLAGS) $(LIBBSD_CFLAGS)
tests_unit_ao_test_LDADD = libsockopt.la daemon/libtcp.la daemon/libwire.la \
	daemon/libcrypto.la daemon/libbase.la $(CRITERION_LIBS)
