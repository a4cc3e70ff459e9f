# SPDX-License-Identifier: ISC

UNIT_TESTS += tests/unit/checksum_test
tests_unit_checksum_test_LDADD = daemon/libwire.la daemon/libbase.la \
	$(CRITERION_LIBS)
UNIT_TESTS += tests/unit/wire_tcp_test
tests_unit_wire_tcp_test_LDADD = daemon/libwire.la daemon/libbase.la \
	$(CRITERION_LIBS)
UNIT_TESTS += tests/unit/wire_ip_test
tests_unit_wire_ip_test_LDADD = daemon/libwire.la daemon/libbase.la \
	$(CRITERION_LIBS)
UNIT_TESTS += tests/unit/wire_ip6_test
tests_unit_wire_ip6_test_LDADD = daemon/libwire.la daemon/libbase.la \
	$(CRITERION_LIBS)
