# SPDX-License-Identifier: ISC
noinst_HEADERS += tests/unit/devnet_lab.h

UNIT_TESTS += tests/unit/dev_test tests/unit/tap_test tests/unit/packet_test \
	tests/unit/xdp_test
tests_unit_dev_test_LDADD = daemon/libdev.la daemon/libbase.la \
	$(CRITERION_LIBS)
tests_unit_tap_test_SOURCES = tests/unit/tap_test.c tests/unit/devnet_lab.c
tests_unit_tap_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_tap_test_LDADD = daemon/libnetcfg.la daemon/libdev.la \
	daemon/libbase.la $(CRITERION_LIBS)
tests_unit_packet_test_SOURCES = tests/unit/packet_test.c tests/unit/devnet_lab.c
tests_unit_packet_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_packet_test_LDADD = daemon/libnetcfg.la daemon/libdev.la \
	daemon/libbase.la $(CRITERION_LIBS)
tests_unit_xdp_test_SOURCES = tests/unit/xdp_test.c tests/unit/devnet_lab.c
tests_unit_xdp_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)
tests_unit_xdp_test_LDADD = daemon/libnetcfg.la daemon/libdev.la \
	daemon/libbase.la $(CRITERION_LIBS)
