# SPDX-License-Identifier: ISC
# The stack on a TCP that only records: tests/unit/fake_tcp.c.
STACK_LAB = tests/unit/stack_lab.c tests/unit/stack_lab.h \
	tests/unit/fake_tcp.c
STACK_LAB_LDADD = daemon/libstack.la daemon/libudp.la daemon/libip.la daemon/libwire.la \
	daemon/libbase.la $(CRITERION_LIBS)

UNIT_TESTS += tests/unit/arp_test tests/unit/ipv4_input_test \
	tests/unit/icmp_test tests/unit/stack_test
tests_unit_arp_test_SOURCES = tests/unit/arp_test.c $(STACK_LAB)
tests_unit_arp_test_LDADD = $(STACK_LAB_LDADD)
tests_unit_ipv4_input_test_SOURCES = tests/unit/ipv4_input_test.c $(STACK_LAB)
tests_unit_ipv4_input_test_LDADD = $(STACK_LAB_LDADD)
tests_unit_icmp_test_SOURCES = tests/unit/icmp_test.c $(STACK_LAB)
tests_unit_icmp_test_LDADD = $(STACK_LAB_LDADD)
tests_unit_stack_test_SOURCES = tests/unit/stack_test.c $(STACK_LAB)
tests_unit_stack_test_LDADD = $(STACK_LAB_LDADD)

# The same with the real TCP.
UNIT_TESTS += tests/unit/stack_pair_test
tests_unit_stack_pair_test_LDADD = daemon/libstack.la daemon/libtcp.la \
	daemon/libudp.la daemon/libip.la daemon/libwire.la daemon/libbase.la $(CRITERION_LIBS)

UNIT_TESTS += tests/unit/nd_test tests/unit/ipv6_input_test tests/unit/ra_test
tests_unit_nd_test_SOURCES = tests/unit/nd_test.c $(STACK_LAB)
tests_unit_nd_test_LDADD = $(STACK_LAB_LDADD)
tests_unit_ipv6_input_test_SOURCES = tests/unit/ipv6_input_test.c $(STACK_LAB)
tests_unit_ipv6_input_test_LDADD = $(STACK_LAB_LDADD)
tests_unit_ra_test_SOURCES = tests/unit/ra_test.c $(STACK_LAB)
tests_unit_ra_test_LDADD = $(STACK_LAB_LDADD)
UNIT_TESTS += tests/unit/reass_test
tests_unit_reass_test_SOURCES = tests/unit/reass_test.c $(STACK_LAB)
tests_unit_reass_test_LDADD = $(STACK_LAB_LDADD)
UNIT_TESTS += tests/unit/dhcp4_test
tests_unit_dhcp4_test_SOURCES = tests/unit/dhcp4_test.c $(STACK_LAB)
tests_unit_dhcp4_test_LDADD = $(STACK_LAB_LDADD)
UNIT_TESTS += tests/unit/udp_test
tests_unit_udp_test_SOURCES = tests/unit/udp_test.c $(STACK_LAB)
tests_unit_udp_test_LDADD = $(STACK_LAB_LDADD)

UNIT_TESTS += tests/unit/local_test
tests_unit_local_test_LDADD = daemon/libstack.la daemon/libtcp.la \
	daemon/libudp.la daemon/libip.la daemon/libwire.la daemon/libbase.la $(CRITERION_LIBS)
