# SPDX-License-Identifier: ISC
UNIT_TESTS += tests/unit/route_test
tests_unit_route_test_LDADD = daemon/libip.la daemon/libwire.la \
	daemon/libbase.la $(CRITERION_LIBS)
