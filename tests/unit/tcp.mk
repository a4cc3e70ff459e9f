# SPDX-License-Identifier: ISC
UNIT_TESTS += tests/unit/cc_test
tests_unit_cc_test_LDADD = daemon/libtcp.la daemon/libwire.la \
	daemon/libbase.la $(CRITERION_LIBS)
